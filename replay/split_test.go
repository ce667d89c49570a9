package replay

import (
	"bytes"
	"io"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"firehose-pipeline/event"
)

func TestSplit(t *testing.T) {
	for _, c := range []struct {
		rule, record string
		want         []string // the rejected ones with a ! before
	}{
		{"one object", `{"a":1}`, []string{`{"a":1}`}},
		{"one a line", "{\"a\":1}\n{\"a\":2}\r\n", []string{`{"a":1}`, `{"a":2}`}},
		{"one after the other", `{"a":1}{"a":2} {"a":3}`, []string{`{"a":1}`, `{"a":2}`, `{"a":3}`}},
		{"an object over lines stays whole", "{\n  \"a\": [\n{\"b\":1},\n{\"b\":2}\n]\n}\n",
			[]string{"{\n  \"a\": [\n{\"b\":1},\n{\"b\":2}\n]\n}"}},
		{"braces in strings", `{"a":"}{"}{"a":"\"{"}`, []string{`{"a":"}{"}`, `{"a":"\"{"}`}},
		{"nothing", "", []string{"!"}},
		{"white space", " \n", []string{"! \n"}},
		{"a broken one alone", `{"a":`, []string{`!{"a":`}},
		{"a broken one between lines", "{\"a\":1}\n{\"a\":\n{\"a\":2}\n", []string{`{"a":1}`, `!{"a":`, `{"a":2}`}},
		{"a line that is no object", "no\n{\"a\":1}", []string{`!no`, `{"a":1}`}},
		{"several lines that are none", "no\n[1]\n{\"a\":1}", []string{"!no\n[1]", `{"a":1}`}},
		{"a broken one before another without a newline", `{"a":1{"a":2}`, []string{`!{"a":1`, `{"a":2}`}},
		{"one broken in a string before another without a newline", `{"a":"tex{"a":2}{"a":3}`,
			[]string{`!{"a":"tex`, `{"a":2}`, `{"a":3}`}},
		{"an object inside a broken one is no event", `{"a":{"b":1} x`, []string{`!{"a":{"b":1} x`}},
		{"an element of a broken array is no event", "{\"a\":[\n{\"b\":1},\n{\"b\":2}",
			[]string{"!{\"a\":[\n{\"b\":1},\n{\"b\":2}"}},
		{"an object in a broken string is no event", `{"a":"{"b":1}"}`, []string{`!{"a":"{"b":1}"}`}},
		{"a wrong number of brackets", "{\"a\":1}}\n{\"a\":2}", []string{`{"a":1}`, `!}`, `{"a":2}`}},
	} {
		t.Run(c.rule, func(t *testing.T) {
			var got []string
			for _, p := range splitRecord([]byte(c.record)) {
				mark := ""
				if p.refused != "" {
					mark = "!"
				}
				got = append(got, mark+string(p.data))
				if text := c.record[p.offset:]; !strings.HasPrefix(text, string(p.data)) {
					t.Errorf("piece %q is not at %d", p.data, p.offset)
				}
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

// FuzzSplit checks that nothing of a record is lost or doubled, that the transform accepts the pieces called good, and
// that a record read as a stream falls into the same pieces.
func FuzzSplit(f *testing.F) {
	for _, seed := range []string{`{"a":1}{"a":`, "{\"a\":1}\nx\n{}", " ", `{"a":"{"a":1}`, "\xef\xbb\xbf{}",
		"[\n{}]\n{}"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, record []byte) {
		pieces, at := splitRecord(record), int64(0)
		if len(bytes.TrimLeft(record, " \t\r\n")) == 0 {
			return // one piece that is all of it
		}
		for _, p := range pieces {
			if p.offset < at || len(bytes.Trim(record[at:p.offset], " \t\r\n")) > 0 ||
				!bytes.HasPrefix(record[p.offset:], p.data) || len(p.data) == 0 {
				t.Fatalf("piece %q at %d after %d", p.data, p.offset, at)
			}
			at = p.offset + int64(len(p.data))
			if check := event.Check(event.Search, p.data); (check == nil) != (p.refused == "") {
				t.Fatalf("piece %q is %q to the splitter and %v to the transform", p.data, p.refused, check)
			}
		}
		if len(bytes.Trim(record[at:], " \t\r\n")) > 0 {
			t.Fatalf("nothing has the end, %q", record[at:])
		}
		var streamed []piece
		for s := newPieceReader(iotest.OneByteReader(bytes.NewReader(record))); ; {
			p, err := s.nextPiece()
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			streamed = append(streamed, p)
		}
		if !slices.EqualFunc(pieces, streamed, func(a,
			b piece) bool {
			return bytes.Equal(a.data, b.data) && a.offset == b.offset
		}) {
			t.Fatalf("streamed %+v, split %+v", streamed, pieces)
		}
	})
}

// The transform leaves its own output unchanged, so that a record that failed after it may be replayed as it is.
func TestOutputOfTransformGoesBack(t *testing.T) {
	d := newDigester(shop)
	for _, file := range []string{"store-events.ndjson", "spoiled-events.ndjson"} {
		text, err := os.ReadFile("../testdata/" + file)
		if err != nil {
			t.Fatal(err)
		}
		for _, stream := range []event.Stream{event.Lake, event.Search} {
			first, second := newProcessor(t, stream), newProcessor(t, stream)
			first.SetTime(yesterday)
			second.SetTime(start)
			accepted := 0
			for line := range bytes.Lines(text) {
				line = bytes.TrimRight(line, "\r\n")
				once, result := first.Append(nil, line, 1<<30)
				if result.Refused.Reason != "" {
					continue
				}
				accepted++
				twice, _ := second.Append(nil, once, 1<<30)
				stamp := func(at time.Time) []byte { return []byte(at.Format("2006-01-02T15:04:05.000Z")) }
				if !bytes.Equal(bytes.ReplaceAll(twice, stamp(start), stamp(yesterday)), once) {
					t.Errorf("%s: %s became %s, and then %s", stream, line, once, twice)
				}
				pieces := splitRecord(once)
				for i, p := range splitRecord(line) {
					if d.contentDigest(stream, p) != d.contentDigest(stream, pieces[i]) {
						t.Errorf("%s: %s is not known again as %s", stream, p.data, pieces[i].data)
					}
				}
			}
			if accepted < 90 {
				t.Errorf("%s: only %d of %s were accepted", stream, accepted, file)
			}
		}
	}
}
