package replay

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"firehose-pipeline/contract"
	"firehose-pipeline/event"
)

// Error objects that were there before anything was replayed do not show that the cause is unfixed, whatever the clocks
// say.
func TestWatchKnowsOlderObjects(t *testing.T) {
	ahead := time.Now().Add(3 * time.Hour) // a clock of the stack that is ahead of this machine's
	w := newWorld()
	w.clock.now, w.WatchEnd = time.Now(), true
	o := newErrorObject(t, event.Search, "a", ahead, functionEr, ids(2)...)
	w.objects.put(o.source.Key, o.content, ahead)
	w.queue.send(o.letters...)
	w.Journal = openJournal(t, filepath.Join(t.TempDir(), "state"))
	report := w.run(t)
	if report.Letters[Replayed] != 2 || !report.Watched || report.CameBack != 0 {
		t.Errorf("got %+v", report)
	}
	closeJournal(t, w.Journal)
}

// Error objects that came after the put are read, also when this machine's clock is ahead of the stack's.
func TestWatchReadsNewerObjects(t *testing.T) {
	w := newWorld()
	w.clock.now, w.WatchEnd = time.Now().Add(10*time.Minute), true
	w.queue.send(newErrorObject(t, event.Search, "a", yesterday, functionEr, ids(2)...).letters...)
	w.clock.paused = func(time.Duration) {
		o := newErrorObject(t, event.Search, "b", time.Now(), functionEr, ids(1)...)
		w.objects.put(o.source.Key, o.content, time.Now())
	}
	if report := w.run(t); !report.Watched || report.CameBack != 1 {
		t.Errorf("got %+v", report)
	}
}

// A listing that was under way when the watch ended does not have what failed again meanwhile: another look follows.
func TestWatchLooksAfterItsEnd(t *testing.T) {
	w := newWorld()
	w.clock.now, w.WatchEnd = time.Now(), true
	w.queue.send(newErrorObject(t, event.Search, "a", yesterday, functionEr, ids(2)...).letters...)
	slow := false
	w.clock.paused = func(time.Duration) { // from the second look on
		w.objects.listed = func(prefix string) {
			if slow || !strings.Contains(prefix, "search/"+contract.ProcessingFailed) {
				return
			}
			slow = true
			_ = w.clock.Pause(t.Context(), w.Watch) // longer than is left
			o := newErrorObject(t, event.Search, "b", w.clock.Now(), functionEr, ids(1)...)
			w.objects.put(o.source.Key, o.content, w.clock.Now())
		}
	}
	if report := w.run(t); !slow || !report.Watched || report.CameBack != 1 {
		t.Errorf("got %+v", report)
	}
}
