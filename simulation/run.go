package simulation

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"firehose-pipeline/event"
	"firehose-pipeline/internal/clock"
	"firehose-pipeline/simulation/judge"
)

// Result is what became of a run.
type Result struct {
	Violations []judge.Violation
	// Hash is of the history, which has Steps.
	Hash  uint64
	Steps int
	// Trace is the history as text, when it was wanted.
	Trace   string
	Covered Coverage
	// Faults are the calls that a fault befell, as [Plan.Only] names them.
	Faults []string
}

// Failed reports whether a promise was broken.
func (r *Result) Failed() bool { return len(r.Violations) > 0 }

// Run runs a plan. One run at a time may go on in a process: chance is the machine's elsewhere. The folder is for the
// state files, and is empty before and afterwards.
func Run(t *testing.T, plan *Plan, dir string, traced bool) (result Result) {
	synctest.Test(t, func(*testing.T) {
		w := &world{plan: plan, dir: dir, start: time.Now(), facts: &judge.Facts{Lines: plan.Lines},
			history: newHistory(traced), covered: Coverage{}, wake: make(chan struct{}, 1), ordinals: map[string]int{},
			pauses: newChance(plan.Seed, "pauses"), left: plan.Budget, streams: map[string]*stream{}}
		defer clock.SetChance(func(bound time.Duration) time.Duration { return w.pauses.between(0, bound) })()
		w.runPhases()
		w.readRejected()
		if err := cleanFolder(dir); err != nil {
			w.facts.Fail("harness", "%v", err)
		}
		result = Result{Violations: judge.Judge(w.facts), Hash: w.history.hash.Sum64(), Steps: w.history.steps,
			Covered: w.covered, Faults: w.faults}
		if traced {
			result.Trace = w.history.trace.String()
		}
	})
	return result
}

// finalReplays is how often replay is run after all causes were fixed.
const finalReplays = 3

// runPhases runs the system with faults, without, and until the queue has been replayed.
func (w *world) runPhases() {
	w.bucket, w.queue = &bucket{w: w}, &queue{w: w}
	w.index = &searchIndex{w: w, documents: map[string]*judge.Document{}}
	w.lambda = &eventQueue{w: w, service: w.newProcess("lambda")}
	w.skew = w.plan.Skew
	for _, kind := range []event.Stream{event.Lake, event.Search} {
		s := w.openStream(kind)
		w.streams[s.name] = s
	}
	defer w.close()
	w.chaotic = true
	for _, jump := range w.plan.Jumps {
		w.after(jump.At, func() { w.skew = w.plan.Skew + jump.Skew })
	}
	for i, o := range w.plan.Operations {
		w.after(o.At, func() { w.replay(fmt.Sprintf("replay-%d", i+1), o) })
	}
	if end := max(w.plan.BrokenUntil, w.plan.SearchDown[1], w.plan.ObjectsDown[1]); end > 0 {
		w.after(end, func() {})
	}
	w.send(1)
	w.runUntilRest()
	w.chaotic = false
	w.history.write(time.Since(w.start), "all causes are fixed, and no fault comes about any more")
	for i := range finalReplays {
		// After the longest that messages of a dead run are in flight.
		w.after(20*time.Minute, func() {
			w.replay(fmt.Sprintf("replay-final-%d", i+1), Operation{Act: true, From: "queue", Again: true})
		})
		w.runUntilRest()
		if last := w.facts.Runs[len(w.facts.Runs)-1]; last.Err == "" && (last.Letters.Done == 0 || w.isDrained()) {
			break
		}
	}
}

// isDrained reports whether the queue has only records that the transform rejects for good.
func (w *world) isDrained() bool {
	for _, m := range w.queue.messages {
		if !m.Deleted && !strings.Contains(m.Body, `"reason":"UnexpectedEnd"`) {
			return false
		}
	}
	return true
}

// close ends the services, so that no goroutine is left.
func (w *world) close() {
	for _, s := range w.streams {
		s.stop()
		<-s.stopped
		s.model.Close()
	}
}
