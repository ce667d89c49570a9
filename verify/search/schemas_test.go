//go:build opensearch

package search

import (
	"context"
	"encoding/json"
	"fmt"
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
