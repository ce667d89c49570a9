package parquet

import (
	"errors"
	"fmt"
	"io"

	format "github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/compress"

	"firehose-pipeline/internal/jsonscan"
	"firehose-pipeline/schema"
)

const (
	// A row group ends with rowGroupRows rows or with rowGroupBytes, as far as they are known before compression,
	// whichever comes first. Firehose's are larger (BlockSizeBytes, at least 64 MiB); small ones bound the memory of a
	// file being written, and readers see no difference.
	rowGroupRows  = 16384
	rowGroupBytes = 4 << 20

	// Rows are staged as values and handed to the column writers in batches, which is much faster than one at a time. A
	// batch ends with stagedRows rows, or when the text of another record does not fit.
	stagedRows  = 128
	stagedBytes = 128 << 10

	// pageBytes is the size of a page before compression; ParquetSerDe's PageSizeBytes may be as small.
	pageBytes = 64 << 10

	// keptBytes is how much the buffer of staged text may keep after an unusually long record.
	keptBytes = 1 << 20
)

var codecs = map[string]compress.Codec{
	"SNAPPY": &format.Snappy, "GZIP": &format.Gzip, "UNCOMPRESSED": &format.Uncompressed,
}

// Writer writes one Parquet file. It is not safe for concurrent use.
type Writer struct {
	stage
	file    *format.GenericWriter[any]
	writers []*format.ColumnWriter

	rows int // staged
	// marks has the lengths of staged before the current record.
	marks []int

	groupRows  int   // rows written since the last row group
	groupStart int64 // size of the file at the last row group
	total      int64 // rows of accepted records
	err        error // sticky: an error of the file's destination
}

// NewWriter returns a writer of a file with the table's columns, in their order, to w. A column's Type is a Hive type:
// string, double, float, bigint, int, smallint, tinyint, boolean, timestamp, date, array<…>, map<string,…>
// or struct<…>.
// Compression is SNAPPY, GZIP or UNCOMPRESSED. Nothing is written before the first row group is full or the writer
// closed.
func NewWriter(w io.Writer, columns []schema.Column, compression string) (*Writer, error) {
	codec, ok := codecs[compression]
	if !ok {
		return nil, fmt.Errorf("compression: must be SNAPPY, GZIP or UNCOMPRESSED (got %q)", compression)
	}
	tables, schema, leaves, err := buildTree(columns)
	if err != nil {
		return nil, err
	}
	file := format.NewGenericWriter[any](w, schema,
		format.Compression(codec),
		// As ParquetSerDe's defaults: WriterVersion V1, no dictionary.
		format.DataPageVersion(1),
		format.DefaultEncoding(&format.Plain),
		format.PageBufferSize(pageBytes),
		// Statistics are kept by row group and by page index; those in page headers would be the same once more.
		format.DataPageStatistics(false),
		format.CreatedBy("firehose-pipeline", "1", "local"),
	)
	return &Writer{stage: newStage(tables, leaves), file: file, writers: file.ColumnWriters(),
		marks: make([]int, leaves)}, nil
}

// Rows is the number of rows in the file so far, a row being one JSON document.
func (w *Writer) Rows() int64 { return w.total }

// Write adds the documents of one Firehose record, all or none. A [*MalformedError] means that the record, and nothing
// but the record, cannot be converted. Any other error is one of the file's destination, and the file is lost. The
// record is not kept.
func (w *Writer) Write(record []byte) error {
	if w.err != nil {
		return w.err
	}
	if cap(w.text)-len(w.text) < len(record) {
		if w.err = w.flushStaged(); w.err != nil {
			return w.err
		}
		if cap(w.text) < len(record) {
			w.text = make([]byte, 0, max(stagedBytes, len(record)))
		}
	}
	for i, values := range w.staged {
		w.marks[i] = len(values)
	}
	before, rows, total := len(w.text), w.rows, w.total

	at := jsonscan.SkipSpace(record, 0)
	if at == len(record) {
		return errEmpty
	}
	for checked := false; at < len(record); at = jsonscan.SkipSpace(record, at) {
		end, malformed := w.convertDocument(record, at)
		if malformed != nil {
			w.rollBack(before, rows)
			w.total = total
			return malformed
		}
		at = end
		w.rows++
		w.total++
		if w.rows < stagedRows {
			continue
		}
		// Part of the record is about to be written, so the rest of it must be good. Looking at it twice happens only
		// to records of many documents, and bounds the staged rows.
		if !checked {
			if malformed := w.checkDocuments(record, at); malformed != nil {
				w.rollBack(before, rows)
				w.total = total
				return malformed
			}
			checked = true
		}
		if w.err = w.flushStaged(); w.err != nil {
			return w.err
		}
	}
	return nil
}

// checkDocuments reports the first problem of the documents from record[at], without keeping them.
func (w *Writer) checkDocuments(record []byte, at int) *MalformedError {
	marks := make([]int, len(w.staged))
	for i, values := range w.staged {
		marks[i] = len(values)
	}
	text := len(w.text)
	for at = jsonscan.SkipSpace(record, at); at < len(record); at = jsonscan.SkipSpace(record, at) {
		end, malformed := w.convertDocument(record, at)
		if malformed != nil {
			return malformed
		}
		at = end
		for i, mark := range marks {
			w.staged[i] = w.staged[i][:mark]
		}
		w.text = w.text[:text]
	}
	return nil
}

func (w *Writer) rollBack(text, rows int) {
	for i, mark := range w.marks {
		w.staged[i] = w.staged[i][:mark]
	}
	w.text, w.rows = w.text[:text], rows
}

// flushStaged hands the staged rows to the column writers, and ends the row group when it is full.
func (w *Writer) flushStaged() error {
	if w.rows == 0 {
		return nil
	}
	for i, values := range w.staged {
		if _, err := w.writers[i].WriteRowValues(values); err != nil {
			return fmt.Errorf("writing column %d: %w", i, err)
		}
		w.staged[i] = values[:0]
		if cap(values)*valueBytes > keptBytes {
			w.staged[i] = nil
		}
	}
	w.text = w.text[:0]
	if cap(w.text) > keptBytes {
		w.text = nil
	}
	w.groupRows += w.rows
	w.rows = 0
	if w.groupRows < rowGroupRows && w.file.Size()-w.groupStart < rowGroupBytes {
		return nil
	}
	if err := w.file.Flush(); err != nil {
		return fmt.Errorf("writing row group: %w", err)
	}
	w.groupRows, w.groupStart = 0, w.file.Size()
	return nil
}

// valueBytes is the size of a format.Value.
const valueBytes = 24

// Close writes the remaining rows and the footer, without which the file cannot be read. A file without rows has a
// schema all the same. It does not close the destination.
func (w *Writer) Close() error {
	if w.err != nil {
		return w.err
	}
	if w.err = w.flushStaged(); w.err != nil {
		return w.err
	}
	w.err = errors.New("writing Parquet: the file is closed")
	if err := w.file.Close(); err != nil {
		return fmt.Errorf("writing Parquet footer: %w", err)
	}
	return nil
}
