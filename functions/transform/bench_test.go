package transform

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/emmansun/base64"

	"firehose-pipeline/event"
	"firehose-pipeline/internal/jsonscan"
	"firehose-pipeline/internal/testkit/sampleevents"
)

// Each benchmark reports the time and the allocations of a record: a change must not make either worse.

func BenchmarkMix500(b *testing.B)  { benchmarkHandler(b, sampleevents.Mix(500)) }
func BenchmarkMix50(b *testing.B)   { benchmarkHandler(b, sampleevents.Mix(50)) }
func BenchmarkMix4000(b *testing.B) { benchmarkHandler(b, sampleevents.Mix(4000)) }

func BenchmarkSmall(b *testing.B) {
	records := make([][]byte, 2000)
	for i := range records {
		records[i] = []byte(`{"event_id":"e1","user_id":"7","event_type":"click","amount":3.5,"timestamp":"2026-01-01T00:00:00Z"}`)
	}
	benchmarkHandler(b, records)
}

func BenchmarkStoreEvents(b *testing.B) { benchmarkHandler(b, storeEvents(b)) }

// BenchmarkSamples has nested schemas: those of testdata/samples, with their events.
func BenchmarkSamples(b *testing.B) {
	for _, name := range []string{"sensor", "audit-log", "web-analytics"} {
		folder := filepath.Join("../../testdata/samples", name)
		layout, err := ReadLayout(folder)
		if err != nil {
			b.Fatal(err)
		}
		events, err := os.ReadFile(filepath.Join(folder, "events.ndjson"))
		if err != nil {
			b.Fatal(err)
		}
		b.Run(name, func(b *testing.B) {
			handler, err := New(Settings{Stream: "lake", Stack: "bench", ReuseAnswer: true, Layout: layout,
				HashKey: bytes.Repeat([]byte{'k'}, event.MinHashKey)}, io.Discard, io.Discard)
			if err != nil {
				b.Fatal(err)
			}
			benchmarkOf(b, handler, bytes.Split(bytes.TrimSpace(events), []byte("\n")))
		})
	}
}

func benchmarkHandler(b *testing.B, records [][]byte) {
	benchmarkOf(b, newHandler(b, Settings{Stream: "lake", DropEventTypes: []string{"heartbeat"}, Stack: "bench", ReuseAnswer: true},
		io.Discard, io.Discard), records)
}

func benchmarkOf(b *testing.B, handler *Handler, records [][]byte) {
	request := sampleevents.Request(records...)
	b.SetBytes(int64(len(bytes.Join(records, nil))))
	b.ReportAllocs()
	perRecord(b, len(records), func() {
		if _, err := handler.Invoke(context.Background(), request); err != nil {
			b.Fatal(err)
		}
	})
}

// perRecord runs do in the benchmark's loop and reports the cost of a record. On a shared machine compare the CPU time.
func perRecord(b *testing.B, records int, do func()) {
	start := cpuTime(b)
	for b.Loop() {
		do()
	}
	n := float64(b.N * records)
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/n, "ns/record")
	b.ReportMetric(float64((cpuTime(b)-start).Nanoseconds())/n, "cpu-ns/record")
}

func cpuTime(b *testing.B) time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		b.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// BenchmarkFloor is the least possible work: base64 both ways.
func BenchmarkFloor(b *testing.B) {
	records := sampleevents.Mix(500)
	var texts [][]byte
	for _, r := range records {
		texts = append(texts, base64.StdEncoding.AppendEncode(nil, r))
	}
	decoded, encoded := make([]byte, 4096), make([]byte, 8192)
	perRecord(b, len(records), func() {
		for _, t := range texts {
			n, err := base64.StdEncoding.Decode(decoded, t)
			if err != nil {
				b.Fatal(err)
			}
			base64.StdEncoding.Encode(encoded, decoded[:n])
		}
	})
}

// BenchmarkValid is encoding/json's validation alone, to compare with.
func BenchmarkValid(b *testing.B) {
	records := sampleevents.Mix(500)
	perRecord(b, len(records), func() {
		for _, r := range records {
			json.Valid(r)
		}
	})
}

func BenchmarkPartsScan(b *testing.B) {
	records := sampleevents.Mix(500)
	s := jsonscan.NewScanner(jsonscan.NewNames("event_id", "user_id", "event_type", "amount", "product_id", "timestamp",
		"session_id", "category_id"))
	perRecord(b, len(records), func() {
		for _, r := range records {
			s.Object(r, 0)
		}
	})
}

func BenchmarkPartsProcess(b *testing.B) {
	records := sampleevents.Mix(500)
	p, err := event.NewProcessor(shop, event.Lake, event.Options{DropEventTypes: []string{"heartbeat"}})
	if err != nil {
		b.Fatal(err)
	}
	p.SetTime(time.Unix(0, 0))
	var out []byte
	perRecord(b, len(records), func() {
		for _, r := range records {
			out, _ = p.Append(out[:0], r, 1<<20)
		}
	})
}

func BenchmarkPartsRequest(b *testing.B) {
	data := sampleevents.Request(sampleevents.Mix(500)...)
	perRecord(b, 500, func() {
		r := request{data: data}
		if err := r.eachRecord(func(*record) error { return nil }); err != nil {
			b.Fatal(err)
		}
	})
}
