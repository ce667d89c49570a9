package simulation

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"firehose-pipeline/internal/clock"
	"firehose-pipeline/simulation/judge"
)

// A history that breaks a promise is reduced to the part that breaks it.
func TestReduce(t *testing.T) {
	dir := stateFolder(t)
	plan := NewPlan(1)
	plan.Lines = nil
	for i := range 20 {
		token := fmt.Sprintf("e-%04d", i)
		plan.Lines = append(plan.Lines, judge.Line{Text: []byte(eventText(token, "view", "1")), Tokens: []string{token}})
	}
	// One event has another product than the judge expects.
	plan.Lines[7].Text = []byte(strings.Replace(string(plan.Lines[7].Text), "product of", "other product of", 1))
	plan.BrokenUntil = time.Minute
	reduced, result := Reduce(t, plan, dir)
	if !result.Failed() || result.Violations[0].Rule != "content" {
		t.Fatalf("got %v", result.Violations)
	}
	if len(reduced.Lines) != 1 || len(reduced.Operations) != 0 || len(result.Faults) != 0 || reduced.BrokenUntil != 0 {
		t.Errorf("reduced to %d lines, %d operations, %d faults", len(reduced.Lines), len(reduced.Operations),
			len(result.Faults))
	}
	if got := (clock.Backoff{First: time.Second, Max: time.Second}).Pause(0); got < 0 || got >= time.Second {
		t.Errorf("chance was not restored: %v", got)
	}
}
