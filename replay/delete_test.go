package replay

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"firehose-pipeline/event"
)

func TestDelete(t *testing.T) {
	t.Run("the same letter twice is put back once, and both messages are deleted", func(t *testing.T) {
		w := newWorld()
		o := newErrorObject(t, event.Lake, "a", yesterday, functionEr, ids(25)...)
		w.queue.send(append(o.letters, o.letters...)...)
		w.run(t)
		wantTaken(t, w.lake, ids(25)...)
		w.wantQueue(t, 0)
	})
	t.Run("a message that comes into sight while it is worked on is put back once and deleted by its newest receipt",
		func(t *testing.T) {
			w := newWorld()
			w.queue.send(newErrorObject(t, event.Lake, "a", yesterday, functionEr, ids(25)...).letters...)
			times := 0
			w.lake.call = func(context.Context) error { // its visibility is over before Firehose answers
				if times++; times <= 2 {
					w.queue.appear()
				}
				return nil
			}
			w.workers = 1
			w.run(t)
			for range 3 { // the message received twice is visible again, and recognised
				w.run(t)
			}
			wantTaken(t, w.lake, ids(25)...)
			w.wantQueue(t, 0)
		})
	t.Run("a deletion whose call fails is repeated, and the failure reported once", func(t *testing.T) {
		w := newWorld()
		w.queue.send(newErrorObject(t, event.Lake, "a", yesterday, functionEr, ids(5)...).letters...)
		w.queue.deleteErrors = []error{errors.New("connection reset"), errors.New("connection reset")}
		w.workers = 1
		if report := w.run(t); report.Undeleted != 0 || report.Left() != 0 {
			t.Errorf("got %+v", report)
		}
		wantTaken(t, w.lake, ids(5)...)
		w.wantQueue(t, 0)
		if said := strings.Join(w.said, "\n"); strings.Count(said, "deleting replayed dead letters: connection reset") != 1 {
			t.Errorf("got %q", said)
		}
	})
	t.Run("a letter that cannot be deleted is reported, and not put back again by a run with the same state",
		func(t *testing.T) {
			w := newWorld()
			state := filepath.Join(t.TempDir(), "state")
			w.Journal = openJournal(t, state)
			o := newErrorObject(t, event.Lake, "a", yesterday, functionEr, ids(15)...)
			w.queue.send(o.letters...)
			w.queue.undeletable = func(int) bool { return true }
			report := w.run(t)
			if report.Undeleted != 15 || report.Left() != 15 {
				t.Errorf("got %+v", report)
			}
			closeJournal(t, w.Journal)
			w.queue.undeletable = func(try int) bool { return try%2 == 1 } // each one needs a second try
			w.queue.appear()
			w.Journal = openJournal(t, state)
			wantLetters(t, w.run(t), map[Outcome]int64{AlreadyReplayed: 15})
			wantTaken(t, w.lake, ids(15)...)
			w.wantQueue(t, 0)
		})
}

// A dead letter that is in the queue twice is counted once, also when its second message comes after the first was
// deleted.
func TestSecondMessageAfterDeletion(t *testing.T) {
	w := newWorld()
	w.workers = 1
	letters := newErrorObject(t, event.Lake, "a", yesterday, functionEr, ids(3)...).letters
	w.queue.send(letters...)
	w.queue.received = func() { // while the first is being put
		w.queue.received = nil
		w.queue.send(letters[0])
	}
	report := w.run(t)
	wantLetters(t, report, map[Outcome]int64{Replayed: 3})
	if report.Repeated != 1 || report.Records[Replayed] != 3 || report.Records[AlreadyReplayed] != 0 {
		t.Errorf("got %+v", report)
	}
	wantTaken(t, w.lake, ids(3)...)
	w.wantQueue(t, 0)
}
