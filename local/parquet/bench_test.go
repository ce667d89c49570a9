package parquet

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"testing"

	"firehose-pipeline/internal/testkit/shopschema"
	"firehose-pipeline/schema"
)

// twelve are the columns of a plain event, with one of each kind that the project uses.
var twelve = []schema.Column{
	{Name: "event_id", Type: "string"}, {Name: "user_id", Type: "string"}, {Name: "event_type", Type: "string"},
	{Name: "amount", Type: "double"}, {Name: "product_id", Type: "string"}, {Name: "timestamp", Type: "string"},
	{Name: "session_id", Type: "string"}, {Name: "category_id", Type: "bigint"},
	{Name: "category_code", Type: "string"},
	{Name: "brand", Type: "string"}, {Name: "is_member", Type: "boolean"},
	{Name: "malformed", Type: "map<string,string>"},
}

// events are n different records of about 300 bytes.
func events(n int) [][]byte {
	codes := []string{`"appliances.environment.water_heater"`, `null`, `"computers.notebook"`,
		`"electronics.smartphone"`}
	brands := []string{`"shiseido"`, `"aqua"`, `null`, `"lenovo"`}
	records := make([][]byte, n)
	for i := range records {
		records[i] = fmt.Appendf(nil, `{"event_id":"store-%06d","user_id":"%d","event_type":"view","amount":%d.%02d,"product_id":"%d",`+
			`"timestamp":"2019-10-01T%02d:%02d:%02dZ","category_id":%d,"category_code":%s,"brand":%s,`+
			`"session_id":"%08x-e3e3-422b-b695-%012x","is_member":%t}`+"\n",
			i, 512742880+i*7919, i%900, i%100, 1000000+i*31, i/3600%24, i/60%60, i%60,
			2053013552326770905+int64(i)*1009,
			codes[i%4], brands[i/4%4], uint32(i)*2654435761, uint64(i)*0x9E3779B97F4A7C15>>16, i%2 == 0)
	}
	return records
}

func BenchmarkWrite(b *testing.B) {
	for _, compression := range []string{"SNAPPY", "UNCOMPRESSED", "GZIP"} {
		b.Run(compression, func(b *testing.B) { benchmark(b, twelve, compression, events(10000)) })
	}
}

// BenchmarkWriteLake writes real events into the project's own table.
func BenchmarkWriteLake(b *testing.B) {
	sample, err := os.ReadFile("../../testdata/store-events.ndjson")
	if err != nil {
		b.Fatal(err)
	}
	var records [][]byte
	for line := range bytes.Lines(sample) {
		records = append(records, append(bytes.TrimSuffix(line, []byte("}\n")),
			`,"processed_timestamp":"2026-01-02T00:00:00.000Z","processing_status":"SUCCESS","user_category":"registered",`+
				`"amount_category":"low","amount_tier":"basic","event_category":"engagement","data_quality_score":100}`+
				"\n"...))
	}
	benchmark(b, shopschema.Load().Columns(), "SNAPPY", records)
}

func benchmark(b *testing.B, columns []schema.Column, compression string, records [][]byte) {
	size := 0
	for _, record := range records {
		size += len(record)
	}
	w, err := NewWriter(io.Discard, columns, compression)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	b.SetBytes(int64(size / len(records)))
	i := 0
	for b.Loop() {
		if err := w.Write(records[i]); err != nil {
			b.Fatal(err)
		}
		if i++; i == len(records) {
			i = 0
		}
	}
}
