package parquetrows

import (
	"errors"
	"fmt"
	"io"

	format "github.com/parquet-go/parquet-go"
)

// Row is a row of a file, with its number from 1 and the value that it was found by.
type Row struct {
	Number int64
	Key    string
	Values map[string]any
}

// Find returns up to most rows whose column has one of these values, as text. Column is the path of a string or an
// integer, not inside a list or a map; a file without it has no such row. Only that column is read, and then the rows
// found.
func Find(f *format.File, column, values []string, most int) (found []Row, err error) {
	leaf, ok := f.Schema().Lookup(column...)
	if !ok || leaf.MaxRepetitionLevel > 0 {
		return nil, nil
	}
	wanted := map[string]bool{}
	for _, value := range values {
		wanted[value] = true
	}
	first := int64(1)
	for _, group := range f.RowGroups() {
		rows, err := findInColumn(group.ColumnChunks()[leaf.ColumnIndex], wanted, most-len(found))
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

// findInColumn returns the numbers, from 0, and values of up to most rows of a row group that have a wanted value.
func findInColumn(column format.ColumnChunk, wanted map[string]bool, most int) (found []Row, err error) {
	pages := column.Pages()
	defer func() { err = errors.Join(err, pages.Close()) }()
	values := make([]format.Value, 1024)
	for number := int64(0); len(found) < most; {
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
				if len(found) < most && !v.IsNull() {
					if text := textOf(v); wanted[text] {
						found = append(found, Row{Number: number, Key: text})
					}
				}
				number++
			}
		}
		format.Release(page)
		if err != io.EOF {
			return nil, err
		}
	}
	return found, nil
}

// textOf returns a string, or an integer in decimal.
func textOf(v format.Value) string {
	if k := v.Kind(); k == format.ByteArray || k == format.FixedLenByteArray {
		return string(v.ByteArray())
	}
	return v.String()
}

// readRow reads a row of a row group, by its number from 0.
func readRow(f *format.File, group format.RowGroup, number int64) (values map[string]any, err error) {
	reader := group.Rows()
	defer func() { err = errors.Join(err, reader.Close()) }()
	if err := reader.SeekToRow(number); err != nil {
		return nil, err
	}
	row := make([]format.Row, 1)
	if n, err := reader.ReadRows(row); n != 1 {
		return nil, fmt.Errorf("row %d cannot be read: %w", number+1, errors.Join(io.ErrUnexpectedEOF, err))
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
