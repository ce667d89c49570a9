// Package documents reads the table of documents that real servers have accepted or rejected, for the tests of the
// model and of verify/search.
package documents

import (
	"bytes"
	"fmt"
	"os"
	"regexp"
	"strconv"
	"strings"
)

// Versions are the servers of the table, in the order of its columns.
var Versions = []string{"2.19", "3.5", "3.8"}

// Row is one document.
type Row struct {
	Line     int    // in the file, from 1
	Text     string // as it is in the file
	Document []byte
	Rejected []bool // by each of the versions
}

// Properties are the fields that the table needs beside those of the search setup.
func Properties() map[string]any {
	return map[string]any{"flag": map[string]any{"type": "boolean"}, "term": map[string]any{"type": "keyword"}}
}

var repeated = regexp.MustCompile(`<(\d+)×([^>]+)>`)

// NestedVersions are the servers of the table of documents with objects.
var NestedVersions = Versions[:1]

// NestedProperties are the fields of the table of documents with objects.
func NestedProperties() map[string]any {
	type object = map[string]any
	keyword := object{"type": "keyword", "ignore_above": 10_922}
	long := object{"type": "long", "ignore_malformed": true}
	date := object{"type": "date", "format": "strict_date", "ignore_malformed": true}
	flat := object{"type": "flat_object"}
	deep := object{"properties": object{"x": long}}
	return object{
		"user": object{"properties": object{
			"name": keyword, "term": object{"type": "keyword"}, "id": long, "ok": object{"type": "boolean"},
			"born":   date,
			"labels": flat, "address": object{"properties": object{"city": keyword, "deep": deep}},
		}},
		"labels": flat, "dotted": object{"properties": object{"key": keyword}}, "day": date,
	}
}

// Read reads the table of these versions. A line that is not empty and not a comment (#) has a status for each version,
// 201 or 400, and a document, in which <n×text> stands for n times the text.
func Read(path string, versions []string) ([]Row, error) {
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("reading documents: %w", err)
	}
	var rows []Row
	number := 0
	for line := range bytes.Lines(content) {
		number++
		text := strings.TrimSuffix(string(line), "\n")
		if text == "" || text[0] == '#' {
			continue
		}
		row := Row{Line: number}
		for range versions {
			status, rest, _ := strings.Cut(text, " ")
			if status != "201" && status != "400" {
				return nil, fmt.Errorf("reading documents: line %d: status must be 201 or 400 (got %q)", number, status)
			}
			row.Rejected, text = append(row.Rejected, status == "400"), rest
		}
		row.Text = text
		row.Document = repeated.ReplaceAllFunc([]byte(text), func(match []byte) []byte {
			m := repeated.FindSubmatch(match)
			n, _ := strconv.Atoi(string(m[1])) // digits only
			return bytes.Repeat(m[2], n)
		})
		rows = append(rows, row)
	}
	if len(rows) == 0 {
		return nil, fmt.Errorf("reading documents: no document in %s", path)
	}
	return rows, nil
}
