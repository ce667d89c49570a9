package infer

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"iter"

	"firehose-pipeline/errorobject"
	"firehose-pipeline/internal/jsonscan"
)

// BrokenError is a part of an input that is not an event.
type BrokenError struct {
	Line   int64  `json:"line,omitempty"`   // from 1; 0 when the input is no text of lines
	Offset int64  `json:"offset"`           // of its first byte
	Length int64  `json:"length,omitempty"` // 0 when it is not known
	Reason string `json:"reason"`
}

func (e *BrokenError) Error() string {
	if e.Line == 0 {
		return fmt.Sprintf("byte %d: %s", e.Offset, e.Reason)
	}
	return fmt.Sprintf("line %d: %s", e.Line, e.Reason)
}

// Objects yields the events of a text: objects one a line, over several lines, one after the other, or in an array, and
// the records in an error object of Firehose. An object is valid until the next. A part that is not an event comes as a
// [*BrokenError], and reading goes on after it; any other error ends the sequence.
func Objects(r io.Reader) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		in := newReader(r)
		for {
			object, err := in.next()
			switch {
			case err == io.EOF:
				return
			case err == errErrorObject:
				failures(in.rest(), yield)
				return
			}
			if !yield(object, err) || err != nil && !errors.As(err, new(*BrokenError)) {
				return
			}
		}
	}
}

// failures yields the events of the records in an error object.
func failures(r io.Reader, yield func([]byte, error) bool) {
	documents := errorobject.NewReader(r)
	for {
		failure, err := documents.Next()
		var unreadable *errorobject.UnreadableError
		switch {
		case err == io.EOF:
			return
		case errors.As(err, &unreadable):
			if !yield(nil, &BrokenError{Offset: unreadable.Offset, Length: unreadable.Length, Reason: "error object: " +
				unreadable.Err.Error()}) {
				return
			}
			continue
		case err != nil:
			yield(nil, err)
			return
		case len(failure.RawData) == 0:
			if !yield(nil, &BrokenError{Offset: failure.Offset, Length: failure.Length,
				Reason: "error object: a failure without its record"}) {
				return
			}
			continue
		}
		record := newReader(bytes.NewReader(failure.RawData))
		record.begun = true // an event may look like an error object
		for {
			object, err := record.next()
			if err == io.EOF {
				break
			}
			var broken *BrokenError
			if errors.As(err, &broken) {
				err = &BrokenError{Offset: failure.Offset, Length: failure.Length,
					Reason: "record in an error object: " + broken.Reason}
			}
			if !yield(object, err) {
				return
			}
		}
	}
}

// errErrorObject ends reading of what turns out to be an error object.
var errErrorObject = errors.New("error object of Firehose")

// reader finds the ends of objects in a text.
type reader struct {
	in   io.Reader
	err  error // of in, or io.EOF
	scan *jsonscan.Scanner

	buf        []byte
	start, end int   // of what is in buf and not yet handed out
	line       int64 // of buf[start]
	offset     int64 // of buf[start]
	indent     int   // blanks between the last line feed and buf[start]
	noNewline  int   // in buf[start:noNewline] there is none

	begun bool // something else than white space has been read
	array bool // inside an array of events
	after bool // an object has been read, so that a comma may follow
}

func newReader(r io.Reader) *reader {
	return &reader{in: r, scan: jsonscan.NewScanner(jsonscan.NewNames(errorKeys...)), line: 1}
}

// errorKeys are keys of the documents in an error object.
var errorKeys = []string{"rawData", "attemptsMade", "arrivalTimestamp", "errorCode", "lastErrorCode"}

// next returns the next object, a *BrokenError, io.EOF or the error of the input.
func (r *reader) next() ([]byte, error) {
	for {
		if !r.skipBlanks() {
			return nil, r.err
		}
		first := !r.begun
		r.begun = true
		switch c := r.buf[r.start]; {
		case c == '{':
			return r.object(first)
		case first && c == '[' && r.beginsArray():
			r.array = true
			r.advance(1)
		case c == ',' && r.after:
			r.after = false
			r.advance(1)
		case c == ']' && r.array:
			r.array, r.after = false, false
			r.advance(1)
		default:
			return nil, r.skipLine("not a JSON object", 0)
		}
	}
}

// rest is the input from the first object on.
func (r *reader) rest() io.Reader {
	return io.MultiReader(bytes.NewReader(r.buf[r.start:r.end]), r.in)
}

// fill reads more; false when there is none, or no room.
func (r *reader) fill() bool {
	if r.err != nil {
		return false
	}
	if r.end == len(r.buf) {
		if r.start > 0 && r.start >= len(r.buf)/2 {
			copy(r.buf, r.buf[r.start:r.end])
			r.noNewline = max(0, r.noNewline-r.start)
			r.start, r.end = 0, r.end-r.start
		} else if r.end-r.start < maxObjectBytes {
			larger := make([]byte, max(256<<10, 2*len(r.buf)))
			copy(larger, r.buf[r.start:r.end])
			r.noNewline = max(0, r.noNewline-r.start)
			r.start, r.end, r.buf = 0, r.end-r.start, larger
		} else {
			return false
		}
	}
	for range 100 {
		n, err := r.in.Read(r.buf[r.end:])
		r.end += n
		if err != nil {
			r.err = err
		}
		if n > 0 || err != nil {
			return n > 0
		}
	}
	r.err = io.ErrNoProgress
	return false
}

// skipBlanks moves to the next byte that is no white space; false at the end of the input.
func (r *reader) skipBlanks() bool {
	for {
		for r.start < r.end {
			switch r.buf[r.start] {
			case '\n':
				r.line++
				r.indent = -1
			case ' ', '\t', '\r':
			default:
				return true
			}
			r.indent++
			r.start++
			r.offset++
		}
		if !r.fill() {
			return false
		}
	}
}

// advance moves on by n bytes.
func (r *reader) advance(n int) {
	passed := r.buf[r.start : r.start+n]
	if lines := bytes.Count(passed, newline); lines > 0 {
		r.line += int64(lines)
		r.indent = n - 1 - bytes.LastIndexByte(passed, '\n')
	} else {
		r.indent += n
	}
	r.start += n
	r.offset += int64(n)
}

var newline = []byte{'\n'}

// beginsArray reports whether the bracket begins an array of objects.
func (r *reader) beginsArray() bool {
	for at := r.start + 1; ; {
		if at = jsonscan.SkipSpace(r.buf[:r.end], at); at < r.end {
			return r.buf[at] == '{'
		}
		if used := at - r.start; !r.fill() {
			return false
		} else {
			at = r.start + used
		}
	}
}

// object reads the object whose brace is buf[start].
func (r *reader) object(first bool) ([]byte, error) {
	for {
		size, ended := r.firstLine()
		end, problem := r.check(size, first)
		switch {
		case problem == jsonscan.None:
			return r.found(end-r.start, first)
		case problem != jsonscan.UnexpectedEnd:
			return nil, r.skipBroken(problem, end-r.start)
		case ended:
			return r.objectOfLines(first)
		case !r.double():
			return nil, r.cutOff()
		}
	}
}

// check finds the end of the object in its first bytes. Only of the first object of an input the keys matter.
func (r *reader) check(size int, first bool) (int, jsonscan.Problem) {
	if first {
		return r.scan.Object(r.buf[:r.start+size], r.start)
	}
	return jsonscan.Value(r.buf[:r.start+size], r.start)
}

// double reads until there is twice as much of the object that begins at start, so that the time to scan it anew stays
// linear.
func (r *reader) double() bool {
	before := r.end - r.start
	for r.end-r.start < min(2*before, maxObjectBytes) && r.fill() {
	}
	return r.end-r.start > before
}

// firstLine returns how much of the line at start there is, and whether it ends in buf.
func (r *reader) firstLine() (size int, ended bool) {
	from := max(r.start, r.noNewline)
	if at := bytes.IndexByte(r.buf[from:r.end], '\n'); at >= 0 {
		return from + at - r.start, true
	}
	r.noNewline = r.end
	return r.end - r.start, false
}

// objectOfLines reads an object whose end is not on its first line. A line that begins with a brace, no deeper than the
// object does, is another object: then this one is cut off, and is not to swallow those behind it.
func (r *reader) objectOfLines(first bool) ([]byte, error) {
	searched := 0
	for {
		size, ended := r.nextBrace(searched)
		end, problem := r.check(size, first)
		switch {
		case problem == jsonscan.None:
			return r.found(end-r.start, first)
		case problem != jsonscan.UnexpectedEnd || ended:
			return nil, r.skipBroken(problem, end-r.start)
		}
		if searched = size; !r.double() {
			return nil, r.cutOff()
		}
	}
}

// nextBrace returns the distance to the next line, after the first searched bytes, that begins with a brace in the
// columns up to that of the object; without one, the size of what there is.
func (r *reader) nextBrace(searched int) (size int, ended bool) {
	text := r.buf[r.start:r.end]
	at := max(0, bytes.LastIndexByte(text[:searched], '\n'))
	for {
		n := bytes.IndexByte(text[at:], '\n')
		if n < 0 {
			return len(text), false
		}
		at += n + 1
		column := at
		for column < len(text) && (text[column] == ' ' || text[column] == '\t') && column-at < r.indent {
			column++
		}
		if column < len(text) && text[column] == '{' {
			return at, true
		}
	}
}

// found hands out the object of so many bytes.
func (r *reader) found(size int, first bool) ([]byte, error) {
	if first && r.isErrorDocument() {
		return nil, errErrorObject
	}
	object := r.buf[r.start : r.start+size : r.start+size]
	r.advance(size)
	r.after = true
	return object, nil
}

// isErrorDocument reports whether the object that was scanned last is a document of an error object.
func (r *reader) isErrorDocument() bool {
	at := r.scan.Found
	return at[0] >= 0 && r.scan.Members[at[0]].Kind == jsonscan.String && at[1] >= 0 && at[2] >= 0 &&
		(at[3] >= 0 || at[4] >= 0)
}

// cutOff is for an object that has no end.
func (r *reader) cutOff() error {
	if r.err != nil && r.err != io.EOF {
		return r.err
	}
	if r.err == nil {
		return r.skipLine(fmt.Sprintf("an object of more than %d MiB", maxObjectBytes>>20), 0)
	}
	return r.skipBroken(jsonscan.UnexpectedEnd, r.end-r.start)
}

// skipBroken passes over an object that has a problem at the offset from its start.
func (r *reader) skipBroken(problem jsonscan.Problem, at int) error {
	reason := fmt.Sprintf("%v at byte %d", problem, at+1)
	lines := bytes.IndexByte(r.buf[r.start:min(r.start+at, r.end)], '\n') >= 0
	if !lines {
		return r.skipLine(reason, 0)
	}
	return r.skipLine(reason, r.indent+1)
}

// skipLine passes over the rest of the line; with columns, also over lines that do not begin with a brace in those.
func (r *reader) skipLine(reason string, columns int) error {
	broken := &BrokenError{Line: r.line, Offset: r.offset, Reason: reason}
	r.after = false
	for {
		size, ended := r.firstLine()
		if !ended {
			r.advance(size)
			if !r.fill() {
				break
			}
			continue
		}
		r.advance(size + 1)
		if columns == 0 || !r.skipBlanks() || r.buf[r.start] == '{' && r.indent < columns {
			break
		}
	}
	broken.Length = r.offset - broken.Offset
	return broken
}
