package replay

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"firehose-pipeline/deadletter"
	"firehose-pipeline/event"
	"firehose-pipeline/producer"
)

func (w *world) fromErrors(t *testing.T, prefix string) Report {
	t.Helper()
	report, err := w.FromErrors(t.Context(), t.Context(), prefix)
	if err != nil {
		t.Fatal(err)
	}
	return report
}

func TestErrorObjects(t *testing.T) {
	objects := func(t *testing.T, w *world) []*errorObject {
		t.Helper()
		all := []*errorObject{
			newErrorObject(t, event.Lake, "a", yesterday, functionEr, ids(700)...),
			newErrorObject(t, event.Lake, "b", yesterday, "Lambda.ProcessingFailedStatus", `{"event_id":`, "{\"event_id\":\"x\"}\n{\"event_id\":"),
			newErrorObject(t, event.Search, "c", yesterday, functionEr, ids(3)...),
		}
		for _, o := range all {
			w.objects.put(o.source.Key, o.content, yesterday.Add(5*time.Minute))
		}
		return all
	}
	lake := append(ids(700), `{"event_id":"x"}`, `{"event_id":`)
	t.Run("records of all objects under a prefix go back; what is refused does not", func(t *testing.T) {
		w := newWorld()
		objects(t, w)
		report := w.fromErrors(t, "error-data/lake/")
		wantTaken(t, w.lake, lake...)
		wantTaken(t, w.search)
		if report.Objects != 2 || report.Records[Replayed] != 701 || report.Records[Refused] != 1 || report.Left() != 1 || report.Letters[Replayed] != 0 {
			t.Errorf("got %+v", report)
		}
	})
	t.Run("an answer that ends early is no whole object", func(t *testing.T) {
		w := newWorld()
		objects(t, w)
		w.objects.ends = 10_000
		report := w.fromErrors(t, "error-data/lake/")
		wantTaken(t, w.lake, lake...)
		if report.Records[Replayed] != 701 || report.Records[Refused] != 1 {
			t.Errorf("got %+v", report)
		}
	})
	t.Run("a look puts nothing back", func(t *testing.T) {
		w := newWorld()
		w.Act, w.Streams = false, nil
		objects(t, w)
		if report := w.fromErrors(t, "error-data/"); report.Records[Matching] != 704 || report.Objects != 3 {
			t.Errorf("got %+v", report)
		}
	})
	t.Run("with the same state the queue's letters about them are deleted without a second put", func(t *testing.T) {
		w := newWorld()
		all := objects(t, w)
		w.Journal = openJournal(t, filepath.Join(t.TempDir(), "state"))
		w.fromErrors(t, "error-data/lake/")
		w.queue.send(all[0].letters...)
		wantLetters(t, w.run(t), map[Outcome]int64{AlreadyReplayed: 700})
		wantTaken(t, w.lake, lake...)
		w.wantQueue(t, 0)
		closeJournal(t, w.Journal)
	})
	t.Run("interrupted, it goes on with the same state", func(t *testing.T) {
		w := newWorld()
		objects(t, w)
		state := filepath.Join(t.TempDir(), "state")
		for range 5 {
			w.Journal = openJournal(t, state)
			soft, interrupt := context.WithCancel(t.Context())
			w.lake.call = func(context.Context) error { interrupt(); return nil }
			if _, err := w.FromErrors(soft, t.Context(), "error-data/lake/"); err != nil {
				t.Fatal(err)
			}
			interrupt()
			closeJournal(t, w.Journal)
		}
		wantTaken(t, w.lake, lake...)
	})
	t.Run("filters, a limit and what is no error object", func(t *testing.T) {
		w := newWorld()
		objects(t, w)
		w.objects.put("error-data/other/key", []byte("{}"), yesterday)
		w.Filter.Reasons, w.Limit = []deadletter.Reason{deadletter.FunctionError}, 10
		report := w.fromErrors(t, "error-data/")
		if report.Records[Replayed] != 10 || !report.More {
			t.Errorf("got %+v", report)
		}
		w.Limit, w.Filter.From = 0, yesterday.Add(time.Hour)
		if report := w.fromErrors(t, "error-data/"); report.Objects != 0 {
			t.Errorf("objects that were written before are read: %+v", report)
		}
		w.Filter.From = time.Time{}
		w.fromErrors(t, "error-data/o")
		if want := "error-data/other/key: is no error object: its key must begin with error-data/lake/ or error-data/search/"; len(w.said) != 1 || w.said[0] != want {
			t.Errorf("said %q, want %q", w.said, want)
		}
	})
	t.Run("a canary of records that fail again ends the run before the rest", func(t *testing.T) {
		w := newWorld()
		w.clock.now = time.Now()
		o := newErrorObject(t, event.Search, "a", yesterday, functionEr, ids(50)...)
		w.objects.put(o.source.Key, o.content, yesterday)
		w.Canary = 3
		w.clock.paused = func(time.Duration) {
			back := newErrorObject(t, event.Search, "b", w.clock.Now(), functionEr, ids(1)...)
			w.objects.put(back.source.Key, back.content, w.clock.Now())
		}
		_, err := w.FromErrors(t.Context(), t.Context(), "error-data/search/processing-failed/year=2026/month=01/")
		if err == nil || !strings.HasPrefix(err.Error(), "the cause looks unfixed: of 3 put back first, 1 failed again") || len(w.search.taken) != 3 {
			t.Errorf("got %v, took %d", err, len(w.search.taken))
		}
	})
}

func sourceKey(at time.Time) string {
	return at.UTC().Format("source-data/year=2006/month=01/day=02/hour=15/") + "stack-Lake-1-" + at.UTC().Format(timeFormat) + "-01234567-89ab-cdef-0123-456789abcdef.gz"
}

func TestSource(t *testing.T) {
	t.Run("the events of a time range go to a stream, one a record", func(t *testing.T) {
		w := newWorld()
		day := time.Date(2026, 1, 31, 0, 0, 0, 0, time.UTC)
		for i, content := range []string{`{"n":0}`, "{\"n\":1}\n{\"n\":2}{\"n\":3}\nbroken\n{\"n\":4}", `{"n":5}{"n":6`, `{"n":7}`} {
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
			if report.Records[Replayed] != 5 || report.UnreadableBytes != 12 || len(report.Unreadable) != 2 || !strings.HasSuffix(report.Unreadable[0], ".gz: 6 bytes at byte 23: InvalidJson") {
				t.Errorf("got %+v", report)
			}
		}
		if want := "source-data/readme: is no object that Firehose wrote: its name has no time"; len(w.said) == 0 || w.said[0] != want {
			t.Errorf("said %q, want %q", w.said, want)
		}
	})
	t.Run("an object of many megabytes is read in bounded memory, without a loss at the edges, and resumed", func(t *testing.T) {
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
