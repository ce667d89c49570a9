package replay

import (
	"maps"
	"testing"
	"time"

	"firehose-pipeline/deadletter"
	"firehose-pipeline/event"
)

// A run with a canary reads the queue twice and counts each dead letter once.
func TestCanaryCountsOnce(t *testing.T) {
	world := func(t *testing.T) *world {
		t.Helper()
		w := newWorld()
		w.clock.now = time.Now()
		w.Canary, w.Filter = 3, Filter{Streams: []event.Stream{event.Lake}}
		// not selected
		w.queue.send(newErrorObject(t, event.Search, "b", yesterday, functionEr, ids(20)...).letters...)
		// rejected
		w.queue.send(newErrorObject(t, event.Lake, "c", yesterday, "Lambda.ProcessingFailedStatus", "x").letters...)
		w.queue.send("hello")
		w.queue.send(newErrorObject(t, event.Lake, "a", yesterday, functionEr, ids(40)...).letters...)
		o := newErrorObject(t, event.Lake, "none", yesterday, functionEr, "{}")
		w.queue.send(encode(t, deadletter.ForPart(o.source, deadletter.Unreadable, 0, 10, false,
			map[deadletter.Reason]int64{deadletter.Unreadable: 1})))
		return w
	}
	all := map[Outcome]int64{Replayed: 40, Filtered: 20, Refused: 1, NoLetter: 1, NotReplayable: 1}
	t.Run("letters, records and groups", func(t *testing.T) {
		w := world(t)
		report := w.run(t)
		wantLetters(t, report, all)
		if report.Repeated != 0 || report.More || report.Waiting != 63 {
			t.Errorf("got %+v", report)
		}
		if want := (map[Outcome]int64{Replayed: 40, Filtered: 20, Refused: 1,
			NotReplayable: 1}); !maps.Equal(report.Records, want) {
			t.Errorf("records %v, want %v", report.Records, want)
		}
		var letters int64
		for _, g := range report.Groups {
			letters += g.Letters
		}
		if letters != 43 { // all but those that were not selected
			t.Errorf("%d letters in groups, want 43", letters)
		}
		w.wantQueue(t, 23)
	})
	t.Run("with no more letters than the canary has", func(t *testing.T) {
		w := newWorld()
		w.clock.now, w.Canary = time.Now(), 5
		w.queue.send(newErrorObject(t, event.Lake, "a", yesterday, functionEr, ids(5)...).letters...)
		report := w.run(t)
		wantLetters(t, report, map[Outcome]int64{Replayed: 5})
		if report.More {
			t.Errorf("got %+v", report)
		}
	})
	t.Run("a canary that fails is no reason to say that there is more", func(t *testing.T) {
		w := world(t)
		w.clock.paused = func(time.Duration) {
			o := newErrorObject(t, event.Lake, "again", w.clock.Now(), functionEr, w.lake.got()[0])
			w.objects.put(o.source.Key, o.content, w.clock.Now())
		}
		report, err := w.FromQueue(t.Context(), t.Context())
		if err == nil || report.More || report.Letters[Replayed] < 3 {
			t.Errorf("got %+v, %v", report, err)
		}
	})
	t.Run("a limit is one, in either reading", func(t *testing.T) {
		for _, limit := range []int64{2, 3, 10} {
			w := world(t)
			w.Limit = limit
			report := w.run(t)
			if report.Letters[Replayed] != limit || !report.More {
				t.Errorf("limit %d: got %+v", limit, report)
			}
		}
	})
	t.Run("messages that repeat a letter are counted and deleted, whichever reading has them", func(t *testing.T) {
		w := newWorld()
		w.clock.now, w.Canary, w.workers = time.Now(), 1, 1
		o := newErrorObject(t, event.Lake, "a", yesterday, functionEr, ids(4)...)
		w.queue.send(o.letters[0])
		w.queue.send(o.letters...)
		report := w.run(t)
		wantLetters(t, report, map[Outcome]int64{Replayed: 4})
		wantTaken(t, w.lake, ids(4)...)
		if report.Repeated != 1 {
			t.Errorf("got %+v", report)
		}
		w.wantQueue(t, 0)
	})
	t.Run("a letter that could not be deleted at first is counted once", func(t *testing.T) {
		w := newWorld()
		w.clock.now, w.Canary, w.workers = time.Now(), 2, 1
		w.queue.send(newErrorObject(t, event.Lake, "a", yesterday, functionEr, ids(4)...).letters...)
		w.queue.undeletable = func(try int) bool { return try <= maxTries }
		w.clock.paused = func(d time.Duration) {
			if d == watchInterval {
				w.queue.appear()
			}
		}
		report := w.run(t)
		wantLetters(t, report, map[Outcome]int64{Replayed: 4})
		wantTaken(t, w.lake, ids(4)...)
		if report.Records[Replayed] != 4 || report.Records[AlreadyReplayed] != 0 || report.Undeleted != 0 ||
			report.Left() != 0 {
			t.Errorf("got %+v", report)
		}
		w.wantQueue(t, 0)
	})
}
