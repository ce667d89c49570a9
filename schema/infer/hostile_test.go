package infer

import (
	"fmt"
	"iter"
	"runtime"
	"strings"
	"testing"

	"firehose-pipeline/schema"
)

// measureHeap returns the largest live heap, above that at the start, while an inference takes the events; looked at n
// times.
func measureHeap(t *testing.T, in *Inference, events iter.Seq[string], every int) uint64 {
	t.Helper()
	heap := func() uint64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before, most, n := heap(), uint64(0), 0
	for event := range events {
		in.Add([]byte(event))
		if n++; n%every == 0 {
			if now := heap(); now > before {
				most = max(most, now-before)
			}
		}
	}
	return most
}

func checkParses(t *testing.T, result *Result) *schema.Schema {
	t.Helper()
	if result.Schema == nil {
		t.Fatalf("no schema: %v", result.Report.Unsure)
	}
	s, err := schema.Parse(result.Schema)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestHostileInput(t *testing.T) {
	const good = `"event_id":"e","amount":1.5`
	for _, c := range []struct {
		name    string
		events  iter.Seq[string]
		every   int
		most    uint64 // MiB of heap
		columns string // that are declared
	}{
		{"a million different keys, one an event", func(yield func(string) bool) {
			for i := range 1_000_000 {
				if !yield(fmt.Sprintf(`{%s,"k%d":1}`, good, i)) {
					return
				}
			}
		}, 100_000, 16, "event_id amount"},
		{"the ordinary fields come late", func(yield func(string) bool) {
			for i := range 100_000 {
				event := fmt.Sprintf(`{"k%d":1}`, i)
				if i > 2000 {
					event = fmt.Sprintf(`{%s,"k%d":1}`, good, i)
				}
				if !yield(event) {
					return
				}
			}
		}, 20_000, 16, "event_id amount"},
		{"200,000 different keys in an object", func(yield func(string) bool) {
			for i := range 200_000 {
				if !yield(fmt.Sprintf(`{%s,"v":{"k%d":1}}`, good, i)) {
					return
				}
			}
		}, 20_000, 4, "event_id amount v"},
		{"many objects with many keys", func(yield func(string) bool) {
			for i := range 100_000 {
				if !yield(fmt.Sprintf(`{%s,"o%d":{"k%d":{"k%d":"x"}}}`, good, i%400, i, i)) {
					return
				}
			}
		}, 20_000, 64, "event_id amount"},
		{"an event of 200,000 keys", func(yield func(string) bool) {
			var b strings.Builder
			for i := range 200_000 {
				fmt.Fprintf(&b, `"k%d":1,`, i)
			}
			_ = yield(fmt.Sprintf(`{%s}`, good)) && yield(`{`+b.String()+good+`}`) &&
				yield(fmt.Sprintf(`{%s,"v":{%s"z":1}}`, good, b.String())) &&
				yield(fmt.Sprintf(`{%s}`, good))
		}, 1, 40, "event_id amount v"},
		{"keys of 1 MB", func(yield func(string) bool) {
			for i := range 20 {
				key := fmt.Sprintf("%d%s", i, strings.Repeat("k", 1<<20))
				if !yield(fmt.Sprintf(`{%s,"%s":1,"v":{"%s":1,"a":1}}`, good, key, key)) {
					return
				}
			}
		}, 1, 4, "event_id amount v"},
		{"strings of 1 MB", func(yield func(string) bool) {
			for i := range 20 {
				if !yield(fmt.Sprintf(`{%s,"v":"%d%s"}`, good, i, strings.Repeat("k", 1<<20))) {
					return
				}
			}
		}, 1, 4, "event_id amount v"},
		{"deep nesting", func(yield func(string) bool) {
			for _, depth := range []int{10, 100, 990} {
				if !yield(`{` + good + `,"v":` + strings.Repeat(`{"a":`, depth) + `1` + strings.Repeat(`}`, depth) +
					`,"w":` +
					strings.Repeat(`[`, depth) + strings.Repeat(`]`, depth) + `}`) {
					return
				}
			}
		}, 1, 4, "event_id amount"},
		{"an array of 300,000 elements", func(yield func(string) bool) {
			_ = yield(fmt.Sprintf(`{%s,"v":[%s{"a":1}]}`, good, strings.Repeat(`{"a":1},`, 300_000)))
		}, 1, 4, "event_id amount v"},
		{"objects that hold more fields than are followed", func(yield func(string) bool) {
			for i := range 20 {
				var b strings.Builder
				for k := range 400 {
					fmt.Fprintf(&b, `,"k%d":[[{"x":1}]]`, k)
				}
				if !yield(fmt.Sprintf(`{%s,"v%d":{"a":1%s}}`, good, i, b.String())) {
					return
				}
			}
		}, 1, 64, "event_id amount"},
	} {
		t.Run(c.name, func(t *testing.T) {
			in := New("")
			if most := measureHeap(t, in, c.events, c.every) >> 20; most > c.most {
				t.Errorf("%d MiB of heap, want at most %d", most, c.most)
			}
			if in.nodes > maxNodes+1 || in.nodes < 1 {
				t.Errorf("%d nodes", in.nodes)
			}
			s := checkParses(t, in.Result())
			var columns []string
			for _, f := range s.Fields {
				columns = append(columns, f.Column)
			}
			if got := strings.Join(columns, " "); got != c.columns && !strings.HasPrefix(got, c.columns+" v") &&
				!strings.HasPrefix(got, c.columns+" o") {
				t.Errorf("columns: got %.200s, want %s", got, c.columns)
			}
		})
	}
}

// What was seen of a key before it was dropped is missing: it must not be declared by what comes later.
func TestDroppedKeys(t *testing.T) {
	events := []string{`{"event_id":"e","rare":"text"}`}
	for i := range 5000 {
		events = append(events, fmt.Sprintf(`{"event_id":"e","k%d":1}`, i))
	}
	for range 5000 {
		events = append(events, `{"event_id":"e","rare":1}`)
	}
	result := inferFrom(t, events...)
	if strings.Contains(string(result.Schema), "rare") {
		t.Errorf("got %.500s", result.Schema)
	}
	if len(result.Report.Limits) == 0 || !hasNote(result.Report.Unsure, "", "values of rare keys are not declared") {
		t.Errorf("got %v and %v", result.Report.Limits, result.Report.Unsure)
	}
}

func TestTooManyKeys(t *testing.T) {
	var b strings.Builder
	for i := range maxEventKeys {
		fmt.Fprintf(&b, `,"k%d":1`, i)
	}
	in := New("")
	in.Add([]byte(`{"a":1` + b.String() + `}`))
	if in.Events() != 0 || in.Broken() != 1 || in.samples[0].Reason != "an event of more than 5000 keys" {
		t.Errorf("got %d events, %+v", in.Events(), in.samples)
	}
}

func TestAddRejects(t *testing.T) {
	in := New("")
	for _, record := range []string{``, `[]`, `{"a":1}{"a":2}`, `{"a":`, "{\"a\":\"\xff\"}"} {
		in.Add([]byte(record))
	}
	in.Add([]byte(" {\"a\":1}\n"))
	if in.Events() != 1 || in.Broken() != 5 {
		t.Errorf("got %d events, %+v", in.Events(), in.samples)
	}
}

// Many fields: the mapping of the search index has no room for all.
func TestTooManyFields(t *testing.T) {
	var b strings.Builder
	for i := range 490 {
		fmt.Fprintf(&b, `,"field_number_%d_%s":{"a":"x","b%d":1}`, i, strings.Repeat("x", 90), i)
	}
	result := inferFrom(t, `{"a":1`+b.String()+`}`, `{"a":1}`)
	s := checkParses(t, result)
	if len(s.Fields) < 100 || s.Fields[0].Key != "a" {
		t.Errorf("%d fields", len(s.Fields))
	}
}

func FuzzInfer(f *testing.F) {
	f.Add([]byte(`{"a":1,"b":{"c":[1,2.5,null]}}` + "\n" + `{"a":"x","a":null}`))
	f.Add([]byte(`[{"event_id":"e","t":"2026-01-02T03:04:05Z"},{"t":"2026-01-02"}]`))
	f.Add([]byte(`{"a.b":1,"a":{"b":2},"@t":1e400,"":{}}{"labels":{"x":true,"1":"true"}}`))
	f.Add([]byte("{\n\"v\":[[{\"userId\":1}],{\"user_id\":\"2\"}]\n}\n{"))
	f.Add([]byte(`{"rawData":"eyJhIjoxfQ==","attemptsMade":1,"arrivalTimestamp":1,"errorCode":"x"}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		in := New("")
		var events []string
		for object, err := range Objects(strings.NewReader(string(text))) {
			if broken, ok := err.(*BrokenError); ok {
				in.AddBroken(broken)
				continue
			} else if err != nil {
				t.Fatal(err)
			}
			in.Add(object)
			events = append(events, string(object))
		}
		if in.Events() != int64(len(events)) {
			t.Fatalf("%d of %d objects used: %+v", in.Events(), len(events), in.samples)
		}
		if in.Events()+in.Broken() == 0 && len(strings.Trim(string(text), " \t\r\n,[]")) > 0 {
			t.Fatalf("nothing was read of %q", text)
		}
		result := in.Result()
		if !strings.Contains(string(text), `\u`) { // encoding/json reads halves of surrogate pairs as others
			checkResult(t, result, events)
		}
		var out strings.Builder
		if err := result.Report.WriteText(&out); err != nil {
			t.Fatal(err)
		}
	})
}
