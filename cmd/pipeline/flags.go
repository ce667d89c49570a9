package main

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// number is a flag that takes a finite number of at least min, or above it.
type number struct {
	value    float64
	min      float64
	above    bool
	integral bool
}

func (n *number) Set(text string) error {
	v, err := strconv.ParseFloat(text, 64)
	if err != nil || math.IsInf(v, 0) || math.IsNaN(v) || v < n.min || n.above && v == n.min ||
		n.integral && v != math.Trunc(v) {
		kind := "number"
		if n.integral {
			kind = "whole number"
		}
		return boundError(kind, n.above, n.min)
	}
	if n.integral && v > math.MaxInt32 {
		return fmt.Errorf("must be at most %d", math.MaxInt32)
	}
	n.value = v
	return nil
}

// boundError is the error of a flag that takes a kind of number of at least some number, or above it.
func boundError(kind string, above bool, least float64) error {
	bound := "at least"
	if above {
		bound = "above"
	}
	return fmt.Errorf("must be a %s %s %v", kind, bound, least)
}

func (n *number) String() string { return strconv.FormatFloat(n.value, 'g', -1, 64) }
func (n *number) Type() string   { return "number" }

// choice is a flag that takes one of a few words.
type choice struct {
	value string
	from  []string
}

func (c *choice) Set(text string) error {
	if !slices.Contains(c.from, text) {
		return errors.New("must be " + strings.Join(c.from, " or "))
	}
	c.value = text
	return nil
}

func (c *choice) String() string { return c.value }
func (c *choice) Type() string   { return strings.Join(c.from, "|") }

// settings is a repeatable flag that takes key=value, as `cdk synth -c` does.
type settings map[string]string

func (s settings) Set(text string) error {
	key, value, ok := strings.Cut(text, "=")
	if !ok || key == "" {
		return errors.New("must be key=value, such as openSearchIndexRotation=OneHour")
	}
	s[key] = value
	return nil
}

func (s settings) String() string {
	var all []string
	for _, key := range slices.Sorted(maps.Keys(s)) {
		all = append(all, key+"="+s[key])
	}
	return strings.Join(all, " ")
}

func (s settings) Type() string { return "key=value" }

// moment is a flag that takes a day, a time, or how long ago.
type moment struct{ time.Time }

func (m *moment) Set(text string) error {
	if ago, err := time.ParseDuration(text); err == nil && ago > 0 {
		m.Time = time.Now().Add(-ago)
		return nil
	}
	for _, layout := range []string{time.DateOnly, time.RFC3339} {
		if t, err := time.Parse(layout, text); err == nil {
			m.Time = t
			return nil
		}
	}
	return errors.New("must be a day (2026-01-31), a time (2026-01-31T12:00:00Z) or how long ago (36h)")
}

func (m *moment) String() string {
	if m.IsZero() {
		return ""
	}
	return m.Format(time.RFC3339)
}

func (m *moment) Type() string { return "TIME" }
