package schema_test

import (
	"encoding/json"
	"os"
	"reflect"
	"testing"

	"firehose-pipeline/schema"
)

// shopFile is the shop's schema, whatever the project's own.
const shopFile = "../internal/testkit/shopschema/" + schema.FileName

func loadShop(t testing.TB) *schema.Schema {
	t.Helper()
	s, err := schema.Load(shopFile)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestShop has the columns and the mapping of the shop as deployed stacks have them: a change here is a change there.
func TestShop(t *testing.T) {
	s := loadShop(t)
	t.Run("columns", func(t *testing.T) {
		var got []string
		for _, c := range s.Columns() {
			got = append(got, c.Name+" "+c.Type)
			if c.Comment == "" {
				t.Errorf("%s has no comment", c.Name)
			}
		}
		want := []string{
			"event_id string", "user_id string", "event_type string", "amount double", "product_id string", "timestamp string",
			"session_id string", "category_id bigint", "category_code string", "brand string", "processed_timestamp string",
			"processing_status string", "user_category string", "amount_category string", "amount_tier string",
			"event_category string", "data_quality_score double", "malformed map<string,string>",
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("got\n%v\nwant\n%v", got, want)
		}
	})
	t.Run("mapping of the search index", func(t *testing.T) {
		properties := s.IndexProperties()
		if len(properties) != len(s.Columns()) {
			t.Errorf("%d properties for %d columns", len(properties), len(s.Columns()))
		}
		for key, want := range map[string]string{
			"event_id":            `{"ignore_above":10922,"type":"keyword"}`,
			"amount":              `{"ignore_malformed":true,"type":"double"}`,
			"category_id":         `{"ignore_malformed":true,"type":"long"}`,
			"timestamp":           `{"format":"strict_date_optional_time","ignore_malformed":true,"type":"date"}`,
			"processed_timestamp": `{"format":"strict_date_optional_time","ignore_malformed":true,"type":"date"}`,
			"data_quality_score":  `{"ignore_malformed":true,"type":"double"}`,
			"malformed":           `{"enabled":false,"type":"object"}`,
		} {
			if got := marshal(t, properties[key]); got != want {
				t.Errorf("%s: got %s, want %s", key, got, want)
			}
		}
	})
	t.Run("weights", func(t *testing.T) {
		got := map[string]float64{}
		for _, w := range s.Enrich[len(s.Enrich)-1].Score.Weights {
			got[w.Field.Key] = w.Weight
		}
		want := map[string]float64{"event_id": 1, "user_id": .5, "event_type": 1, "amount": .5, "product_id": .5, "timestamp": 1}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("got %v, want %v", got, want)
		}
	})
	t.Run("every column has its key's name", func(t *testing.T) {
		if got := s.KeyMappings(); len(got) > 0 {
			t.Errorf("got %v", got)
		}
	})
	t.Run("id and type", func(t *testing.T) {
		if s.EventID != s.Fields[0] || s.EventType != s.Fields[2] {
			t.Errorf("got %v and %v", s.EventID, s.EventType)
		}
	})
	t.Run("nothing is left out", func(t *testing.T) {
		if len(s.Warnings) > 0 || len(s.Untyped) > 0 {
			t.Errorf("warnings %v, untyped %v", s.Warnings, s.Untyped)
		}
	})
}

func marshal(t testing.TB, v any) string {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func readFile(t testing.TB, path string) []byte {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func BenchmarkParse(b *testing.B) {
	data := readFile(b, shopFile)
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := schema.Parse(data); err != nil {
			b.Fatal(err)
		}
	}
}
