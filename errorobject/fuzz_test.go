package errorobject_test

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"reflect"
	"strings"
	"testing"

	"firehose-pipeline/deadletter"
	"firehose-pipeline/errorobject"
	"firehose-pipeline/event"
	"firehose-pipeline/internal/eventid"
	"firehose-pipeline/internal/testkit/errorobjects"
)

// part is one result of a reader: a dead letter, or bytes that it could not read.
type part struct {
	offset, length int64
	message        *deadletter.Message
}

// parts reads an object to its end and checks what holds for each object.
func parts(t *testing.T, r *errorobject.Reader) []part {
	t.Helper()
	s := errorobject.Source{Bucket: "b", Key: "k", Stream: event.Lake, Stage: errorobject.UnknownStage}
	var all []part
	for {
		f, err := r.Next()
		if err == io.EOF {
			return all
		}
		if bad := (*errorobject.UnreadableError)(nil); errors.As(err, &bad) {
			all = append(all, part{bad.Offset, bad.Length, nil})
			continue
		}
		if err != nil {
			t.Fatalf("error %v from a source that does not fail", err)
		}
		m := deadletter.ForRecord(s, f, eventid.Path{"event_id"})
		body, err := m.Encode()
		if err != nil {
			t.Fatal(err)
		}
		if strings.ContainsFunc(body, illegalInSQS) {
			t.Fatalf("body has a character that SQS refuses: %q", body)
		}
		parsed, err := deadletter.Parse([]byte(body))
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, part{f.Offset, f.Length, parsed})
	}
}

// illegalInSQS reports characters outside XML 1.0's Char (SendMessage, API reference).
func illegalInSQS(c rune) bool {
	return !(c == '\t' || c == '\n' || c == '\r' || c >= 0x20 && c <= 0xd7ff || c >= 0xe000 && c <= 0xfffd ||
		c >= 0x10000)
}

// step reads n bytes at a time.
type step struct {
	r io.Reader
	n int
}

func (s step) Read(p []byte) (int, error) { return s.r.Read(p[:min(len(p), s.n)]) }

// rawData finds a document's record without the code under test; of a repeated field the last counts.
func rawData(t *testing.T, document []byte) []byte {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(document))
	if _, err := d.Token(); err != nil {
		t.Fatal(err)
	}
	var data []byte
	for d.More() {
		key, err := d.Token()
		var value json.RawMessage
		if err := errors.Join(err, d.Decode(&value)); err != nil {
			t.Fatal(err)
		}
		if strings.ToLower(key.(string)) != "rawdata" {
			continue
		}
		data = nil
		var text string
		if value[0] == '"' && json.Unmarshal(value, &text) == nil {
			text = strings.NewReplacer("\r", "", "\n", "").Replace(text)
			if decoded, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(text, "=")); err == nil {
				data = append([]byte{}, decoded...)
			}
		}
	}
	return data
}

func FuzzReader(f *testing.F) {
	compressor := gzip.NewWriter(io.Discard) // a new one each time would be most of the work
	members := func(t *testing.T, all ...[]byte) []byte {
		var b bytes.Buffer
		for _, member := range all {
			compressor.Reset(&b)
			_, err := compressor.Write(member)
			if err := errors.Join(err, compressor.Close()); err != nil {
				t.Fatal(err)
			}
		}
		return b.Bytes()
	}
	for _, object := range errorobjects.Read(f, "testdata/objects") {
		f.Add(object, byte(1))
		f.Add(errorobjects.Gzip(f, object), byte(7))
		f.Add(object, byte(255))
	}
	f.Fuzz(func(t *testing.T, object []byte, size byte) {
		if size == 255 && len(object) > 0 { // one byte becomes many, more than any buffer holds
			middle := len(object) / 2
			object = append(append(bytes.Clone(object[:middle]),
				bytes.Repeat(object[middle:middle+1], 2*errorobject.MaxText)...), object[middle:]...)
		}
		r := errorobject.NewReader(bytes.NewReader(object))
		all := parts(t, r)
		if raw := r.HeldRawData(); raw > errorobject.MaxRawData || r.Held()-raw > 1<<20 {
			t.Fatalf("reader holds %d bytes", r.Held())
		}
		if size != 255 {
			source := step{bytes.NewReader(object), max(1, int(size))}
			if inSteps := parts(t, errorobject.NewReader(source)); !reflect.DeepEqual(inSteps, all) {
				t.Fatalf("%d bytes at a time it reads as %+v, at once as %+v", size, inSteps, all)
			}
		}
		if r.Gzip() {
			return
		}
		zipped := parts(t, errorobject.NewReader(bytes.NewReader(members(t, object[:len(object)/3],
			object[len(object)/3:]))))
		for _, p := range zipped {
			if p.message != nil {
				if p.message.Pointer.Encoding != "gzip" {
					t.Fatalf("pointer %+v into a zipped object", p.message.Pointer)
				}
				p.message.Pointer.Encoding = ""
			}
		}
		if !reflect.DeepEqual(zipped, all) {
			t.Fatalf("zipped it reads as %+v, plain as %+v", zipped, all)
		}
		end := int64(0)
		for i, p := range all {
			if p.offset < end || p.length <= 0 || p.offset+p.length > int64(len(object)) {
				t.Fatalf("part %d: %d bytes at %d of %d, after one that ended at %d", i, p.length, p.offset,
					len(object), end)
			}
			if gap := bytes.Trim(object[end:p.offset], " \t\r\n"); len(gap) > 0 {
				t.Fatalf("%q before offset %d is in no part", gap, p.offset)
			}
			end = p.offset + p.length
			if p.message == nil {
				continue
			}
			// The pointer leads to one JSON document, and that to the same dead letter.
			document := object[p.offset:end]
			alone := parts(t, errorobject.NewReader(bytes.NewReader(document)))
			if len(alone) != 1 || alone[0].message == nil {
				t.Fatalf("document %q alone reads as %+v", document, alone)
			}
			want := *p.message
			want.ID, want.Pointer = alone[0].message.ID, alone[0].message.Pointer
			if !reflect.DeepEqual(*alone[0].message, want) {
				t.Fatalf("document alone reads as %+v, in the object as %+v", *alone[0].message, want)
			}
			// A control character within a string is let through, here and nowhere else.
			strict := bytes.Map(func(c rune) rune { return max(c, ' ') }, document)
			if !json.Valid(strict) {
				t.Fatalf("document %q is no JSON", document)
			}
			if json.Valid(document) && !p.message.Truncated && !bytes.Equal(rawData(t, document), p.message.RawData) {
				t.Fatalf("document %q gave the record %q, want %q", document, p.message.RawData, rawData(t, document))
			}
		}
		if left := bytes.Trim(object[end:], " \t\r\n"); len(left) > 0 {
			t.Fatalf("%q at the end is in no part", left)
		}
		// Where every line is a document, every one is read.
		lines, good := 0, true
		for line := range bytes.Lines(object) {
			if line = bytes.Trim(line, " \t\r\n"); len(line) > 0 {
				lines++
				good = good && line[0] == '{' && json.Valid(line)
			}
		}
		if good && lines != len(all) {
			t.Fatalf("%d lines, %d parts: %+v", lines, len(all), all)
		}
		for _, p := range all {
			if good && p.message == nil {
				t.Fatalf("%d bytes of JSON at %d were not read", p.length, p.offset)
			}
		}
	})
}
