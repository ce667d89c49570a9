package event

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"firehose-pipeline/internal/jsonscan"
)

// compress returns what the writer makes of the text.
func compress(t *testing.T, text string, open func(io.Writer) (io.WriteCloser, error)) string {
	t.Helper()
	var b bytes.Buffer
	w, err := open(&b)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(w, text); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func gzipAt(level int) func(io.Writer) (io.WriteCloser, error) {
	return func(w io.Writer) (io.WriteCloser, error) { return gzip.NewWriterLevel(w, level) }
}

func zlibAt(level int) func(io.Writer) (io.WriteCloser, error) {
	return func(w io.Writer) (io.WriteCloser, error) { return zlib.NewWriterLevel(w, level) }
}

// Producers that compress each record, and subscriptions of CloudWatch Logs, are told apart from producers of broken JSON.
func TestCompressedRecords(t *testing.T) {
	const one = `{"event_id":"a","event_type":"view"}`
	const envelope = `{"messageType":"DATA_MESSAGE","owner":"111122223333","logGroup":"g","logStream":"s","subscriptionFilters":["f"],` +
		`"logEvents":[{"id":"1","timestamp":1510109208016,"message":"{\"event_id\":\"a\"}"}]}`
	type test struct {
		rule, record string
		want         Reason
		offset       int
	}
	tests := []test{
		{"gzip, its header alone", "\x1f\x8b", Compressed, 0},
		{"gzip behind white space", " \n\x1f\x8b\x08\x00", Compressed, 2},
		{"zlib without compression", "x\x01\x01\x00\x00\xff\xff", Compressed, 0},
		{"zlib at level 2 to 5", "x^\xab\xae\x05\x00\x01u\x00\xf9", Compressed, 0},
		{"zlib at level 6", "x\x9c\xab\xae\x05\x00\x01u\x00\xf9", Compressed, 0},
		{"zlib at level 7 to 9", "x\xda\xab\xae\x05\x00\x01u\x00\xf9", Compressed, 0},
		{"Zstandard", "\x28\xb5\x2f\xfd\x04\x58\x11\x00\x00{}", Compressed, 0},
		{"half of gzip's magic", "\x1f", InvalidJSON, 0},
		{"another control character behind it", "\x1f\x8a", InvalidJSON, 0},
		{"half of Zstandard's magic", "\x28\xb5", InvalidJSON, 0},
		{"text that begins like zlib", "x^2 + y^2 = z^2, with a long rest", InvalidJSON, 0},
		{"text that begins like zlib, short", "x^", InvalidJSON, 0},
		{"text that begins like zlib, in lines", "x^2\r\n\ty", InvalidJSON, 0},
		{"text that begins like Zstandard", "(a)", InvalidJSON, 0},
		{"a start line of Lambda", "START RequestId: 8f5f Version: $LATEST", InvalidJSON, 0},
		{"a START line after white space", "\tSTART", InvalidJSON, 1},
		{"gzip in a string", "{\"a\":\"\x1f\x8b\"}", InvalidJSON, 6},
		{"an envelope of CloudWatch Logs that is not compressed is an event", envelope, "", 0},
		{"the control message of CloudWatch Logs is one, too", `{"messageType":"CONTROL_MESSAGE","logEvents":[]}`, "", 0},
	}
	for level := gzip.HuffmanOnly; level <= gzip.BestCompression; level++ {
		tests = append(tests, test{rule: "gzip at each level", record: compress(t, envelope, gzipAt(level)), want: Compressed},
			test{rule: "zlib at each level", record: compress(t, envelope, zlibAt(level)), want: Compressed},
			test{rule: "zlib of little at each level", record: compress(t, one, zlibAt(level)) + "\n", want: Compressed})
	}
	for _, c := range tests {
		t.Run(c.rule, func(t *testing.T) {
			for _, stream := range []Stream{Lake, Search} {
				got := Check(stream, []byte(c.record))
				if got == nil {
					got = &Error{}
				}
				if got.Reason != c.want || got.Offset != c.offset {
					t.Errorf("%s: got %q at %d, want %q at %d", stream, got.Reason, got.Offset, c.want, c.offset)
				}
				p := newTestProcessor(stream)
				if _, result := p.Append(nil, []byte(c.record), 1<<24); result.Refused != *got {
					t.Errorf("%s: the check says %v, the processor %v", stream, got, result.Refused)
				}
			}
		})
	}
	t.Run("behind an object the lake names where it begins, and search that there is more", func(t *testing.T) {
		record := []byte(one + "\n" + compress(t, one, gzipAt(gzip.DefaultCompression)))
		if got := Check(Lake, record); got == nil || *got != (Error{Compressed, len(one) + 1}) {
			t.Errorf("lake: got %v", got)
		}
		if got := Check(Search, record); got == nil || got.Reason != TrailingData {
			t.Errorf("search: got %v", got)
		}
	})
}

// A check, which looks at no key, and the transform, which does, find the same fault at the same byte.
func TestCheckAndTransformAgree(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	events := []string{`{"a":{"b":[1,-2.5e3,true,false,null,"x\u00e9\n"]},"c":"caf\xc3\xa9"}`, ` {"a" : [ ] , "b" : { } } {"c":1}`,
		`[{"a":1}]`, `{"a":"\ud800","b":{"c":{"d":{}}}}`, `{}`, strings.Repeat(`{"a":[`, jsonscan.MaxDepth/2+1)}
	refused := map[Reason]int{}
	scan := jsonscan.NewScanner(jsonscan.NewNames("a"))
	for range 50_000 {
		record := []byte(events[r.IntN(len(events))])
		for range r.IntN(3) {
			switch at := r.IntN(len(record)); r.IntN(3) {
			case 0:
				record[at] = byte(r.IntN(256))
			case 1:
				record = record[:at+1]
			default:
				record = slices.Insert(record, at, []byte("{}[]\",: 1e-\\x\xff")[r.IntN(14)])
			}
		}
		stream := []Stream{Lake, Search}[r.IntN(2)]
		var want *Error
		for at := 0; want == nil; {
			end, more, why := next(scan, stream, record, at)
			if why.Reason != "" {
				want = &why
			} else if !more {
				break
			}
			at = end
		}
		got := Check(stream, record)
		if (got == nil) != (want == nil) || got != nil && *got != *want {
			t.Fatalf("%s %q: got %v, want %v", stream, record, got, want)
		}
		if got != nil {
			refused[got.Reason]++
		}
	}
	if len(refused) < 6 {
		t.Errorf("too few reasons: %v", refused)
	}
}
