package parquet

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	format "github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/deprecated"

	"firehose-pipeline/schema"
)

// table is a table of columns written "name type".
func table(columns ...string) []schema.Column {
	var declared []schema.Column
	for _, c := range columns {
		name, hive, _ := strings.Cut(c, " ")
		declared = append(declared, schema.Column{Name: name, Type: hive})
	}
	return declared
}

// convert writes the records and returns the file, and for each record the error that it got.
func convert(t testing.TB, columns []schema.Column, compression string, records ...string) (*format.File,
	[]*MalformedError) {
	t.Helper()
	var file bytes.Buffer
	w, err := NewWriter(&file, columns, compression)
	if err != nil {
		t.Fatal(err)
	}
	var malformed []*MalformedError
	for _, record := range records {
		var m *MalformedError
		if err := w.Write([]byte(record)); err != nil && !errors.As(err, &m) {
			t.Fatal(err)
		}
		malformed = append(malformed, m)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	f := open(t, file.Bytes())
	if f.NumRows() != w.Rows() {
		t.Errorf("%d rows in the file, %d by Rows", f.NumRows(), w.Rows())
	}
	return f, malformed
}

func open(t testing.TB, file []byte) *format.File {
	t.Helper()
	f, err := format.OpenFile(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// rows reads the file back, one JSON object a row. It puts the values together along the file's own schema, so that
// wrong levels show.
func rows(t testing.TB, f *format.File) []string {
	t.Helper()
	var lines []string
	for _, rowGroup := range f.RowGroups() {
		reader := rowGroup.Rows()
		defer reader.Close()
		for {
			row := make([]format.Row, 1)
			n, err := reader.ReadRows(row)
			if n == 1 {
				a := assembler{make([][]format.Value, len(f.Schema().Columns()))}
				for i, values := range row[0].Range {
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
						t.Fatalf("column %d has %d values too many", i, len(values))
					}
				}
				line := new(bytes.Buffer)
				encoder := json.NewEncoder(line)
				encoder.SetEscapeHTML(false)
				if err := encoder.Encode(object); err != nil {
					t.Fatal(err)
				}
				lines = append(lines, strings.TrimSpace(line.String()))
			}
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	return lines
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
