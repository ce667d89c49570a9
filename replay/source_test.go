package replay

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"firehose-pipeline/event"
	"firehose-pipeline/producer"
)

func sourceKey(at time.Time) string {
	return at.UTC().Format("source-data/year=2006/month=01/day=02/hour=15/") + "stack-Lake-1-" +
		at.UTC().Format(timeFormat) + "-01234567-89ab-cdef-0123-456789abcdef.gz"
}

func TestSource(t *testing.T) {
	t.Run("the events of a time range go to a stream, one a record", func(t *testing.T) {
		w := newWorld()
		day := time.Date(2026, 1, 31, 0, 0, 0, 0, time.UTC)
		for i, content := range []string{`{"n":0}`, "{\"n\":1}\n{\"n\":2}{\"n\":3}\nbroken\n{\"n\":4}", `{"n":5}{"n":6`,
			`{"n":7}`} {
			at := day.Add(time.Duration(i-1) * 12 * time.Hour)
			w.objects.put(sourceKey(at), zip(t, []byte(content)), at.Add(5*time.Minute))
		}
		w.objects.put("source-data/readme", nil, day)
		w.Filter.From, w.Filter.To = day, day.Add(24*time.Hour)
		for _, into := range []event.Stream{event.Lake, event.Search} {
			report, err := w.FromSource(t.Context(), t.Context(), "source-data/", into)
			if err != nil {
				t.Fatal(err)
			}
			to := map[event.Stream]*fakeFirehose{event.Lake: w.lake, event.Search: w.search}[into]
			wantTaken(t, to, `{"n":1}`, `{"n":2}`, `{"n":3}`, `{"n":4}`, `{"n":5}`)
			if report.Records[Replayed] != 5 || report.UnreadableBytes != 12 || len(report.Unreadable) != 2 ||
				!strings.HasSuffix(report.Unreadable[0], ".gz: 6 bytes at byte 23: InvalidJson") {
				t.Errorf("got %+v", report)
			}
		}
		if want := "source-data/readme: not an object that Firehose wrote: its name has no time"; len(w.said) == 0 ||
			w.said[0] != want {
			t.Errorf("said %q, want %q", w.said, want)
		}
	})
	t.Run("an object of many megabytes is read in bounded memory, without a loss at the edges, and resumed",
		func(t *testing.T) {
			w := newWorld()
			var text strings.Builder
			var want []string
			for i := 0; text.Len() < 3*window; i++ {
				e := fmt.Sprintf(`{"n":%d,"text":"%s"}`, i, strings.Repeat("x", (i*7919)%200_000))
				want = append(want, e)
				text.WriteString(e)
				if i%3 == 0 {
					text.WriteString("\n")
				}
			}
			w.objects.put(sourceKey(yesterday), zip(t, []byte(text.String())), yesterday)
			state := filepath.Join(t.TempDir(), "state")
			runs := 0
			for done := false; !done; runs++ {
				w.Journal = openJournal(t, state)
				soft, interrupt := context.WithCancel(t.Context())
				w.lake.call = func(context.Context) error {
					if runs < 3 {
						interrupt()
					}
					return nil
				}
				report, err := w.FromSource(soft, t.Context(), "source-data/", event.Lake)
				interrupt()
				if err != nil {
					t.Fatal(err)
				}
				done = !report.Interrupted
				closeJournal(t, w.Journal)
			}
			wantTaken(t, w.lake, want...)
			if runs != 4 {
				t.Errorf("%d runs", runs)
			}
		})
	t.Run("something longer than a record is left out", func(t *testing.T) {
		w := newWorld()
		long := `{"n":"` + strings.Repeat("x", 2*window) + `"}`
		w.objects.put(sourceKey(yesterday), []byte("{\"n\":1}"+long+"\n{\"n\":2}"), yesterday)
		report, err := w.FromSource(t.Context(), t.Context(), "source-data/", event.Lake)
		if err != nil {
			t.Fatal(err)
		}
		wantTaken(t, w.lake, `{"n":1}`, `{"n":2}`)
		if report.UnreadableBytes < int64(len(long)) {
			t.Errorf("got %+v", report)
		}
	})
	if producer.MaxRecordBytes*2 > window {
		t.Error("the longest record may not fit into what is read at a time")
	}
}
