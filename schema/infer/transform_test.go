package infer

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"firehose-pipeline/event"
	"firehose-pipeline/internal/jsonpointer"
	"firehose-pipeline/internal/jsonscan"
	"firehose-pipeline/schema"
)

// checkTransform checks that the transform finds nothing of the events malformed with the schema.
func checkTransform(t testing.TB, s *schema.Schema, events []string) {
	t.Helper()
	l, err := event.Compile(s)
	if err != nil {
		t.Fatal(err)
	}
	for _, stream := range []event.Stream{event.Lake, event.Search} {
		p, err := event.NewProcessor(l, stream, event.Options{HashKey: bytes.Repeat([]byte{1}, event.MinHashKey)})
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range events {
			if strings.Contains(e, "malformed") || jsonscan.Inspect([]byte(e)) != 0 {
				continue // set aside whatever the schema
			}
			out, result := p.Append(nil, []byte(e), 1<<24)
			if result.Refused.Reason != "" {
				t.Fatalf("%s: %+v", e, result)
			}
			var o struct{ Malformed map[string]any }
			if err := json.Unmarshal(out, &o); err != nil {
				t.Fatal(err)
			}
			for key := range o.Malformed {
				if isDeclared(s, key) {
					t.Fatalf("%s: malformed %q\nevent: %.500s\nout: %.1500s", stream, key, e, out)
				}
			}
		}
	}
}

// isDeclared reports whether a key of a malformed object, a key of the event or a JSON Pointer, is that of a value with a declared type.
func isDeclared(s *schema.Schema, key string) bool {
	path := []string{key}
	if strings.HasPrefix(key, "/") {
		path = strings.Split(key[1:], "/")
	}
	at := &schema.Type{Kind: schema.Struct, Fields: s.Fields}
	for _, part := range path {
		if at.Kind != schema.Struct {
			at = at.Elem
			continue
		}
		i := slices.IndexFunc(at.Fields, func(f *schema.Field) bool { return f.Key == jsonpointer.Unescape(part) })
		if i < 0 {
			return false
		}
		at = at.Fields[i].Declared
	}
	return true
}
