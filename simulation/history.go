package simulation

import (
	"fmt"
	"hash/fnv"
	"strings"
	"time"

	"hash"
)

// history is what happened in a run: a hash, and the text when it is wanted.
type history struct {
	steps int
	hash  hash.Hash64
	trace *strings.Builder // nil without
}

func newHistory(traced bool) *history {
	h := &history{hash: fnv.New64a()}
	if traced {
		h.trace = &strings.Builder{}
	}
	return h
}

// add notes a call.
func (h *history) add(at time.Duration, c *call, what string) {
	if what == "" {
		what = c.note
		if c.err != nil {
			what = strings.TrimSpace(what + " → " + shorten(c.err.Error()))
		}
	}
	fault := ""
	if c.fault != none {
		fault = " ! " + string(c.fault)
	}
	h.write(at, fmt.Sprintf("%s %s(%s)%s: %s", c.from.name, c.site, c.key, fault, what))
}

// write notes a line.
func (h *history) write(at time.Duration, line string) {
	h.steps++
	at = at.Truncate(time.Millisecond)
	fmt.Fprintf(h.hash, "%d %s\n", at, line)
	if h.trace != nil {
		fmt.Fprintf(h.trace, "%5d  +%-14v %s\n", h.steps, at, line)
	}
}

// shorten returns the end of an error: the cause.
func shorten(text string) string {
	if i := strings.LastIndex(text, ": "); i > 0 {
		return text[i+2:]
	}
	return text
}

// Coverage counts the calls that each fault befell, by call site.
type Coverage map[Site]map[Fault]int

func (c Coverage) add(site Site, fault Fault) {
	if c[site] == nil {
		c[site] = map[Fault]int{}
	}
	c[site][fault]++
}

// Add adds the counts of another run.
func (c Coverage) Add(other Coverage) {
	for site, faults := range other {
		for fault, n := range faults {
			if c[site] == nil {
				c[site] = map[Fault]int{}
			}
			c[site][fault] += n
		}
	}
}
