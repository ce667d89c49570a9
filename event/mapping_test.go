package event

import (
	"encoding/json"
	"testing"
)

func TestIndexProperties(t *testing.T) {
	properties := IndexProperties()

	want := map[Type]string{
		String:    `{"ignore_above":10922,"type":"keyword"}`,
		Double:    `{"ignore_malformed":true,"type":"double"}`,
		BigInt:    `{"ignore_malformed":true,"type":"long"}`,
		Boolean:   `{"type":"boolean"}`,
		Timestamp: `{"format":"strict_date_optional_time","ignore_malformed":true,"type":"date"}`,
	}
	check := func(name string, want string) {
		t.Helper()
		got, err := json.Marshal(properties[name])
		if err != nil {
			t.Fatal(err)
		}
		if string(got) != want {
			t.Errorf("%s: got %s, want %s", name, got, want)
		}
	}
	t.Run("a declared field has its type", func(t *testing.T) {
		for _, f := range Fields {
			check(f.Name, want[f.Type])
		}
	})
	t.Run("a field that a rule adds has its type", func(t *testing.T) {
		for _, r := range Rules {
			check(r.Name, want[r.Type])
		}
	})
	t.Run("malformed is kept and not indexed", func(t *testing.T) {
		check(Malformed, `{"enabled":false,"type":"object"}`)
	})
	t.Run("every column of the lake is a property, and nothing else", func(t *testing.T) {
		for _, c := range Columns() {
			if _, ok := properties[c.Name]; !ok {
				t.Errorf("%s is missing", c.Name)
			}
		}
		if got, want := len(properties), len(Columns()); got != want {
			t.Errorf("%d properties, want %d", got, want)
		}
	})
	t.Run("every type has a mapping", func(t *testing.T) {
		for typ := range want {
			if indexTypes[typ]["type"] == nil {
				t.Errorf("type %d has none", typ)
			}
		}
		if len(indexTypes) != len(glueTypes) {
			t.Errorf("%d index types, %d Glue types", len(indexTypes), len(glueTypes))
		}
	})
	t.Run("a longest keyword fits a Lucene term", func(t *testing.T) {
		if bytes := maxKeyword * 3; bytes > 32766 {
			t.Errorf("%d bytes", bytes)
		}
	})
	t.Run("a change of one result does not reach the next", func(t *testing.T) {
		name := Fields[0].Name
		IndexProperties()[name].(map[string]any)["type"] = "text"
		if got := IndexProperties()[name].(map[string]any)["type"]; got == "text" {
			t.Error("it does")
		}
	})
}
