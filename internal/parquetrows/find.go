package parquetrows

import (
	"errors"
	"io"

	format "github.com/parquet-go/parquet-go"
)

// Found is a row with its number in the file, from 1.
type Found struct {
	Number int64
	Values map[string]any
}

// Find returns up to most rows whose column has this value, as text. Column is the path of a string or an integer, not
// inside a list or a map; a file without it has no such row. Only that column is read, and then the rows found.
func Find(f *format.File, column []string, value string, most int) (all []Found, err error) {
	leaf, ok := f.Schema().Lookup(column...)
	if !ok || leaf.MaxRepetitionLevel > 0 {
		return nil, nil
	}
	first := int64(1)
	for _, group := range f.RowGroups() {
		numbers, err := findInColumn(group.ColumnChunks()[leaf.ColumnIndex], value, most-len(all))
		if err != nil {
			return nil, err
		}
		for _, n := range numbers {
			values, err := readRow(f, group, n)
			if err != nil {
				return nil, err
			}
			all = append(all, Found{first + n, values})
		}
		first += group.NumRows()
	}
	return all, nil
}

// findInColumn returns the numbers, from 0, of up to most rows of a row group with the value.
func findInColumn(column format.ColumnChunk, value string, most int) (numbers []int64, err error) {
	pages := column.Pages()
	defer func() { err = errors.Join(err, pages.Close()) }()
	row := int64(0)
	values := make([]format.Value, 1024)
	for {
		page, err := pages.ReadPage()
		if err == io.EOF {
			return numbers, nil
		}
		if err != nil {
			return nil, err
		}
		reader := page.Values()
		for {
			n, err := reader.ReadValues(values)
			for _, v := range values[:n] {
				if !v.IsNull() && len(numbers) < most && textOf(v) == value {
					numbers = append(numbers, row)
				}
				row++
			}
			if err == io.EOF {
				break
			}
			if err != nil {
				return nil, err
			}
		}
		format.Release(page)
	}
}

// textOf returns a string, or an integer in decimal.
func textOf(v format.Value) string {
	if k := v.Kind(); k == format.ByteArray || k == format.FixedLenByteArray {
		return string(v.ByteArray())
	}
	return v.String()
}

func readRow(f *format.File, group format.RowGroup, number int64) (object map[string]any, err error) {
	reader := group.Rows()
	defer func() { err = errors.Join(err, reader.Close()) }()
	if err := reader.SeekToRow(number); err != nil {
		return nil, err
	}
	row := make([]format.Row, 1)
	if n, err := reader.ReadRows(row); n != 1 {
		return nil, errors.Join(io.ErrUnexpectedEOF, err)
	}
	return assemble(f, row[0])
}
