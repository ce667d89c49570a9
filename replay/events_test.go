package replay

import (
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
)

func TestEventReader(t *testing.T) {
	content := "{\"a\":1}\n{\"b\":\n2}{\"c\":3}\n\nSTART\n{\"d\":4}\n"
	type event struct {
		data         string
		offset, line int64
	}
	want := []event{{"{\"a\":1}", 0, 1}, {"{\"b\":\n2}", 8, 2}, {"{\"c\":3}", 16, 3}, {"START", 25, 5}, {"{\"d\":4}",
		31, 6}}
	for name, in := range map[string]io.Reader{
		"at once": strings.NewReader(content), "byte by byte": iotest.OneByteReader(strings.NewReader(content)),
	} {
		var got []event
		r := NewEventReader(in)
		for {
			data, offset, err := r.Next()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, event{string(data), offset, r.Line(offset)})
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: got %+v, want %+v", name, got, want)
		}
	}
}

// Lines are counted across the reader's buffer, too.
func TestEventReaderCountsLinesOfLongContent(t *testing.T) {
	one := `{"filler":"` + strings.Repeat("x", 900<<10) + "\"}\n"
	r, lines := NewEventReader(strings.NewReader(strings.Repeat(one, 12))), int64(0)
	for {
		_, offset, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if lines++; r.Line(offset) != lines {
			t.Fatalf("event %d: line %d", lines, r.Line(offset))
		}
	}
	if lines != 12 {
		t.Errorf("read %d events", lines)
	}
}

func TestSplitEvents(t *testing.T) {
	var got []string
	for _, e := range SplitEvents([]byte(` {"a":1} {"b":{"c":2}}` + "\n")) {
		got = append(got, string(e))
	}
	if want := []string{`{"a":1}`, `{"b":{"c":2}}`}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
