package simulation

import (
	"fmt"
	"time"

	"firehose-pipeline/deadletter"
	"firehose-pipeline/event"
	"firehose-pipeline/simulation/judge"
)

// Plan is what a seed decides before a run begins. Which fault befalls which call follows from the seed and the call's
// name, so that a part of a plan can be left out without changing the rest.
type Plan struct {
	Seed  uint64
	Lines []judge.Line
	// How send runs.
	Pack      bool
	SendState bool
	Rate      float64 // lines a second: with it a chunk has few lines
	Patience  time.Duration
	// BrokenUntil is when the transform is fixed, SearchDown when the domain is down.
	BrokenUntil time.Duration
	SearchDown  [2]time.Duration
	// HandlerDown is when invocations of the error handler fail, before it has done anything or after it has done all.
	HandlerDown [2]time.Duration
	// ObjectsDown is when the operator's machine cannot read objects: a proxy, its rights, the key.
	ObjectsDown [2]time.Duration
	Backup      bool // the lake stream keeps the records as received
	// Skew is the difference between AWS's time and that of the operator's machine; Jumps change it.
	Skew  time.Duration
	Jumps []Jump
	// Operations are the operator's.
	Operations []Operation
	// Rates are the chances of each fault for a call, in 10,000; Budget is how many faults there are at most.
	Rates  map[Fault]int
	Budget int
	// Storm is a site whose calls fail often, with any fault; empty without.
	Storm Site
	// Only are the calls that a fault may befall, by their names; nil is all.
	Only map[string]bool
}

// Jump is a jump of the clock of the operator's machine. Skew is added to that of the plan.
type Jump struct{ At, Skew time.Duration }

// Interruption is a Ctrl-C.
type Interruption struct {
	After time.Duration // the begin of the run
	Twice bool
}

// Operation is a command of the operator: a run of replay.
type Operation struct {
	At        time.Duration
	Act       bool
	From      string // of replay.Report
	State     bool
	Canary    int64
	Limit     int64
	Again     bool
	Refused   bool
	WatchEnd  bool
	Streams   []event.Stream
	Reasons   []deadletter.Reason
	Interrupt *Interruption
	Restarts  int // how often the same command is run again when it dies
}

// poison is in events that the index rejects until its mapping is fixed.
const poison = `"price":666`

// NewPlan returns the plan of a seed.
func NewPlan(seed uint64) *Plan {
	c := newChance(seed, "plan")
	p := &Plan{Seed: seed, Rates: map[Fault]int{}}
	p.planLines(newChance(seed, "lines"))
	p.Pack, p.SendState, p.Backup = c.hits(3000), c.hits(7000), c.hits(2000)
	p.Rate = []float64{0, 8, 16, 32}[c.number(4)]
	p.Patience = []time.Duration{30 * time.Second, 2 * time.Minute, 5 * time.Minute}[c.number(3)]
	if c.hits(5000) {
		p.BrokenUntil = c.spread(10*time.Second, 40*time.Minute)
	}
	if c.hits(2000) {
		from := c.between(0, 10*time.Minute)
		p.SearchDown = [2]time.Duration{from, from + c.spread(time.Minute, 30*time.Minute)}
	}
	if c.hits(1500) {
		from := c.between(0, 5*time.Minute)
		p.HandlerDown = [2]time.Duration{from, from + c.spread(time.Minute, 20*time.Minute)}
	}
	if c.hits(2000) {
		for range 1 + c.number(3) {
			skew := c.spread(time.Second, maxSkew)
			if c.hits(5000) {
				skew = -skew
			}
			p.Jumps = append(p.Jumps, Jump{c.between(0, time.Hour), skew})
		}
	}
	if clocks := newChance(seed, "clocks"); clocks.hits(2000) {
		p.Skew = clocks.between(-maxWrong, maxWrong)
	}
	if objects := newChance(seed, "objects"); objects.hits(1500) {
		from := objects.between(0, 30*time.Minute)
		p.ObjectsDown = [2]time.Duration{from, from + objects.spread(10*time.Minute, 90*time.Minute)}
	}
	p.planFaults(newChance(seed, "faults"))
	operations := newChance(seed, "operations")
	for range operations.number(5) {
		p.Operations = append(p.Operations, planOperation(operations))
	}
	return p
}

// within reports whether a time since the begin is in a window.
func within(window [2]time.Duration, elapsed time.Duration) bool {
	return elapsed >= window[0] && elapsed < window[1]
}

// maxWrong bounds the difference of the clocks at the begin of a run, maxSkew what a jump makes it.
const (
	maxWrong = 5 * time.Hour
	maxSkew  = 4 * time.Minute
)

func (p *Plan) planLines(c *chance) {
	for i := range 3 + c.number(20) {
		token := fmt.Sprintf("e-%04d", i)
		good := eventText(token, "view", "12.5")
		line := judge.Line{Text: []byte(good), Tokens: []string{token}}
		switch c.number(10) {
		case 0:
			line.Text, line.Broken = []byte(good[:len(good)-1-c.number(8)]), true
		case 1:
			line.Text, line.Dropped = []byte(eventText(token, dropped, "1")), true
		case 2:
			line.Text = []byte(eventText(token, "view", "666"))
		case 3:
			second := token + "b"
			line.Text = []byte(good + eventText(second, "view", "1"))
			line.Tokens = append(line.Tokens, second)
		}
		p.Lines = append(p.Lines, line)
	}
}

func eventText(token, kind, price string) string {
	return fmt.Sprintf(`{"event_id":%q,"event_type":%q,"product":%q,"price":%s}`, token, kind, judge.Product(token), price)
}

// planFaults chooses which faults come about, and how often: a run with few of them goes further than one with all.
func (p *Plan) planFaults(c *chance) {
	p.Budget = c.number(13)
	for _, f := range Faults {
		if c.hits(5000) {
			p.Rates[f] = []int{100, 300, 1000}[c.number(3)]
		}
	}
	if c.hits(4000) {
		p.Storm = Sites[c.number(len(Sites))]
		p.Budget += 5 + c.number(25)
	}
}

func planOperation(c *chance) Operation {
	o := Operation{At: c.spread(10*time.Second, 90*time.Minute), Act: c.hits(8500), From: "queue", State: c.hits(6000),
		Again: c.hits(2000), Refused: c.hits(1500), Restarts: c.number(3)}
	if c.hits(2500) {
		o.Canary = 1 + int64(c.number(6))
	}
	if c.hits(1500) {
		o.Limit = 1 + int64(c.number(12))
	}
	o.WatchEnd = c.hits(1000)
	switch c.number(12) {
	case 0:
		o.Streams = []event.Stream{event.Lake}
	case 1:
		o.Streams = []event.Stream{event.Search}
	case 2:
		o.Reasons = []deadletter.Reason{deadletter.FunctionError}
	case 3:
		o.Reasons = []deadletter.Reason{deadletter.SearchRejected, deadletter.SearchUnavailable}
	case 4:
		o.From = "errors"
	case 5:
		o.From = "source"
	}
	if c.hits(2500) {
		o.Interrupt = &Interruption{After: c.spread(time.Millisecond, 20*time.Second), Twice: c.hits(4000)}
	}
	return o
}

// all reports whether a run of the operation is to leave nothing out.
func (o *Operation) all() bool {
	return len(o.Streams)+len(o.Reasons) == 0 && o.Limit == 0
}
