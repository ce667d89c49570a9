package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"text/tabwriter"
	"unicode/utf8"

	"firehose-pipeline/internal/parquetrows"
	"firehose-pipeline/internal/printable"
	"firehose-pipeline/internal/unzip"
	"firehose-pipeline/local/results"
	"firehose-pipeline/local/template"
	"firehose-pipeline/schema"
)

// row is one row of the lake as text, column by column.
type row []cell

type cell struct{ column, kind, value string }

// writeSample shows rows of the lake, a document of each index and a dead letter, read back from the results.
func (t *textReport) writeSample(w io.Writer, rows int) error {
	for _, s := range t.streams {
		if s.Config.S3 == nil {
			continue
		}
		dir := filepath.Join(t.out, results.ObjectsDir, t.bucket, filepath.FromSlash(template.LiteralPrefix(s.Config.S3.Prefix)))
		if s.Config.S3.Conversion == nil {
			if err := writeLines(w, dir, rows); err != nil {
				return err
			}
			continue
		}
		found, path, err := parquetRows(dir, rows, s.Config.S3.Conversion.Columns)
		if err != nil {
			return fmt.Errorf("reading the lake: %w", err)
		}
		if len(found) > 0 {
			fmt.Fprintf(w, "\n%s of the lake, read back from %s\n", count(int64(len(found)), "row"),
				printable.Text(path))
			writeRows(w, found)
		}
	}
	if search := t.report.Streams.Search; search != nil {
		for _, index := range slices.Sorted(maps.Keys(search.Indices)) {
			document, err := firstLine(results.Path(t.out, results.IndexFile(index)))
			if err != nil {
				return fmt.Errorf("reading an index: %w", err)
			}
			fmt.Fprintf(w, "\na document of %s\n%s\n", printable.Text(index), indentJSON(document))
		}
	}
	if t.letters.first != nil {
		fmt.Fprintf(w, "\na dead letter\n%s\n", indentJSON(t.letters.first))
	}
	return nil
}

// indentJSON is JSON for people, printable; anything else, which may be binary, is quoted.
func indentJSON(text []byte) string {
	var b bytes.Buffer
	if json.Indent(&b, text, "  ", "  ") != nil || !utf8.Valid(text) {
		return "  " + strconv.Quote(string(text))
	}
	return "  " + printable.Lines(b.String())
}

func firstLine(path string) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	line, err := bufio.NewReader(file).ReadBytes('\n')
	if err != nil && err != io.EOF {
		return nil, err
	}
	return bytes.TrimSuffix(line, []byte("\n")), nil
}

// listFiles are the files under dir, in order. A folder that does not exist has none.
func listFiles(dir string) ([]string, error) {
	var paths []string
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && entry.Type().IsRegular() {
			paths = append(paths, path)
		}
		return err
	})
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	return paths, err
}

// writeLines shows the first lines of a lake that is stored as JSON.
func writeLines(w io.Writer, dir string, most int) error {
	paths, err := listFiles(dir)
	if err != nil || len(paths) == 0 {
		return err
	}
	file, err := os.Open(paths[0])
	if err != nil {
		return fmt.Errorf("reading the lake: %w", err)
	}
	defer file.Close()
	input, err := unzip.Reader(file)
	if err != nil {
		return fmt.Errorf("reading the lake: %s: %w", paths[0], err)
	}
	fmt.Fprintf(w, "\nfrom the lake, read back from %s\n", printable.Text(paths[0]))
	for range most {
		line, err := input.ReadBytes('\n')
		if len(line) > 0 {
			fmt.Fprintln(w, indentJSON(bytes.TrimSuffix(line, []byte("\n"))))
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return fmt.Errorf("reading the lake: %s: %w", paths[0], err)
		}
	}
	return nil
}

// parquetRows reads up to most rows of the first object under dir.
func parquetRows(dir string, most int, columns []schema.Column) (rows []row, path string, err error) {
	paths, err := listFiles(dir)
	if err != nil || len(paths) == 0 {
		return nil, "", err
	}
	path = paths[0]
	objects, err := parquetrows.ReadFile(path, most)
	if err != nil {
		return nil, path, err
	}
	for _, object := range objects {
		var r row
		for _, c := range columns {
			text, err := parquetrows.Text(c.Type, object[c.Name])
			if err != nil {
				return nil, path, fmt.Errorf("%s: column %s: %w", path, c.Name, err)
			}
			r = append(r, cell{c.Name, c.Type, text})
		}
		rows = append(rows, r)
	}
	return rows, path, nil
}

// A row is shown as a column, beside others: rowsAbreast of them, of cellWidth characters, fit most windows.
const (
	rowsAbreast = 3
	cellWidth   = 36
)

func writeRows(w io.Writer, rows []row) {
	for len(rows) > 0 {
		abreast := rows[:min(len(rows), rowsAbreast)]
		rows = rows[len(abreast):]
		table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
		for i, c := range abreast[0] {
			fmt.Fprintf(table, "  %s\t%s", printable.Text(c.column), printable.Text(c.kind))
			for _, r := range abreast {
				fmt.Fprintf(table, "\t%s", shorten(r[i].value))
			}
			fmt.Fprintln(table)
		}
		flushTable(table)
		if len(rows) > 0 {
			fmt.Fprintln(w)
		}
	}
}
