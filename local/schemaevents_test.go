package local

import (
	"bytes"
	"io"
	"strings"
	"testing"
	"time"

	"firehose-pipeline/event"
	"firehose-pipeline/functions/searchsetup"
	"firehose-pipeline/internal/testkit/schemaevents"
	"firehose-pipeline/local/opensearch"
	"firehose-pipeline/local/parquet"
)

// TestStoresTakeWhatTheTransformWrites makes random schemas and events: whatever the transform lets through is converted by the rules
// of the lake and accepted by those of the search index. verify/search does the same with a real OpenSearch.
func TestStoresTakeWhatTheTransformWrites(t *testing.T) {
	schemas, events := 100, 100
	if testing.Short() {
		schemas = 30
	}
	var accepted, partial int
	for seed := range uint64(schemas) {
		g := schemaevents.New(seed)
		s, text := g.Schema()
		layout := event.MustCompile(s)
		options := event.Options{HashKey: []byte(strings.Repeat("k", event.MinHashKey))}
		lake, err := event.NewProcessor(layout, event.Lake, options)
		if err != nil {
			t.Fatal(err)
		}
		search, err := event.NewProcessor(layout, event.Search, options)
		if err != nil {
			t.Fatal(err)
		}
		keyless, err := event.NewProcessor(layout, event.Search, event.Options{MaskHashes: true})
		if err != nil {
			t.Fatal(err)
		}
		keyless.SetTime(time.Now())
		lake.SetTime(time.Now())
		search.SetTime(time.Now())
		mapping, err := opensearch.NewMapping(searchsetup.State{Properties: s.IndexProperties()}.Mappings(), "2.19")
		if err != nil {
			t.Fatalf("%v for %s", err, text)
		}
		index := mapping.NewChecker()
		rows, err := parquet.NewWriter(io.Discard, s.Columns(), "SNAPPY")
		if err != nil {
			t.Fatalf("%v for %s", err, text)
		}
		rows.MatchCase()
		rows.MapKeys(s.KeyMappings())
		written := int64(0)
		for range events {
			sent := g.Event(s)
			out, result := lake.Append(nil, sent, 6<<20)
			if result.Refused.Reason == "" {
				written++
				if err := rows.Write(bytes.TrimSuffix(out, []byte("\n"))); err != nil {
					t.Fatalf("the lake: %v\nbecomes %.600s\n%s", err, out, schemaevents.Describe(seed, text, sent))
				}
			}
			out, result = search.Append(nil, sent, 6<<20)
			if result.Refused.Reason == "" {
				accepted++
				partial += result.Partial
				if why := index.Check("0", out); why != nil {
					t.Fatalf("the index: %+v %+v\nbecomes %.600s\n%s", why, why.CausedBy, out, schemaevents.Describe(seed, text, sent))
				}
				raw, _ := keyless.Append(nil, sent, 6<<20)
				if behind, _ := keyless.Append(nil, out, 6<<20); !bytes.Equal(raw, behind) {
					t.Fatalf("without the key: %.600s\nand %.600s\nbecomes %.600s\n%s", raw, behind, out, schemaevents.Describe(seed, text, sent))
				}
				again, result := search.Append(nil, out, 6<<20)
				if result.Refused.Reason != "" || index.Check("0", again) != nil {
					t.Fatalf("a second pass: %+v\nbecomes %.600s\n%s", result, again, schemaevents.Describe(seed, text, sent))
				}
			}
		}
		if err := rows.Close(); err != nil {
			t.Fatal(err)
		}
		if rows.Rows() != written {
			t.Fatalf("%d rows of %d events", rows.Rows(), written)
		}
	}
	t.Logf("%d of %d events accepted, %d partial", accepted, schemas*events, partial)
	if accepted < schemas*events*9/10 || partial < accepted/10 || partial > accepted*9/10 {
		t.Errorf("%d of %d events accepted, %d partial: too few of one kind", accepted, schemas*events, partial)
	}
}
