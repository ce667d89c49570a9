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

// batch is what one PutRecordBatch takes. Its memory is used again.
type batch struct {
	// records go to a search stream, lakeRecords to a lake stream: the same with a newline behind each, as [producer.Send] puts
	// them, by which they can be told apart in the copy of what was received.
	records, lakeRecords [][]byte
	numbers              []int64 // of their lines, from 1
	lengths              []int64 // of the records; of one that is too long only a beginning is kept
	bytes                []byte
	read                 int64 // bytes of input that the batch took, line ends and blank lines included
	lines, blank         int64 // lines that it took, and those of them that are no record
}

func (b *batch) reset() {
	*b = batch{records: b.records[:0], lakeRecords: b.lakeRecords[:0], numbers: b.numbers[:0], lengths: b.lengths[:0], bytes: b.bytes[:0]}
}

// of are the records for a stream.
func (b *batch) of(stream event.Stream) [][]byte {
	if stream == event.Lake {
		return b.lakeRecords
	}
	return b.records
}

// lines cuts the input into batches within the limits of PutRecordBatch. A line ends with a newline, or a carriage return and
// a newline, which are not part of the record; a blank line is no record. It hands a batch to put, which owns it until the
// next call, and returns what put returns, or the input's error after putting the lines before it.
func lines(ctx context.Context, input io.Reader, put func(*batch) error) error {
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
			err := b.fill(reader, line)
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

// fill reads lines, the next of which has the number, until the batch is full or the next line is yet to come, leaving room for the
// longest record so that no line has to be looked at twice. At the end of the input it returns io.EOF.
func (b *batch) fill(reader *bufio.Reader, number int64) error {
	for b.lines < firehose.MaxBatchRecords && len(b.bytes) <= firehose.MaxBatchBytes-firehose.MaxRecordBytes {
		start := len(b.bytes)
		length, end, err := b.line(reader)
		if err != nil && (length+end == 0 || err != io.EOF) { // what broke off is no record
			b.bytes = b.bytes[:start]
			return err
		}
		b.read += length + end
		b.lines++
		b.add(start, number+b.lines-1, length)
		if err != nil {
			return err
		}
		if rest, _ := reader.Peek(reader.Buffered()); bytes.IndexByte(rest, '\n') < 0 {
			return nil // the next line may take its time
		}
	}
	return nil
}

// add makes records of the bytes from start on, which are a line without its end.
func (b *batch) add(start int, number, length int64) {
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

// keep is what is kept of a line: the longest record, with room for a line end that tells a longer one.
const keep = firehose.MaxRecordBytes + 2

// line appends one line without its end, or the beginning of one that is too long. It returns the lengths of the whole line and of
// its end.
func (b *batch) line(reader *bufio.Reader) (length, end int64, err error) {
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
