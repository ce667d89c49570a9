//go:build opensearch

package search

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
)

// hostile makes 5,000 records that try to break an index: two keys of their own each, fields whose type changes from
// one to the next, long values, null bytes, and records that are hardly JSON.
func hostile() *bytes.Buffer {
	var out bytes.Buffer
	values := []string{`1.5`, `"1.5"`, `"none"`, `{"a":{"b":1}}`, `[1,"2",{}]`, `true`, `null`, `1e300`, `-0`,
		`"2026-09-21"`}
	for i := range 5000 {
		v := func(n int) string { return values[(i/7+n)%len(values)] }
		fmt.Fprintf(&out, `{"event_id":"h-%d","key_%d_a":%s,"key_%d_b":{"deep_%d":%s},"amount":%s`+
			`,"user_id":%s,"timestamp":%s,"category_id":%s,"brand":%s`,
			i, i, v(0), i, i, v(1), v(2), v(3), v(4), v(5), v(6))
		switch i % 50 {
		case 1:
			fmt.Fprintf(&out, `,"brand":"%s"`, strings.Repeat("x", 300<<10)) // the key comes twice, and the last one counts
		case 2:
			fmt.Fprintf(&out, `,"page":"%s"`, strings.Repeat("y", 300<<10))
		case 3:
			out.WriteString(`,"zero":"a\u0000b","nu\u0000ll":"\u0000","session_id":"a\u0000b"`)
		case 4:
			out.WriteString(",\"zero\":\"a\x00b\"") // no JSON
		case 5:
			fmt.Fprintf(&out, `,"list":%s%s`, strings.Repeat("[", 900), strings.Repeat("]", 900))
		case 6:
			fmt.Fprintf(&out, `,"%s":1`, strings.Repeat("k", 60_000)) // longer than the server accepts a key
		case 7:
			out.WriteString(`,"twice":{"a":1,"a":2}`)
		case 8:
			out.WriteString(`,"session_id":"` + strings.Repeat("é", 20_000) + `"`)
		case 9:
			out.WriteString(`,"":1,".":2,"a..b":3,"_id":"x","_source":{},"amount.currency":"EUR"`)
		case 11:
			fmt.Fprintf(&out, `,"digits":%s,"x.brand":[{}]`, strings.Repeat("7", 1001))
		case 10:
			out.WriteString(`,"lone":"\ud800","timestamp":"2026-09-21T10:00:00+18:00"`)
		}
		out.WriteString("}\n")
	}
	return &out
}

func TestHostileEvents(t *testing.T) {
	for _, c := range []struct {
		name      string
		arguments []string
		delivered int64 // at least
	}{
		// The transform brings every declared field to its type and sets aside what OpenSearch accepts from nobody: only
		// the records that are not JSON are dead letters.
		{"as the transform leaves them", nil, 4900},
		// ignore_malformed saves a document from a number that is none, not from an object in the place of a string.
		{"as they are sent", []string{"-c", "enableDataTransformation=false"}, 1500},
	} {
		t.Run(c.name, func(t *testing.T) {
			clean(t)
			l := newLocal(t, c.arguments...)
			r := l.events(t, hostile())
			if got := r.Streams.Search; got.Received != 5000 || got.Delivered+got.Dropped+got.Failed != 5000 ||
				got.Delivered < c.delivered {
				t.Errorf("counts %+v", got)
			}
			var documents int
			for _, i := range indices(t, server.Master) {
				if i.Health != "green" {
					t.Errorf("index %+v", i)
				}
				var n int
				fmt.Sscan(i.Docs, &n)
				documents += n
				fields := decode[map[string]struct {
					Mappings struct{ Properties map[string]any }
				}](t, ask(t, server.Master, 200, "GET", "/"+i.Index+"/_mapping", ""))
				if got := len(fields[i.Index].Mappings.Properties); got != 18 {
					t.Errorf("index %s: the mapping has %d fields", i.Index, got)
				}
			}
			if got := count(t, server.Master, everything); int64(got) != r.Streams.Search.Delivered {
				t.Errorf("the index has %d documents, delivered %d (%d counted by _cat)", got, r.Streams.Search.Delivered,
					documents)
			}
			reasons := map[string]int{}
			for _, m := range l.letters(t) {
				if m.Stream != "search" {
					continue
				}
				reasons[m.Reason+" "+m.ErrorCode]++
				if m.Kind == "record" && m.ErrorCode == "400" && !strings.Contains(m.ErrorMessage, `"reason"`) {
					t.Errorf("a dead letter without OpenSearch's reason: %+v", m)
				}
			}
			for _, reason := range slices.Sorted(maps.Keys(reasons)) {
				t.Logf("%5d %s", reasons[reason], reason)
			}
			if c.arguments == nil {
				if len(reasons) != 1 || reasons["InvalidJson Lambda.ProcessingFailedStatus"] != 100 {
					t.Errorf("dead letters of the search stream: %v, want 100 of InvalidJson", reasons)
				}
				setAside(t, "h-9", "_id", "x")
				setAside(t, "h-9", "_source", "{}")
				setAside(t, "h-9", "amount.currency", "EUR")
				setAside(t, "h-11", "digits", strings.Repeat("7", 1001))
				setAside(t, "h-5", "list", strings.Repeat("[", 900)+strings.Repeat("]", 900))
			}
		})
	}
}

// setAside checks that an event is in the index as PARTIAL, without one of its members, whose text is in malformed.
func setAside(t *testing.T, id, key, text string) {
	t.Helper()
	got := decode[struct {
		Hits struct {
			Hits []struct {
				Source map[string]any `json:"_source"`
			}
		}
	}](t, ask(t, server.Master, 200, "POST", "/realtime-events-2*/_search", `{"query":{"term":{"event_id":"`+id+`"}}}`))
	if len(got.Hits.Hits) != 1 {
		t.Errorf("event %s: found %d times", id, len(got.Hits.Hits))
		return
	}
	source := got.Hits.Hits[0].Source
	malformed, _ := source["malformed"].(map[string]any)
	if _, there := source[key]; there || source["processing_status"] != "PARTIAL" || malformed[key] != text {
		t.Errorf("event %s: status %v, %q is there: %v, in malformed: %.100v", id, source["processing_status"], key, there,
			malformed[key])
	}
}
