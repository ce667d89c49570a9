package replay

import (
	"testing"
	"time"

	"firehose-pipeline/deadletter"
	"firehose-pipeline/event"
)

// From is in the range and To is not. A record without a time is in no range, however open it is.
func TestFilterByTime(t *testing.T) {
	at := func(hour int) time.Time { return time.Date(2026, 1, 2, hour, 0, 0, 0, time.UTC) }
	never := time.Time{}
	for _, c := range []struct {
		from, to, arrival time.Time
		matches           bool
	}{
		{never, never, never, true},
		{never, never, at(1), true},
		{at(1), never, at(1), true},
		{at(1), never, at(1).Add(-time.Nanosecond), false},
		{at(1), never, never, false},
		{never, at(3), at(3), false},
		{never, at(3), at(3).Add(-time.Nanosecond), true},
		{never, at(3), never, false},
		{at(1), at(3), at(2), true},
		{at(1), at(3), at(4), false},
	} {
		f := &Filter{From: c.from, To: c.to}
		if got := f.matchesRecord(event.Lake, "transform", deadletter.FunctionError, c.arrival); got != c.matches {
			t.Errorf("%v from %v to %v: must be %v", c.arrival, c.from, c.to, c.matches)
		}
	}
}
