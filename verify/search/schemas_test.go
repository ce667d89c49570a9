//go:build opensearch

package search

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"firehose-pipeline/event"
	"firehose-pipeline/functions/searchsetup"
	"firehose-pipeline/internal/testkit/schemaevents"
	"firehose-pipeline/local/opensearch"
)

// indexOf makes an index with these properties, until the test ends.
func indexOf(t *testing.T, name string, properties map[string]any) {
	t.Helper()
	body, err := json.Marshal(map[string]any{
		"settings": map[string]any{"number_of_shards": 1, "number_of_replicas": 0},
		"mappings": searchsetup.State{Properties: properties}.Mappings(),
	})
	if err != nil {
		t.Fatal(err)
	}
	ask(t, server.Master, 200, "PUT", "/"+name, string(body))
	t.Cleanup(func() {
		status, answer, err := server.Do(context.Background(), server.Master, "DELETE", "/"+name, "")
		if err != nil || status != 200 {
			t.Errorf("deleting index %s: %d %s, %v", name, status, answer, err)
		}
	})
}

// bulkInto sends documents in one bulk request and returns the error of each, empty for those that are accepted.
func bulkInto(t *testing.T, index string, sources [][]byte) []string {
	t.Helper()
	var body []byte
	for i, source := range sources {
		body = fmt.Appendf(body, `{"index":{"_index":"%s","_id":"%d"}}`+"\n%s\n", index, i, source)
	}
	answer := decode[struct {
		Items []struct {
			Index struct {
				Status int
				Error  *opensearch.Rejection
			}
		}
	}](t, ask(t, server.Master, 200, "POST", "/_bulk", string(body)))
	if len(answer.Items) != len(sources) {
		t.Fatalf("%d items for %d documents", len(answer.Items), len(sources))
	}
	errors := make([]string, len(sources))
	for i, item := range answer.Items {
		if errors[i] = reason(item.Index.Error); item.Index.Status/100 != 2 && errors[i] == "" {
			t.Fatalf("status %d without an error for %.300s", item.Index.Status, sources[i])
		}
	}
	return errors
}

// Of random schemas and events, OpenSearch accepts what the transform writes, and of the events as sent what the model accepts.
func TestRandomSchemas(t *testing.T) {
	const schemas, events = 40, 50
	var accepted, asSent, rejected int
	for n := range uint64(schemas) {
		seed := *seed*1_000_000 + n
		g := schemaevents.New(seed)
		s, text := g.Schema()
		p, err := event.NewProcessor(event.MustCompile(s), event.Search,
			event.Options{HashKey: []byte(strings.Repeat("k", event.MinHashKey))})
		if err != nil {
			t.Fatal(err)
		}
		p.SetTime(time.Now())
		name := fmt.Sprintf("schema-%d", n)
		indexOf(t, name, s.IndexProperties())
		mapping, err := opensearch.NewMapping(searchsetup.State{Properties: s.IndexProperties()}.Mappings(), "2.19")
		if err != nil {
			t.Fatal(err)
		}
		model := mapping.NewChecker()
		var sent, written, raw [][]byte
		for range events {
			e := g.Event(s)
			out, result := p.Append(nil, e, 6<<20)
			if result.Refused.Reason == "" && result.Written == 1 {
				sent, written = append(sent, e), append(written, out)
			}
			raw = append(raw, []byte(strings.NewReplacer("\n", " ", "\r", " ").Replace(string(e))))
		}
		for i, got := range bulkInto(t, name, written) {
			if accepted++; got != "" {
				t.Errorf("%s\nbecomes %.600s\n%s", got, written[i], schemaevents.Describe(seed, text, sent[i]))
			}
		}
		for i, got := range bulkInto(t, name, raw) {
			asSent++
			if got != "" {
				rejected++
			}
			if is := reason(model.Check("0", raw[i])); (is == "") != (got == "") {
				t.Errorf("server: %q\n model: %q\n%s", got, is, schemaevents.Describe(seed, text, raw[i]))
			}
		}
	}
	t.Logf("%d events written, %d as sent, of which %d rejected", accepted, asSent, rejected)
	if accepted < schemas*events*9/10 || rejected < asSent/10 || rejected > asSent*9/10 {
		t.Errorf("%d events written, %d as sent, of which %d rejected: too few of one kind", accepted, asSent, rejected)
	}
}

// Fields of the sample events are found in the index that their schema makes: nested ones, elements of arrays, entries of maps, keys
// with a dot, dates.
func TestSamplesAreFound(t *testing.T) {
	for _, sample := range []struct {
		name    string
		queries map[string]func(documents []map[string]any) int // how many documents a query finds
	}{
		{"sensor", map[string]func([]map[string]any) int{
			`{"range":{"reading.tempC":{"gte":20}}}`:         matching(func(d map[string]any) bool { v, ok := at(d, "reading", "tempC").(float64); return ok && v >= 20 }),
			`{"range":{"calibratedOn":{"lt":"2025-10-01"}}}`: matching(func(d map[string]any) bool { v, ok := d["calibratedOn"].(string); return ok && v < "2025-10-01" }),
			`{"exists":{"field":"counters.boots"}}`:          matching(func(d map[string]any) bool { return at(d, "counters", "boots") != nil }),
		}},
		{"audit-log", map[string]func([]map[string]any) int{
			`{"term":{"event.category":"Management"}}`:      matching(func(d map[string]any) bool { return d["event.category"] == "Management" }),
			`{"term":{"userIdentity.type":"IAMUser"}}`:      matching(func(d map[string]any) bool { return at(d, "userIdentity", "type") == "IAMUser" }),
			`{"term":{"sourceIPAddress":"REDACTED"}}`:       matching(func(d map[string]any) bool { return d["sourceIPAddress"] != nil }),
			`{"range":{"responseStatus.code":{"gte":400}}}`: matching(func(d map[string]any) bool { v, ok := at(d, "responseStatus", "code").(float64); return ok && v >= 400 }),
		}},
		{"web-analytics", map[string]func([]map[string]any) int{
			`{"term":{"context.library.name":"analytics.js"}}`:  matching(func(d map[string]any) bool { return at(d, "context", "library", "name") == "analytics.js" }),
			`{"range":{"properties.products.price":{"gte":0}}}`: matching(func(d map[string]any) bool { v, ok := at(d, "properties", "products").([]any); return ok && len(v) > 0 }),
			`{"term":{"integrations.Ads":"false"}}`:             matching(func(d map[string]any) bool { return at(d, "integrations", "Ads") == false }),
		}},
	} {
		t.Run(sample.name, func(t *testing.T) {
			clean(t)
			text, err := os.ReadFile(root + "/testdata/samples/" + sample.name + "/events.ndjson")
			if err != nil {
				t.Fatal(err)
			}
			var documents []map[string]any
			for line := range bytes.Lines(text) {
				documents = append(documents, decode[map[string]any](t, line))
			}
			l := newLocal(t, "-c", "eventSchema=testdata/samples/"+sample.name+"/event-schema.json", "-c", "dropEventTypes=[]")
			if r := l.events(t, bytes.NewReader(text)); r.Streams.Search.Delivered != int64(len(documents)) {
				t.Fatalf("%+v of %d events", r.Streams.Search, len(documents))
			}
			ask(t, server.Master, 200, "POST", "/realtime-events-2*/_refresh", "")
			for query, expected := range sample.queries {
				if got, want := count(t, server.Master, query), expected(documents); got != want || want == 0 {
					t.Errorf("%s: %d documents, want %d, not 0", query, got, want)
				}
			}
		})
	}
}

func matching(is func(map[string]any) bool) func([]map[string]any) int {
	return func(documents []map[string]any) (n int) {
		for _, d := range documents {
			if is(d) {
				n++
			}
		}
		return n
	}
}

// at is the value that keys lead to in objects, nil for none.
func at(value any, keys ...string) any {
	for _, key := range keys {
		object, ok := value.(map[string]any)
		if !ok {
			return nil
		}
		value = object[key]
	}
	return value
}
