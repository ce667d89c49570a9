package trace

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"firehose-pipeline/event"
	"firehose-pipeline/internal/clock"
	"firehose-pipeline/internal/s3read"
)

// Looker looks for the event at one place and fills it in, all but Name and State. An error of [DeniedError]'s kind or
// of AWS's access-denied codes makes it a place that was not looked at.
type Looker interface {
	Look(ctx context.Context, q *Query, p *Place) error
}

// Query is the event that is sought.
type Query struct {
	ID ID
	Window
}

// Trace looks for one event. Its fields are set before Run.
type Trace struct {
	Query Query
	// Lookers by place, and the reasons why places have none. A place in neither does not exist in the stack.
	Lookers map[PlaceName]Looker
	Missing map[PlaceName]string
	// HasSearch: the stack has a search stream.
	HasSearch bool
	// Buffers are the intervals of the streams' buffers; an event may be so long on its way. 0: nothing is buffered.
	Buffers map[event.Stream]time.Duration
	// DropEventTypes are the types of events that the transform drops.
	DropEventTypes []string
	// Begin is called before the look at a place.
	Begin func(PlaceName)
	Clock clock.Clock // nil: the system's
}

// allPlaces is the order in which places are looked at: error objects after the queue, whose dead letters lead to them.
var allPlaces = []PlaceName{Lake, Search, DeadLetters, ErrorObjects, Source, SearchBackup}

// DeniedError is a refusal for want of rights, or for another reason that the caller cannot change by trying again.
type DeniedError struct{ Reason string }

func (e *DeniedError) Error() string { return e.Reason }

// Run looks at every place. The error is that of the context: failures of single places are in the report.
func (t *Trace) Run(ctx context.Context) (*Report, error) {
	r := &Report{EventID: t.Query.ID.Text, Field: t.Query.ID.Field()}
	r.Since, r.Until = timeOrNil(t.Query.Since), timeOrNil(t.Query.Until)
	for _, name := range allPlaces {
		p := Place{Name: name, State: NotLookedAt, Why: t.Missing[name], Hits: []Hit{}}
		looker := t.Lookers[name]
		if looker == nil && p.Why == "" {
			continue
		}
		if looker != nil {
			if t.Begin != nil {
				t.Begin(name)
			}
			t.look(ctx, looker, &p)
			if ctx.Err() != nil {
				return nil, ctx.Err()
			}
		}
		r.Places = append(r.Places, p)
	}
	r.markWaiting()
	t.judge(r)
	return r, nil
}

func (t *Trace) look(ctx context.Context, looker Looker, p *Place) {
	err := looker.Look(ctx, &t.Query, p)
	switch {
	case err == nil && len(p.Hits) > 0:
		p.State = Found
	case err == nil:
		p.State = NotFound
	case isDenied(err):
		p.State, p.Why, p.Complete = NotLookedAt, err.Error(), false
	default:
		p.State, p.Why, p.Complete = Failed, err.Error(), false
	}
	if err != nil && len(p.Hits) > 0 {
		p.State = Found
	}
}

// isDenied reports whether AWS refused a call for want of rights.
func isDenied(err error) bool {
	var denied *DeniedError
	if errors.As(err, &denied) {
		return true
	}
	code := s3read.ErrorCode(err)
	return strings.HasSuffix(code, "AccessDenied") || strings.HasSuffix(code, "AccessDeniedException") ||
		slices.Contains([]string{"Forbidden", "UnauthorizedOperation", "NotAuthorized"}, code)
}

// Incompletely wraps a looker whose data may be incomplete for a known reason: it never shows that an event is missing.
func Incompletely(l Looker, why string) Looker { return incomplete{l, why} }

type incomplete struct {
	Looker
	why string
}

// Look implements [Looker].
func (i incomplete) Look(ctx context.Context, q *Query, p *Place) error {
	err := i.Looker.Look(ctx, q, p)
	if p.Complete = false; p.Why == "" {
		p.Why = i.why
	}
	return err
}

func timeOrNil(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}

// describeLimit is the reason of a look that stopped at a limit, and how to raise it.
func describeLimit(read, total int64, what, remedy string) string {
	return fmt.Sprintf("only %d of %d %s were looked at: %s", read, total, what, remedy)
}
