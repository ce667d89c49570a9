package schema_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/big"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"firehose-pipeline/internal/testkit/casefile"
	"firehose-pipeline/schema"
)

// compile compiles a schema with a complete implementation of JSON Schema, which asserts formats.
func compile(t testing.TB, text []byte) *jsonschema.Schema {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	if err := c.AddResource("file:///event-schema.json", doc); err != nil {
		t.Fatal(err)
	}
	compiled, err := c.Compile("file:///event-schema.json")
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return compiled
}

// What Parse accepts is JSON Schema: another implementation compiles it.
func TestValidSchemasCompileElsewhere(t *testing.T) {
	cases, err := casefile.Read("testdata/valid")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range cases {
		t.Run(c.Name, func(t *testing.T) {
			text := c.Context
			if c.Name == "annotations" { // a vocabulary is declared in a metaschema alone
				text = bytes.Replace(text, []byte(`"$vocabulary": {},`), nil, 1)
			}
			compile(t, text)
		})
	}
}

// The shop's schema accepts the shop's events, and events whose fields have another type it does not.
func TestShopElsewhere(t *testing.T) {
	compiled := compile(t, readFile(t, shopFile))
	for _, c := range []struct {
		event string
		valid bool
	}{
		{`{"event_id":"e1","event_type":"view","amount":3.5,"timestamp":"2026-01-01T00:00:00Z"}`, true},
		{`{"category_id":2103807459595387724}`, true},
		{`{}`, true},
		{`{"undeclared":[1]}`, true},
		{`{"amount":"3.5"}`, false},
		{`{"category_id":1.5}`, false},
		{`{"timestamp":"yesterday"}`, false},
	} {
		if err := compiled.Validate(decode(t, c.event)); (err == nil) != c.valid {
			t.Errorf("%s: %v", c.event, err)
		}
	}
}

func decode(t testing.TB, text string) any {
	t.Helper()
	value, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return value
}

// TestEnforcedElsewhere makes random schemas and values, and compares what the read type accepts with the verdict of
// another implementation of JSON Schema. Of the differences that are meant (null is accepted everywhere, 1.0 is not an
// integer) no value makes use.
func TestEnforcedElsewhere(t *testing.T) {
	random := rand.New(rand.NewPCG(20, 12))
	accepted, rejected := 0, 0
	for range 1500 {
		g := &generator{Rand: random, defs: map[string]any{}}
		property := g.schema(3)
		text, err := json.Marshal(map[string]any{
			"type": "object", "properties": map[string]any{"v": property}, "$defs": g.defs,
		})
		if err != nil {
			t.Fatal(err)
		}
		s, err := schema.Parse(text)
		if err != nil {
			if strings.Contains(err.Error(), "no value would be accepted") {
				continue // bounds that leave nothing: JSON Schema allows them
			}
			t.Fatalf("%s: %v", text, err)
		}
		compiled := compile(t, text)
		for range 12 {
			value := g.value(3)
			event := map[string]any{"v": value}
			want := compiled.Validate(event) == nil
			if got := accepts(s.Fields[0].Type, value); got != want {
				t.Fatalf("%s\n%s: accepted here %v, elsewhere %v", text, marshal(t, event), got, want)
			}
			if want {
				accepted++
			} else {
				rejected++
			}
		}
	}
	if accepted < 500 || rejected < 500 {
		t.Errorf("%d accepted, %d rejected: the values say too little", accepted, rejected)
	}
}

// generator makes schemas of the keywords that are enforced, and values that are near their bounds.
type generator struct {
	*rand.Rand
	defs map[string]any
}

func pick[T any](g *generator, from ...T) T { return from[g.IntN(len(from))] }

func (g *generator) schema(depth int) map[string]any {
	s := g.plain(depth)
	switch g.IntN(6) {
	case 0: // by reference, with an annotation beside it
		name := fmt.Sprint("d", len(g.defs))
		g.defs[name] = s
		return map[string]any{"$ref": "#/$defs/" + name, "description": "x"}
	case 1:
		return map[string]any{"anyOf": []any{s, map[string]any{"type": "null"}}}
	case 2: // a bound here and one there
		name, outer := fmt.Sprint("d", len(g.defs)), map[string]any{}
		for _, keyword := range []string{"minimum", "maxLength", "enum"} {
			if value, ok := s[keyword]; ok {
				outer[keyword] = value
				delete(s, keyword)
			}
		}
		g.defs[name] = s
		outer["$ref"] = "#/$defs/" + name
		return outer
	}
	return s
}

func (g *generator) plain(depth int) map[string]any {
	kinds := []string{"string", "date-time", "date", "number", "integer", "boolean", "object", "map", "array"}
	if depth == 0 {
		kinds = kinds[:6]
	}
	kind := pick(g, kinds...)
	s := map[string]any{"type": kind}
	maybe := func(keyword string, value any) {
		if g.IntN(3) == 0 {
			s[keyword] = value
		}
	}
	switch kind {
	case "string":
		maybe("maxLength", pick(g, 0, 1, 2, 5))
		maybe("enum", []any{"a", "bb", "é🙂", nil}[:pick(g, 1, 2, 3, 4)])
		if s["enum"] == nil {
			maybe("const", "bb")
		}
	case "date-time", "date":
		s["type"], s["format"] = "string", kind
	case "number":
		maybe("minimum", pick[any](g, -1.5, 0, 2, json.Number("1e3")))
		maybe("maximum", pick[any](g, 0.5, 2, 1000, json.Number("9007199254740993")))
		maybe("enum", []any{1, 2.5, json.Number("1e3"), -1.5}[:pick(g, 1, 2, 4)])
	case "integer":
		maybe("minimum", pick[any](g, -1.5, 0, json.Number("0.0001"), json.Number("1e1"), json.Number("-9.3e18")))
		maybe("maximum", pick[any](g, 2.5, 10, json.Number("9007199254740992.5"), json.Number("9.3e18")))
		maybe("enum", []any{1, json.Number("2.0"), json.Number("1e1")}[:pick(g, 1, 3)])
	case "boolean":
		maybe("const", true)
	case "object":
		properties := map[string]any{}
		for _, key := range []string{"x", "y"}[:pick(g, 1, 2)] {
			properties[key] = g.schema(depth - 1)
		}
		s["properties"] = properties
	case "map":
		s["type"], s["additionalProperties"] = "object", g.schema(0)
	case "array":
		s["items"] = g.schema(depth - 1)
	}
	if g.IntN(4) == 0 && s["const"] == nil {
		if s["enum"] == nil {
			s["type"] = []string{s["type"].(string), "null"}
		}
	}
	return s
}

func (g *generator) value(depth int) any {
	kinds := 5
	if depth > 0 {
		kinds = 7
	}
	switch g.IntN(kinds) {
	case 0:
		return pick(g, "", "a", "bb", "é🙂", "é🙂é🙂", "ffffff")
	case 1:
		return pick(g, "2026-02-28", "2026-02-30", "2026-02-28T01:02:03Z", "2026-02-28T01:02:03.5+02:00",
			"2026-02-28T25:02:03Z")
	case 2:
		return pick(g, json.Number("-1.5"), json.Number("0.5"), json.Number("2.5"), json.Number("999.99"))
	case 3:
		return json.Number(pick(g, "-2", "-1", "0", "1", "2", "3", "10", "11", "1000", "9007199254740992", "9007199254740993"))
	case 4:
		return pick(g, true, false)
	case 5:
		object := map[string]any{}
		for _, key := range []string{"x", "y", "z"}[:g.IntN(4)] {
			object[key] = g.value(depth - 1)
		}
		return object
	}
	list := []any{}
	for range g.IntN(3) {
		list = append(list, g.value(depth-1))
	}
	return list
}

// accepts is what a declared type accepts, as docs/event-schema.md says, without conversions.
func accepts(t *schema.Type, value any) bool {
	switch v := value.(type) {
	case string:
		switch t.Kind {
		case schema.String:
			return (t.MaxLength < 0 || utf8.RuneCountInString(v) <= t.MaxLength) && (t.Enum == nil || slices.Contains(t.Enum, v))
		case schema.Timestamp:
			_, err := time.Parse(time.RFC3339Nano, v)
			return err == nil
		case schema.Date:
			_, err := time.Parse(time.DateOnly, v)
			return err == nil
		}
	case bool:
		return t.Kind == schema.Boolean && (t.Enum == nil || slices.Contains(t.Enum, fmt.Sprint(v)))
	case json.Number:
		exact, ok := new(big.Rat).SetString(v.String())
		if !ok || t.Kind != schema.Double && t.Kind != schema.BigInt || t.Kind == schema.BigInt && !exact.IsInt() {
			return false
		}
		b := t.Bounds
		low, high := new(big.Rat).SetInt64(b.MinInt), new(big.Rat).SetInt64(b.MaxInt)
		if t.Kind == schema.Double {
			low.SetFloat64(b.Min)
			high.SetFloat64(b.Max)
		}
		if t.Kind == schema.Double { // the bound is a float64, as the value is in the stores
			x, _ := exact.Float64()
			exact.SetFloat64(x)
		}
		if b.HasMin && exact.Cmp(low) < 0 || b.HasMax && exact.Cmp(high) > 0 {
			return false
		}
		return t.Enum == nil || slices.ContainsFunc(t.Enum, func(text string) bool {
			other, ok := new(big.Rat).SetString(text)
			return ok && other.Cmp(exact) == 0
		})
	case []any:
		return t.Kind == schema.Array && !slices.ContainsFunc(v, func(e any) bool { return !accepts(t.Elem, e) })
	case map[string]any:
		switch t.Kind {
		case schema.Map:
			for _, e := range v {
				if !accepts(t.Elem, e) {
					return false
				}
			}
			return true
		case schema.Struct:
			for _, f := range t.Fields {
				if e, ok := v[f.Key]; ok && !accepts(f.Type, e) {
					return false
				}
			}
			return true
		}
	}
	return false
}
