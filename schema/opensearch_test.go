//go:build opensearch

package schema_test

import (
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"firehose-pipeline/internal/testkit/casefile"
	"firehose-pipeline/internal/testkit/opensearchtest"
	"firehose-pipeline/schema"
)

// TestMappingsOnOpenSearch puts mappings of schemas to a real OpenSearch, and looks how near the limits are to its own.
func TestMappingsOnOpenSearch(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), 8*time.Minute)
	defer cancel()
	server, err := opensearchtest.New(ctx, opensearchtest.Options{WithoutUsers: true})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := server.Close(); err != nil {
			t.Error(err)
		}
	}()
	do := func(method, target string, body any) (int, string) {
		t.Helper()
		text, ok := body.(string)
		if !ok && body != nil {
			text = marshal(t, body)
		}
		status, answer, err := server.Do(ctx, server.Master, method, target, text)
		if err != nil {
			t.Fatal(err)
		}
		return status, string(answer)
	}
	index := func(name string, properties map[string]any) (int, string) {
		t.Helper()
		return do("PUT", "/"+name, map[string]any{
			"settings": map[string]any{
				"number_of_shards": 1, "number_of_replicas": 0, "mapping": map[string]any{"total_fields": map[string]any{"limit": "1000"}},
			},
			"mappings": map[string]any{"dynamic": "false", "date_detection": false, "properties": properties},
		})
	}

	t.Run("the mapping of each valid schema comes back as it was put", func(t *testing.T) {
		cases, err := casefile.Read("testdata/valid")
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range cases {
			properties := parse(t, c.Context).IndexProperties()
			if status, answer := index("valid-"+c.Name, properties); status != 200 {
				t.Errorf("%s: %d %s", c.Name, status, answer)
				continue
			}
			var got map[string]struct {
				Mappings struct{ Properties any }
			}
			_, answer := do("GET", "/valid-"+c.Name+"/_mapping", nil)
			if err := json.Unmarshal([]byte(answer), &got); err != nil {
				t.Fatal(err)
			}
			var want any
			if err := json.Unmarshal([]byte(marshal(t, properties)), &want); err != nil {
				t.Fatal(err)
			}
			if is := got["valid-"+c.Name].Mappings.Properties; !reflect.DeepEqual(is, want) {
				t.Errorf("%s: got %v, want %v", c.Name, is, want)
			}
			do("DELETE", "/valid-"+c.Name, nil)
		}
	})

	t.Run("1,000 fields are accepted, and 1,001 are not", func(t *testing.T) {
		properties := parse(t, wide(997, "f", "number")).IndexProperties()
		if status, answer := index("wide", properties); status != 200 {
			t.Errorf("%d %s", status, answer)
		}
		properties["more"] = map[string]any{"type": "keyword"}
		if status, answer := index("wider", properties); status != 400 || !strings.Contains(answer, "Limit of total fields [1000]") {
			t.Errorf("%d %s", status, answer)
		}
	})

	t.Run("a map counts as one field", func(t *testing.T) {
		var b strings.Builder
		for i := range 997 {
			fmt.Fprintf(&b, `,"m%d":{"type":"object","additionalProperties":{"type":"string"}}`, i)
		}
		s := parse(t, []byte(`{"type":"object","properties":{`+b.String()[1:]+`}}`))
		if status, answer := index("maps", s.IndexProperties()); status != 200 {
			t.Errorf("%d %.300s", status, answer)
		}
	})

	t.Run("objects 19 deep are accepted, and 20 deep are not", func(t *testing.T) {
		deep := func(n int) string {
			return strings.Repeat(`{"type":"object","properties":{"o":`, n) + `{"type":"string"}` + strings.Repeat(`}}`, n)
		}
		if status, answer := index("deep", parse(t, []byte(deep(20))).IndexProperties()); status != 200 { // 19 and the event
			t.Errorf("%d %s", status, answer)
		}
		if _, err := schema.Parse([]byte(deep(21))); err == nil {
			t.Error("20 objects inside an event are accepted")
		}
		properties := map[string]any{"o": map[string]any{"type": "keyword"}}
		for range 20 {
			properties = map[string]any{"o": map[string]any{"properties": properties}}
		}
		if status, answer := index("deeper", properties); status != 400 || !strings.Contains(answer, "Limit of mapping depth [20]") {
			t.Errorf("%d %s", status, answer)
		}
	})

	t.Run("documents", func(t *testing.T) {
		s := parse(t, []byte(`{"type":"object","properties":{
			"m":{"type":"object","additionalProperties":{"type":"string"}},
			"l":{"type":"array","items":{"type":"object","additionalProperties":{"type":"integer"}}},
			"day":{"type":"string","format":"date"},
			"o":{"type":"object","properties":{"n":{"type":"integer"},"b":{"type":"boolean"}}},
			"user":{"type":"object","properties":{"name":{"type":"string"}}},"user.town":{"type":"string"},
			"g":{"type":"array","items":{"type":"array","items":{"type":"number"}}}}}`))
		if status, answer := index("documents", s.IndexProperties()); status != 200 {
			t.Fatalf("%d %s", status, answer)
		}
		for _, c := range []struct {
			document string
			status   int
		}{
			{`{"m":{"a":"x","b.c":"y"},"l":[{"k":1},{"k":2}],"day":"2026-02-28","o":{"n":1,"b":true},"g":[[1,2],[3]]}`, 201},
			{`{"user.town":"x","user":{"name":"y"}}`, 201},
			{`{"m":null,"l":null,"o":null,"day":null,"g":null}`, 201},
			{`{"m":{}}`, 201},
			{`{"m":{"a":null}}`, 201},
			{`{"l":[{"k":null},null]}`, 201},
			{`{"l":[]}`, 201},
			{`{"o":[{"n":1},null]}`, 201},
			{`{"day":"0001-01-01"}`, 201},
			{`{"day":"9999-12-31"}`, 201},
			{`{"m":{"":"empty key"}}`, 201},
			{`{"m":{"a":"` + strings.Repeat("x", 32_000) + `"}}`, 201},
			{`{"m":{"a":"` + strings.Repeat("x", 33_000) + `"}}`, 400},
			{`{"m":{"` + strings.Repeat("k", 33_000) + `":"x"}}`, 400},
			{`{"m":{"a":[[["deep"]]],"b":{"c":{"d":"x"}}}}`, 201},
		} {
			if status, answer := do("POST", "/documents/_doc", c.document); status != c.status {
				t.Errorf("%.80s: status %d, want %d: %.400s", c.document, status, c.status, answer)
			}
		}
	})
}
