package jsonscan

import (
	"testing"

	"firehose-pipeline/internal/testkit/sampleevents"
)

var small = []byte(`{"event_id":"e1","user_id":"7","event_type":"click","amount":3.5,"timestamp":"2026-01-01T00:00:00Z"}`)

func BenchmarkObject(b *testing.B) {
	s := NewScanner(NewNames("event_id", "user_id", "event_type", "amount", "timestamp"))
	b.SetBytes(int64(len(small)))
	for b.Loop() {
		if _, problem := s.Object(small, 0); problem != None {
			b.Fatal(problem)
		}
	}
}

func BenchmarkValueMix(b *testing.B) {
	records := sampleevents.Mix(500)
	for b.Loop() {
		for _, r := range records {
			Value(r, 0)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*500), "ns/record")
}

func BenchmarkObjectMix(b *testing.B) {
	records := sampleevents.Mix(500)
	s := NewScanner(NewNames("event_id", "user_id", "event_type", "amount", "product_id", "timestamp", "session_id",
		"category_id", "category_code", "brand", "processed_timestamp", "processing_status", "user_category",
		"amount_category", "amount_tier", "event_category", "data_quality_score", "malformed"))
	for b.Loop() {
		for _, r := range records {
			s.Object(r, 0)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*500), "ns/record")
}
