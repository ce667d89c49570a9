package parquet

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"strings"
	"testing"

	format "github.com/parquet-go/parquet-go"

	"firehose-pipeline/internal/parquetrows"
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
	objects, err := parquetrows.Read(f, math.MaxInt)
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, object := range objects {
		line := new(bytes.Buffer)
		encoder := json.NewEncoder(line)
		encoder.SetEscapeHTML(false)
		if err := encoder.Encode(object); err != nil {
			t.Fatal(err)
		}
		lines = append(lines, strings.TrimSpace(line.String()))
	}
	return lines
}
