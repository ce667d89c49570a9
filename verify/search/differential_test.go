//go:build opensearch

package search

import (
	"cmp"
	"context"
	"flag"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"firehose-pipeline/event"
	"firehose-pipeline/functions/searchsetup"
	"firehose-pipeline/internal/testkit/opensearchtest"
	"firehose-pipeline/internal/testkit/shopschema"
	"firehose-pipeline/local/opensearch"
	"firehose-pipeline/local/opensearch/documents"
)

var seed = flag.Uint64("seed", 1, "seed of the random documents")

// engine is an index on the real server, set up as a domain's is, and the model of it.
type engine struct {
	t      *testing.T
	server *opensearch.Server
	model  *opensearch.Checker
	index  string
}

// newEngine sets up an index of which more properties are mapped than the event's.
func newEngine(t *testing.T, name string, more map[string]any) *engine {
	t.Helper()
	properties := shopschema.Load().IndexProperties()
	maps.Copy(properties, more)
	return newEngineOf(t, name, properties)
}

// newEngineOf sets up an index with these properties.
func newEngineOf(t *testing.T, name string, properties map[string]any) *engine {
	t.Helper()
	state := searchsetup.State{
		Endpoint: server.URL.String(), Index: name, Rotation: "OneDay", Shards: 1, Replicas: 0, RetentionDays: 30,
		Properties: properties, WriterRoleARN: writerARN,
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	s, err := opensearch.Open(ctx,
		opensearch.Options{URL: server.URL.String(), User: server.Master.Name, Password: server.Master.Password,
			CAFile: server.CAFile, Log: slog.New(slog.DiscardHandler)}, state)
	if err != nil {
		t.Fatal(err)
	}
	mapping, err := opensearch.NewMapping(state.Mappings(),
		opensearchtest.Version[:strings.LastIndexByte(opensearchtest.Version, '.')])
	if err != nil {
		t.Fatal(err)
	}
	e := &engine{t, s, mapping.NewChecker(), name + "-" + time.Now().UTC().Format(time.DateOnly)}
	t.Cleanup(func() {
		status, answer, err := server.Do(context.Background(), server.Master, "DELETE",
			"/"+e.index+"?ignore_unavailable=true", "")
		if err != nil || status != 200 {
			t.Errorf("deleting index %s: %d %s, %v", e.index, status, answer, err)
		}
	})
	return e
}

// send sends documents in one bulk request and returns OpenSearch's error for each, empty for those that it accepts.
func (e *engine) send(sources ...[]byte) []string {
	e.t.Helper()
	var body []byte
	for i, source := range sources {
		body = fmt.Appendf(body, `{"index":{"_index":"%s","_id":"%d"}}`+"\n%s\n", e.index, i, source)
	}
	status, answer, err := e.server.Bulk(e.t.Context(), time.Time{}, body)
	if err != nil || status != 200 {
		e.t.Fatalf("bulk request: %d %.300s, %v", status, answer, err)
	}
	got := decode[struct {
		Items []struct {
			Index struct {
				Status int
				Error  *opensearch.Rejection
			}
		}
	}](e.t, answer)
	if len(got.Items) != len(sources) {
		e.t.Fatalf("bulk request: %d items for %d documents", len(got.Items), len(sources))
	}
	reasons := make([]string, len(sources))
	for i, item := range got.Items {
		switch {
		case item.Index.Status/100 == 2 && item.Index.Error == nil:
		case item.Index.Status == 400 && item.Index.Error != nil:
			reasons[i] = reason(item.Index.Error)
		default:
			e.t.Fatalf("bulk request: status %d, %+v for %.300s", item.Index.Status, item.Index.Error, sources[i])
		}
	}
	return reasons
}

// check is the model's answer to a document, in the same form.
func (e *engine) check(source []byte) string { return reason(e.model.Check("0", source)) }

func reason(r *opensearch.Rejection) (text string) {
	for ; r != nil; r = r.CausedBy {
		text += fmt.Sprintf("%s: %.200s; ", r.Type, r.Reason)
	}
	return text
}

// disagrees reports whether model and server decide differently about a document.
func (e *engine) disagrees(source []byte) bool {
	return (e.send(source)[0] == "") != (e.check(source) == "")
}

// bulk is how many documents a request has.
const bulk = 500

// checkTable sends the documents of a table and compares the server with the table's first column.
func (e *engine) checkTable(rows []documents.Row) {
	for chunk := range slices.Chunk(rows, 50) {
		var sources [][]byte
		for _, row := range chunk {
			sources = append(sources, row.Document)
		}
		for i, got := range e.send(sources...) {
			if row := chunk[i]; (got != "") != row.Rejected[0] {
				e.t.Errorf("line %d: server: %q, table says rejected: %v: %s", row.Line, got, row.Rejected[0], row.Text)
			}
		}
	}
}

// The documents of the model's own table, on the server that is the table's first column.
func TestTable(t *testing.T) {
	rows, err := documents.Read(root+"/local/opensearch/testdata/documents.txt", documents.Versions)
	if err != nil {
		t.Fatal(err)
	}
	e := newEngine(t, "table", documents.Properties())
	e.checkTable(rows)
}

// The documents of the model's table of documents with objects.
func TestNestedTable(t *testing.T) {
	rows, err := documents.Read(root+"/local/opensearch/testdata/nested.txt", documents.NestedVersions)
	if err != nil {
		t.Fatal(err)
	}
	e := newEngineOf(t, "nested-table", documents.NestedProperties())
	e.checkTable(rows)
}

// Model and server accept and reject the same documents.
func TestModelAgrees(t *testing.T) {
	const count = 10_000
	e := newEngine(t, "differential", documents.Properties())
	g := newGenerator(*seed)
	var different []*node
	reasons := map[string]int{}
	rejections := 0
	for range count / bulk {
		nodes, sources := make([]*node, bulk), make([][]byte, bulk)
		for i := range nodes {
			nodes[i] = g.event(i)
			sources[i] = nodes[i].JSON()
		}
		for i, got := range e.send(sources...) {
			if got != "" {
				rejections++
			}
			for _, part := range rejectedFor {
				if strings.Contains(got, part) {
					reasons[part]++
				}
			}
			if (got != "") != (e.check(sources[i]) != "") {
				different = append(different, nodes[i])
			}
		}
	}
	t.Logf("seed %d: %d of %d documents rejected: %v", *seed, rejections, count, reasons)
	if rejections < count/5 || rejections > count*4/5 {
		t.Errorf("%d of %d documents are rejected: too few of one kind to compare", rejections, count)
	}
	for _, part := range rejectedFor {
		if reasons[part] == 0 {
			t.Errorf("no document was rejected with %q", part)
		}
	}
	e.report(different, func(n *node) bool { return e.disagrees(n.JSON()) }, func(source []byte) string {
		return fmt.Sprintf("server: %q\n model: %q", e.send(source)[0], e.check(source))
	})
}

// rejectedFor are parts of the reasons that the random documents have to bring about.
var rejectedFor = []string{"metadata field", "must be of type object", "Duplicate field", "nested array field",
	"Number value length",
	"empty string", "only the character", "ambiguous", "only whitespace", "[_doc_count]", "of type [boolean]",
	"of type [keyword]", "of type [double]",
	"of type [long]", "of type [date]", "immense term"}

// report names the shortest of the documents for which holds is true.
func (e *engine) report(found []*node, holds func(*node) bool, describe func(source []byte) string) {
	e.t.Helper()
	if len(found) == 0 {
		return
	}
	e.t.Errorf("%d documents; run again with -seed %d", len(found), *seed)
	slices.SortStableFunc(found, func(a, b *node) int { return cmp.Compare(len(a.JSON()), len(b.JSON())) })
	shown := map[string]bool{}
	for _, n := range found[:min(len(found), 12)] {
		source := shrink(n, holds).JSON()
		if text := fmt.Sprintf("%.300q\n%s", source, describe(source)); !shown[text] {
			shown[text] = true
			e.t.Error(text)
		}
	}
}

// OpenSearch accepts everything that the transform lets through.
func TestTransformedEventsAreAccepted(t *testing.T) {
	const count = 5000
	e := newEngine(t, "transformed", nil)
	p, err := event.NewProcessor(event.MustCompile(shopschema.Load()), event.Search, event.Options{})
	if err != nil {
		t.Fatal(err)
	}
	p.SetTime(time.Now())
	transform := func(source []byte) []byte {
		out, result := p.Append(nil, source, 6<<20)
		if result.Refused.Reason != "" || result.Written != 1 {
			t.Fatalf("%.300s: %+v", source, result)
		}
		return out
	}
	g := newGenerator(*seed + 1_000_000)
	var refused []*node
	for range count / bulk {
		nodes, sources := make([]*node, bulk), make([][]byte, bulk)
		for i := range nodes {
			nodes[i] = g.event(i)
			sources[i] = transform(nodes[i].JSON())
		}
		for i, got := range e.send(sources...) {
			if got != "" {
				refused = append(refused, nodes[i])
			}
		}
	}
	e.report(refused, func(n *node) bool { return e.send(transform(n.JSON()))[0] != "" }, func(source []byte) string {
		out := transform(source)
		return fmt.Sprintf("becomes %.300s\n%s", out, e.send(out)[0])
	})
}
