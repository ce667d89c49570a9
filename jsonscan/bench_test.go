package jsonscan

import "testing"

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
