package trace

import (
	"time"

	"firehose-pipeline/deadletter"
	"firehose-pipeline/errorobject"
	"firehose-pipeline/event"
)

// PlaceName is a place that an event can be in.
type PlaceName string

// The places, in the order in which [Trace.Run] looks at them.
const (
	Lake         PlaceName = "lake"
	Search       PlaceName = "search"
	DeadLetters  PlaceName = "deadLetters"
	ErrorObjects PlaceName = "errorObjects"
	Source       PlaceName = "source"       // the lake stream's records as received
	SearchBackup PlaceName = "searchBackup" // the search stream's records as received
)

// State is the outcome of the look at a place.
type State string

// The states of a place.
const (
	Found       State = "found"
	NotFound    State = "notFound"
	NotLookedAt State = "notLookedAt" // no rights, or the stack has no such part
	Failed      State = "failed"
)

// Place is the outcome of the look at one place.
type Place struct {
	Name  PlaceName `json:"place"`
	State State     `json:"state"`
	// Why is the reason of NotLookedAt and Failed, and of a look that is not complete.
	Why string `json:"why,omitempty"`
	// Complete: everything within the time range was looked at. A place that is not complete cannot show that the event
	// is missing.
	Complete bool `json:"complete"`
	// Means names the way of looking: athena, objects, request, file or queue.
	Means string `json:"means,omitempty"`
	// Looked of Total objects, messages or files were looked at; Total is 0 when the number is not known.
	Looked int64 `json:"looked"`
	Total  int64 `json:"total,omitempty"`
	Hits   []Hit `json:"hits"`
	// MoreHits is how many more there are than the first [MaxHits].
	MoreHits int64 `json:"moreHits,omitempty"`

	// pointers are the parts of error objects that dead letters for several records lead to.
	pointers []deadletter.Pointer
}

// MaxHits is how many hits of a place are kept.
const MaxHits = 20

// Hit is one occurrence of the event.
type Hit struct {
	// Object is the address of an object or file, Row its row or line, from 1 (0: not known), and Offset the byte in the
	// unzipped content, from 0, where the record or its document begins.
	Object string `json:"object,omitempty"`
	Row    int64  `json:"row,omitempty"`
	Offset *int64 `json:"offset,omitempty"`
	// Index and Document name a document of search.
	Index    string `json:"index,omitempty"`
	Document string `json:"document,omitempty"`
	// Letter is the id of a dead letter, ReceiveCount how often SQS says that it was received, this time included.
	Letter       string `json:"letter,omitempty"`
	ReceiveCount int    `json:"receiveCount,omitempty"`
	// Time is when the event was there, TimeOf the meaning of it: processed, received, failed or objectBegan, the time
	// of the oldest record in the object.
	Time   *time.Time `json:"time,omitempty"`
	TimeOf string     `json:"timeOf,omitempty"`

	// Stream, Stage and Reason are of failed records and of copies.
	Stream      event.Stream      `json:"stream,omitempty"`
	Stage       errorobject.Stage `json:"stage,omitempty"`
	Reason      deadletter.Reason `json:"reason,omitempty"`
	Explanation string            `json:"explanation,omitempty"`
	ErrorCode   string            `json:"errorCode,omitempty"`
	ErrorText   string            `json:"errorMessage,omitempty"`
	// Waiting: a dead letter for the failed record is in the queue.
	Waiting bool `json:"waiting,omitempty"`
	// EventType is the event's type as received, for dropEventTypes.
	EventType string `json:"eventType,omitempty"`

	key      string    // of the error object
	at       int64     // where its document begins in it
	received time.Time // zero: not known
}

// add adds a hit.
func (p *Place) add(hits ...Hit) {
	for _, h := range hits {
		if len(p.Hits) < MaxHits {
			p.Hits = append(p.Hits, h)
		} else {
			p.MoreHits++
		}
	}
}

// setTime sets the time of a hit, unless it is zero.
func (h *Hit) setTime(t time.Time, of string) {
	if !t.IsZero() {
		t = t.UTC()
		h.Time, h.TimeOf = &t, of
	}
}

// Received returns when Firehose received the failed record, zero when that is not known.
func (h *Hit) Received() time.Time { return h.received }
