package main

import (
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"firehose-pipeline/local/firehose"
)

// collect returns the lines, and the sizes of the batches that they came in.
func collect(t *testing.T, input io.Reader) (records []string, lengths []int64, batches []int, err error) {
	t.Helper()
	err = readBatches(t.Context(), input, func(b *batch) error {
		size := 0
		for i, r := range b.records {
			records = append(records, string(r))
			want := string(r)
			if len(r) < firehose.MaxRecordBytes {
				want += "\n"
			}
			if got := string(b.lakeRecords[i]); got != want {
				t.Errorf("record %d of the lake: got %.100q, want %.100q", i, got, want)
			}
			size += len(want)
		}
		if size > firehose.MaxBatchBytes {
			t.Errorf("batch of %d bytes", size)
		}
		lengths = append(lengths, b.lengths...)
		batches = append(batches, len(b.records))
		return nil
	})
	return records, lengths, batches, err
}

func TestLines(t *testing.T) {
	for _, c := range []struct {
		rule, input string
		want        []string
	}{
		{"nothing has no line", "", nil},
		{"a newline ends a line", "a\nb\n", []string{"a", "b"}},
		{"the last line needs no newline", "a\nb", []string{"a", "b"}},
		{"a carriage return before the newline belongs to it", "a\r\nb\r\r\n", []string{"a", "b\r"}},
		{"a carriage return elsewhere belongs to the record", "a\rb\nc\r", []string{"a\rb", "c\r"}},
		{"a blank line is no record", "\n\r\na\n \t\r\n\nb\n\n", []string{"a", "b"}},
		{"bytes stay as they are", "\x00\xff\xef\xbb\xbf\n", []string{"\x00\xff\xef\xbb\xbf"}},
	} {
		t.Run(c.rule, func(t *testing.T) {
			for name, input := range map[string]io.Reader{"at once": strings.NewReader(c.input),
				"byte by byte": iotest.OneByteReader(strings.NewReader(c.input))} {
				records, _, _, err := collect(t, input)
				if err != nil || !slices.Equal(records, c.want) {
					t.Errorf("%s: got %q, %v, want %q", name, records, err, c.want)
				}
			}
		})
	}
	t.Run("records are numbered by their lines, and blank ones counted", func(t *testing.T) {
		var numbers []int64
		var blank, read int64
		err := readBatches(t.Context(), strings.NewReader(strings.Repeat("\na\n \n", 400)), func(b *batch) error {
			numbers = append(numbers, b.numbers...)
			blank, read = blank+b.blank, read+b.read
			return nil
		})
		if err != nil || len(numbers) != 400 || blank != 800 || read != 5*400 {
			t.Fatalf("got %d numbers, %d blank, %d bytes, %v", len(numbers), blank, read, err)
		}
		for i, n := range numbers {
			if n != int64(3*i+2) {
				t.Fatalf("record %d: got line %d, want %d", i, n, 3*i+2)
			}
		}
	})
	t.Run("500 records are a batch", func(t *testing.T) {
		_, _, batches, err := collect(t, strings.NewReader(strings.Repeat("x\n", 1201)))
		if err != nil || !slices.Equal(batches, []int{500, 500, 201}) {
			t.Errorf("got %v, %v", batches, err)
		}
	})
	t.Run("batches of large records stay within 4 MiB, and every line comes once", func(t *testing.T) {
		line := strings.Repeat("x", 300_000)
		records, _, _, err := collect(t, strings.NewReader(strings.Repeat(line+"\n", 40)))
		if err != nil || len(records) != 40 {
			t.Errorf("got %d records, %v", len(records), err)
		}
		for _, r := range records {
			if r != line {
				t.Fatalf("got a record of %d bytes", len(r))
			}
		}
	})
	t.Run("of a line that is too long a beginning is kept that shows it, and its length", func(t *testing.T) {
		for _, end := range []string{"\n", "\r\n", ""} {
			for _, more := range []int{0, 1, 2, 3, 1_000_000} {
				long := strings.Repeat("y", firehose.MaxRecordBytes+more)
				records, lengths, _, err := collect(t, strings.NewReader("a\n"+long+end))
				if err != nil || len(records) != 2 {
					t.Fatalf("got %d records, %v", len(records), err)
				}
				if tooLong := len(records[1]) > firehose.MaxRecordBytes; tooLong != (more > 0) ||
					len(records[1]) > firehose.MaxRecordBytes+3 {
					t.Errorf("%d more, end %q: %d bytes kept", more, end, len(records[1]))
				}
				if lengths[1] != int64(len(long)) {
					t.Errorf("%d more, end %q: length %d, want %d", more, end, lengths[1], len(long))
				}
			}
		}
	})
	t.Run("what comes before an error is put, a line that breaks off is not", func(t *testing.T) {
		broken := errors.New("cable cut")
		records, _, _, err := collect(t, io.MultiReader(strings.NewReader("a\nb\nbroken o"), iotest.ErrReader(broken)))
		if !errors.Is(err, broken) || !slices.Equal(records, []string{"a", "b"}) {
			t.Errorf("got %q, %v", records, err)
		}
	})
	t.Run("lines are put while the next is yet to come, and an interruption does not wait for it", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		reader, writer := io.Pipe()
		defer writer.Close()
		go func() {
			_, _ = io.WriteString(writer, "a\nb\n") // the test's end closes the pipe
			_, _ = io.WriteString(writer, "c")
		}()
		var records []string
		err := readBatches(ctx, reader, func(b *batch) error {
			for _, r := range b.records {
				records = append(records, string(r))
			}
			cancel()
			return nil
		})
		if !errors.Is(err, context.Canceled) || !slices.Equal(records, []string{"a", "b"}) {
			t.Errorf("got %q, %v", records, err)
		}
	})
	t.Run("what put returns ends it", func(t *testing.T) {
		full := errors.New("disk full")
		err := readBatches(t.Context(), strings.NewReader(strings.Repeat("x\n", 2000)),
			func(*batch) error { return full })
		if !errors.Is(err, full) {
			t.Errorf("got %v", err)
		}
	})
}
