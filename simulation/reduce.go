package simulation

import (
	"slices"
	"testing"
	"time"
)

// maxReductions bounds the runs of a reduction.
const maxReductions = 600

// reduction looks for the shortest history that still breaks a rule.
type reduction struct {
	t    *testing.T
	dir  string
	rule string
	runs int
	best *Plan
	last Result // of best
}

// Reduce leaves out parts of a plan that breaks a promise, as long as it still breaks the same one: operations, faults,
// lines, settings. It returns the rest, and its run.
func Reduce(t *testing.T, plan *Plan, dir string) (*Plan, Result) {
	r := &reduction{t: t, dir: dir, best: plan, last: Run(t, plan, dir, true)}
	if !r.last.Failed() {
		return plan, r.last
	}
	r.rule = r.last.Violations[0].Rule
	for before := -1; before != r.last.Steps && r.runs < maxReductions; {
		before = r.last.Steps
		r.reduceFaults()
		all := *r.best
		r.reduceList(len(all.Operations), func(p *Plan, keep []int) { p.Operations = pick(all.Operations, keep) })
		r.reduceList(len(all.Lines), func(p *Plan, keep []int) { p.Lines = pick(all.Lines, keep) })
		r.reduceList(len(all.Jumps), func(p *Plan, keep []int) { p.Jumps = pick(all.Jumps, keep) })
		r.reduceSettings()
	}
	return r.best, r.last
}

// try runs a changed plan, and keeps it when it breaks the same rule.
func (r *reduction) try(change func(*Plan)) bool {
	if r.runs++; r.runs > maxReductions {
		return false
	}
	plan := *r.best
	plan.Operations = slices.Clone(plan.Operations)
	change(&plan)
	result := Run(r.t, &plan, r.dir, true)
	for _, v := range result.Violations {
		if v.Rule == r.rule {
			r.best, r.last = &plan, result
			return true
		}
	}
	return false
}

func (r *reduction) reduceFaults() {
	names := slices.Clone(r.last.Faults)
	r.reduceList(len(names), func(p *Plan, keep []int) {
		p.Only = map[string]bool{}
		for _, name := range pick(names, keep) {
			p.Only[name] = true
		}
	})
}

// reduceList leaves out elements of a list: halves, quarters, and so on to single ones.
func (r *reduction) reduceList(n int, set func(p *Plan, keep []int)) {
	keep := make([]int, n)
	for i := range keep {
		keep[i] = i
	}
	for size := (n + 1) / 2; size > 0; size /= 2 {
		for at := 0; at < len(keep); {
			rest := slices.Delete(slices.Clone(keep), at, min(at+size, len(keep)))
			if r.try(func(p *Plan) { set(p, rest) }) {
				keep = rest
			} else {
				at += size
			}
		}
	}
}

func pick[T any](list []T, keep []int) (picked []T) {
	for _, i := range keep {
		picked = append(picked, list[i])
	}
	return picked
}

func (r *reduction) reduceSettings() {
	for _, change := range []func(*Plan){
		func(p *Plan) { p.BrokenUntil = 0 },
		func(p *Plan) { p.SearchDown = [2]time.Duration{} },
		func(p *Plan) { p.HandlerDown = [2]time.Duration{} },
		func(p *Plan) { p.ObjectsDown = [2]time.Duration{} },
		func(p *Plan) { p.Skew = 0 },
		func(p *Plan) { p.Pack = false },
		func(p *Plan) { p.Backup = false },
		func(p *Plan) { p.SendState = false },
		func(p *Plan) { p.Rate = 0 },
	} {
		r.try(change)
	}
	for i := range r.best.Operations {
		for _, change := range []func(*Operation){
			func(o *Operation) { o.Interrupt = nil },
			func(o *Operation) { o.Canary = 0 },
			func(o *Operation) { o.Limit = 0 },
			func(o *Operation) { o.State = false },
			func(o *Operation) { o.Again, o.Refused, o.WatchEnd = false, false, false },
			func(o *Operation) { o.Streams, o.Reasons = nil, nil },
			func(o *Operation) { o.Restarts = 0 },
		} {
			r.try(func(p *Plan) { change(&p.Operations[i]) })
		}
	}
}
