package event

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
	"time"
)

const testNow = "2026-03-04T05:06:07.089Z"

func newTestProcessor(stream Stream) *Processor {
	p, err := NewProcessor(shop, stream, Options{DropEventTypes: []string{"heartbeat", "5"}})
	if err != nil {
		panic(err)
	}
	p.SetTime(time.Date(2026, 3, 4, 6, 6, 7, 89_999_999, time.FixedZone("", 3600)))
	return p
}

// become returns what the search stream makes of a record that it accepts; empty when it is dropped.
func become(t *testing.T, p *Processor, record string) string {
	t.Helper()
	out, result := p.Append([]byte("before"), []byte(record), 1<<24)
	if result.Refused.Reason != "" {
		t.Fatalf("%s: %s at %d", record, result.Refused.Reason, result.Refused.Offset)
	}
	if !bytes.HasPrefix(out, []byte("before")) {
		t.Fatalf("overwrote what was there: %s", out)
	}
	inParts(t, p, []byte(record), out[len("before"):])
	got := string(out[len("before"):])
	if (got == "") != (result.Written == 0) || result.Written+result.Dropped != 1 || result.Partial > result.Written {
		t.Fatalf("%q: %+v", got, result)
	}
	return got
}

// inParts fails when the parts of what a record becomes are not what it becomes. The third time a tail is one that is kept.
func inParts(t *testing.T, p *Processor, record, whole []byte) {
	t.Helper()
	for range 3 {
		middle, parts := p.AppendMiddle([]byte("before"), record, 1<<24)
		got := append(bytes.Clone(record[:parts.Same]), bytes.TrimPrefix(middle, []byte("before"))...)
		if parts.Suffix != nil {
			got = append(got, parts.Suffix.JSON...)
		}
		if !bytes.Equal(got, whole) || parts.Same%3 != 0 || parts.Refused.Reason != "" && (parts.Same > 0 || parts.Suffix != nil) {
			t.Fatalf("%s\nin parts %s (%+v)\nwhole    %s", record, got, parts, whole)
		}
	}
}

// twice fails when another pass changes more than the timestamp.
func twice(t *testing.T, p *Processor, once string) {
	t.Helper()
	if again := become(t, p, once); again != once {
		t.Fatalf("once  %s\ntwice %s", once, again)
	}
}

func TestStoreEvents(t *testing.T) {
	data, err := os.ReadFile("../testdata/store-events.ndjson")
	if err != nil {
		t.Fatal(err)
	}
	p := newTestProcessor(Search)
	n := 0
	for line := range strings.Lines(string(data)) {
		n++
		got := become(t, p, line)
		compareToOracle(t, Search, line, got, testNow, "heartbeat", "5")
		twice(t, p, got)
		sent := strings.TrimSuffix(strings.TrimSpace(line), "}")
		if !strings.HasPrefix(got, sent+`,"processed_timestamp":`) {
			t.Fatalf("%s\nwas changed: %s", line, got)
		}
	}
	if n != 500 {
		t.Fatalf("%d events", n)
	}
}

// TestAgainstOracle compares the processor with the oracle over events made of what is likely to go wrong.
func TestAgainstOracle(t *testing.T) {
	random := rand.New(rand.NewPCG(7, 7))
	for range 5_000 {
		sent := randomEvent(random)
		for stream, p := range map[Stream]*Processor{Search: newTestProcessor(Search), Lake: newTestProcessor(Lake)} {
			got := become(t, p, sent)
			compareToOracle(t, stream, sent, strings.TrimSuffix(got, "\n"), testNow, "heartbeat", "5")
			if got != "" {
				twice(t, p, got)
			}
		}
	}
}

// randomEvent makes an object of declared and other keys with every kind of value.
func randomEvent(r *rand.Rand) string {
	pick := func(from []string) string { return from[r.IntN(len(from))] }
	spaces := []string{"", "", "", " ", "\n\t", "\r\n  "}
	if r.IntN(2) == 0 {
		spaces = spaces[:1]
	}
	var write func(depth, members int) string
	value := func(depth int) string {
		if depth < 3 && r.IntN(12) == 0 {
			return write(depth+1, r.IntN(4))
		}
		return pick(oracleValues)
	}
	write = func(depth, members int) string {
		keys := oracleKeys
		var b strings.Builder
		b.WriteString("{" + pick(spaces))
		for i := range members {
			if i > 0 {
				b.WriteString("," + pick(spaces))
			}
			key := pick(keys)
			fmt.Fprintf(&b, `"%s"%s:%s`, key, pick(spaces), pick(spaces))
			if key == "malformed" && r.IntN(2) == 0 {
				b.WriteString(write(depth+1, r.IntN(4)))
			} else {
				b.WriteString(value(depth))
			}
			b.WriteString(pick(spaces))
		}
		return b.String() + "}"
	}
	return pick(spaces) + write(0, r.IntN(12)) + pick(spaces)
}

var oracleKeys = append([]string{
	"event_id", "user_id", "user_id", "event_type", "event_type", "amount", "amount", "product_id", "timestamp", "session_id",
	"category_id", "category_code", "brand", "malformed", "malformed", "processed_timestamp", "processed_timestamp",
	"processing_status", "user_category", "amount_category", "amount_tier", "event_category", "data_quality_score",
}, "", "_id", "_id", "\\u005fid", "_id.x", "_source", "_type", "_doc_count", "amount.currency", "brand.", "processing_status.x", "malformed.x", "x.amount", "x._id.", "x.y.brand",
	"a.b", "a..b", ".", ".a", "a.", "a. .b", " ", "a.\u00a0.b", "a.\\u2003", "a_key_of_more.than sixteen bytes", "timestamp\\u002eus",
	"other", "Amount", "AMOUNT", "user\\u005fid", "\\u0061mount", "malforme\\u0064", "a\\\"b", "größe", "gr\\u00f6\\u00dfe", "x", "y", "z")

// deepArrays is so many arrays directly inside each other.
func deepArrays(n int) string { return strings.Repeat("[", n) + strings.Repeat("]", n) }

// longNumber is an integer of so many digits.
func longNumber(n int) string { return strings.Repeat("7", n) }

var oracleValues = []string{
	`null`, `true`, `false`, `0`, `-0`, `0.0`, `0e5`, `-0.0`, `1`, `5`, `100`, `100.0`, `100.01`, `100.00000000000000001`, `500`, `500.5`, `1e2`,
	`1.50`, `1E400`, `-1e400`, `1e-400`, `123456789012345678`, `9007199254740993`, `9223372036854775807`, `9223372036854775808`,
	`-9223372036854775808`, `-9223372036854775809`, `0.1234567890123456789`, `99999999999999999999999999999999999999`,
	`123456789012345.6`, `1.0`, `1e3`,
	`""`, `" "`, `"\u0020\t"`, `"\u00a0"`, `"x"`, `"0"`, `"0.0"`, `"-0"`, `"5"`, `" 5 "`, `"150.5"`, `" 150.5 "`, `"\u00a0150.5\u00a0"`, `"15\u0030.5"`,
	`"0x1p-2"`, `"NaN"`, `"Infinity"`, `"+1"`, `"1."`, `".5"`, `"1e3"`, `"1E400"`, `"1_000"`, `"01"`, `"true"`, `"false"`, `" true"`, `"null"`,
	`"{}"`, `"[]"`, `"guest"`, `"registered"`, `"unknown"`, `"heartbeat"`, `"heart\u0062eat"`, `"Heartbeat"`, `"purchase"`, `"view"`, `"c\u0061rt"`, `"login"`,
	`"9223372036854775807"`, `"9223372036854775808"`, `"\ud83d\ude00"`, `"\ud800"`, `"a\"b\\c\/d\n"`, `"größe €"`,
	`"2019-10-01T00:00:00Z"`, `"2019-10-01T00:00:00.123456789+05:30"`, `"2019-10-01T00:00:00\u005a"`, `"2019-02-29T00:00:00Z"`, `"2020-02-29T00:00:00Z"`,
	`"2019-10-01 00:00:00Z"`, `"2019-10-01T24:00:00Z"`, `"2019-10-01"`, `"2019-10-01t00:00:00z"`, `"2016-12-31T23:59:60Z"`, `"2019-10-01T00:00:00.Z"`,
	`"2019-10-01T00:00:00.1234567890Z"`, `"2019-10-01T00:00:00+18:01"`, `"2019-10-01T00:00:00-18:00"`, `"2019-10-01T00:00:00+0100"`, `1569888000`,
	deepArrays(20), deepArrays(21), `{"a":` + deepArrays(22) + `}`, longNumber(1000), longNumber(1001), `[{"a":` + longNumber(1001) + `}]`,
	`"` + longNumber(1001) + `"`, longNumber(998) + `.5e1`, longNumber(999) + `.5e1`, `{"a":[{"b":1,"c":{},"\u0062":2}]}`, `{"_id":1,"":2,"a..b":3}`,
	`1533689070`, `"1533689070.5"`, `1533689070589`, `"2018-08-08 01:04:30+0200"`, `"2018-08-08T01:04:30+14:01"`,
	`{}`, `{ }`, `[]`, `[ ]`, `[1, 2]`, `{"a": "b\n"}`, `[null,[["x\\"]]]`, `{"a":1,"a":2}`,
}
