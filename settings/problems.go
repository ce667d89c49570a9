package settings

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// Problems is the error of [Load]: every problem found, one line each, in the order of [List], unknown settings last. A
// line names the place of the offending value: a key of the context, environments.<name>.<key> in a block, or
// VARIABLE (key) for an environment variable.
type Problems []string

// Error joins the problems with newlines.
func (p Problems) Error() string { return strings.Join(p, "\n") }

// found is a problem with its place in the order of the report.
type found struct {
	row   int    // of the table; the context itself comes before, unknown settings after
	layer int    // as the layers override each other
	name  string // as printed
	text  string
}

const (
	contextRow = -1
	unknownRow = 1 << 30
)

type report []found

func (r *report) add(row, layer int, name, format string, args ...any) {
	*r = append(*r, found{row, layer, name, fmt.Sprintf(format, args...)})
}

func (r report) problems() Problems {
	slices.SortStableFunc(r, func(a, b found) int {
		if a.row == unknownRow && b.row == unknownRow {
			return strings.Compare(a.name, b.name)
		}
		return cmp.Or(cmp.Compare(a.row, b.row), cmp.Compare(a.layer, b.layer))
	})
	lines := make(Problems, 0, len(r))
	for _, f := range r {
		lines = append(lines, f.name+": "+f.text)
	}
	return lines
}

const longestShown = 80 // characters of an offending value

// showValue renders a JSON value for a message: on one line, printable and not too long.
func showValue(raw json.RawMessage) string {
	var line bytes.Buffer
	if err := json.Compact(&line, raw); err != nil {
		return printable(string(raw))
	}
	return printable(line.String())
}

// printable cuts the text and escapes characters that a terminal does not print.
func printable(text string) string {
	var out strings.Builder
	count := 0
	for _, r := range text {
		if count++; count > longestShown {
			out.WriteString("…")
			break
		}
		if unicode.IsPrint(r) {
			out.WriteRune(r)
		} else {
			fmt.Fprintf(&out, `\u%04x`, r)
		}
	}
	return out.String()
}

var plainKey = regexp.MustCompile(`^[A-Za-z0-9_.-]{1,80}$`)

// showKey renders an undeclared key.
func showKey(key string) string {
	if plainKey.MatchString(key) {
		return key
	}
	return printable(strconv.Quote(key))
}
