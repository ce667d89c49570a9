package main

import (
	"fmt"
	"io"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/aws/smithy-go"

	"firehose-pipeline/internal/plural"
	"firehose-pipeline/internal/printable"
)

// Everything that a command says goes through package printable twice: at its source, where data is known as such,
// and in run, which puts a [printable.Writer] before both outputs. The progress bar alone, whose text is the
// command's own, passes the second one by.

// unwrapPrintable is the writer below a writer of run.
func unwrapPrintable(w io.Writer) io.Writer {
	if fence, ok := w.(*printable.Writer); ok {
		return fence.Out
	}
	return w
}

// oneLine is one line of text, whatever is in its parts.
func oneLine(format string, args ...any) string {
	return printable.Text(fmt.Sprintf(format, args...)) + "\n"
}

// errorText is the text of an error. It may have several lines, but all are the command's: texts of servers, and
// names of files, which may be keys of objects, are escaped.
func errorText(err error) string {
	text := err.Error()
	for _, said := range foreignTexts(err) {
		if safe := printable.Text(said); safe != said {
			text = strings.ReplaceAll(text, said, safe)
		}
	}
	return printable.Lines(text)
}

// foreignTexts are codes and messages of servers, and names of files, in an error.
func foreignTexts(err error) []string {
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
			said = append(said, foreignTexts(inner)...)
		}
	case interface{ Unwrap() []error }:
		for _, inner := range wrapped.Unwrap() {
			said = append(said, foreignTexts(inner)...)
		}
	}
	return said
}

func count(n int64, what string) string { return counted(n, what+"{|s}") }

// counted is a number and a text in the form of [plural.Of].
func counted(n int64, what string) string { return thousands(n) + " " + plural.Of(n, what) }

// thousands writes a number with a comma between thousands.
func thousands(n int64) string {
	text := strconv.FormatInt(n, 10)
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}

func seconds(s float64) string {
	return (time.Duration(s*1000) * time.Millisecond).String()
}

func formatMegabytes(n int64) string { return fmt.Sprintf("%.2f", float64(n)/1e6) }

// shorten is the beginning of a text, on one line and printable.
func shorten(text string) string {
	characters := []rune(printable.Text(text))
	if len(characters) <= cellWidth {
		return string(characters)
	}
	return string(characters[:cellWidth-1]) + "…"
}

func quote(text string) string {
	if text != "" && strings.Trim(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./=+,:@%") == "" {
		return text
	}
	if !strings.ContainsAny(text, "\"$`\\!") {
		return `"` + text + `"`
	}
	return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'"
}

func flushTable(w *tabwriter.Writer) {
	_ = w.Flush() // the writer below is a strings.Builder, which never fails
}
