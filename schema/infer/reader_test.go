package infer

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"firehose-pipeline/errorobject"
)

// readAll returns the objects of a text, and "line: reason" for each broken part.
func readAll(t testing.TB, r io.Reader) (objects, broken []string) {
	t.Helper()
	for object, err := range Objects(r) {
		var part *BrokenError
		switch {
		case errors.As(err, &part):
			broken = append(broken, part.Error())
		case err != nil:
			t.Fatal(err)
		default:
			objects = append(objects, string(object))
		}
	}
	return objects, broken
}

func TestObjects(t *testing.T) {
	for _, c := range []struct {
		name, text string
		want       []string
		broken     []string
	}{
		{"nothing", "", nil, nil},
		{"white space", " \r\n\n\t", nil, nil},
		{"lines", "{\"a\":1}\n{\"a\":2}\r\n\n{\"a\":3}", []string{`{"a":1}`, `{"a":2}`, `{"a":3}`}, nil},
		{"one after the other", `{"a":1}{"a":2} {"a":3}`, []string{`{"a":1}`, `{"a":2}`, `{"a":3}`}, nil},
		{"over several lines", "{\n  \"a\": {\n    \"b\": 1\n  }\n}\n{\n  \"a\": 2\n}\n",
			[]string{"{\n  \"a\": {\n    \"b\": 1\n  }\n}", "{\n  \"a\": 2\n}"}, nil},
		{"array on one line", `[{"a":1}, {"a":2},{"a":3}]` + "\n", []string{`{"a":1}`, `{"a":2}`, `{"a":3}`}, nil},
		{"array over several lines",
			"[\n  {\n    \"a\": 1\n  },\n  {\n    \"a\": [\n      {\n        \"b\": 1\n      }\n    ]\n  }\n]\n",
			[]string{"{\n    \"a\": 1\n  }", "{\n    \"a\": [\n      {\n        \"b\": 1\n      }\n    ]\n  }"}, nil},
		{"array with white space before", " \n [ \n{\"a\":1}]", []string{`{"a":1}`}, nil},
		{"lines with commas", "{\"a\":1},\n{\"a\":2},\n", []string{`{"a":1}`, `{"a":2}`}, nil},
		{"an array that is no array of objects", "[1,2]\n{\"a\":1}\n", []string{`{"a":1}`},
			[]string{"line 1: not a JSON object"}},
		{"an array among lines", "{\"a\":1}\n[{\"a\":2}]\n{\"a\":3}\n", []string{`{"a":1}`, `{"a":3}`},
			[]string{"line 2: not a JSON object"}},
		{"text among lines", "hello\n{\"a\":1}\nworld\n\n{\"a\":2}\n", []string{`{"a":1}`, `{"a":2}`},
			[]string{"line 1: not a JSON object", "line 3: not a JSON object"}},
		{"text behind an object", "{\"a\":1} x\n{\"a\":2}\n", []string{`{"a":1}`, `{"a":2}`},
			[]string{"line 1: not a JSON object"}},
		{"two commas", "{\"a\":1},,\n{\"a\":2}\n", []string{`{"a":1}`, `{"a":2}`},
			[]string{"line 1: not a JSON object"}},
		{"broken lines", "{\"a\":}\n{\"a\":1}\n{\"a\":1,}\n{'a':1}\n", []string{`{"a":1}`},
			[]string{"line 1: invalid syntax at byte 6", "line 3: invalid syntax at byte 8",
				"line 4: invalid syntax at byte 2"}},
		{"invalid UTF-8", "{\"a\":\"\xff\"}\n{\"a\":1}\n", []string{`{"a":1}`},
			[]string{"line 1: invalid UTF-8 at byte 7"}},
		{"a line that is cut off", "{\"a\":1,\"b\":\n{\"a\":2}\n{\"a\":3}\n", []string{`{"a":2}`, `{"a":3}`},
			[]string{"line 1: unexpected end at byte 13"}},
		{"a line that is cut off before the last", "{\"a\":1,\"b\":\n{\"a\":2}", []string{`{"a":2}`},
			[]string{"line 1: unexpected end at byte 13"}},
		{"the last line is cut off", "{\"a\":1}\n{\"a\":", []string{`{"a":1}`},
			[]string{"line 2: unexpected end at byte 6"}},
		{"a mistake in an object of several lines",
			"[\n  {\n    \"a\": 1,\n    \"b\": x\n  },\n  {\n    \"a\": 2\n  }\n]\n", []string{"{\n    \"a\": 2\n  }"},
			[]string{"line 2: invalid syntax at byte 24"}},
		{"nested too deep", `{"a":` + strings.Repeat("[", 1000) + strings.Repeat("]", 1000) + "}\n{\"a\":1}\n",
			[]string{`{"a":1}`},
			[]string{"line 1: nested too deep at byte 1005"}},
		{"keys of an error object in an event", `{"rawData":"x","errorCode":"y"}`,
			[]string{`{"rawData":"x","errorCode":"y"}`}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, by := range []struct {
				name string
				read func(io.Reader) io.Reader
			}{{"at once", func(r io.Reader) io.Reader { return r }}, {"byte by byte", iotest.OneByteReader},
				{"with the end", iotest.DataErrReader}} {
				objects, broken := readAll(t, by.read(strings.NewReader(c.text)))
				if !reflect.DeepEqual(objects, c.want) || !reflect.DeepEqual(broken, c.broken) {
					t.Errorf("%s: got %q and %q, want %q and %q", by.name, objects, broken, c.want, c.broken)
				}
			}
		})
	}
}

func TestObjectsFails(t *testing.T) {
	failure := errors.New("disk")
	var objects int
	var got error
	for _, err := range Objects(io.MultiReader(strings.NewReader("{\"a\":1}\n{\"a\":"), iotest.ErrReader(failure))) {
		if got = err; err == nil {
			objects++
		}
	}
	if objects != 1 || !errors.Is(got, failure) {
		t.Errorf("got %d objects and %v", objects, got)
	}
	if _, err := FromObjects("", Objects(iotest.ErrReader(failure))); !errors.Is(err, failure) {
		t.Errorf("got %v", err)
	}
}

// Line numbers and offsets of broken parts, and that each byte is one of an object, of white space or of a broken part.
func TestBrokenParts(t *testing.T) {
	text := "{\"a\":1}\nx y\n{\"a\":\n\n{\"a\":2}\n"
	var parts []BrokenError
	for _, err := range Objects(strings.NewReader(text)) {
		if err != nil {
			parts = append(parts, *err.(*BrokenError))
		}
	}
	want := []BrokenError{
		{Line: 2, Offset: 8, Length: 4, Reason: "not a JSON object"},
		{Line: 3, Offset: 12, Length: 7, Reason: "unexpected end at byte 8"},
	}
	if !reflect.DeepEqual(parts, want) {
		t.Errorf("got %+v", parts)
	}
}

func TestManyObjects(t *testing.T) {
	var lines, array strings.Builder
	array.WriteByte('[')
	const n = 20_000
	for i := range n {
		event := fmt.Sprintf(`{"id":%d,"text":"%s"}`, i, strings.Repeat("x", i%100))
		lines.WriteString(event + "\n")
		if i > 0 {
			array.WriteByte(',')
		}
		array.WriteString(event)
	}
	array.WriteByte(']')
	for name, text := range map[string]string{"lines": lines.String(), "array": array.String()} {
		objects, broken := readAll(t, strings.NewReader(text))
		if len(objects) != n || len(broken) != 0 {
			t.Errorf("%s: %d objects, %q", name, len(objects), broken)
		}
		for i, object := range objects {
			if !strings.HasPrefix(object, fmt.Sprintf(`{"id":%d,`, i)) {
				t.Fatalf("%s: object %d is %q", name, i, object)
			}
		}
	}
}

func TestObjectTooLong(t *testing.T) {
	text := `{"a":"` + strings.Repeat("x", maxObjectBytes) + "\"}\n{\"a\":1}\n"
	objects, broken := readAll(t, strings.NewReader(text))
	if len(objects) != 1 || len(broken) != 1 || broken[0] != "line 1: an object of more than 8 MiB" {
		t.Errorf("got %d objects and %.200q", len(objects), broken)
	}
	text = `{"a":"` + strings.Repeat("x", maxObjectBytes-100) + "\"}\n{\"a\":1}\n"
	if objects, broken := readAll(t, strings.NewReader(text)); len(objects) != 2 || len(broken) != 0 {
		t.Errorf("got %d objects and %.200q", len(objects), broken)
	}
}

func TestErrorObject(t *testing.T) {
	var object []byte
	var err error
	for _, record := range []errorobject.Document{
		errorobject.ProcessingFailed{RawData: []byte(`{"a":1}`), ErrorCode: "Lambda.X", AttemptsMade: 4,
			ArrivalTimestamp: time.Now().UnixMilli()},
		errorobject.ProcessingFailed{RawData: []byte("{\"a\":2}\n{\"a\":3}{\"a\":\n"), ErrorCode: "Lambda.X",
			AttemptsMade: 4},
		errorobject.ProcessingFailed{ErrorCode: "Lambda.X", AttemptsMade: 4},
		errorobject.ConversionFailed{RawData: []byte(`{"a":4}`), LastErrorCode: "X", AttemptsMade: 1},
		errorobject.SearchFailed{RawData: []byte(`{"rawData":"x","attemptsMade":1,"arrivalTimestamp":1,"errorCode":"x"}`), ErrorCode: "400", AttemptsMade: 1},
	} {
		if object, err = errorobject.AppendDocument(object, record); err != nil {
			t.Fatal(err)
		}
	}
	object = append(object, "{\"rawData\":\"cut\n"...)
	want := []string{`{"a":1}`, `{"a":2}`, `{"a":3}`, `{"a":4}`,
		`{"rawData":"x","attemptsMade":1,"arrivalTimestamp":1,"errorCode":"x"}`}
	for _, by := range []func(io.Reader) io.Reader{func(r io.Reader) io.Reader { return r }, iotest.OneByteReader} {
		objects, broken := readAll(t, by(bytes.NewReader(object)))
		if !reflect.DeepEqual(objects, want) {
			t.Errorf("got %q", objects)
		}
		if len(broken) != 3 || !strings.Contains(broken[0], "record in an error object: unexpected end") ||
			!strings.Contains(broken[1], "a failure without its record") || !strings.Contains(broken[2],
			"document breaks off") {
			t.Errorf("got %q", broken)
		}
	}
}

// A gzip stream is the caller's to decompress; of one that is damaged the events before the damage are used, and the
// error is returned.
func TestDamagedGzip(t *testing.T) {
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	for i := range 10_000 {
		fmt.Fprintf(w, "{\"a\":%d}\n", i)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	unpacked, err := gzip.NewReader(bytes.NewReader(packed.Bytes()[:packed.Len()-100]))
	if err != nil {
		t.Fatal(err)
	}
	in := New("")
	if err := in.AddAll(Objects(unpacked)); !errors.Is(err, io.ErrUnexpectedEOF) || in.Events() == 0 {
		t.Errorf("got %v after %d events", err, in.Events())
	}
}
