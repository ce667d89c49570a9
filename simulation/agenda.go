package simulation

import (
	"cmp"
	"time"
)

// calls are sorted by when they take effect.
type calls []*call

func (c calls) Len() int { return len(c) }
func (c calls) Less(i, j int) bool {
	return cmp.Or(c[i].due.Compare(c[j].due), cmp.Compare(c[i].name, c[j].name)) < 0
}
func (c calls) Swap(i, j int) { c[i], c[j] = c[j], c[i] }
func (c *calls) Push(x any)   { *c = append(*c, x.(*call)) }
func (c *calls) Pop() any {
	last := len(*c) - 1
	x := (*c)[last]
	*c = (*c)[:last]
	return x
}

// planned is something that happens at a time.
type planned struct {
	at time.Time
	n  int // in the order of planning
	do func()
}

type agenda []planned

func (e agenda) Len() int { return len(e) }
func (e agenda) Less(i, j int) bool {
	return cmp.Or(e[i].at.Compare(e[j].at), cmp.Compare(e[i].n, e[j].n)) < 0
}
func (e agenda) Swap(i, j int) { e[i], e[j] = e[j], e[i] }
func (e *agenda) Push(x any)   { *e = append(*e, x.(planned)) }
func (e *agenda) Pop() any {
	last := len(*e) - 1
	x := (*e)[last]
	*e = (*e)[:last]
	return x
}
