package event

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"firehose-pipeline/schema"
)

// TestCustom runs the functions of Custom on events of the project's own schema; a want of "" means that the event does not get
// the field.
func TestCustom(t *testing.T) {
	Custom["isCheap"] = func(*Layout) Rule {
		return Rule{Flag: func(e *Event) (bool, bool) { return strings.Contains(string(e.record), "9.99"), true }}
	}
	defer delete(Custom, "isCheap")
	for _, c := range []struct{ function, kind, record, want string }{
		{"isCheap", "boolean", `{"amount":9.99}`, `true`},
	} {
		t.Run(c.function, func(t *testing.T) {
			if got := applyCustom(t, c.function, c.kind, c.record); got != c.want {
				t.Errorf("%s: got %s, want %s", c.record, got, c.want)
			}
		})
	}
	t.Run("a function that is not there", func(t *testing.T) {
		s := withCustom(t, "nowhere", "boolean")
		if _, err := Compile(s); err == nil || !strings.Contains(err.Error(), `no function "nowhere"`) {
			t.Errorf("%v", err)
		}
	})
	t.Run("a function of another type", func(t *testing.T) {
		if _, err := Compile(withCustom(t, "isCheap", "string")); err == nil || !strings.Contains(err.Error(), "declared type") {
			t.Errorf("%v", err)
		}
	})
}

// withCustom is the project's schema with a field that the function gives.
func withCustom(t *testing.T, function, kind string) *schema.Schema {
	t.Helper()
	s, err := schema.Load("../" + schema.FileName)
	if err != nil {
		t.Fatal(err)
	}
	extra, err := schema.Parse([]byte(fmt.Sprintf(`{"type": "object", "properties": {"a": {"type": "string"}}, "x-enrich": [
		{"name": "processed_timestamp", "processedAt": true}, {"name": "custom_field", "type": %q, "go": %q}]}`, kind, function)))
	if err != nil {
		t.Fatal(err)
	}
	s.Enrich = append(s.Enrich, extra.Enrich[1])
	return s
}

func applyCustom(t *testing.T, function, kind, record string) string {
	t.Helper()
	layout, err := Compile(withCustom(t, function, kind))
	if err != nil {
		t.Fatal(err)
	}
	out, result := newProcessor(t, layout, Search, Options{MaskHashes: true}).Append(nil, []byte(record), 1<<20)
	if result.Refused.Reason != "" {
		t.Fatal(result)
	}
	var fields struct {
		Value json.RawMessage `json:"custom_field"`
	}
	if err := json.Unmarshal(out, &fields); err != nil {
		t.Fatal(err)
	}
	return string(fields.Value)
}
