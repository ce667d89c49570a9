package main

import (
	"bufio"
	"bytes"
	"compress/flate"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"firehose-pipeline/event"
)

const (
	// longestSample is how many bytes at the start of an input are looked at, at most: a line of the longest record.
	longestSample = 1 << 20
	// sampleBytes and sampleLines bound the sample when the first line alone is not enough.
	sampleBytes = 64 << 10
	sampleLines = 20
)

// source is the input of --events: text with one record a line, out of gzip and without a byte order mark. Its first
// bytes are looked at before any of it is handed out, of a pipe only as many as it takes. A source that holds something
// else than lines of JSON reads as an [unsuitable] error.
type source struct {
	name    string // of the file, or -
	command string // that reads it, as the user calls it
	notes   io.Writer
	// search says that every line goes to a search stream, which takes exactly one object a record. It is set before
	// the first Read.
	search bool
	// anyLayout says that objects may be in any layout, such as in an array.
	anyLayout bool
	// size is the total for a progress bar, in bytes; 0 when it is not known.
	size int64

	in        *bufio.Reader
	closer    io.Closer
	inspected bool
	unpacked  bool // out of gzip
	found     format
	err       error // of inspecting
}

// openEvents opens the file of --events; "-" is the standard input. A file is looked at at once, a pipe when it is
// first read.
func openEvents(path, command string, stdin io.Reader, notes io.Writer) (*source, error) {
	return (&source{name: path, command: command, notes: notes}).open(stdin)
}

func (s *source) open(stdin io.Reader) (*source, error) {
	path := s.name
	if path == "-" {
		s.in, s.closer = bufio.NewReaderSize(&sticky{in: stdin}, longestSample), io.NopCloser(nil)
		return s, nil
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, usageError{fmt.Errorf("--events: %w", err)}
	}
	info, err := file.Stat()
	if err == nil && info.IsDir() {
		err = errors.New("is a folder, must be a file with one event a line")
	}
	if err != nil {
		return nil, usageError{fmt.Errorf("--events: %s: %w", path, errors.Join(err, file.Close()))}
	}
	s.in, s.closer = bufio.NewReaderSize(&sticky{in: file}, longestSample), file
	if !info.Mode().IsRegular() { // a named pipe: its writer may take time
		return s, nil
	}
	s.size = info.Size()
	if err := s.inspect(); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return s, nil
}

// Read implements [io.Reader].
func (s *source) Read(p []byte) (int, error) {
	if err := s.inspect(); err != nil {
		return 0, err
	}
	return s.in.Read(p)
}

// Close closes the file.
func (s *source) Close() error { return s.closer.Close() }

// inspect looks at the start of the input, once, and says whether the rest can be read.
func (s *source) inspect() error {
	if !s.inspected {
		s.inspected = true
		s.found, s.err = s.findFormat()
	}
	refused := s.found.refused && !(s.anyLayout && s.found.objects)
	if s.err == nil && (refused || s.search && s.found.joined) {
		return &unsuitable{s.name, s.command, s.unpacked, s.anyLayout, s.found}
	}
	return s.err
}

// findFormat takes the input out of gzip and away from its byte order mark, and identifies the rest.
func (s *source) findFormat() (format, error) {
	for {
		head, _ := s.in.Peek(2) // an error comes when it is read
		if !event.IsGzip(head) {
			break
		}
		if s.unpacked {
			return gzipTwice, nil
		}
		packed, err := gzip.NewReader(s.in)
		if err != nil {
			return format{}, fmt.Errorf("%s: begins like gzip: %w", s.name, err)
		}
		fmt.Fprintf(s.notes, "note: %s: is gzip, and is decompressed\n", s.name)
		s.in, s.size = bufio.NewReaderSize(&sticky{in: inflated{packed, s.name}}, longestSample), 0
		s.unpacked = true
	}
	const mark = "\xEF\xBB\xBF"
	if head, err := s.in.Peek(1); err == nil && head[0] == mark[0] {
		if head, err := s.in.Peek(len(mark)); err == nil && string(head) == mark {
			if _, err := s.in.Discard(len(mark)); err != nil {
				return format{}, err
			}
			fmt.Fprintf(s.notes, "note: %s: begins with a byte order mark, which is left out\n", s.name)
		}
	}
	return s.identifyStart(), nil
}

// identifyStart looks at as much of the start as it needs. It looks at the bytes at hand before it waits for more.
func (s *source) identifyStart() format {
	for seen := 0; ; {
		sample, _ := s.in.Peek(s.in.Buffered())
		full := len(sample) >= longestSample ||
			len(sample) >= sampleBytes && bytes.IndexByte(bytes.TrimLeft(sample, blanks), '\n') >= 0
		// Without a new line, a little more does not help.
		if full || len(sample)-seen >= 16<<10 || bytes.IndexByte(sample[seen:], '\n') >= 0 {
			seen = len(sample)
			if found, sure := identify(sample, full, false); sure || full {
				return found
			}
		}
		// not only the end: an error comes when the lines before it are read
		if _, err := s.in.Peek(len(sample) + 1); err != nil {
			found, _ := identify(sample, true, true)
			return found
		}
	}
}

// inflated reads gzip; its errors name the file.
type inflated struct {
	packed *gzip.Reader
	name   string
}

func (r inflated) Read(p []byte) (int, error) {
	n, err := r.packed.Read(p)
	var corrupt flate.CorruptInputError
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF):
		err = fmt.Errorf("%s: gzip that is cut off: %w", r.name, err)
	case errors.Is(err, gzip.ErrChecksum), errors.Is(err, gzip.ErrHeader), errors.As(err, &corrupt):
		err = fmt.Errorf("%s: gzip that is damaged: %w", r.name, err)
	}
	return n, err
}

// sticky repeats the error that ended its input: looking ahead must not take it away from who reads.
type sticky struct {
	in  io.Reader
	err error
}

func (s *sticky) Read(p []byte) (n int, err error) {
	if s.err != nil {
		return 0, s.err
	}
	n, s.err = s.in.Read(p)
	return n, s.err
}

// unsuitable rejects an input that holds something else than one event a line.
type unsuitable struct {
	name, command string
	unpacked      bool // out of gzip
	anyLayout     bool // of JSON objects would do
	found         format
}

func (u *unsuitable) Error() string {
	text := fmt.Sprintf("%s: is %s, must have one event (one JSON object) a line; nothing was sent", u.name,
		u.found.name)
	if u.anyLayout {
		text = fmt.Sprintf("%s: is %s, must have JSON objects", u.name, u.found.name)
	}
	if u.found.filter == "" {
		return text
	}
	input := "< " + quote(u.name)
	if u.name == "-" {
		input = "< FILE"
	}
	convert := u.found.filter + " " + input
	switch {
	case u.unpacked && u.found.needsFile:
		convert = "gzip -dc " + input + " > unpacked && " + u.found.filter + " unpacked"
	case u.unpacked:
		convert = "gzip -dc " + input + " | " + u.found.filter
	case u.found.needsFile:
		convert = u.found.filter + strings.TrimPrefix(input, "<")
	}
	return fmt.Sprintf("%s. This converts it:\n  %s | %s --events - …", text, convert, u.command)
}

// sayEmpty names an input in which no line was a record.
func sayEmpty(to io.Writer, name string) { fmt.Fprintf(to, "%s: no events\n", name) }

// sayNoEvent names an input of which every record is a dead letter.
func sayNoEvent(to io.Writer, name string) {
	fmt.Fprintf(to, "%s: no line is an event, must have one JSON object a line; the lines sent become dead letters\n",
		name)
}
