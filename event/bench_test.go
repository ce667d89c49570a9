package event

import (
	"testing"
	"time"
)

func BenchmarkAppend(b *testing.B) {
	record := []byte(`{"event_id":"e1","user_id":"7","event_type":"click","amount":3.5,"timestamp":"2026-01-01T00:00:00Z"}`)
	p := newProcessor(b, shop, Lake, Options{DropEventTypes: []string{"heartbeat"}})
	p.SetTime(time.Unix(0, 0))
	var out []byte
	b.ReportAllocs()
	for b.Loop() {
		out, _ = p.Append(out[:0], record, 1<<20)
	}
}
