package local

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"time"

	"firehose-pipeline/event"
	"firehose-pipeline/functions/transform"
	"firehose-pipeline/internal/jsonscan"
	"firehose-pipeline/local/parquet"
	"firehose-pipeline/local/results"
	"firehose-pipeline/local/template"
)

// journal notes what each record put has to become, for Check: fingerprints, not the record. What the transform makes of it
// is found by running the transform's own package here.
//
// The work is done beside Put, on copies of the records, a few chunks at a time.
type journal struct {
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
	waiting   []entry          // whose rows are not known yet
	output    []byte
	line      []byte
	scanner   *jsonscan.Scanner
	count     int64
}

// fate is what has to become of a record.
type fate byte

const (
	toStore  fate = iota // in the store, or in the dead-letter queue
	nowhere              // dropped by rule, or in the dead-letter queue
	toLetter             // in the dead-letter queue, as it was put
	toErrors             // in the dead-letter queue, as the transform left it: it cannot be converted
)

// entry is one record put.
type entry struct {
	number  int64 // of the record among those offered, from 1
	index   int64 // among those put, from 0: the stream's own number
	fate    fate
	bytes   int
	raw     uint64   // fingerprint of the record
	out     uint64   // of what the transform makes of it
	rows    []uint64 // of what of that is in the store, one by one
	eventID []byte
}

// chunk is some records on their way to the journal.
type chunk struct {
	data    []byte
	ends    []int
	numbers []int64
	flushed chan struct{} // closed when everything up to here is in the file
}

const chunkBytes = 256 << 10

func newJournal(f *results.Folder, config template.Stream) (*journal, error) {
	j := &journal{
		name: f.Path(results.CheckDir + "/" + string(config.Kind)), config: config, print: newFingerprints(config.Transform != nil),
		chunks: make(chan *chunk, 2), spare: make(chan *chunk, 4), failed: make(chan struct{}), done: make(chan struct{}),
		scanner: jsonscan.NewScanner(jsonscan.NewNames("event_id")),
	}
	if t := config.Transform; t != nil {
		settings, err := transform.SettingsFrom(func(name string) string { return t.Function.Environment[name] })
		if err != nil {
			return nil, fmt.Errorf("preparing check: %w", err)
		}
		j.processor = event.NewProcessor(settings.Stream, settings.DropEventTypes)
		j.processor.SetTime(time.Unix(0, 0)) // any: fingerprints leave it out
	}
	if config.S3 != nil && config.S3.Conversion != nil {
		j.rows = &rowPrints{conversion: config.S3.Conversion, print: j.print}
	}
	if err := os.MkdirAll(f.Path(results.CheckDir), 0o700); err != nil {
		return nil, fmt.Errorf("preparing check: %w", err)
	}
	var err error
	if j.file, err = os.OpenFile(j.name, os.O_CREATE|os.O_RDWR|os.O_TRUNC, 0o600); err != nil {
		return nil, fmt.Errorf("preparing check: %w", err)
	}
	j.out = bufio.NewWriterSize(j.file, 64<<10)
	j.chunk = j.next()
	go j.run()
	return j, nil
}

func (j *journal) next() *chunk {
	select {
	case c := <-j.spare:
		c.data, c.ends, c.numbers = c.data[:0], c.ends[:0], c.numbers[:0]
		return c
	default:
		return &chunk{data: make([]byte, 0, chunkBytes)}
	}
}

// add notes a record that has been put.
func (j *journal) add(number int64, record []byte) error {
	c := j.chunk
	c.data = append(c.data, record...)
	c.ends = append(c.ends, len(c.data))
	c.numbers = append(c.numbers, number)
	if len(c.data) < chunkBytes {
		return nil
	}
	return j.send()
}

func (j *journal) send() error {
	select {
	case j.chunks <- j.chunk:
		j.chunk = j.next()
		return nil
	case <-j.failed:
		return j.err
	}
}

// flush puts everything into the file.
func (j *journal) flush() error {
	flushed := make(chan struct{})
	j.chunk.flushed = flushed
	if err := j.send(); err != nil {
		return err
	}
	select {
	case <-flushed:
		return nil
	case <-j.failed:
		return j.err
	}
}

func (j *journal) close() error {
	if j.closed {
		return nil
	}
	j.closed = true
	close(j.chunks)
	<-j.done
	return j.file.Close()
}

func (j *journal) run() {
	defer close(j.done)
	for c := range j.chunks {
		if err := j.write(c); err != nil {
			j.err = fmt.Errorf("noting records for the check: %w", err)
			close(j.failed)
			return
		}
		if c.flushed != nil {
			close(c.flushed)
			c.flushed = nil
		}
		select {
		case j.spare <- c:
		default:
		}
	}
}

func (j *journal) write(c *chunk) error {
	from := 0
	for i, end := range c.ends {
		if err := j.note(c.numbers[i], c.data[from:end]); err != nil {
			return err
		}
		from = end
	}
	if c.flushed == nil {
		return nil
	}
	return errors.Join(j.settle(), j.out.Flush())
}

func (j *journal) note(number int64, record []byte) error {
	e := entry{number: number, bytes: len(record), raw: j.print.bytes(record), eventID: j.eventID(record)}
	output := record
	if j.processor != nil {
		var result event.Result
		j.output, result = j.processor.Append(j.output[:0], record, math.MaxInt)
		output = j.output
		switch {
		case result.Refused.Reason != "":
			e.fate = toLetter
		case result.Written == 0:
			e.fate = nowhere
		}
	}
	if e.fate != toStore {
		return j.append(e)
	}
	e.out = j.print.record(output)
	if j.rows == nil {
		e.rows = j.print.documents(nil, output)
		return j.append(e)
	}
	rows, err := j.rows.add(output)
	var malformed *parquet.MalformedError
	if errors.As(err, &malformed) {
		e.fate, rows = toErrors, 0
	} else if err != nil {
		return err
	}
	e.rows = make([]uint64, rows)
	return j.wait(e)
}

// settle finds the fingerprints of the rows that wait for them.
func (j *journal) settle() error {
	if len(j.waiting) == 0 {
		return nil
	}
	prints, err := j.rows.take()
	if err != nil {
		return err
	}
	for _, e := range j.waiting {
		n := copy(e.rows, prints)
		prints = prints[n:]
		if err := j.emit(e); err != nil {
			return err
		}
	}
	j.waiting = j.waiting[:0]
	return nil
}

// append writes an entry, or lets it wait behind those whose rows are not known yet: entries keep the order of the records.
func (j *journal) append(e entry) error {
	if len(j.waiting) == 0 {
		return j.emit(e)
	}
	return j.wait(e)
}

func (j *journal) wait(e entry) error {
	j.waiting = append(j.waiting, e)
	if j.rows.full() || len(j.waiting) >= 2*rowsAtOnce {
		return j.settle()
	}
	return nil
}

func (j *journal) emit(e entry) error {
	b := binary.AppendUvarint(j.line[:0], uint64(e.number))
	b = append(b, byte(e.fate))
	b = binary.AppendUvarint(b, uint64(e.bytes))
	b = binary.LittleEndian.AppendUint64(b, e.raw)
	b = binary.LittleEndian.AppendUint64(b, e.out)
	b = binary.AppendUvarint(b, uint64(len(e.rows)))
	for _, row := range e.rows {
		b = binary.LittleEndian.AppendUint64(b, row)
	}
	b = binary.AppendUvarint(b, uint64(len(e.eventID)))
	j.line = append(b, e.eventID...)
	j.count++
	_, err := j.out.Write(j.line)
	return err
}

// longestEventID bounds what of an event_id is kept, in bytes.
const longestEventID = 64

// eventID is the event_id of the record's first event, as far as it can be found.
func (j *journal) eventID(record []byte) []byte {
	var id []byte
	if _, problem := j.scanner.Object(record, jsonscan.SkipSpace(record, 0)); problem == jsonscan.None {
		if at := j.scanner.Found[0]; at >= 0 {
			m := j.scanner.Members[at]
			id = record[m.Start:m.End]
		}
	} else if _, rest, found := bytes.Cut(record, []byte(`"event_id":`)); found {
		rest = bytes.TrimLeft(rest, " ")
		id = rest[:len(rest)-len(bytes.TrimLeftFunc(rest, func(c rune) bool { return c != ',' && c != '}' && c != '\n' }))]
	}
	id = bytes.Trim(id, `"`)
	if len(id) > longestEventID {
		id = id[:longestEventID]
	}
	return bytes.Clone(id)
}

// read calls do for each entry, in order. The entry is valid during the call.
func (j *journal) read(do func(*entry) error) error {
	file, err := os.Open(j.name)
	if err != nil {
		return err
	}
	defer file.Close()
	in := bufio.NewReaderSize(file, 64<<10)
	var e entry
	for i := range j.count {
		if err := e.read(in); err != nil {
			return fmt.Errorf("reading what was noted for the check: %w", err)
		}
		e.index = i
		if err := do(&e); err != nil {
			return err
		}
	}
	return nil
}

func (e *entry) read(in *bufio.Reader) error {
	var errs [5]error
	number, err := binary.ReadUvarint(in)
	errs[0] = err
	kind, err := in.ReadByte()
	errs[1] = err
	length, err := binary.ReadUvarint(in)
	errs[2] = err
	e.number, e.fate, e.bytes = int64(number), fate(kind), int(length)
	var fixed [8]byte
	word := func() uint64 {
		if _, err := io.ReadFull(in, fixed[:]); err != nil {
			errs[3] = err
		}
		return binary.LittleEndian.Uint64(fixed[:])
	}
	e.raw, e.out = word(), word()
	rows, err := binary.ReadUvarint(in)
	if err != nil || errors.Join(errs[:]...) != nil {
		return errors.Join(err, errors.Join(errs[:]...))
	}
	e.rows = e.rows[:0]
	for range rows {
		e.rows = append(e.rows, word())
	}
	length, err = binary.ReadUvarint(in)
	if err != nil || length > longestEventID {
		return errors.Join(err, errs[3])
	}
	e.eventID = append(e.eventID[:0], make([]byte, length)...)
	_, errs[4] = io.ReadFull(in, e.eventID)
	return errors.Join(errs[:]...)
}
