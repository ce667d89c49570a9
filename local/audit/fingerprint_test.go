package audit

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"time"

	"firehose-pipeline/event"
	"firehose-pipeline/internal/testkit/schemaevents"
	"firehose-pipeline/local/parquet"
	"firehose-pipeline/local/template"
	"firehose-pipeline/schema"
)

// The rows of a file have the fingerprints of the values that were to be written to it, whatever the schema.
func TestRowsOfAFile(t *testing.T) {
	rows, differ := 0, map[uint64]bool{}
	for seed := range uint64(40) {
		g := schemaevents.New(seed)
		s, text := g.Schema()
		processor, err := event.NewProcessor(event.MustCompile(s), event.Lake,
			event.Options{HashKey: []byte(strings.Repeat("k", event.MinHashKey))})
		if err != nil {
			t.Fatal(err)
		}
		print := newFingerprints(true)
		conversion := &template.Conversion{Columns: s.Columns(), MatchCase: true, Keys: s.KeyMappings()}
		expected, err := newRowPrints(conversion, print)
		if err != nil {
			t.Fatalf("%v for %s", err, text)
		}
		var file bytes.Buffer
		w, err := parquet.NewWriter(&file, conversion.Columns, "SNAPPY")
		if err != nil {
			t.Fatalf("%v for %s", err, text)
		}
		w.MatchCase()
		w.MapKeys(conversion.Keys)
		var want []uint64
		for i := range 50 {
			sent := g.Event(s)
			processor.SetTime(time.Unix(int64(i), 0))
			written, result := processor.Append(nil, sent, 6<<20)
			if result.Refused.Reason != "" {
				continue
			}
			if err := w.Write(written); err != nil {
				t.Fatalf("%v\n%s", err, schemaevents.Describe(seed, text, sent))
			}
			processor.SetTime(time.Unix(0, 0)) // the check runs the transform at another time
			again, _ := processor.Append(nil, sent, 6<<20)
			if want, err = expected.ofRecord(want, again); err != nil {
				t.Fatalf("%v\n%s", err, schemaevents.Describe(seed, text, sent))
			}
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		var got []uint64
		if err := print.ofFile(bytes.NewReader(file.Bytes()), int64(file.Len()), func(p uint64) error {
			got = append(got, p)
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(got, want) {
			t.Errorf("seed %d: %d rows in the file, %d expected, and they differ\n%s", seed, len(got), len(want), text)
		}
		rows += len(got)
		for _, p := range got {
			differ[p] = true
		}
	}
	if rows < 1000 || len(differ) < rows*7/10 {
		t.Errorf("%d rows, %d different: too few", rows, len(differ))
	}
}

// A record that cannot be converted has no rows, not even those of its documents before the malformed one.
func TestRowsOfAMalformedRecord(t *testing.T) {
	conversion := &template.Conversion{Columns: []schema.Column{{Name: "n", Type: "bigint"}}}
	rows, err := newRowPrints(conversion, newFingerprints(false))
	if err != nil {
		t.Fatal(err)
	}
	got, err := rows.ofRecord([]uint64{1}, []byte(`{"n":1}{"n":"x"}`))
	if !slices.Equal(got, []uint64{1}) || err == nil {
		t.Errorf("got %v, %v", got, err)
	}
	if got, err = rows.ofRecord(got, []byte(`{"n":1}{"n":2}`)); len(got) != 3 || err != nil {
		t.Errorf("got %v, %v", got, err)
	}
}

// The transform's time is left out where it is a member of the document itself, and nowhere else.
func TestDocumentsOfOtherTimes(t *testing.T) {
	p := newFingerprints(true)
	for _, c := range []struct {
		a, b string
		same bool
	}{
		{`{"n":1,"processed_timestamp":"2026-01-02"}`, `{"n":1,"processed_timestamp":"2027-01-02T00"}`, true},
		{`{"n":1,"processed_timestamp":"a","s":"x"}`, `{"n":1,"processed_timestamp":"b","s":"x"}`, true},
		{`{"n":1,"processed_timestamp":"a","s":"x"}`, `{"n":1,"processed_timestamp":"a","s":"y"}`, false},
		{`{"n":1,"processed_timestamp":"a"}`, `{"n":2,"processed_timestamp":"a"}`, false},
		{`{"n":{"m":1,"processed_timestamp":"a"}}`, `{"n":{"m":1,"processed_timestamp":"b"}}`, false},
		{`{"n":{"m":1,"processed_timestamp":"a"},"l":1}`, `{"n":{"m":1,"processed_timestamp":"b"},"l":1}`, false},
		{`{"n":[{"m":1,"processed_timestamp":"a"}]}`, `{"n":[{"m":1,"processed_timestamp":"b"}]}`, false},
		{`{"n":",\"processed_timestamp\":\"a\""}`, `{"n":",\"processed_timestamp\":\"b\""}`, false},
		{`{"processed_timestamp":"a"}`, `{"processed_timestamp":"b"}`, true},
		{`{"n":1,"processed_timestamp": "a"}`, `{"n":1,"processed_timestamp": "b"}`, true},
		{`{"n":1,"processed_timestamp":"a\\"}`, `{"n":1,"processed_timestamp":"b"}`, true},
		{`{"n":1,"processed_timestamp":1}`, `{"n":1,"processed_timestamp":2}`, true},
		{`{"n":1,"processed_timestamp":"a","o":{"p":[1]}}`, `{"n":1,"processed_timestamp":"b","o":{"p":[1]}}`, true},
		{`{"n":1,"processed_timestamp":"a`, `{"n":1,"processed_timestamp":"b`, false},
		{`{"n":1}`, `{"n":2}`, false},
	} {
		if same := p.ofDocument([]byte(c.a)) == p.ofDocument([]byte(c.b)); same != c.same {
			t.Errorf("%s and %s: same %v, want %v", c.a, c.b, same, c.same)
		}
	}
}
