package deadletter

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"testing/iotest"

	"firehose-pipeline/errorobject"
	"firehose-pipeline/event"
	"firehose-pipeline/internal/eventid"
	"firehose-pipeline/internal/testkit/errorobjects"
)

var update = flag.Bool("update", false, "write the golden files")

// sourceOf names the object of a test file as Firehose would: the file's name begins with the stream.
func sourceOf(t testing.TB, name string) errorobject.Source {
	t.Helper()
	stream, _, _ := strings.Cut(name, "-")
	s, ok := errorobject.NewSource("error-data/", "lake-bucket",
		"error-data/"+stream+"/processing-failed/year=2026/month=09/day=21/hour=10/"+name, "v1")
	if !ok {
		t.Fatalf("%s names no stream", name)
	}
	return s
}

// read renders everything that a reader returns: dead letters as their bodies, unreadable parts as their errors.
func read(t testing.TB, s errorobject.Source, r *errorobject.Reader) string {
	t.Helper()
	var b strings.Builder
	for {
		f, err := r.Next()
		var unreadable *errorobject.UnreadableError
		switch {
		case err == io.EOF:
			return b.String()
		case errors.As(err, &unreadable):
			fmt.Fprintln(&b, err)
		case err != nil:
			t.Fatal(err)
		default:
			m := ForRecord(s, f, testID)
			body, err := m.Encode()
			if err != nil {
				t.Fatal(err)
			}
			b.WriteString(body + "\n")
		}
	}
}

var testID = eventid.Path{"event_id"}

func TestObjectsBecomeLetters(t *testing.T) {
	for name, object := range errorobjects.Read(t, "../errorobject/testdata/objects") {
		t.Run(name, func(t *testing.T) {
			s := sourceOf(t, name)
			got := read(t, s, errorobject.NewReader(bytes.NewReader(object)))
			golden := filepath.Join("testdata/letters", name)
			if *update {
				if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if got != string(want) {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
			if byByte := read(t, s, errorobject.NewReader(iotest.OneByteReader(bytes.NewReader(object)))); byByte != got {
				t.Errorf("read byte by byte\n%s\nat once\n%s", byByte, got)
			}
			half := len(object) / 2
			zipped := read(t, s, errorobject.NewReader(bytes.NewReader(errorobjects.Gzip(t, object[:half], object[half:]))))
			if strings.ReplaceAll(zipped, `"encoding":"gzip",`, "") != got {
				t.Errorf("from two gzip members\n%s\nplain\n%s", zipped, got)
			}
			for line := range strings.Lines(got) {
				if !strings.HasPrefix(line, "{") {
					continue
				}
				if i := strings.IndexFunc(strings.TrimSuffix(line, "\n"), illegalInSQS); i >= 0 {
					t.Errorf("character that SQS refuses at %d of %s", i, line)
				}
				m, err := Parse([]byte(line))
				if err != nil {
					t.Fatal(err)
				}
				if again, err := m.Encode(); err != nil || again+"\n" != line {
					t.Errorf("parsed and encoded again: %s, %v", again, err)
				}
				// The pointer leads to bytes that give the same record.
				p := m.Pointer
				f, err := errorobject.NewReader(bytes.NewReader(object[p.Offset : p.Offset+p.Length])).Next()
				if err != nil || !bytes.Equal(f.RawData, m.RawData) {
					t.Errorf("pointer %+v: %v", p, err)
				}
			}
		})
	}
}

// illegalInSQS reports characters outside XML 1.0's Char (SendMessage, API reference).
func illegalInSQS(c rune) bool {
	return !(c == '\t' || c == '\n' || c == '\r' || c >= 0x20 && c <= 0xd7ff || c >= 0xe000 && c <= 0xfffd ||
		c >= 0x10000)
}

// Which byte is at fault is in every dead letter of the transform's check, the first byte too, and in no other.
func TestReasonOffsets(t *testing.T) {
	for _, c := range []struct {
		rule, code, raw string
		stage           errorobject.Stage
		want            string
	}{
		{"text", "Lambda.ProcessingFailedStatus", "START RequestId: 1", errorobject.Transform,
			`"reason":"InvalidJson","reasonOffset":0,`},
		{"a byte order mark", "Lambda.ProcessingFailedStatus", "\ufeff{}", errorobject.Transform,
			`"reason":"ByteOrderMark","reasonOffset":0,`},
		{"gzip", "Lambda.ProcessingFailedStatus", "\x1f\x8b\x08\x00", errorobject.Transform,
			`"reason":"Compressed","reasonOffset":0,`},
		{"zlib", "Lambda.ProcessingFailedStatus", "x\x9c\xab\xae\x05\x00", errorobject.Transform,
			`"reason":"Compressed","reasonOffset":0,`},
		{"an array", "Lambda.ProcessingFailedStatus", "[{}]", errorobject.Transform,
			`"reason":"NotAnObject","reasonOffset":0,`},
		{"a dash for a number", "Lambda.ProcessingFailedStatus", `{"latency":-}`, errorobject.Transform,
			`"reason":"InvalidJson","reasonOffset":12,`},
		{"what would be accepted now", "Lambda.ProcessingFailedStatus", "{}", errorobject.Transform,
			`"reason":"AcceptedNow","errorCode":`},
		{"a function that fails", "Lambda.FunctionError", "{", errorobject.Transform,
			`"reason":"FunctionError","errorCode":`},
		{"a document that search refuses", "400", "{}", errorobject.Search, `"reason":"SearchRejected","errorCode":`},
	} {
		t.Run(c.rule, func(t *testing.T) {
			s := errorobject.Source{Bucket: "b", Key: "k", Stream: event.Search, Stage: c.stage}
			m := ForRecord(s, &errorobject.Failure{Stage: c.stage, ErrorCode: c.code, RawData: []byte(c.raw)}, testID)
			body, err := m.Encode()
			if err != nil || !strings.Contains(body, c.want) {
				t.Errorf("got %s, %v, want %s", body, err, c.want)
			}
			if got, err := Parse([]byte(body)); err != nil || !reflect.DeepEqual(*got, m) {
				t.Errorf("parsed as %+v, %v", got, err)
			}
		})
	}
}

func TestIDsAreDeterministicAndDistinct(t *testing.T) {
	base := errorobject.Source{Bucket: "b", Key: "k", VersionID: "v", Stream: event.Lake}
	id := func(s errorobject.Source, offset int64) string {
		m := ForRecord(s, &errorobject.Failure{Offset: offset}, testID)
		return m.ID
	}
	if got := id(base, 7); got != id(base, 7) || len(got) != 32 {
		t.Errorf("id %q", got)
	}
	seen := map[string]bool{}
	part := func(r Reason) string { m := ForPart(base, r, 7, 0, false, nil); return m.ID }
	for _, got := range []string{
		id(base, 7), id(base, 8), id(errorobject.Source{Bucket: "bk", VersionID: "v"}, 7),
		id(errorobject.Source{Bucket: "b", Key: "kv"}, 7),
		id(errorobject.Source{Bucket: "b", Key: "k", VersionID: "w"}, 7), part(MoreRecords), part(Unreadable),
	} {
		if seen[got] {
			t.Errorf("id %s twice", got)
		}
		seen[got] = true
	}
}

func TestRawDataStaysWhileTheMessageFits(t *testing.T) {
	s := errorobject.Source{Bucket: "b", Key: "k", Stream: event.Search, Stage: errorobject.Search}
	size := func(n int) (Message, int) {
		m := ForRecord(s, &errorobject.Failure{Stage: errorobject.Search, RawData: bytes.Repeat([]byte("x"), n)}, testID)
		body, err := m.Encode()
		if err != nil {
			t.Fatal(err)
		}
		return m, MessageSize(body, m.Attributes())
	}
	_, empty := size(0)
	largest := (MaxMessageBytes - empty - len(`"rawData":"",`)) / 4 * 3
	if m, n := size(largest); m.Truncated || n > MaxMessageBytes || n < MaxMessageBytes-8 {
		t.Errorf("%d bytes of raw data: truncated %v, %d bytes", largest, m.Truncated, n)
	}
	for _, n := range []int{largest + 6, 1024000, 4 << 20} {
		if m, n := size(n); !m.Truncated || m.RawData != nil || n > 2000 {
			t.Errorf("truncated %v, %d bytes", m.Truncated, n)
		}
	}
}

func TestSizeIsCountedAsSQSDoes(t *testing.T) {
	// kind+String+record, each attribute by name, type and value.
	if got := MessageSize("body", []Attribute{{"kind", "record"}, {"stream", "lake"}}); got != 4+(4+6+6)+(6+6+4) {
		t.Errorf("size %d", got)
	}
}

func TestLongErrorMessagesAreCutBetweenCharacters(t *testing.T) {
	m := ForRecord(errorobject.Source{}, &errorobject.Failure{ErrorMessage: "x" +
		strings.Repeat("é", MaxErrorMessageBytes)}, testID)
	if len(m.ErrorMessage) != MaxErrorMessageBytes-1 || strings.Contains(m.ErrorMessage, "\ufffd") {
		t.Errorf("%d bytes", len(m.ErrorMessage))
	}
}

func TestReasonOffsetIsThereWhenTheRecordIsAtFault(t *testing.T) {
	s := errorobject.Source{Bucket: "b", Key: "k", Stream: event.Lake, Stage: errorobject.Transform}
	for _, c := range []struct {
		rule, code, record, want string
	}{
		{"at its first byte", "Lambda.ProcessingFailedStatus", "\x1f\x8bgzip",
			`"reason":"Compressed","reasonOffset":0,`},
		{"further on", "Lambda.ProcessingFailedStatus", `{"a":}`, `"reason":"InvalidJson","reasonOffset":5,`},
		{"not at all", "Lambda.ProcessingFailedStatus", `{"a":1}`, `"reason":"AcceptedNow","errorCode":`},
		{"but the function is", "Lambda.FunctionError", `{"a":1}`, `"reason":"FunctionError","errorCode":`},
	} {
		t.Run(c.rule, func(t *testing.T) {
			m := ForRecord(s, &errorobject.Failure{Stage: errorobject.Transform, ErrorCode: c.code,
				RawData: []byte(c.record)}, testID)
			body, err := m.Encode()
			if err != nil || !strings.Contains(body, c.want) {
				t.Errorf("got %s, %v, want %s", body, err, c.want)
			}
		})
	}
	t.Run("letters of an earlier version, which left out 0, are read", func(t *testing.T) {
		for reason, want := range map[Reason]bool{Reason(event.ByteOrderMark): true, AcceptedNow: false,
			ConversionData: false} {
			m, err := Parse([]byte(`{"version":1,"kind":"record","id":"i","stream":"lake","stage":"transform","reason":"` + string(reason) + `","pointer":{}}`))
			if err != nil || (m.ReasonOffset != nil) != want || want && *m.ReasonOffset != 0 {
				t.Errorf("%s: got %+v, %v", reason, m, err)
			}
		}
	})
}
