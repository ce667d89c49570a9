package trace

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"firehose-pipeline/deadletter"
	"firehose-pipeline/event"
	"firehose-pipeline/internal/clock"
)

// Status is where the event is, seen from one store.
type Status string

// The statuses of a store, and of the whole event.
const (
	Delivered Status = "delivered"
	Waiting   Status = "waiting"   // failed; a dead letter is in the queue
	GivenUp   Status = "failed"    // failed; no dead letter was found
	Dropped   Status = "dropped"   // by dropEventTypes
	Buffered  Status = "buffered"  // perhaps: younger than the buffer interval
	Missing   Status = "missing"   // seen elsewhere, and not there
	NeverSeen Status = "neverSeen" // nowhere
	Undecided Status = "undecided" // a place that decides was not looked at, or not completely
)

// Report is the outcome of a trace.
type Report struct {
	EventID string     `json:"eventId"`
	Field   string     `json:"field"` // key or JSON Pointer of the id
	Since   *time.Time `json:"since,omitempty"`
	Until   *time.Time `json:"until,omitempty"`
	Verdict Status     `json:"verdict"`
	// Summary is the verdict in words, on one line. It has text of the event; it is not escaped.
	Summary string            `json:"summary"`
	Stores  map[string]Status `json:"stores"` // lake, search
	Places  []Place           `json:"places"`
	// Next are commands, and pages to read; set by the caller.
	Next []string `json:"next"`
}

// Place returns the look at a place, nil when there was none.
func (r *Report) Place(name PlaceName) *Place {
	for i := range r.Places {
		if r.Places[i].Name == name {
			return &r.Places[i]
		}
	}
	return nil
}

// FailedPlaces reports whether the look at a place ended with an error.
func (r *Report) FailedPlaces() bool {
	return slices.ContainsFunc(r.Places, func(p Place) bool { return p.State == Failed })
}

// Failures returns the hits of failed records in a stream, those in the queue first, without repetition.
func (r *Report) Failures(stream event.Stream) []Hit {
	var all []Hit
	for _, name := range []PlaceName{DeadLetters, ErrorObjects} {
		p := r.Place(name)
		if p == nil {
			continue
		}
		for _, h := range p.Hits {
			known := func(k Hit) bool { return h.key != "" && k.key == h.key && k.at == h.at }
			if h.Stream == stream && !slices.ContainsFunc(all, known) {
				all = append(all, h)
			}
		}
	}
	return all
}

// markWaiting marks the failed records in error objects for which a dead letter is in the queue: one of their own, or
// one that leads to the part of the object.
func (r *Report) markWaiting() {
	letters, objects := r.Place(DeadLetters), r.Place(ErrorObjects)
	if letters == nil || objects == nil {
		return
	}
	for i := range objects.Hits {
		h := &objects.Hits[i]
		h.Waiting = slices.ContainsFunc(letters.Hits, func(l Hit) bool { return l.key == h.key && l.at == h.at }) ||
			slices.ContainsFunc(letters.pointers, func(p deadletter.Pointer) bool {
				return p.Key == h.key && h.at >= p.Offset && (p.Length == 0 || h.at < p.Offset+p.Length)
			})
	}
}

// judge sets the statuses and the verdict.
func (t *Trace) judge(r *Report) {
	stores := []event.Stream{event.Lake}
	if t.HasSearch {
		stores = append(stores, event.Search)
	}
	r.Stores = map[string]Status{}
	var words []string
	all := map[Status]int{}
	for _, store := range stores {
		status := t.statusOf(r, store)
		r.Stores[string(store)] = status
		all[status]++
		words = append(words, string(store)+": "+t.describe(r, store, status))
	}
	r.Verdict = Undecided
	for _, status := range []Status{Undecided, Waiting, GivenUp, Dropped, Buffered, Missing, NeverSeen, Delivered} {
		if all[status] > 0 {
			r.Verdict = status
			break
		}
	}
	r.Summary = strings.Join(words, "; ")
	if all[r.Verdict] < len(stores) {
		return
	}
	switch r.Verdict {
	case Delivered:
		r.Summary = "delivered to both stores"
		if !t.HasSearch {
			r.Summary = "delivered to the lake; the stack has no search"
		}
	case NeverSeen:
		r.Summary = "never seen" + t.describeWindow()
	case Dropped:
		r.Summary = t.describe(r, event.Lake, Dropped)
	case Buffered:
		r.Summary = t.describe(r, event.Lake, Buffered)
	}
}

// statusOf returns the status of one store.
func (t *Trace) statusOf(r *Report, store event.Stream) Status {
	place := r.Place(PlaceName(store))
	if place != nil && place.State == Found {
		return Delivered
	}
	failures := r.Failures(store)
	switch {
	case slices.ContainsFunc(failures, func(h Hit) bool { return h.Waiting }):
		return Waiting
	case len(failures) > 0:
		// It may have been replayed since, with success.
		if letters := r.Place(DeadLetters); place == nil || !place.Complete || letters == nil || !letters.Complete {
			return Undecided
		}
		return GivenUp
	case t.droppedType(r) != "":
		return Dropped
	case place == nil || !place.Complete:
		return Undecided
	case t.isYoung(r, store):
		return Buffered
	}
	for _, name := range []PlaceName{DeadLetters, ErrorObjects} {
		if p := r.Place(name); p == nil || !p.Complete {
			return Undecided
		}
	}
	for _, p := range r.Places {
		if len(p.Hits) > 0 {
			return Missing
		}
	}
	return NeverSeen
}

// droppedType returns the type of an event that was received, and that the transform drops; else "".
func (t *Trace) droppedType(r *Report) string {
	for _, name := range []PlaceName{Source, SearchBackup} {
		if p := r.Place(name); p != nil {
			for _, h := range p.Hits {
				if h.EventType != "" && slices.Contains(t.DropEventTypes, h.EventType) {
					return h.EventType
				}
			}
		}
	}
	return ""
}

// deliveryTime is the time that a delivery itself takes, after the buffer's interval.
const deliveryTime = 2 * time.Minute

// isYoung reports whether the event may be in a buffer of the store's stream still: it was seen elsewhere a short time
// ago, or all of the time range is short.
func (t *Trace) isYoung(r *Report, store event.Stream) bool {
	interval := t.Buffers[store]
	if interval == 0 {
		return false
	}
	oldest := clock.OrSystem(t.Clock).Now().Add(-interval - deliveryTime)
	if t.Query.Since.After(oldest) {
		return true
	}
	for _, p := range r.Places {
		for _, h := range p.Hits {
			// Of an object it is the time of its oldest record: the event came after it, by that stream's interval at most.
			if h.Time != nil && h.Time.After(oldest) || h.received.After(oldest) {
				return true
			}
			if h.TimeOf == "objectBegan" && h.Time.Add(t.Buffers[h.Stream]).After(oldest) {
				return true
			}
		}
	}
	return false
}

// describe says a status in words.
func (t *Trace) describe(r *Report, store event.Stream, status Status) string {
	switch status {
	case Delivered:
		return "delivered"
	case Waiting:
		h := r.Failures(store)
		at := slices.IndexFunc(h, func(h Hit) bool { return h.Waiting })
		return fmt.Sprintf("missing, waiting in the dead-letter queue (%s)", h[at].Reason)
	case GivenUp:
		return fmt.Sprintf("missing, failed (%s), and no dead letter is there: not sent yet, replayed, or deleted",
			r.Failures(store)[0].Reason)
	case Dropped:
		return fmt.Sprintf("dropped by rule: dropEventTypes has %q", t.droppedType(r))
	case Buffered:
		return fmt.Sprintf("in a buffer perhaps: younger than the buffer interval of %v and the delivery's time",
			t.Buffers[store])
	case Missing:
		return "missing, and no failure was found: was the event put to the " + string(store) + " stream?"
	case NeverSeen:
		return "never seen" + t.describeWindow()
	}
	return "not decided: " + r.whyUndecided(store)
}

// whyUndecided names the places that would decide.
func (r *Report) whyUndecided(store event.Stream) string {
	var names []string
	for _, name := range []PlaceName{PlaceName(store), DeadLetters, ErrorObjects} {
		switch p := r.Place(name); {
		case p == nil || p.State == NotLookedAt || p.State == Failed:
			names = append(names, name.Title()+" not looked at")
		case !p.Complete:
			names = append(names, name.Title()+" not looked at completely")
		}
	}
	return strings.Join(names, ", ")
}

// describeWindow is the time range in words.
func (t *Trace) describeWindow() string {
	text := ""
	if !t.Query.Since.IsZero() {
		text += " since " + t.Query.Since.UTC().Format(time.RFC3339)
	}
	if !t.Query.Until.IsZero() {
		text += " until " + t.Query.Until.UTC().Format(time.RFC3339)
	}
	if longest := max(t.Buffers[event.Lake], t.Buffers[event.Search]); longest > 0 {
		text += fmt.Sprintf("; an event of the last %v may be in a buffer still", longest+deliveryTime)
	}
	return text
}

// Title is the place in words.
func (n PlaceName) Title() string {
	switch n {
	case DeadLetters:
		return "dead-letter queue"
	case ErrorObjects:
		return "error objects"
	case Source:
		return "source backup"
	case SearchBackup:
		return "search backup"
	}
	return string(n)
}
