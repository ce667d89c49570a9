package schema

import (
	"strings"

	"firehose-pipeline/internal/printable"
)

// Problem is one thing that is wrong with a schema file.
type Problem struct {
	// Pointer is the place in the schema file, a JSON Pointer (RFC 6901); empty for the file as a whole.
	Pointer string
	// Message says what is accepted and what came.
	Message string
}

// String is the problem on one line, harmless on a terminal.
func (p Problem) String() string { return printable.Text("#" + p.Pointer + ": " + p.Message) }

// Error is all that is wrong with a schema file.
type Error struct {
	Path     string // of the file; empty when the schema did not come from one
	Problems []Problem
}

// Error has one line for each problem.
func (e *Error) Error() string {
	lines := make([]string, len(e.Problems))
	for i, p := range e.Problems {
		lines[i] = p.String()
		if e.Path != "" {
			lines[i] = printable.Text(e.Path) + lines[i]
		}
	}
	return strings.Join(lines, "\n")
}
