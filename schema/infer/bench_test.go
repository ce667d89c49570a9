package infer

import (
	"bytes"
	"os"
	"syscall"
	"testing"
	"time"
)

// BenchmarkInfer reads the events of the store, 20 times over, as a file of lines. It prints events a
// second, also of CPU time, for machines with other work.
func BenchmarkInfer(b *testing.B) {
	text, err := os.ReadFile("../../testdata/store-events.ndjson")
	if err != nil {
		b.Fatal(err)
	}
	text = bytes.Repeat(text, 20)
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	events, start := int64(0), cpuTime(b)
	for b.Loop() {
		in := New("")
		if err := in.AddAll(Objects(bytes.NewReader(text))); err != nil {
			b.Fatal(err)
		}
		events += in.Events()
	}
	b.ReportMetric(float64(events)/b.Elapsed().Seconds(), "events/s")
	b.ReportMetric(float64(events)/(cpuTime(b)-start).Seconds(), "events/cpu-s")
}

func cpuTime(b *testing.B) time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		b.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
