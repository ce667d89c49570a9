package schema_test

import (
	"encoding/json"
	"os"
	"reflect"
	"testing"

	"firehose-pipeline/event"
	"firehose-pipeline/schema"
)

const shopFile = "../" + schema.FileName

func loadShop(t testing.TB) *schema.Schema {
	t.Helper()
	s, err := schema.Load(shopFile)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// The shop's schema file declares what package event declares in Go.
func TestShop(t *testing.T) {
	s := loadShop(t)
	t.Run("columns", func(t *testing.T) {
		var want []schema.Column
		for _, c := range event.Columns() {
			want = append(want, schema.Column(c))
		}
		if got := s.Columns(); !reflect.DeepEqual(got, want) {
			t.Errorf("got\n%v\nwant\n%v", got, want)
		}
	})
	t.Run("mapping of the search index", func(t *testing.T) {
		if got, want := marshal(t, s.IndexProperties()), marshal(t, event.IndexProperties()); got != want {
			t.Errorf("got\n%s\nwant\n%s", got, want)
		}
	})
	t.Run("weights", func(t *testing.T) {
		got, want := map[string]float64{}, map[string]float64{}
		for _, f := range event.Fields {
			if f.Weight > 0 {
				want[f.Name] = f.Weight
			}
		}
		for _, w := range s.Enrich[len(s.Enrich)-1].Score.Weights {
			got[w.Field.Key] = w.Weight
		}
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
