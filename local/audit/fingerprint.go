package audit

import (
	"bytes"
	"errors"
	"fmt"
	"hash/maphash"
	"io"
	"math/bits"

	format "github.com/parquet-go/parquet-go"

	"firehose-pipeline/internal/jsonscan"
	"firehose-pipeline/local/parquet"
	"firehose-pipeline/local/template"
)

// fingerprints are 64 bits of hash: among a million different documents two have the same with a chance of 1 in 37
// million. They are not safe for concurrent use; clones are.
type fingerprints struct {
	seed maphash.Seed
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
	if start, end, ok := findTimestamp(line); ok {
		return p.ofParts(line[:start], line[end:])
	}
	if end, problem := p.scanner.Object(line, 0); problem != jsonscan.None || end != len(line) ||
		p.scanner.Found[0] < 0 {
		return p.ofBytes(line)
	}
	m := p.scanner.Members[p.scanner.Found[0]]
	return p.ofParts(line[:m.Start], line[m.End:])
}

func (p *fingerprints) ofParts(before, after []byte) uint64 {
	const odd = 0x9e3779b97f4a7c15
	return bits.RotateLeft64(p.ofBytes(before)*odd, 29) ^ p.ofBytes(after)
}

var timestampName = []byte(processedTimestamp)

// findTimestamp returns where the value of processed_timestamp is, if the line is as the transform writes it: the key
// once, behind another member, and behind the value nothing but members with plain values up to the end of the object.
// Then it is a member of the outermost object, as a scan would find.
func findTimestamp(line []byte) (start, end int, ok bool) {
	at := bytes.Index(line, timestampName)
	if at < 2 || line[at-2] != ',' || line[at-1] != '"' {
		return 0, 0, false
	}
	rest := line[at+len(timestampName):]
	if !bytes.HasPrefix(rest, []byte(`":"`)) || bytes.Contains(rest, timestampName) || bytes.IndexByte(rest, '\\') >= 0 {
		return 0, 0, false
	}
	start = len(line) - len(rest) + len(`":`)
	n := bytes.IndexByte(line[start+1:], '"')
	last := len(line) - 1
	if n < 0 || line[last] != '}' {
		return 0, 0, false
	}
	end = start + 1 + n + 1
	for _, bracket := range []byte("{}[]") {
		if bytes.IndexByte(line[end:last], bracket) >= 0 {
			return 0, 0, false
		}
	}
	return start, end, true
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
	for i := range row {
		if column := row[i].Column(); column != skip {
			b = appendValue(b, column, &row[i])
		}
	}
	p.sums = b
	return p.ofBytes(b)
}

// ofValues is the fingerprint of the row that has these values by column.
func (p *fingerprints) ofValues(columns [][]format.Value, skip int) uint64 {
	b := p.sums[:0]
	for column, values := range columns {
		if column == skip {
			continue
		}
		for i := range values {
			b = appendValue(b, column, &values[i])
		}
	}
	p.sums = b
	return p.ofBytes(b)
}

// appendValue appends a value, so that no two rows that differ have the same bytes.
func appendValue(b []byte, column int, v *format.Value) []byte {
	b = append(b, byte(column), byte(v.DefinitionLevel()), byte(v.RepetitionLevel()))
	before := len(b)
	b = v.AppendBytes(b)
	n := len(b) - before
	return append(b, byte(n), byte(n>>8), byte(n>>16))
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

// rowPrints finds out which rows documents become. It converts them as the delivery does, and writes no file: the
// content of a file is compared with the values before they were written.
type rowPrints struct {
	converter *parquet.Converter
	print     *fingerprints
	skip      int // the Parquet column that is left out
}

func newRowPrints(conversion *template.Conversion, print *fingerprints) (*rowPrints, error) {
	converter, err := parquet.NewConverter(conversion.Columns)
	if err != nil {
		return nil, err
	}
	if conversion.MatchCase {
		converter.MatchCase()
	}
	converter.MapKeys(conversion.Keys)
	r := &rowPrints{converter: converter, print: print, skip: -1}
	if print.scanner != nil {
		r.skip = converter.Leaf(processedTimestamp)
	}
	return r, nil
}

// ofRecord appends the fingerprints of the record's rows. The error is a [*parquet.MalformedError] when it has none.
func (r *rowPrints) ofRecord(dst []uint64, record []byte) ([]uint64, error) {
	before := len(dst)
	err := r.converter.Convert(record, func(values [][]format.Value) {
		dst = append(dst, r.print.ofValues(values, r.skip))
	})
	if err != nil {
		return dst[:before], err
	}
	return dst, nil
}
