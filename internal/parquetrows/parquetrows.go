// Package parquetrows reads Parquet files back as JSON values, put together along the file's own schema.
package parquetrows

import (
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	format "github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/deprecated"
)

// ReadFile reads up to most rows of a file: an object is a map[string]any, a date the days since 1970.
func ReadFile(path string, most int) ([]map[string]any, error) {
	input, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer input.Close()
	info, err := input.Stat()
	if err != nil {
		return nil, err
	}
	file, err := format.OpenFile(input, info.Size())
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	rows, err := Read(file, most)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return rows, nil
}

// Read reads up to most rows of an open file.
func Read(f *format.File, most int) (all []map[string]any, err error) {
	for _, group := range f.RowGroups() {
		reader := group.Rows()
		for row := make([]format.Row, 1); err == nil && len(all) < most; {
			var n int
			if n, err = reader.ReadRows(row); n == 1 {
				object, problem := assemble(f, row[0])
				if problem != nil {
					return nil, errors.Join(problem, reader.Close())
				}
				all = append(all, object)
			}
		}
		if err == io.EOF {
			err = nil
		}
		if closing := reader.Close(); err == nil {
			err = closing
		}
		if err != nil {
			return nil, err
		}
	}
	return all, nil
}

// assemble returns a row of the file as an object.
func assemble(f *format.File, row format.Row) (map[string]any, error) {
	a := assembler{make([][]format.Value, len(f.Schema().Columns()))}
	for i, values := range row.Range {
		a.values[i] = values
	}
	object := map[string]any{}
	first := 0
	for _, field := range f.Schema().Fields() {
		object[field.Name()] = a.read(field, first, 0, 0)
		first += leaves(field)
	}
	for i, values := range a.values {
		if len(values) > 0 {
			return nil, fmt.Errorf("column %d has %d values too many", i, len(values))
		}
	}
	return object, nil
}

// assembler has, by Parquet column, the values of a row that are not read yet.
type assembler struct{ values [][]format.Value }

// read reads the value of a node whose first column is first, inside a parent present at definition level def and
// repeated at rep.
func (a *assembler) read(node format.Node, first, def, rep int) any {
	next := a.values[first][0]
	if node.Optional() {
		if def++; next.DefinitionLevel() < def {
			a.skip(node, first)
			return nil
		}
	}
	if node.Leaf() {
		a.values[first] = a.values[first][1:]
		switch next.Kind() {
		case format.Boolean:
			return next.Boolean()
		case format.Int32:
			return next.Int32()
		case format.Int64:
			return next.Int64()
		case format.Int96:
			return fromInt96(next.Int96()).Format(time.RFC3339Nano)
		case format.Float:
			return next.Float()
		case format.Double:
			return next.Double()
		default:
			return string(next.ByteArray())
		}
	}
	fields := node.Fields()
	if len(fields) != 1 || !fields[0].Repeated() {
		object := map[string]any{}
		for _, field := range fields {
			object[field.Name()] = a.read(field, first, def, rep)
			first += leaves(field)
		}
		return object
	}
	inner := fields[0].Fields()
	list, entries := []any{}, map[string]any{}
	if next.DefinitionLevel() == def {
		a.skip(node, first)
	} else {
		for again := true; again; again = len(a.values[first]) > 0 && a.values[first][0].RepetitionLevel() == rep+1 {
			if len(inner) == 1 {
				list = append(list, a.read(inner[0], first, def+1, rep+1))
				continue
			}
			key := a.read(inner[0], first, def+1, rep+1).(string)
			entries[key] = a.read(inner[1], first+1, def+1, rep+1)
		}
	}
	if len(inner) == 1 {
		return list
	}
	return entries
}

func (a *assembler) skip(node format.Node, first int) {
	for i := range leaves(node) {
		a.values[first+i] = a.values[first+i][1:]
	}
}

func leaves(node format.Node) int {
	if node.Leaf() {
		return 1
	}
	n := 0
	for _, field := range node.Fields() {
		n += leaves(field)
	}
	return n
}

func fromInt96(v deprecated.Int96) time.Time {
	nanoseconds := int64(uint64(v[1])<<32 | uint64(v[0]))
	return time.Unix((int64(v[2])-2_440_588)*86400, nanoseconds).UTC()
}

// Row is a row of a file, with its number from 0 and the value that it was found by.
type Row struct {
	Number int64
	Key    string
	Values map[string]any
}

// Find returns up to most rows in which the text column at this path has one of these values. It reads that column alone, and then
// the rows found. A file without such a column has none.
func Find(f *format.File, path, values []string, most int) (found []Row, err error) {
	leaf, ok := f.Schema().Lookup(path...)
	if !ok || leaf.MaxRepetitionLevel > 0 {
		return nil, nil
	}
	wanted := map[string]bool{}
	for _, value := range values {
		wanted[value] = true
	}
	first := int64(0)
	for _, group := range f.RowGroups() {
		rows, err := findValues(group.ColumnChunks()[leaf.ColumnIndex], wanted, most-len(found))
		if err != nil {
			return nil, err
		}
		for _, row := range rows {
			if row.Values, err = readRow(f, group, row.Number); err != nil {
				return nil, err
			}
			row.Number += first
			found = append(found, row)
		}
		first += group.NumRows()
	}
	return found, nil
}

// findValues returns number and value of up to most rows of a column that is not repeated.
func findValues(column format.ColumnChunk, wanted map[string]bool, most int) (found []Row, err error) {
	pages := column.Pages()
	defer func() { err = errors.Join(err, pages.Close()) }()
	values := make([]format.Value, 512)
	for at := int64(0); len(found) < most; {
		page, err := pages.ReadPage()
		if err == io.EOF {
			return found, nil
		}
		if err != nil {
			return nil, err
		}
		reader := page.Values()
		for err = nil; err == nil; {
			var n int
			n, err = reader.ReadValues(values)
			for _, v := range values[:n] {
				if len(found) < most && !v.IsNull() && v.Kind() == format.ByteArray && wanted[string(v.ByteArray())] {
					found = append(found, Row{Number: at, Key: string(v.ByteArray())})
				}
				at++
			}
		}
		format.Release(page)
		if err != io.EOF {
			return nil, err
		}
	}
	return found, nil
}

func readRow(f *format.File, group format.RowGroup, number int64) (values map[string]any, err error) {
	reader := group.Rows()
	defer func() { err = errors.Join(err, reader.Close()) }()
	if err := reader.SeekToRow(number); err != nil {
		return nil, err
	}
	row := make([]format.Row, 1)
	if n, err := reader.ReadRows(row); n != 1 {
		return nil, fmt.Errorf("row %d cannot be read: %w", number, err)
	}
	return assemble(f, row[0])
}

// Open opens a file of this size.
func Open(input io.ReaderAt, size int64) (*format.File, error) { return format.OpenFile(input, size) }

// ReadFrom reads up to most rows of an open file from a row on, counted from 0.
func ReadFrom(f *format.File, from int64, most int) (all []map[string]any, err error) {
	for _, group := range f.RowGroups() {
		if n := group.NumRows(); from >= n {
			from -= n
			continue
		}
		for ; from < group.NumRows() && len(all) < most; from++ {
			values, err := readRow(f, group, from)
			if err != nil {
				return nil, err
			}
			all = append(all, values)
		}
		from = 0
	}
	return all, nil
}
