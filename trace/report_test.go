package trace

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/aws/smithy-go"

	"firehose-pipeline/deadletter"
	"firehose-pipeline/event"
)

func found(hits ...Hit) fakePlace {
	return func(p *Place) error {
		p.Complete = true
		p.add(hits...)
		return nil
	}
}

func partly(why string) fakePlace {
	return func(p *Place) error { p.Why = why; return nil }
}

// at is a time before noon.
func at(ago time.Duration) *time.Time { t := noon.Add(-ago); return &t }

func TestVerdicts(t *testing.T) {
	stored := found(Hit{Time: at(time.Hour), TimeOf: "processed"})
	fresh := found(Hit{Time: at(time.Minute), TimeOf: "processed"})
	letter := Hit{Stream: event.Search, Reason: deadletter.SearchRejected, Waiting: true, key: "k", at: 5}
	failure := Hit{Stream: event.Search, Reason: deadletter.SearchRejected, key: "k", at: 5}
	pointing := fakePlace(func(p *Place) error {
		p.Complete, p.pointers = true, []deadletter.Pointer{{Key: "k", Offset: 0, Length: 6}}
		return nil
	})
	behind := fakePlace(func(p *Place) error {
		p.Complete, p.pointers = true, []deadletter.Pointer{{Key: "k", Offset: 0, Length: 5}}
		return nil
	})
	denied := fakePlace(func(*Place) error {
		return &smithy.GenericAPIError{Code: "AccessDeniedException",
			Message: "no"}
	})
	broken := fakePlace(func(*Place) error { return errors.New("broken") })
	copied := func(kind string) fakePlace {
		return found(Hit{EventType: kind, Stream: event.Lake, Time: at(2 * time.Hour), TimeOf: "objectBegan"})
	}
	none := found()
	for name, c := range map[string]struct {
		lake, search, letters, failures, source Looker
		want                                    Status
		summary                                 string
	}{
		"everywhere": {stored, stored, none, none, none, Delivered, "delivered to both stores"},
		"everywhere, after a replay": {stored, stored, none, found(failure), none, Delivered,
			"delivered to both stores"},
		"everywhere, without rights elsewhere": {stored, stored, denied, broken, denied, Delivered,
			"delivered to both stores"},
		"waiting": {stored, none, found(letter), found(failure), none, Waiting,
			"lake: delivered; search: missing, waiting in the dead-letter queue (SearchRejected)"},
		"waiting, without a look at search": {stored, denied, found(letter), none, none, Waiting,
			"search: missing, waiting"},
		"in a part of an object": {stored, none, pointing, found(failure), none, Waiting,
			"waiting in the dead-letter queue"},
		"behind the part of an object": {stored, none, behind, found(failure), none, GivenUp,
			"missing, failed (SearchRejected), and no dead letter is there"},
		"failed, queue unknown": {stored, none, denied, found(failure), none, Undecided,
			"search: not decided: dead-letter queue not looked at"},
		"failed, queue in part": {stored, none, partly("limit"), found(failure), none, Undecided,
			"dead-letter queue not looked at completely"},
		"dropped": {none, none, none, none, copied("heartbeat"), Dropped,
			`dropped by rule: dropEventTypes has "heartbeat"`},
		"not dropped": {none, none, none, none, copied("view"), Missing,
			"lake: missing, and no failure was found: was the event put to the lake stream?"},
		"young": {none, fresh, none, none, none, Buffered,
			"lake: in a buffer perhaps: younger than the buffer interval of 5m0s"},
		"old": {none, stored, none, none, none, Missing,
			"lake: missing, and no failure was found"},
		"never": {none, none, none, none, none, NeverSeen,
			"never seen since 2026-01-30T12:00:00Z; an event of the last 7m0s may be in a buffer still"},
		"lake unknown": {denied, stored, none, none, none, Undecided,
			"lake: not decided: lake not looked at; search: delivered"},
		"lake broken": {broken, none, none, none, none, Undecided, "lake: not decided"},
		"lake in part": {partly("limit"), none, none, none, none, Undecided,
			"lake not looked at completely"},
		"queue unknown": {none, none, denied, none, none, Undecided,
			"dead-letter queue not looked at"},
	} {
		t.Run(name, func(t *testing.T) {
			trace := &Trace{Query: Query{ID: newID(t, "e-1"), Window: Window{Since: noon.AddDate(0, 0, -1)}}, HasSearch: true,
				Lookers: map[PlaceName]Looker{Lake: c.lake, Search: c.search, DeadLetters: c.letters, ErrorObjects: c.failures,
					Source: c.source}, Missing: map[PlaceName]string{SearchBackup: "off"}, DropEventTypes: []string{"heartbeat"},
				Buffers: map[event.Stream]time.Duration{event.Lake: 5 * time.Minute, event.Search: time.Minute},
				Clock:   &stepClock{noon}}
			r, err := trace.Run(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if r.Verdict != c.want || !strings.Contains(r.Summary, c.summary) {
				t.Errorf("got %s: %s (stores %v)", r.Verdict, r.Summary, r.Stores)
			}
			if len(r.Places) != 6 || r.Place(SearchBackup).State != NotLookedAt || r.Place(SearchBackup).Why != "off" {
				t.Errorf("got %+v", r.Places)
			}
			if r.FailedPlaces() != strings.Contains(name, "broken") && name != "everywhere, without rights elsewhere" {
				t.Errorf("failed: %v", r.FailedPlaces())
			}
		})
	}
}

// When all of the time range is younger than the buffers, an event that is nowhere may be in one.
func TestShortRange(t *testing.T) {
	lookers := map[PlaceName]Looker{Lake: found(), DeadLetters: found(), ErrorObjects: found(), Source: found()}
	trace := &Trace{Query: Query{ID: newID(t, "e-1"), Window: Window{Since: noon.Add(-3 * time.Minute)}}, Lookers: lookers,
		Buffers: map[event.Stream]time.Duration{event.Lake: 5 * time.Minute}, Clock: &stepClock{noon}}
	r, err := trace.Run(t.Context())
	if err != nil || r.Verdict != Buffered ||
		r.Summary != "in a buffer perhaps: younger than the buffer interval of 5m0s and "+
			"the delivery's time" {
		t.Errorf("got %+v, %v", r, err)
	}
	trace.Lookers[Lake] = found(Hit{})
	if r, err := trace.Run(t.Context()); err != nil || r.Summary != "delivered to the lake; the stack has no search" {
		t.Errorf("got %+v, %v", r, err)
	}
}

func TestIncompletely(t *testing.T) {
	p := Place{}
	if err := Incompletely(found(), "a run is writing").Look(t.Context(), nil, &p); err != nil || p.Complete ||
		p.Why != "a run is writing" {
		t.Errorf("got %+v, %v", p, err)
	}
}
