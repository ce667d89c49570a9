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
	Rejected []bool // by each of Versions
}

// Properties are the fields that the table needs beside those of the search setup.
func Properties() map[string]any {
	return map[string]any{"flag": map[string]any{"type": "boolean"}, "term": map[string]any{"type": "keyword"}}
}

var repeated = regexp.MustCompile(`<(\d+)×([^>]+)>`)

// Read reads the table. A line that is not empty and not a comment (#) has a status for each version, 201 or 400, and a
// document, in which <n×text> means n times the text.
func Read(path string) ([]Row, error) {
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
		for range Versions {
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
