package audit

import (
	"bytes"
	"errors"
	"fmt"
	"hash/maphash"
	"io"

	format "github.com/parquet-go/parquet-go"

	"firehose-pipeline/internal/jsonscan"
	"firehose-pipeline/local/parquet"
	"firehose-pipeline/local/template"
)

// fingerprints are 64 bits of hash: among a million different documents two have the same with a chance of 1 in 37
// million. They are not safe for concurrent use; clones are.
type fingerprints struct {
	seed maphash.Seed
	hash maphash.Hash
	// The transform writes the time at which it ran into every document; it differs between the function's run and the
	// check's own, so that it is left out.
	scanner *jsonscan.Scanner // nil when nothing is left out
	sums    []byte
}

const processedTimestamp = "processed_timestamp"

func newFingerprints(transformed bool) *fingerprints {
	p := &fingerprints{seed: maphash.MakeSeed()}
	p.setUp(transformed)
	return p
}

func (p *fingerprints) setUp(transformed bool) {
	p.hash.SetSeed(p.seed)
	if transformed {
		p.scanner = jsonscan.NewScanner(jsonscan.NewNames(processedTimestamp))
	}
}

// clone returns fingerprints that are equal, for another goroutine.
func (p *fingerprints) clone() *fingerprints {
	c := &fingerprints{seed: p.seed}
	c.setUp(p.scanner != nil)
	return c
}

func (p *fingerprints) ofBytes(b []byte) uint64 { return maphash.Bytes(p.seed, b) }

// ofDocument is the fingerprint of one document on one line.
func (p *fingerprints) ofDocument(line []byte) uint64 {
	if p.scanner == nil {
		return p.ofBytes(line)
	}
	if end, problem := p.scanner.Object(line, 0); problem != jsonscan.None || end != len(line) ||
		p.scanner.Found[0] < 0 {
		return p.ofBytes(line)
	}
	m := p.scanner.Members[p.scanner.Found[0]]
	p.hash.Reset()
	p.hash.Write(line[:m.Start])
	p.hash.Write(line[m.End:])
	return p.hash.Sum64()
}

// ofDocuments appends the fingerprints of a record's documents, one a line; white space at the ends of lines is not
// theirs.
func (p *fingerprints) ofDocuments(dst []uint64, record []byte) []uint64 {
	for line := range bytes.Lines(record) {
		if line = bytes.TrimRight(line, " \t\r\n"); len(line) > 0 {
			dst = append(dst, p.ofDocument(line))
		}
	}
	return dst
}

// ofRecord is the fingerprint of all documents of a record.
func (p *fingerprints) ofRecord(record []byte) uint64 {
	p.sums = p.sums[:0]
	for line := range bytes.Lines(record) {
		h := p.ofDocument(bytes.TrimRight(line, "\n"))
		for range 8 {
			p.sums = append(p.sums, byte(h))
			h >>= 8
		}
	}
	return p.ofBytes(p.sums)
}

// ofRow is the fingerprint of one row of Parquet; the column with index skip is left out.
func (p *fingerprints) ofRow(row format.Row, skip int) uint64 {
	b := p.sums[:0]
	for _, v := range row {
		if column := v.Column(); column != skip {
			b = append(b, byte(column), byte(v.DefinitionLevel()), byte(v.RepetitionLevel()))
			before := len(b)
			b = v.AppendBytes(b)
			n := len(b) - before
			b = append(b, byte(n), byte(n>>8), byte(n>>16))
		}
	}
	p.sums = b
	return p.ofBytes(b)
}

// ofFile calls do with the fingerprint of each row of a Parquet file.
func (p *fingerprints) ofFile(in io.ReaderAt, size int64, do func(uint64) error) error {
	file, err := format.OpenFile(in, size)
	if err != nil {
		return fmt.Errorf("reading parquet: %w", err)
	}
	skip := -1
	if p.scanner != nil {
		for i, path := range file.Schema().Columns() {
			if len(path) == 1 && path[0] == processedTimestamp {
				skip = i
			}
		}
	}
	var buffer [256]format.Row
	for _, group := range file.RowGroups() {
		if err := p.ofRowGroup(group, buffer[:], skip, do); err != nil {
			return fmt.Errorf("reading parquet: %w", err)
		}
	}
	return nil
}

func (p *fingerprints) ofRowGroup(group format.RowGroup, buffer []format.Row, skip int,
	do func(uint64) error) (err error) {
	rows := group.Rows()
	defer func() { err = errors.Join(err, rows.Close()) }()
	for {
		n, err := rows.ReadRows(buffer)
		for _, row := range buffer[:n] {
			if err := do(p.ofRow(row, skip)); err != nil {
				return err
			}
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// rowPrints finds out which rows documents become, by writing them to Parquet and reading that again.
type rowPrints struct {
	conversion *template.Conversion
	print      *fingerprints

	buffer bytes.Buffer
	writer *parquet.Writer
}

// rowsAtOnce bounds the memory of a rowPrints.
const rowsAtOnce = 2000

// addRecord takes a record and returns how many rows it becomes.
func (r *rowPrints) addRecord(record []byte) (int64, error) {
	if r.writer == nil {
		var err error
		if r.writer, err = parquet.NewWriter(&r.buffer, r.conversion.Columns, "UNCOMPRESSED"); err != nil {
			return 0, err
		}
		if r.conversion.MatchCase {
			r.writer.MatchCase()
		}
		r.writer.MapKeys(r.conversion.Keys)
	}
	before := r.writer.Rows()
	if err := r.writer.Write(record); err != nil {
		return 0, err
	}
	return r.writer.Rows() - before, nil
}

func (r *rowPrints) isFull() bool { return r.writer != nil && r.writer.Rows() >= rowsAtOnce }

// takePrints returns the fingerprints of all rows added since the last call.
func (r *rowPrints) takePrints() ([]uint64, error) {
	if r.writer == nil {
		return nil, nil
	}
	want := r.writer.Rows()
	err := r.writer.Close()
	r.writer = nil
	defer r.buffer.Reset()
	if err != nil || want == 0 {
		return nil, err
	}
	var prints []uint64
	err = r.print.ofFile(bytes.NewReader(r.buffer.Bytes()), int64(r.buffer.Len()), func(print uint64) error {
		prints = append(prints, print)
		return nil
	})
	if err == nil && int64(len(prints)) != want {
		err = fmt.Errorf("checking rows: wrote %d and read %d", want, len(prints))
	}
	return prints, err
}
