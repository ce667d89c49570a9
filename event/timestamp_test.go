package event

import (
	"bytes"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

func TestLakeRecords(t *testing.T) {
	one := `{"event_id":"1","event_type":"view"}`
	two := `{"event_id":"2","amount":"x"}`
	beat := `{"event_type":"heartbeat"}`
	for _, c := range []struct {
		rule, record string
		kept         []string
		dropped      int
		refused      Reason
		offset       int
	}{
		{rule: "one object", record: one, kept: []string{one}},
		{rule: "one object and a newline", record: one + "\n", kept: []string{one}},
		{rule: "objects on lines", record: one + "\n" + two + "\r\n\n" + one + "\n", kept: []string{one, two, one}},
		{rule: "objects one after another", record: one + two, kept: []string{one, two}},
		{rule: "pretty-printed objects", record: "{\n \"a\": 1\n}\n{\n}", kept: []string{`{"a":1}`, `{}`}},
		{rule: "objects to be dropped are left out", record: beat + one + beat + "\n", kept: []string{one}, dropped: 2},
		{rule: "with nothing left the record is dropped", record: beat + "\n" + beat, dropped: 2},
		{rule: "the event type is decoded before it is compared", record: `{"event_type":"heart\u0062eat"}`, dropped: 1},
		{rule: "the event type is conformed before it is compared", record: `{"event_type":5}`, dropped: 1},
		{rule: "a malformed event type is none", record: `{"event_type":["heartbeat"]}`, kept: []string{`{"event_type":["heartbeat"]}`}},
		{rule: "one bad object fails the record", record: one + "\n{\"a\":}\n" + two, refused: InvalidJSON, offset: len(one) + 6},
		{rule: "a bad object after one to be dropped fails the record", record: beat + "x", refused: InvalidJSON, offset: len(beat)},
		{rule: "an array of objects is no object", record: "[" + one + "]", refused: NotAnObject},
		{rule: "an array after an object is no object", record: one + " []", refused: NotAnObject, offset: len(one) + 1},
		{rule: "commas between objects are not JSON", record: one + "," + two, refused: InvalidJSON, offset: len(one)},
		{rule: "a cut last object fails the record", record: one + `{"a"`, refused: UnexpectedEnd, offset: len(one) + 4},
		{rule: "a byte order mark between objects is not JSON", record: one + "\n\xEF\xBB\xBF" + two, refused: ByteOrderMark, offset: len(one) + 1},
		{rule: "an empty record", record: "\n\n", refused: EmptyRecord},
	} {
		t.Run(c.rule, func(t *testing.T) {
			p := newTestProcessor(Lake)
			out, result := p.Append([]byte("before"), []byte(c.record), 1<<20)
			refused := Check(Lake, []byte(c.record))
			if c.refused != "" {
				if want := (Error{c.refused, c.offset}); result.Refused != want || refused == nil || *refused != want || string(out) != "before" {
					t.Fatalf("%v, check %v, %q; want %v", result.Refused, refused, out, want)
				}
				return
			}
			if refused != nil || result.Refused.Reason != "" {
				t.Fatal(refused, result.Refused)
			}
			inParts(t, p, []byte(c.record), out[len("before"):])
			lines := slices.Collect(strings.Lines(string(out[len("before"):])))
			if result.Written != len(c.kept) || result.Dropped != c.dropped || len(lines) != len(c.kept) {
				t.Fatalf("%+v %q", result, lines)
			}
			for i, line := range lines {
				if !strings.HasSuffix(line, "}\n") {
					t.Fatalf("%q does not end its line", line)
				}
				compareToOracle(t, Lake, c.kept[i], strings.TrimSuffix(line, "\n"), testNow, "heartbeat")
			}
		})
	}
}

func TestLimit(t *testing.T) {
	p := newTestProcessor(Lake)
	record := []byte(`{"a":1}{"b":2}`)
	out, result := p.Append(nil, record, 1<<20)
	if result.Written != 2 {
		t.Fatal(result)
	}
	t.Run("a record that just fits is accepted", func(t *testing.T) {
		if again, result := p.Append(nil, record, len(out)); result.Written != 2 || !bytes.Equal(again, out) {
			t.Fatal(result)
		}
	})
	t.Run("one byte more is too much", func(t *testing.T) {
		if out, result := p.Append([]byte("x"), record, len(out)-1); result.Refused.Reason != TooLarge || string(out) != "x" {
			t.Fatal(result)
		}
	})
	t.Run("a record that grows is given up early", func(t *testing.T) {
		out, result := p.Append(nil, bytes.Repeat([]byte("{}"), 500_000), 10_000)
		if result.Refused.Reason != TooLarge || cap(out) > 20_000 || result.Refused.Offset > 1000 {
			t.Fatal(result, cap(out))
		}
	})
}

func TestAllocations(t *testing.T) {
	p := newTestProcessor(Lake)
	record := []byte(`{"event_id":"e1","user_id":7,"event_type":"clic\u006b","amount":"3.5","x":1,"x":[1, 2],"timestamp":"now","malformed":{"a":1}}`)
	out, _ := p.Append(nil, record, 1<<20)
	if n := testing.AllocsPerRun(100, func() { out, _ = p.Append(out[:0], record, 1<<20) }); n != 0 {
		t.Errorf("%v allocations a record", n)
	}
}

func TestCheckAgreesWithProcessor(t *testing.T) {
	p := newTestProcessor(Lake)
	for _, c := range []struct {
		stream Stream
		record string
	}{{Lake, "{}{}"}, {Search, "{}"}} {
		if err := Check(c.stream, []byte(c.record)); err != nil {
			t.Error(err)
		}
	}
	if err := Check(Search, []byte("{}{}")); err == nil || err.Reason != TrailingData || err.Error() != "refusing record: TrailingData at byte 2" {
		t.Error(err)
	}
	if _, result := p.Append(nil, []byte("{}{}"), 1000); result.Written != 2 {
		t.Error(result)
	}
}

func TestReasons(t *testing.T) {
	source, err := os.ReadFile("check.go")
	if err != nil {
		t.Fatal(err)
	}
	declared := regexp.MustCompile(`Reason = "(\w+)"`).FindAllSubmatch(source, -1)
	if len(declared) != len(Reasons) {
		t.Fatalf("%d reasons are declared, %d in Reasons", len(declared), len(Reasons))
	}
	for _, d := range declared {
		if !slices.Contains(Reasons, Reason(d[1])) {
			t.Errorf("%s is not in Reasons", d[1])
		}
	}
}
