package simulation

import (
	"cmp"
	"container/heap"
	"context"
	"fmt"
	"slices"
	"sync"
	"testing/synctest"
	"time"

	"firehose-pipeline/simulation/judge"
)

// Bounds of a run: one that passes them does not come to rest.
const (
	maxSteps   = 20_000
	maxElapsed = 14 * 24 * time.Hour
)

// world is one run: the services, the processes, and the order in which calls take effect. Everything in it happens in
// a bubble of testing/synctest, whose clock moves only when all goroutines are blocked. Only then the scheduler lets
// the next call take effect, so that one thing happens after the other.
type world struct {
	plan    *Plan
	dir     string // of the state files
	start   time.Time
	facts   *judge.Facts
	history *history
	covered Coverage
	faults  []string // that have come about, as [Plan.Only] names them

	chaotic bool // faults come about
	left    int  // faults that may still come about
	skew    time.Duration

	mu     sync.Mutex
	inbox  []*call    // since the last step
	begun  []*process // since the last step
	ended  []*process // that are no longer there, since the last step
	active int        // processes, invocations and streams that are at work
	wake   chan struct{}

	pending  calls
	events   agenda
	ordinals map[string]int
	sequence int
	pauses   *chance

	bucket  *bucket
	queue   *queue
	index   *searchIndex
	streams map[string]*stream
	lambda  *eventQueue
}

// call is one call of a service.
type call struct {
	from   *process
	site   Site
	key    string // the subject: which of the calls of one step comes first, and the trace
	name   string // of the call among all of the run
	chance *chance
	fault  Fault
	due    time.Time
	// apply does the effect. It returns the error of the response, or a time at which it is to be applied again.
	apply func(*call) (again time.Time, err error)
	err   error
	note  string // for the trace
	done  chan struct{}
	// nobody waits for the response any more
	abandoned bool
}

// after plans something.
func (w *world) after(d time.Duration, do func()) {
	w.sequence++
	heap.Push(&w.events, planned{time.Now().Add(d), w.sequence, do})
}

// now is AWS's time. It differs from the time of the machines by the skew, which jumps.
func (w *world) now() time.Time { return time.Now().Add(w.skew) }

// addActive counts something that is at work, or no longer is.
func (w *world) addActive(n int) {
	w.mu.Lock()
	w.active += n
	w.mu.Unlock()
	w.notify()
}

func (w *world) notify() {
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// call makes a call, and returns when it has its response, or with the context's error when that ends first.
func (p *process) call(ctx context.Context, site Site, key string, apply func(*call) (time.Time, error)) error {
	if p.dead {
		return errDead
	}
	if ctx.Err() != nil {
		return canceled(ctx)
	}
	c := &call{from: p, site: site, key: key, apply: apply, done: make(chan struct{})}
	p.w.mu.Lock()
	p.w.inbox = append(p.w.inbox, c)
	p.w.mu.Unlock()
	p.w.notify()
	select {
	case <-c.done:
	case <-p.gone:
		c.abandoned = true
	case <-ctx.Done():
		c.abandoned = true
		if !p.dead {
			// Calls that began at the same time also time out so: one after the other, their order is the seed's.
			time.Sleep(newChance(p.w.plan.Seed, c.name, "canceled").between(time.Microsecond, time.Millisecond))
			return canceled(ctx)
		}
	}
	if p.dead {
		return errDead
	}
	return c.err
}

// admitCalls takes over the calls of the last step, in an order that does not depend on that of the goroutines.
func (w *world) admitCalls() {
	w.mu.Lock()
	arrived, begun, ended := w.inbox, w.begun, w.ended
	w.inbox, w.begun, w.ended = nil, nil, nil
	w.mu.Unlock()
	byName := func(a, b *process) int { return cmp.Compare(a.name, b.name) }
	slices.SortFunc(begun, byName)
	slices.SortFunc(ended, byName)
	for _, p := range begun {
		w.history.write(time.Since(w.start), p.name+" begins")
	}
	slices.SortFunc(arrived, func(a, b *call) int {
		return cmp.Or(cmp.Compare(a.from.name, b.from.name), cmp.Compare(a.site, b.site), cmp.Compare(a.key, b.key))
	})
	for _, p := range ended {
		w.history.write(time.Since(w.start), p.name+" has ended")
		if p.after != nil {
			p.after()
		}
	}
	for _, c := range arrived {
		id := c.from.name + " " + string(c.site)
		w.ordinals[id]++
		c.name = fmt.Sprintf("%s #%d", id, w.ordinals[id])
		c.chance = newChance(w.plan.Seed, c.name)
		c.due = time.Now().Add(c.chance.spread(2*time.Millisecond, 500*time.Millisecond))
		c.fault = w.chooseFault(c)
		if c.site == replayKeep && c.fault != none {
			c.from.disturbed = true
		}
		if c.fault == late {
			c.due = c.due.Add(c.chance.spread(2*time.Second, 8*time.Minute))
		}
		heap.Push(&w.pending, c)
	}
}

// stormChances are the chances of each fault at a site that fails often, in 10,000.
const stormChances = 1200

// chooseFault decides which fault befalls a call.
func (w *world) chooseFault(c *call) Fault {
	if !w.chaotic || w.left == 0 || w.plan.Only != nil && !w.plan.Only[c.name] {
		return none
	}
	for _, f := range applicable[c.site] {
		chances := w.plan.Rates[f]
		if c.site == w.plan.Storm {
			chances = stormChances
		}
		if c.chance.hits(chances) {
			w.left--
			return f
		}
	}
	return none
}

// runUntilRest lets calls and events happen until nothing is at work any more.
func (w *world) runUntilRest() {
	for {
		synctest.Wait()
		w.admitCalls()
		if w.history.steps > maxSteps || time.Since(w.start) > maxElapsed {
			w.facts.Fail("rest", "the system does not come to rest within %d steps and %v", maxSteps, maxElapsed)
			return
		}
		next, ok := w.nextTime()
		switch {
		case !ok && w.countActive() == 0:
			return
		case !ok:
			w.sleep(time.Hour)
		case next.After(time.Now()):
			w.sleep(time.Until(next))
		case len(w.events) > 0 && !w.events[0].at.After(time.Now()):
			heap.Pop(&w.events).(planned).do()
		default:
			w.execute(heap.Pop(&w.pending).(*call))
		}
	}
}

func (w *world) countActive() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.active
}

func (w *world) nextTime() (next time.Time, ok bool) {
	if len(w.pending) > 0 {
		next, ok = w.pending[0].due, true
	}
	if len(w.events) > 0 && (!ok || w.events[0].at.Before(next)) {
		next, ok = w.events[0].at, true
	}
	return next, ok
}

// sleep lets time pass until then, or until something has been called.
func (w *world) sleep(d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-w.wake:
	case <-timer.C:
	}
}

// execute lets a call take effect, and its caller go on.
func (w *world) execute(c *call) {
	if c.abandoned && c.chance.hits(5000) {
		w.record(c, "canceled on its way")
		return
	}
	switch c.fault {
	case refused:
		c.err = refusal(c)
	case throttled:
		c.err = throttling(c)
	default:
		if c.fault == diedBefore {
			break
		}
		again, err := c.apply(c)
		if !again.IsZero() {
			c.due = again
			heap.Push(&w.pending, c)
			return
		}
		if c.err = err; err == nil && c.fault == lost {
			c.err = connectionLost()
		}
	}
	w.record(c, "")
	switch c.fault {
	case diedBefore, diedAfter:
		if !c.from.dead && !c.abandoned {
			c.from.die(nil)
			return
		}
	case torn:
		if !c.from.dead && !c.abandoned {
			c.from.dieWriting(c)
			return
		}
	}
	close(c.done)
	synctest.Wait()
}

// record notes a call in the history, and in the table of faults.
func (w *world) record(c *call, what string) {
	if c.fault != none {
		w.covered.add(c.site, c.fault)
		w.faults = append(w.faults, c.name)
	}
	w.history.add(time.Since(w.start), c, what)
}
