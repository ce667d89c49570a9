package main

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"firehose-pipeline/cost"
)

// exact is a flag that takes a decimal number of at least some integer, or above it, without loss.
type exact struct {
	value    cost.Number
	least    int64
	above    bool
	integral bool
}

func (n *exact) Set(text string) error {
	value, err := cost.ParseNumber(text)
	least := cost.WholeNumber(n.least)
	if err != nil || value.CompareTo(least) < 0 || n.above && value.CompareTo(least) == 0 ||
		n.integral && value.CompareTo(value.RoundedDown()) != 0 {
		kind, bound := "number", "at least"
		if n.integral {
			kind = "whole number"
		}
		if n.above {
			bound = "above"
		}
		return fmt.Errorf("must be a %s %s %d", kind, bound, n.least)
	}
	n.value = value
	return nil
}

func (n *exact) String() string { return strings.ReplaceAll(n.value.Exact(), ",", "") }
func (n *exact) Type() string   { return "number" }

// toInt returns an integral value.
func (n *exact) toInt() (int, error) {
	value, err := strconv.ParseInt(n.String(), 10, 32)
	if err != nil {
		return 0, errors.New("must be at most 1024000 (got " + n.String() + ")")
	}
	return int(value), nil
}
