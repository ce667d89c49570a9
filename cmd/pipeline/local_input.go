package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"

	"firehose-pipeline/event"
	"firehose-pipeline/local/firehose"
)

// batch is the input of one PutRecordBatch. Its memory is reused.
type batch struct {
	// records go to a search stream, lakeRecords to a lake stream: the same with a newline behind each, as
	// [producer.Send] puts them, by which records are separated in the copy as received.
	records, lakeRecords [][]byte
	numbers              []int64 // of their lines, from 1
	lengths              []int64 // of the records; of one that is too long only a beginning is kept
	bytes                []byte
	read                 int64 // bytes of input that the batch took, line ends and blank lines included
	lines, blank         int64 // lines of the batch, and blank ones among them
}

func (b *batch) reset() {
	*b = batch{records: b.records[:0], lakeRecords: b.lakeRecords[:0], numbers: b.numbers[:0], lengths: b.lengths[:0],
		bytes: b.bytes[:0]}
}

// recordsFor are the records for a stream.
func (b *batch) recordsFor(stream event.Stream) [][]byte {
	if stream == event.Lake {
		return b.lakeRecords
	}
	return b.records
}

// readBatches cuts the input into batches within the limits of PutRecordBatch. A line ends with a newline, or a
// carriage return and a newline, which are not part of the record; a blank line is not a record. It hands a batch to
// put, which owns it until the next call, and returns what put returns, or the input's error after putting the lines
// before it.
func readBatches(ctx context.Context, input io.Reader, put func(*batch) error) error {
	// Reading blocks, on a terminal or pipe for ever: in a goroutine of its own an interruption does not wait for it.
	free, full := make(chan *batch, 2), make(chan *batch)
	free <- &batch{}
	free <- &batch{}
	done := make(chan error, 1)
	readCtx, stop := context.WithCancel(ctx)
	defer stop()
	go func() {
		reader, line := bufio.NewReaderSize(input, 256<<10), int64(1)
		for {
			var b *batch
			select {
			case b = <-free:
			case <-readCtx.Done():
				return
			}
			b.reset()
			err := b.fillBatch(reader, line)
			line += b.lines
			if b.lines > 0 {
				select {
				case full <- b:
				case <-readCtx.Done():
					return
				}
			}
			if err != nil {
				done <- err
				return
			}
		}
	}()
	for {
		select {
		case b := <-full:
			if err := put(b); err != nil {
				return err
			}
			free <- b
		case err := <-done:
			if err == io.EOF {
				return nil
			}
			return &readError{err}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// readError is a failure to read the input to its end.
type readError struct{ err error }

func (e *readError) Error() string { return fmt.Sprintf("reading the events: %v", e.err) }
func (e *readError) Unwrap() error { return e.err }

// fillBatch reads lines, the next of which has the number, until the batch is full or the next line is yet to come,
// leaving room for the longest record so that no line has to be looked at twice. At the end of the input it returns
// io.EOF.
func (b *batch) fillBatch(reader *bufio.Reader, number int64) error {
	for b.lines < firehose.MaxBatchRecords && len(b.bytes) <= firehose.MaxBatchBytes-firehose.MaxRecordBytes {
		start := len(b.bytes)
		length, end, err := b.readLine(reader)
		if err != nil && (length+end == 0 || err != io.EOF) { // a line that broke off is not a record
			b.bytes = b.bytes[:start]
			return err
		}
		b.read += length + end
		b.lines++
		b.addLine(start, number+b.lines-1, length)
		if err != nil {
			return err
		}
		if rest, _ := reader.Peek(reader.Buffered()); bytes.IndexByte(rest, '\n') < 0 {
			return nil // the next line may take its time
		}
	}
	return nil
}

// addLine makes records of the bytes from start on, which are a line without its end.
func (b *batch) addLine(start int, number, length int64) {
	text := b.bytes[start:len(b.bytes):len(b.bytes)]
	if len(bytes.TrimSpace(text)) == 0 && length <= firehose.MaxRecordBytes {
		b.bytes = b.bytes[:start]
		b.blank++
		return
	}
	withNewline := text
	if length < firehose.MaxRecordBytes { // a record of the largest size has no room for it, and needs none
		b.bytes = append(b.bytes, '\n')
		withNewline = b.bytes[start:len(b.bytes):len(b.bytes)]
		text = withNewline[:length:length]
	}
	b.records, b.lakeRecords = append(b.records, text), append(b.lakeRecords, withNewline)
	b.numbers, b.lengths = append(b.numbers, number), append(b.lengths, length)
}

// keep is the longest part of a line that is kept: the longest record, with room for a line end that identifies a
// longer one.
const keep = firehose.MaxRecordBytes + 2

// readLine appends one line without its end, or the beginning of one that is too long. It returns the lengths of the
// whole line and of its end.
func (b *batch) readLine(reader *bufio.Reader) (length, end int64, err error) {
	start := len(b.bytes)
	var last, beforeLast byte
	for {
		var part []byte
		part, err = reader.ReadSlice('\n')
		length += int64(len(part))
		b.bytes = append(b.bytes, part[:min(len(part), keep-(len(b.bytes)-start))]...)
		if n := len(part); n > 1 {
			beforeLast, last = part[n-2], part[n-1]
		} else if n == 1 {
			beforeLast, last = last, part[0]
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			break
		}
	}
	if last == '\n' {
		if end = 1; beforeLast == '\r' {
			end = 2
		}
	}
	length -= end
	b.bytes = b.bytes[:start+int(min(length, keep))]
	return length, end, err
}
