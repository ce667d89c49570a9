package main

import (
	"strings"

	"firehose-pipeline/cost"
)

// exact is a flag that takes a decimal number of at least some integer, or above it, without loss.
type exact struct {
	value cost.Number
	least int64
	above bool
}

func (n *exact) Set(text string) error {
	value, err := cost.ParseNumber(text)
	least := cost.WholeNumber(n.least)
	if err != nil || value.CompareTo(least) < 0 || n.above && value.CompareTo(least) == 0 {
		return boundError("number", n.above, float64(n.least))
	}
	n.value = value
	return nil
}

func (n *exact) String() string { return strings.ReplaceAll(n.value.Exact(), ",", "") }
func (n *exact) Type() string   { return "number" }
