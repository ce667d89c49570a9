package main

import (
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"github.com/aws/smithy-go"

	"firehose-pipeline/internal/printable"
)

// Everything that a command says goes through package printable twice: at its source, where what is data is known,
// and in run, which puts a [printable.Writer] before both outputs. The progress bar alone, whose text is the
// command's own, passes the second one by.

// behind is what a writer of run writes to.
func behind(w io.Writer) io.Writer {
	if fence, ok := w.(*printable.Writer); ok {
		return fence.Out
	}
	return w
}

// line is one line of text, whatever is in its parts.
func line(format string, args ...any) string {
	return printable.Text(fmt.Sprintf(format, args...)) + "\n"
}

// errorText is what an error says. It may have several lines, but all are the command's: what servers say, and
// names of files, which may be keys of objects, are escaped.
func errorText(err error) string {
	text := err.Error()
	for _, said := range foreign(err) {
		if safe := printable.Text(said); safe != said {
			text = strings.ReplaceAll(text, said, safe)
		}
	}
	return printable.Lines(text)
}

// foreign are codes and messages of servers, and names of files, in an error.
func foreign(err error) []string {
	var said []string
	switch from := err.(type) {
	case smithy.APIError:
		said = append(said, from.ErrorMessage(), from.ErrorCode())
	case *fs.PathError:
		said = append(said, from.Path)
	case *os.LinkError:
		said = append(said, from.Old, from.New)
	}
	switch wrapped := err.(type) {
	case interface{ Unwrap() error }:
		if inner := wrapped.Unwrap(); inner != nil {
			said = append(said, foreign(inner)...)
		}
	case interface{ Unwrap() []error }:
		for _, inner := range wrapped.Unwrap() {
			said = append(said, foreign(inner)...)
		}
	}
	return said
}
