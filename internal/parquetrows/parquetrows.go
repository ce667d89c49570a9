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
