package audit

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"time"

	"firehose-pipeline/event"
	"firehose-pipeline/functions/transform"
	"firehose-pipeline/internal/eventid"
	"firehose-pipeline/internal/jsonscan"
	"firehose-pipeline/local/parquet"
	"firehose-pipeline/local/results"
	"firehose-pipeline/local/template"
)

// Expectations notes the expected outcome of each record put, for Check: fingerprints, not the record. The transform's
// output is found by running the transform's own package here.
//
// The work is done beside Put, on copies of the records, a few chunks at a time.
type Expectations struct {
	name   string // of the file
	config template.Stream
	print  *fingerprints

	chunk  *chunk
	chunks chan *chunk
	spare  chan *chunk
	failed chan struct{}
	done   chan struct{}
	err    error // of the goroutine, once failed is closed
	closed bool

	file      *os.File
	out       *bufio.Writer
	processor *event.Processor // nil without a transform
	rows      *rowPrints       // nil without Parquet
	prints    []uint64
	output    []byte
	line      []byte
	scanner   *jsonscan.Scanner
	id        eventid.Path
	idStart   []byte // how a record begins whose first member is the id, as most do
	count     int64
	shards    int // of the data stream that records were read from, 1 without one
}

// outcome is the place where a record has to end.
type outcome byte

const (
	toStore  outcome = iota // in the store, or in the dead-letter queue
	nowhere                 // dropped by rule, or in the dead-letter queue
	toLetter                // in the dead-letter queue, as it was put
	toErrors                // in the dead-letter queue, as the transform left it: it cannot be converted
)

// expectation is one record put.
type expectation struct {
	number  int64 // of the record among those offered, from 1
	index   int64 // among those put, from 0: the stream's own number
	origin  int64 // number in the data stream that the record was read from; number itself without one
	shard   int   // of the data stream, 0 without one
	outcome outcome
	bytes   int
	raw     uint64   // fingerprint of the record
	out     uint64   // of the transform's output
	rows    []uint64 // of the parts of the output in the store, one by one
	eventID []byte
	line    []byte // the notes that it was read from
}

// Put is a record that a stream has taken.
type Put struct {
	Number int64 // among those offered, from 1
	// Origin is its number in the data stream that it was read from, from 1: a record that is read twice has two
	// numbers and one origin. Without a data stream it is Number.
	Origin int64
	Shard  int // of the data stream
	// Elsewhere says that the record is a replay for the other store: the transform drops it.
	Elsewhere bool
}

// chunk is some records on their way to the notes.
type chunk struct {
	data    []byte
	ends    []int
	records []Put
	flushed chan struct{} // closed when everything up to here is in the file
}

const chunkBytes = 256 << 10

// Events are what a run's events are: their schema, nil without a transform, and the key of hashed fields.
type Events struct {
	Layout  *event.Layout
	HashKey []byte
}

// idPath leads to the id of an event in findings; it is empty for none.
func (e Events) idPath() eventid.Path {
	if e.Layout == nil || e.Layout.Schema().EventID == nil {
		return nil
	}
	return eventid.ParsePath(e.Layout.Schema().EventID.Pointer)
}

// NewExpectations starts the notes about one stream, in a file of the folder.
func NewExpectations(f *results.Folder, config template.Stream, events Events) (*Expectations, error) {
	x := &Expectations{
		name: f.Path(results.CheckDir + "/" + string(config.Kind)), config: config,
		print:  newFingerprints(config.Transform != nil),
		chunks: make(chan *chunk, 2), spare: make(chan *chunk, 4), failed: make(chan struct{}),
		done:    make(chan struct{}),
		scanner: jsonscan.NewScanner(jsonscan.NewNames(events.idPath()...)), id: events.idPath(),
	}
	if len(x.id) == 1 {
		key, err := json.Marshal(x.id[0])
		if err != nil {
			return nil, fmt.Errorf("preparing check: %w", err)
		}
		x.idStart = fmt.Appendf(nil, `{%s:"`, key)
	}
	if t := config.Transform; t != nil {
		settings, err := transform.SettingsFrom(func(name string) string { return t.Function.Environment[name] })
		if err != nil {
			return nil, fmt.Errorf("preparing check: %w", err)
		}
		x.processor, err = event.NewProcessor(events.Layout, settings.Stream,
			event.Options{DropEventTypes: settings.DropEventTypes, HashKey: events.HashKey})
		if err != nil {
			return nil, fmt.Errorf("preparing check: %w", err)
		}
		x.processor.SetTime(time.Unix(0, 0)) // any: fingerprints leave it out
	}
	if config.S3 != nil && config.S3.Conversion != nil {
		var err error
		if x.rows, err = newRowPrints(config.S3.Conversion, x.print); err != nil {
			return nil, fmt.Errorf("preparing check: %w", err)
		}
	}
	if err := os.MkdirAll(f.Path(results.CheckDir), 0o700); err != nil {
		return nil, fmt.Errorf("preparing check: %w", err)
	}
	var err error
	if x.file, err = os.OpenFile(x.name, os.O_CREATE|os.O_RDWR|os.O_TRUNC, 0o600); err != nil {
		return nil, fmt.Errorf("preparing check: %w", err)
	}
	x.out = bufio.NewWriterSize(x.file, 64<<10)
	x.chunk = x.nextChunk()
	go x.writeChunks()
	return x, nil
}

func (x *Expectations) nextChunk() *chunk {
	select {
	case c := <-x.spare:
		c.data, c.ends, c.records = c.data[:0], c.ends[:0], c.records[:0]
		return c
	default:
		return &chunk{data: make([]byte, 0, chunkBytes)}
	}
}

// Add notes a record that has been put.
func (x *Expectations) Add(put Put, record []byte) error {
	c := x.chunk
	c.data = append(c.data, record...)
	c.ends = append(c.ends, len(c.data))
	c.records = append(c.records, put)
	if len(c.data) < chunkBytes {
		return nil
	}
	return x.sendChunk()
}

func (x *Expectations) sendChunk() error {
	select {
	case x.chunks <- x.chunk:
		x.chunk = x.nextChunk()
		return nil
	case <-x.failed:
		return x.err
	}
}

// flushAll puts everything into the file.
func (x *Expectations) flushAll() error {
	flushed := make(chan struct{})
	x.chunk.flushed = flushed
	if err := x.sendChunk(); err != nil {
		return err
	}
	select {
	case <-flushed:
		return nil
	case <-x.failed:
		return x.err
	}
}

// Close ends the work and closes the file.
func (x *Expectations) Close() error {
	if x.closed {
		return nil
	}
	x.closed = true
	close(x.chunks)
	<-x.done
	return x.file.Close()
}

func (x *Expectations) writeChunks() {
	defer close(x.done)
	for c := range x.chunks {
		if err := x.writeChunk(c); err != nil {
			x.err = fmt.Errorf("noting records for the check: %w", err)
			close(x.failed)
			return
		}
		if c.flushed != nil {
			close(c.flushed)
			c.flushed = nil
		}
		select {
		case x.spare <- c:
		default:
		}
	}
}

func (x *Expectations) writeChunk(c *chunk) error {
	from := 0
	for i, end := range c.ends {
		if err := x.noteRecord(c.records[i], c.data[from:end]); err != nil {
			return err
		}
		from = end
	}
	if c.flushed == nil {
		return nil
	}
	return x.out.Flush()
}

func (x *Expectations) noteRecord(put Put, record []byte) error {
	e := expectation{number: put.Number, origin: put.Origin, shard: put.Shard, bytes: len(record),
		raw: x.print.ofBytes(record), eventID: x.findEventID(record)}
	x.shards = max(x.shards, put.Shard+1)
	output := record
	if put.Elsewhere {
		e.outcome = nowhere
	} else if x.processor != nil {
		var result event.Result
		x.output, result = x.processor.Append(x.output[:0], record, math.MaxInt)
		output = x.output
		switch {
		case result.Refused.Reason != "":
			e.outcome = toLetter
		case result.Written == 0:
			e.outcome = nowhere
		}
	}
	if e.outcome != toStore {
		return x.writeExpectation(&e)
	}
	e.out = x.print.ofRecord(output)
	if x.rows == nil {
		x.prints = x.print.ofDocuments(x.prints[:0], output)
	} else {
		var err error
		x.prints, err = x.rows.ofRecord(x.prints[:0], output)
		var malformed *parquet.MalformedError
		if errors.As(err, &malformed) {
			e.outcome = toErrors
		} else if err != nil {
			return err
		}
	}
	e.rows = x.prints
	return x.writeExpectation(&e)
}

// lengthBytes is the size of the length before an entry.
const lengthBytes = 4

func (x *Expectations) writeExpectation(e *expectation) error {
	b := append(x.line[:0], make([]byte, lengthBytes)...)
	b = binary.AppendUvarint(b, uint64(e.number))
	b = binary.AppendUvarint(b, uint64(e.origin))
	b = binary.AppendUvarint(b, uint64(e.shard))
	b = append(b, byte(e.outcome))
	b = binary.AppendUvarint(b, uint64(e.bytes))
	b = binary.LittleEndian.AppendUint64(b, e.raw)
	b = binary.LittleEndian.AppendUint64(b, e.out)
	b = binary.AppendUvarint(b, uint64(len(e.rows)))
	for _, row := range e.rows {
		b = binary.LittleEndian.AppendUint64(b, row)
	}
	x.line = append(b, e.eventID...)
	binary.LittleEndian.PutUint32(x.line, uint32(len(x.line)-lengthBytes))
	x.count++
	_, err := x.out.Write(x.line)
	return err
}

// longestEventID bounds the part of an event_id that is kept, in bytes.
const longestEventID = 64

// findEventID is the event_id of the record's first event, as far as it can be found. It may be part of the record.
func (x *Expectations) findEventID(record []byte) []byte {
	var id []byte
	if rest, ok := bytes.CutPrefix(record, x.idStart); ok && len(x.id) == 1 {
		if n := bytes.IndexByte(rest, '"'); n >= 0 && n <= longestEventID && bytes.IndexByte(rest[:n], '\\') < 0 {
			return rest[:n]
		}
	}
	if len(x.id) != 1 {
		id = []byte(eventid.Find(record, x.id))
	} else if _, problem := x.scanner.Object(record, jsonscan.SkipSpace(record, 0)); problem == jsonscan.None {
		if at := x.scanner.Found[0]; at >= 0 {
			m := x.scanner.Members[at]
			id = record[m.Start:m.End]
		}
	} else {
		id = []byte(eventid.Find(record, x.id))
	}
	id = bytes.Trim(id, `"`)
	if len(id) > longestEventID {
		id = id[:longestEventID]
	}
	return id
}

// forEach calls do for each entry, in order. The entry is valid during the call.
func (x *Expectations) forEach(do func(*expectation) error) error {
	file, err := os.Open(x.name)
	if err != nil {
		return err
	}
	defer file.Close()
	in := bufio.NewReaderSize(file, 64<<10)
	var e expectation
	for i := range x.count {
		if err := e.readFrom(in); err != nil {
			return fmt.Errorf("reading what was noted for the check: %w", err)
		}
		e.index = i
		if err := do(&e); err != nil {
			return err
		}
	}
	return nil
}

var errNotes = errors.New("the notes are damaged")

func (e *expectation) readFrom(in *bufio.Reader) error {
	var length [lengthBytes]byte
	if _, err := io.ReadFull(in, length[:]); err != nil {
		return err
	}
	n := int(binary.LittleEndian.Uint32(length[:]))
	e.line = slices.Grow(e.line[:0], n)[:n]
	if _, err := io.ReadFull(in, e.line); err != nil {
		return err
	}
	return e.parseLine(e.line)
}

func (e *expectation) parseLine(b []byte) error {
	damaged := false
	number := func() uint64 {
		v, n := binary.Uvarint(b)
		if damaged = damaged || n <= 0; damaged {
			return 0
		}
		b = b[n:]
		return v
	}
	fixed := func(size int) []byte {
		if damaged = damaged || len(b) < size; damaged {
			return make([]byte, size)
		}
		var field []byte
		field, b = b[:size], b[size:]
		return field
	}
	e.number, e.origin, e.shard = int64(number()), int64(number()), int(number())
	e.outcome, e.bytes = outcome(fixed(1)[0]), int(number())
	e.raw, e.out = binary.LittleEndian.Uint64(fixed(8)), binary.LittleEndian.Uint64(fixed(8))
	rows := number()
	if damaged || rows > uint64(len(b))/8 {
		return errNotes
	}
	e.rows = e.rows[:0]
	for range rows {
		e.rows = append(e.rows, binary.LittleEndian.Uint64(b))
		b = b[8:]
	}
	e.eventID = b
	return nil
}
