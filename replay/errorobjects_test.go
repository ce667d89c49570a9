package replay

import (
	"context"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"firehose-pipeline/deadletter"
	"firehose-pipeline/event"
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
			newErrorObject(t, event.Lake, "b", yesterday, "Lambda.ProcessingFailedStatus", `{"event_id":`,
				"{\"event_id\":\"x\"}\n{\"event_id\":"),
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
		if report.Objects != 2 || report.Records[Replayed] != 701 || report.Records[Refused] != 1 ||
			report.Left() != 1 || report.Letters[Replayed] != 0 {
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
		if want := "error-data/other/key: not an error object: its key must begin with error-data/lake/ or error-data/search/"; len(w.said) != 1 || w.said[0] != want {
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
		if err == nil || !strings.HasPrefix(err.Error(),
			"the cause looks unfixed: of 3 records replayed first, 1 failed again") || len(w.search.taken) != 3 {
			t.Errorf("got %v, took %d", err, len(w.search.taken))
		}
	})
}
