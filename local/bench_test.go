package local_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// BenchmarkRun puts b.N shop events, each with its own event_id, to both streams and delivers them; with a check as
// well it also reconciles them. For a million: go test ./local -run - -bench Run/plain -benchtime 1000000x
func BenchmarkRun(b *testing.B) {
	for _, check := range []bool{false, true} {
		b.Run(map[bool]string{false: "plain", true: "check"}[check], func(b *testing.B) {
			o := options(b, "dev")
			o.Check, o.Rate = check, 1000
			if folder := os.Getenv("BENCH_OUT"); folder != "" {
				o.Out = filepath.Join(folder, "out")
			}
			w := open(b, o)
			shop := shopEvents(b)
			for i, event := range shop {
				_, shop[i], _ = strings.Cut(event, ",") // without its event_id
			}
			b.ResetTimer()
			started := time.Now()
			batch := make([][]byte, 0, 500)
			for i := range b.N {
				batch = append(batch, fmt.Appendf(nil, `{"event_id":"store-%08d",%s`, i, shop[i%len(shop)]))
				if len(batch) < cap(batch) && i < b.N-1 {
					continue
				}
				for _, s := range w.Streams() {
					if _, err := w.Put(b.Context(), s.Name, batch); err != nil {
						b.Fatal(err)
					}
				}
				batch = batch[:0]
			}
			report := w.flush()
			b.StopTimer()
			b.ReportMetric(float64(b.N)/time.Since(started).Seconds(), "events/s")
			if report.Streams.Lake.Delivered != int64(b.N) || report.Streams.Search.Delivered != int64(b.N) {
				b.Fatalf("got %+v", report)
			}
			if check {
				began := time.Now()
				w.clean()
				b.ReportMetric(time.Since(began).Seconds(), "check-s")
			}
			b.ReportMetric(peak(b), "peak-MB")
		})
	}
}

// peak is the largest resident set of this process so far, in MB; 0 where it cannot be read.
func peak(b *testing.B) float64 {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	_, rest, _ := bytes.Cut(status, []byte("VmHWM:"))
	var kilobytes float64
	if _, err := fmt.Sscan(string(rest), &kilobytes); err != nil {
		b.Fatal(err)
	}
	return kilobytes / 1024
}
