package page

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"firehose-pipeline/internal/parquetrows"
	"firehose-pipeline/internal/printable"
	"firehose-pipeline/internal/unzip"
	"firehose-pipeline/local"
	"firehose-pipeline/schema"
)

// areaIndex are the files of the indices, beside the areas of the bucket.
const areaIndex local.Area = "index"

// filePage are some files of an area.
type filePage struct {
	Files []file `json:"files"`
	More  bool   `json:"more"`
}

type file struct {
	Key      string `json:"key"`   // as it is, to ask for the rows
	Shown    string `json:"shown"` // printable
	Size     int64  `json:"size"`
	Modified string `json:"modified,omitempty"`
}

func listFiles(p *local.Pipeline, area local.Area, after string, limit int) (filePage, error) {
	page := filePage{Files: []file{}}
	if area == areaIndex {
		indices, err := p.IndexFiles()
		for _, index := range indices {
			if index.Index > after && !page.More {
				if page.More = len(page.Files) == limit; !page.More {
					page.Files = append(page.Files, file{Key: index.Index, Shown: show(index.Index, maxValue), Size: index.Size})
				}
			}
		}
		return page, err
	}
	objects, more, err := p.ListObjects(area, after, limit)
	page.More = more
	for _, o := range objects {
		page.Files = append(page.Files, file{o.Key, show(o.Key, maxValue), o.Size, formatTime(o.Modified)})
	}
	return page, err
}

// rowPage are some rows of a file: a table, or lines.
type rowPage struct {
	Columns []column   `json:"columns,omitempty"`
	Rows    [][]string `json:"rows,omitempty"`
	Lines   []string   `json:"lines,omitempty"`
	From    int64      `json:"from"`
	More    bool       `json:"more"`
}

type column struct {
	Name string `json:"name"`
	Type string `json:"type"`
}

// readRows reads up to limit rows of a file from a row on, counted from 0.
func readRows(p *local.Pipeline, area local.Area, key string, from int64, limit int) (page rowPage, err error) {
	var content *os.File
	if area == areaIndex {
		content, err = p.OpenIndex(key)
	} else {
		content, err = p.OpenObject(key)
	}
	if err != nil {
		return page, err
	}
	defer func() { err = errors.Join(err, content.Close()) }()
	page.From = from
	if strings.HasSuffix(key, ".parquet") {
		err = page.readTable(content, lakeColumns(p), from, limit)
	} else {
		err = page.readLines(content, from, limit)
	}
	if err != nil {
		return page, fmt.Errorf("reading %s: %w", printable.Text(key), err)
	}
	return page, nil
}

// lakeColumns returns the columns of the lake's table.
func lakeColumns(p *local.Pipeline) []schema.Column {
	for _, s := range p.Streams() {
		if s.Config.S3 != nil && s.Config.S3.Conversion != nil {
			return s.Config.S3.Conversion.Columns
		}
	}
	return nil
}

func (page *rowPage) readTable(content *os.File, columns []schema.Column, from int64, limit int) error {
	info, err := content.Stat()
	if err != nil {
		return err
	}
	table, err := parquetrows.Open(content, info.Size())
	if err != nil {
		return err
	}
	rows, err := parquetrows.ReadFrom(table, from, limit)
	if err != nil {
		return err
	}
	page.More = from+int64(len(rows)) < table.NumRows()
	for _, c := range columns {
		page.Columns = append(page.Columns, column{show(c.Name, maxValue), show(c.Type, maxValue)})
	}
	for _, values := range rows {
		var row []string
		for _, c := range columns {
			text, err := parquetrows.Text(c.Type, values[c.Name])
			if err != nil {
				return err
			}
			row = append(row, show(text, maxValue))
		}
		page.Rows = append(page.Rows, row)
	}
	return nil
}

func (page *rowPage) readLines(content io.Reader, from int64, limit int) error {
	input, err := unzip.Reader(content)
	if err != nil {
		return err
	}
	for n := int64(0); ; n++ {
		line, end, err := readLine(input, maxRecord)
		if err != nil && err != io.EOF {
			return err
		}
		if len(line) > 0 || err == nil {
			if page.More = len(page.Lines) == limit; page.More {
				return nil
			}
			if n >= from {
				page.Lines = append(page.Lines, showLine(line, end))
			}
		}
		if err == io.EOF {
			return nil
		}
	}
}

// readLine reads a line, and returns at most so many bytes of it, and how many it has.
func readLine(input *bufio.Reader, most int) (line []byte, length int, err error) {
	for {
		part, err := input.ReadSlice('\n')
		length += len(part)
		line = append(line, part[:min(len(part), max(0, most-len(line)))]...)
		if !errors.Is(err, bufio.ErrBufferFull) {
			if length > 0 && err == nil {
				length--
			}
			return line[:min(len(line), length)], length, err
		}
	}
}

// showLine returns a line, printable; of a longer one than was read also its length.
func showLine(line []byte, length int) string {
	if length > len(line) {
		return fmt.Sprintf("%s… (%d bytes)", printable.Text(string(line)), length)
	}
	return printable.Text(string(line))
}

func formatTime(at time.Time) string {
	if at.IsZero() {
		return ""
	}
	return at.UTC().Format("2006-01-02T15:04:05Z07:00")
}
