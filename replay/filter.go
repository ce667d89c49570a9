package replay

import (
	"slices"
	"time"

	"firehose-pipeline/deadletter"
	"firehose-pipeline/errorobject"
	"firehose-pipeline/event"
)

// Filter selects records; an empty field selects all.
type Filter struct {
	Streams []event.Stream
	Stages  []errorobject.Stage
	Reasons []deadletter.Reason
	// From and To bound when Firehose received the record: from the first, up to but not at the second.
	From, To time.Time
}

func (f *Filter) matchesRecord(stream event.Stream, stage errorobject.Stage, reason deadletter.Reason,
	arrival time.Time) bool {
	return selects(f.Streams, stream) && selects(f.Stages, stage) && selects(f.Reasons, reason) &&
		f.matchesTime(arrival)
}

func (f *Filter) matchesTime(at time.Time) bool {
	if !f.hasTimes() {
		return true
	}
	// A record that does not say when it came is not known to be in any range.
	return !at.IsZero() && !at.Before(f.From) && (f.To.IsZero() || at.Before(f.To))
}

func (f *Filter) hasTimes() bool { return !f.From.IsZero() || !f.To.IsZero() }

func selects[T comparable](list []T, v T) bool { return len(list) == 0 || slices.Contains(list, v) }

// matchLetter reports whether all records of a dead letter match, or none. Both are false when some may match.
func (f *Filter) matchLetter(m *deadletter.Message) (all, none bool) {
	switch m.Kind {
	case deadletter.Record:
		all = f.matchesRecord(m.Stream, m.Stage, m.Reason, timeOf(m))
		return all, !all
	case deadletter.Invocation: // its objects may be of either stream and any stage
		all = len(f.Streams)+len(f.Stages) == 0 && selects(f.Reasons, m.Reason) && !f.hasTimes()
		return all, false
	}
	if !selects(f.Streams, m.Stream) || !selects(f.Stages, m.Stage) {
		return false, true
	}
	matching := 0
	for reason := range m.Counts {
		if selects(f.Reasons, reason) {
			matching++
		}
	}
	if selects(f.Reasons, m.Reason) || len(m.Counts) == 0 { // asked for by its own name, or with unknown content
		matching = len(m.Counts)
	}
	return matching == len(m.Counts) && !f.hasTimes(), matching == 0 && len(m.Counts) > 0
}

// timeOf is when Firehose received the dead letter's record, or at least when it failed.
func timeOf(m *deadletter.Message) time.Time {
	for _, text := range []string{m.ArrivalTime, m.FailedTime} {
		if at, err := time.Parse(time.RFC3339Nano, text); err == nil {
			return at
		}
	}
	return time.Time{}
}
