package audit

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

// decompress undoes an object's compression.
func decompress(file io.Reader, compression string) (io.Reader, error) {
	if compression != "GZIP" {
		return file, nil
	}
	return gzip.NewReader(file)
}

func trimLineEnd(line []byte) []byte { return bytes.TrimRight(line, " \t\r\n") }

// compareSequence checks objects that hold the records as they were put, byte after byte. Nothing marks where one ends,
// so the records' own lengths do: each object is read along the records that follow the last one read. Where the
// content is not that of the record expected, the record that it is is looked up by its fingerprint.
func (c *checker) compareSequence(place template.S3Output, where string, lost recordFlags) error {
	s := &sequence{checker: c, seen: make([]uint8, len(c.lettered)), where: where, lost: lost}
	if err := s.readObjects(place); err != nil {
		return err
	}
	return c.expectations.forEach(func(e *expectation) error {
		if s.seen[e.number] == 0 && s.leavesTrace(e) {
			c.addFinding(Missing, where, e.number, "")
		}
		return nil
	})
}

type sequence struct {
	*checker
	where string
	lost  recordFlags // records of which this is known are not looked for
	seen  []uint8     // how often each record was found, at most 255

	// order has the records of each shard in order, from the last one found; without a data stream there is one.
	order []*cursor
	last  int // the shard of the last record found

	// For content that does not follow: made when it is first needed.
	records map[uint64][]place // by fingerprint
	lengths []int              // of all records, each once
}

// leavesTrace reports whether a record leaves a trace in the objects.
func (s *sequence) leavesTrace(e *expectation) bool {
	return e.bytes > 0 && s.flags[e.index]&s.lost == 0
}

func (s *sequence) readObjects(from template.S3Output) error {
	for shard := range s.expectations.shards {
		s.order = append(s.order, &cursor{expectations: s.expectations, wanted: func(e *expectation) bool {
			return e.shard == shard && s.leavesTrace(e)
		}})
		defer s.order[shard].close()
	}
	return s.walkObjects(from.Prefix, func(key string, file *os.File) error {
		place, err := s.addPlace(key)
		if err != nil {
			return err
		}
		content, err := decompress(file, from.Compression)
		if err == nil {
			err = s.readObject(content, place)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", key, err)
		}
		return nil
	})
}

func (s *sequence) readObject(content io.Reader, place int) error {
	in := bufio.NewReaderSize(content, firehose.MaxRecordBytes+1)
	offset, lost := int64(0), false
	for {
		if _, err := in.Peek(1); err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
		n, err := s.matchRecord(in, s.placeAt(place, offset))
		if err != nil {
			return err
		}
		if n == 0 {
			// Nothing that was put begins here.
			if !lost {
				s.addFinding(Unknown, s.where, 0, s.placeName(s.placeAt(place, offset)))
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

// place is where a record was put.
type place struct {
	number int64
	shard  int
}

// matchRecord returns the length of the record that the content begins with, 0 when there is none.
func (s *sequence) matchRecord(in *bufio.Reader, whose uint64) (int, error) {
	for i := range s.order {
		shard := (s.last + i) % len(s.order)
		next, err := s.order[shard].peekNext()
		if err != nil {
			return 0, err
		}
		if next == nil {
			continue
		}
		content, err := in.Peek(next.bytes)
		if err == nil && s.print.ofBytes(content) == next.raw && s.seen[next.number] == 0 {
			s.seen[next.number]++
			s.order[shard].ready, s.last = false, shard
			return next.bytes, nil
		}
		if err != nil && err != io.EOF {
			return 0, err
		}
	}
	return s.lookUpRecord(in, whose)
}

// lookUpRecord finds the record by fingerprint: of equal ones the first not yet found.
func (s *sequence) lookUpRecord(in *bufio.Reader, whose uint64) (int, error) {
	if err := s.indexRecords(); err != nil {
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
		places := s.records[s.print.ofBytes(content)]
		if len(places) == 0 {
			continue
		}
		found := places[0]
		for _, p := range places {
			if s.seen[p.number] == 0 {
				found = p
				break
			}
		}
		if s.seen[found.number] > 0 {
			s.addFinding(Doubled, s.where, found.number, s.placeName(whose))
			return length, nil
		}
		s.seen[found.number], s.last = 1, found.shard
		return length, s.order[found.shard].skipPast(found.number)
	}
	return 0, nil
}

func (s *sequence) indexRecords() error {
	if s.records != nil {
		return nil
	}
	s.records = map[uint64][]place{}
	lengths := map[int]bool{}
	err := s.expectations.forEach(func(e *expectation) error {
		if s.leavesTrace(e) {
			s.records[e.raw] = append(s.records[e.raw], place{e.number, e.shard})
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
	expectations *Expectations
	wanted       func(*expectation) bool
	file         *os.File
	in           *bufio.Reader
	left         int64
	current      expectation
	ready        bool
}

// peekNext returns the next entry of a record that is there, nil at the end.
func (c *cursor) peekNext() (*expectation, error) {
	if c.file == nil {
		if err := c.rewind(); err != nil {
			return nil, err
		}
	}
	for !c.ready {
		if c.left == 0 {
			return nil, nil
		}
		if err := c.current.readFrom(c.in); err != nil {
			return nil, err
		}
		c.current.index = c.expectations.count - c.left
		c.left--
		c.ready = c.wanted(&c.current)
	}
	return &c.current, nil
}

// takeNext returns the next entry of a record that is there, nil at the end. It is valid until the next call.
func (c *cursor) takeNext() (*expectation, error) {
	e, err := c.peekNext()
	c.ready = false
	return e, err
}

// skipPast makes the record after this one the next.
func (c *cursor) skipPast(number int64) error {
	next, err := c.peekNext()
	if err != nil {
		return err
	}
	if next == nil || next.number > number {
		if err := c.rewind(); err != nil {
			return err
		}
	}
	for {
		next, err := c.peekNext()
		if err != nil || next == nil || next.number > number {
			return err
		}
		c.ready = false
	}
}

func (c *cursor) rewind() (err error) {
	if c.file == nil {
		if c.file, err = os.Open(c.expectations.name); err != nil {
			return err
		}
		c.in = bufio.NewReaderSize(c.file, 64<<10)
	}
	if _, err := c.file.Seek(0, io.SeekStart); err != nil {
		return err
	}
	c.in.Reset(c.file)
	c.left, c.ready = c.expectations.count, false
	return nil
}

func (c *cursor) close() {
	if c.file != nil {
		_ = c.file.Close() // it was only read
	}
}
