package journey

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"firehose-pipeline/event"
	"firehose-pipeline/internal/eventid"
	"firehose-pipeline/internal/printable"
	"firehose-pipeline/local"
	"firehose-pipeline/schema"
)

// State is how a step ended.
type State string

// The states.
const (
	Done     State = "done"
	Waiting  State = "waiting" // in a buffer, or on its way
	Failed   State = "failed"
	Replayed State = "replayed" // a dead letter that a consumer has deleted
)

// Stage is where a step happened, in the order of the way of an event.
type Stage string

// The stages.
const (
	Put         Stage = "put"
	Source      Stage = "source" // the copy as received
	Processing  Stage = "transform"
	Delivery    Stage = "delivery" // in the buffer of the destination
	Lake        Stage = "lake"
	Index       Stage = "index"
	ErrorObject Stage = "errorObject"
	DeadLetter  Stage = "deadLetter"
)

// Step is one place at which the event was found. All texts are printable and bounded.
type Step struct {
	Stage  Stage        `json:"stage"`
	Stream event.Stream `json:"stream"`
	State  State        `json:"state"`
	Time   string       `json:"time,omitempty"`  // RFC 3339
	Place  string       `json:"place,omitempty"` // key and row, file and line
	Note   string       `json:"note,omitempty"`
	Fields []Field      `json:"fields,omitempty"`
	Text   string       `json:"text,omitempty"` // the record or document
}

// Field is a named value of a step.
type Field struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// Journey is all that was found about an event.
type Journey struct {
	ID    string `json:"id"`
	Steps []Step `json:"steps"`
	// Notes say what could not be searched.
	Notes []string `json:"notes,omitempty"`
}

// Limits of a journey.
const (
	maxSteps = 60   // of each kind of place together
	maxText  = 4000 // characters of a record
	maxValue = 300
	// patience is how long a search may take: a million events are read in some seconds.
	patience = 20 * time.Second
)

// follower is one search, for one event or several.
type follower struct {
	p        *local.Pipeline
	path     eventid.Path
	columns  []string // to the id's column
	ids      []string
	journeys []*Journey // one for each id
}

// Follow searches for the event with this id, and watches for it from then on. The error is of reading the results.
func Follow(ctx context.Context, p *local.Pipeline, id string) (Journey, error) {
	sightings := p.Watch(id)
	found, err := search(ctx, p, []string{id}, patience, sightings)
	if err != nil {
		return Journey{}, err
	}
	return found[0], nil
}

// FollowAll searches for several events in one pass over the results, for at most this long.
func FollowAll(ctx context.Context, p *local.Pipeline, ids []string, patience time.Duration) ([]Journey, error) {
	return search(ctx, p, ids, patience, nil)
}

func search(ctx context.Context, p *local.Pipeline, ids []string, patience time.Duration,
	sightings []local.Sighting) ([]Journey, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	f := &follower{p: p, path: p.EventIDPath()}
	for _, id := range ids {
		f.ids = append(f.ids, id)
		f.journeys = append(f.journeys, &Journey{ID: printable.Clip(id, maxValue), Steps: []Step{}})
	}
	err := f.searchAll(ctx, sightings)
	if err == context.DeadlineExceeded {
		f.noteAll(fmt.Sprintf("The search was stopped after %s: not all results were read.", patience))
		err = nil
	}
	if err != nil {
		return nil, err
	}
	var found []Journey
	for _, journey := range f.journeys {
		journey.sortSteps()
		found = append(found, *journey)
	}
	return found, nil
}

// searchAll searches all places, those first that are read fastest.
func (f *follower) searchAll(ctx context.Context, sightings []local.Sighting) error {
	if len(f.path) == 0 {
		f.noteAll("The event schema declares no field that identifies an event (x-event-id).")
		return nil
	}
	declared := f.p.EventSchema()
	f.columns = columnPath(declared.Fields, declared.EventID)
	if declared.EventID.Protect != schema.Unprotected {
		f.noteAll("The schema protects the id (x-protect): lake and index have another value in its place.")
	}
	f.addSightings(sightings)
	// Method expressions: Go 1.26 keeps f on the stack for the method value of findErrors, whose loop over an iterator
	// stores f in the heap, so that a search read freed memory once its stack had moved (findings/go-method-value.sh).
	for _, find := range []func(*follower, context.Context) error{(*follower).findLetters, (*follower).findErrors,
		(*follower).findRows, (*follower).findDocuments, (*follower).findSource} {
		if err := find(f, ctx); err != nil {
			if errors.Is(err, context.DeadlineExceeded) {
				return context.DeadlineExceeded
			}
			return fmt.Errorf("following an event: %w", err)
		}
	}
	return nil
}

// columnPath returns the names of the columns that lead to the id's field, nil when it is not among these.
func columnPath(fields []*schema.Field, id *schema.Field) []string {
	for _, field := range fields {
		if field == id {
			return []string{field.Column}
		}
		if path := columnPath(field.Declared.Fields, id); path != nil {
			return append([]string{field.Column}, path...)
		}
	}
	return nil
}

func (f *follower) noteAll(text string) {
	for _, journey := range f.journeys {
		journey.Notes = append(journey.Notes, text)
	}
}

// match returns the number of the id that the first event of a record has, -1 when it has none of them.
func (f *follower) match(record []byte) int {
	// Without escapes in the record the id is in it as it is.
	if bytes.IndexByte(record, '\\') < 0 &&
		!slices.ContainsFunc(f.ids, func(id string) bool { return bytes.Contains(record, []byte(id)) }) {
		return -1
	}
	return f.indexOf(eventid.Find(record, f.path))
}

func (f *follower) indexOf(id string) int {
	if id == "" {
		return -1
	}
	return slices.Index(f.ids, id)
}

// add adds a step to a journey, as long as there is room.
func (f *follower) add(number int, s Step) {
	journey := f.journeys[number]
	switch len(journey.Steps) {
	case maxSteps + 1:
		return
	case maxSteps:
		s = Step{Stage: s.Stage, Stream: s.Stream, State: s.State, Note: "Further places are not listed."}
	}
	s.Place, s.Text, s.Note = printable.Clip(s.Place, maxText), printable.ClipLines(s.Text, maxText),
		printable.Clip(s.Note, maxText)
	for i, field := range s.Fields {
		s.Fields[i] = Field{printable.Clip(field.Name, maxValue), printable.Clip(field.Value, maxValue)}
	}
	journey.Steps = append(journey.Steps, s)
}
