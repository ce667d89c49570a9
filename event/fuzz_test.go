package event

import (
	"bytes"
	"encoding/json"
	"math/rand/v2"
	"strings"
	"testing"
	"unicode/utf8"
)

// FuzzProcessor compares the processor with encoding/json, with the oracle and with itself.
func FuzzProcessor(f *testing.F) {
	for _, seed := range []string{
		`{}`, `{"event_id":"1","user_id":0,"amount":" 1.5 ","malformed":{"x":1},"a":{"b": 1},"a":2}`,
		`{"user_id":{},"amount":"x","event_type":[],"processed_timestamp":"x","user_category":"guest","malformed":{"user_id":"{}"}}`,
		`{"user\u005fid":false}`, `{"timestamp":"2019-10-01T00:00:00Z","category_id":"9223372036854775807"}`, `{"a":1}{"b":2}`,
		`{"malformed":[1],"user_category":{}}`, `{"user_category":"vip","malformed":{"user_id":"q"}}`, `{"event_type":"heartbeat"}`,
	} {
		f.Add([]byte(seed))
	}
	random := rand.New(rand.NewPCG(3, 3))
	for range 20 {
		f.Add([]byte(randomEvent(random)))
	}
	search, lake := newTestProcessor(Search), newTestProcessor(Lake)
	f.Fuzz(func(t *testing.T, record []byte) {
		kept := bytes.Clone(record)
		out, result := search.Append(nil, record, 1<<24)
		if !bytes.Equal(kept, record) {
			t.Fatal("changed the record")
		}
		refused := Check(Search, record)
		if (refused == nil) != (result.Refused.Reason == "") || refused != nil && *refused != result.Refused {
			t.Fatalf("check says %v, the processor %v", refused, result.Refused)
		}
		want := json.Valid(record) && utf8.Valid(record) && bytes.HasPrefix(bytes.TrimLeft(record, " \t\r\n"), []byte("{"))
		if (refused == nil) != want && refused.Reason != TooDeep {
			t.Fatalf("%v, encoding/json: %v", refused, want)
		}
		lines, lakeResult := lake.Append(nil, record, 1<<24)
		if err := Check(Lake, record); (err == nil) != (lakeResult.Refused.Reason == "") {
			t.Fatalf("check says %v, the lake %v", err, lakeResult.Refused)
		}
		inParts(t, search, record, out)
		inParts(t, lake, record, lines)
		if refused != nil {
			return
		}
		if strings.Count(string(lines), "\n") != min(len(out), 1) {
			t.Fatalf("search %q, lake %q", out, lines)
		}
		// Lone surrogates in keys: encoding/json takes all of them for one.
		if lower := bytes.ToLower(record); !bytes.Contains(lower, []byte(`\ud`)) {
			compareToOracle(t, Search, string(record), string(out), testNow, "heartbeat", "5")
			compareToOracle(t, Lake, string(record), strings.TrimSuffix(string(lines), "\n"), testNow, "heartbeat", "5")
		}
		if len(out) > 0 {
			twice(t, search, string(out))
			twice(t, lake, string(lines))
		}
	})
}
