package infer

import (
	"bytes"
	"os"
	"testing"
)

// BenchmarkInfer reads the events of the store, 20 times over, as a file of lines. It prints events a second.
func BenchmarkInfer(b *testing.B) {
	text, err := os.ReadFile("../../testdata/store-events.ndjson")
	if err != nil {
		b.Fatal(err)
	}
	text = bytes.Repeat(text, 20)
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	events := int64(0)
	for b.Loop() {
		in := New("")
		if err := in.AddAll(Objects(bytes.NewReader(text))); err != nil {
			b.Fatal(err)
		}
		events += in.Events()
	}
	b.ReportMetric(float64(events)/b.Elapsed().Seconds(), "events/s")
}
