package opensearch

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"strings"
	"testing"

	"firehose-pipeline/functions/searchsetup"
	"firehose-pipeline/internal/testkit/sampleevents"
	"firehose-pipeline/internal/testkit/shopschema"
	"firehose-pipeline/local/opensearch/documents"
)

// mappings are those that the search setup gives the indices, with more properties.
func mappings(more map[string]any) map[string]any {
	properties := shopschema.Load().IndexProperties()
	maps.Copy(properties, more)
	return searchsetup.State{Properties: properties}.Mappings()
}

func newChecker(t testing.TB, version string) *Checker {
	t.Helper()
	m, err := NewMapping(mappings(documents.Properties()), version)
	if err != nil {
		t.Fatal(err)
	}
	return m.NewChecker()
}

// TestTable compares the model with what real servers have answered.
func TestTable(t *testing.T) {
	rows, err := documents.Read("testdata/documents.txt", documents.Versions)
	if err != nil {
		t.Fatal(err)
	}
	for column, version := range documents.Versions {
		t.Run(version, func(t *testing.T) {
			c := newChecker(t, version)
			for _, row := range rows {
				why := c.Check("1.0", row.Document)
				if rejected := why != nil; rejected != row.Rejected[column] {
					t.Errorf("line %d: rejected: %v (%+v), real server: %v: %s", row.Line, rejected, why, row.Rejected[column], row.Text)
				}
				if why != nil && (!strings.HasSuffix(why.Type, "_exception") || why.Reason == "") {
					t.Errorf("line %d: rejection %+v", row.Line, why)
				}
			}
		})
	}
}

// TestNestedTable compares the model with what real servers have answered to documents with objects.
func TestNestedTable(t *testing.T) {
	rows, err := documents.Read("testdata/nested.txt", documents.NestedVersions)
	if err != nil {
		t.Fatal(err)
	}
	for column, version := range documents.NestedVersions {
		m, err := NewMapping(searchsetup.State{Properties: documents.NestedProperties()}.Mappings(), version)
		if err != nil {
			t.Fatal(err)
		}
		c := m.NewChecker()
		for _, row := range rows {
			why := c.Check("1.0", row.Document)
			if rejected := why != nil; rejected != row.Rejected[column] {
				t.Errorf("line %d: rejected: %v (%+v), real server: %v: %s", row.Line, rejected, why, row.Rejected[column], row.Text)
			}
			if why != nil && (!strings.HasSuffix(why.Type, "_exception") || why.Reason == "") {
				t.Errorf("line %d: rejection %+v", row.Line, why)
			}
		}
	}
}

// Each line of these files has an event_id that says whether it is accepted, or an _id.
func TestReports(t *testing.T) {
	c := newChecker(t, "")
	for _, name := range []string{"search-keys", "nested-duplicate", "json-lake-case"} {
		text, err := os.ReadFile("testdata/" + name + ".ndjson")
		if err != nil {
			t.Fatal(err)
		}
		for line := range bytes.Lines(text) {
			var e struct {
				ID string `json:"event_id"`
			}
			if err := json.Unmarshal(line, &e); err != nil {
				t.Fatal(err)
			}
			accepted := strings.HasPrefix(e.ID, "ok-") || strings.HasPrefix(e.ID, "case-")
			if why := c.Check("1.0", bytes.TrimSuffix(line, []byte("\n"))); (why == nil) != accepted {
				t.Errorf("%s: %+v for %s", name, why, line)
			}
		}
	}
}

func TestRejections(t *testing.T) {
	c := newChecker(t, "2.19")
	for _, r := range []struct{ document, want string }{
		{`{"_id":"x"}`, `{"type":"mapper_parsing_exception","reason":"failed to parse field [_id] of type [_id] in document with id '7.0'",` +
			`"caused_by":{"type":"mapper_parsing_exception","reason":"Field [_id] is a metadata field and cannot be added inside a document. ` +
			`Use the index API request parameters."}}`},
		{`{"amount":1,"amount.currency":"EUR"}`, `{"type":"mapper_parsing_exception","reason":"Could not dynamically add mapping for field ` +
			`[amount.currency]. Existing mapping for [amount] must be of type object but found [double]."}`},
		{`{"a":1,"a":2}`, `{"type":"mapper_parsing_exception","reason":"failed to parse","caused_by":{"type":"json_parse_exception",` +
			`"reason":"Duplicate field 'a'"}}`},
		{`{"u":[{"\u0022a":1,"\"a":2}]}`, `{"type":"mapper_parsing_exception","reason":"failed to parse","caused_by":{"type":` +
			`"json_parse_exception","reason":"Duplicate field '\"a'"}}`},
		{`{"":1}`, `{"type":"mapper_parsing_exception","reason":"failed to parse","caused_by":{"type":"illegal_argument_exception",` +
			`"reason":"field name cannot be an empty string"}}`},
		{`{"a..b":1}`, `{"type":"mapper_parsing_exception","reason":"failed to parse","caused_by":{"type":"illegal_argument_exception",` +
			`"reason":"object field starting or ending with a [.] makes object resolution ambiguous: [a..b]"}}`},
		{`{"u":` + strings.Repeat("1", 1001) + `}`, `{"type":"mapper_parsing_exception","reason":"failed to parse","caused_by":{"type":` +
			`"stream_constraints_exception","reason":"Number value length (1001) exceeds the maximum allowed (1000, from ` +
			"`StreamReadConstraints.getMaxNumberLength()`)\"}}"},
		{`[1]`, `{"type":"mapper_parsing_exception","reason":"Malformed content, must start with an object"}`},
		{`{} {}`, `{"type":"mapper_parsing_exception","reason":"failed to parse","caused_by":{"type":"illegal_argument_exception",` +
			`"reason":"Malformed content, found extra data after parsing"}}`},
		{`{"a":}`, `{"type":"mapper_parsing_exception","reason":"failed to parse","caused_by":{"type":"json_parse_exception",` +
			`"reason":"invalid syntax at byte 5"}}`},
	} {
		got, err := json.Marshal(c.Check("7.0", []byte(r.document)))
		if err != nil || string(got) != r.want {
			t.Errorf("%.80s\ngot  %s, %v\nwant %s", r.document, got, err, r.want)
		}
	}
}

func TestMapping(t *testing.T) {
	property := func(p map[string]any) map[string]any {
		return map[string]any{"dynamic": "false", "properties": map[string]any{"a": p}}
	}
	for name, c := range map[string]struct {
		mappings map[string]any
		version  string
		want     string // of the error
	}{
		"of the search setup":                   {mappings(nil), "2.19", ""},
		"without properties":                    {searchsetup.State{}.Mappings(), "", ""},
		"another version":                       {mappings(nil), "3.5", ""},
		"a version of one number":               {mappings(nil), "3", "engine version: must be"},
		"a version of another kind":             {mappings(nil), "2.19.1", "engine version: must be"},
		"dynamic":                               {map[string]any{"dynamic": "true"}, "", "dynamic: only false is modelled (got true)"},
		"dynamic by default":                    {map[string]any{}, "", "dynamic: only false is modelled"},
		"a member that is not known":            {map[string]any{"dynamic": "false", "_routing": 1}, "", "_routing"},
		"a type that is not known":              {property(map[string]any{"type": "geo_point"}), "", `property "a": must be`},
		"a parameter that is not known":         {property(map[string]any{"type": "keyword", "null_value": "x"}), "", "null_value"},
		"a number without ignore_malformed":     {property(map[string]any{"type": "double"}), "", `property "a": must be`},
		"a date without ignore_malformed":       {property(map[string]any{"type": "date", "ignore_malformed": false}), "", `property "a": must be`},
		"an object that is parsed":              {property(map[string]any{"type": "object"}), "", `property "a": must be`},
		"an ignore_above that is too large":     {property(map[string]any{"type": "keyword", "ignore_above": 10_923}), "", "ignore_above: only up to 10922"},
		"an object with fields":                 {property(map[string]any{"properties": map[string]any{"b": map[string]any{"type": "boolean"}}}), "", ""},
		"an object with fields and its type":    {property(map[string]any{"type": "object", "properties": map[string]any{}}), "", ""},
		"nested objects":                        {property(map[string]any{"type": "nested", "properties": map[string]any{}}), "", `property "a": of a type with properties`},
		"a type that is not known in an object": {property(map[string]any{"properties": map[string]any{"b": map[string]any{"type": "text"}}}), "", `property "a.b": must be`},
		"a flat object":                         {property(map[string]any{"type": "flat_object"}), "", ""},
		"a flat object that leaves out":         {property(map[string]any{"type": "flat_object", "ignore_above": 9}), "", `property "a": must be`},
		"a property with a dot":                 {map[string]any{"dynamic": "false", "properties": map[string]any{"a.b": map[string]any{"type": "boolean"}}}, "", "dotted"},
		"a property named like a metadata one":  {map[string]any{"dynamic": "false", "properties": map[string]any{"_id": map[string]any{"type": "boolean"}}}, "", "_id"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := NewMapping(c.mappings, c.version)
			if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}

func TestManyKeysTakeLinearTime(t *testing.T) {
	// 100,000 keys in an object that is not mapped: minutes, if every key were compared with those before it.
	var b bytes.Buffer
	b.WriteString(`{"u":{"":0`)
	for i := range 100_000 {
		fmt.Fprintf(&b, `,"key%d":0`, i)
	}
	b.WriteString(`}}`)
	if why := newChecker(t, "").Check("1.0", b.Bytes()); why != nil {
		t.Error(why)
	}
}

func TestCheckAllocatesNothing(t *testing.T) {
	c := newChecker(t, "")
	document := []byte(`{"event_id":"a","u":{"b":[1,{"c":"x"}],"d":1.5},"v.w":[true],"timestamp":"2026-09-21T10:00:00Z"}`)
	if n := testing.AllocsPerRun(100, func() { c.Check("1.0", document) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkCheck(b *testing.B) {
	c := newChecker(b, "")
	records := sampleevents.Mix(500)
	for b.Loop() {
		for _, r := range records { // some of them are rejected
			c.Check("1.0", r)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(records)), "ns/document")
}
