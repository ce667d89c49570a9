package local

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"os"
	"slices"

	"github.com/klauspost/compress/gzip"

	"firehose-pipeline/local/firehose"
	"firehose-pipeline/local/template"
)

// unpack undoes an object's compression.
func unpack(file io.Reader, compression string) (io.Reader, error) {
	if compression != "GZIP" {
		return file, nil
	}
	return gzip.NewReader(file)
}

func trimDocument(line []byte) []byte { return bytes.TrimRight(line, " \t\r\n") }

// sequence checks objects that hold the records as they were put, byte after byte. Nothing marks where one ends, so the
// records' own lengths do: each object is read along the records that follow the last one read. Where the content is not
// that of the record expected, the record that it is is looked up by its fingerprint.
func (c *checker) sequence(place template.S3Output, where string, lost known) error {
	s := &sequence{checker: c, seen: make([]uint8, len(c.lettered)), where: where, lost: lost}
	if err := s.follow(place); err != nil {
		return err
	}
	return c.journal.read(func(e *entry) error {
		if s.seen[e.number] == 0 && s.there(e) {
			c.find(Missing, where, e.number, "")
		}
		return nil
	})
}

type sequence struct {
	*checker
	where string
	lost  known   // records of which this is known are not looked for
	seen  []uint8 // how often each record was found, at most 255

	order *cursor // the records in order, from the last one found

	// For content that does not follow: made when it is first needed.
	records map[uint64][]int64 // numbers by fingerprint
	lengths []int              // of all records, each once
}

// there reports whether a record leaves a trace in the objects.
func (s *sequence) there(e *entry) bool { return e.bytes > 0 && s.known[e.index]&s.lost == 0 }

func (s *sequence) follow(from template.S3Output) error {
	s.order = &cursor{journal: s.journal, there: s.there}
	defer s.order.close()
	return s.walk(from.Prefix, func(key string, file *os.File) error {
		place, err := s.newPlace(key)
		if err != nil {
			return err
		}
		content, err := unpack(file, from.Compression)
		if err == nil {
			err = s.object(content, place)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", key, err)
		}
		return nil
	})
}

func (s *sequence) object(content io.Reader, place int) error {
	in := bufio.NewReaderSize(content, firehose.MaxRecordBytes+1)
	offset, lost := int64(0), false
	for {
		if _, err := in.Peek(1); err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
		n, err := s.record(in, s.place(place, offset))
		if err != nil {
			return err
		}
		if n == 0 {
			// Nothing that was put begins here.
			if !lost {
				s.find(Unknown, s.where, 0, s.placeName(s.place(place, offset)))
			}
			lost, n = true, 1
		} else {
			lost = false
		}
		if _, err := in.Discard(n); err != nil {
			return err
		}
		offset += int64(n)
	}
}

// record returns the length of the record that the content begins with, 0 when there is none.
func (s *sequence) record(in *bufio.Reader, whose uint64) (int, error) {
	next, err := s.order.peek()
	if err != nil {
		return 0, err
	}
	if next != nil {
		content, err := in.Peek(next.bytes)
		if err == nil && s.print.bytes(content) == next.raw && s.seen[next.number] == 0 {
			s.seen[next.number]++
			s.order.ready = false
			return next.bytes, nil
		}
		if err != nil && err != io.EOF {
			return 0, err
		}
	}
	return s.lookup(in, whose)
}

// lookup finds the record by fingerprint: of equal ones the first not yet found.
func (s *sequence) lookup(in *bufio.Reader, whose uint64) (int, error) {
	if err := s.index(); err != nil {
		return 0, err
	}
	for _, length := range s.lengths {
		content, err := in.Peek(length)
		if err == io.EOF {
			break // lengths go up
		}
		if err != nil {
			return 0, err
		}
		numbers := s.records[s.print.bytes(content)]
		if len(numbers) == 0 {
			continue
		}
		number := numbers[0]
		for _, n := range numbers {
			if s.seen[n] == 0 {
				number = n
				break
			}
		}
		if s.seen[number] > 0 {
			s.find(Doubled, s.where, number, s.placeName(whose))
			return length, nil
		}
		s.seen[number] = 1
		return length, s.order.moveBehind(number)
	}
	return 0, nil
}

func (s *sequence) index() error {
	if s.records != nil {
		return nil
	}
	s.records = map[uint64][]int64{}
	lengths := map[int]bool{}
	err := s.journal.read(func(e *entry) error {
		if s.there(e) {
			s.records[e.raw] = append(s.records[e.raw], e.number)
			lengths[e.bytes] = true
		}
		return nil
	})
	for length := range lengths {
		s.lengths = append(s.lengths, length)
	}
	slices.Sort(s.lengths)
	return err
}

// cursor walks along the journal.
type cursor struct {
	journal *journal
	there   func(*entry) bool
	file    *os.File
	in      *bufio.Reader
	left    int64
	current entry
	ready   bool
}

// peek returns the next entry of a record that is there, nil at the end.
func (c *cursor) peek() (*entry, error) {
	if c.file == nil {
		if err := c.rewind(); err != nil {
			return nil, err
		}
	}
	for !c.ready {
		if c.left == 0 {
			return nil, nil
		}
		if err := c.current.read(c.in); err != nil {
			return nil, err
		}
		c.current.index = c.journal.count - c.left
		c.left--
		c.ready = c.there(&c.current)
	}
	return &c.current, nil
}

// moveBehind makes the record after this one the next.
func (c *cursor) moveBehind(number int64) error {
	next, err := c.peek()
	if err != nil {
		return err
	}
	if next == nil || next.number > number {
		if err := c.rewind(); err != nil {
			return err
		}
	}
	for {
		next, err := c.peek()
		if err != nil || next == nil || next.number > number {
			return err
		}
		c.ready = false
	}
}

func (c *cursor) rewind() (err error) {
	if c.file == nil {
		if c.file, err = os.Open(c.journal.name); err != nil {
			return err
		}
		c.in = bufio.NewReaderSize(c.file, 64<<10)
	}
	if _, err := c.file.Seek(0, io.SeekStart); err != nil {
		return err
	}
	c.in.Reset(c.file)
	c.left, c.ready = c.journal.count, false
	return nil
}

func (c *cursor) close() {
	if c.file != nil {
		_ = c.file.Close() // it was only read
	}
}
