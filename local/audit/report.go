package audit

import (
	"fmt"

	"firehose-pipeline/event"
)

// Report is the result of Check.
type Report struct {
	Records  int64     `json:"records"` // records put to all streams
	Findings []Finding `json:"findings"`
	// Duplicates are counted more than once, each identified by its id.
	Duplicates Duplicates `json:"duplicates"`
	// Losses are records that AWS itself declares as lost, by where they are missing.
	Losses map[string]int64 `json:"declaredLosses,omitempty"`
}

// Duplicates are what at-least-once delivery leaves, by how they are recognised.
type Duplicates struct {
	// Letters have the id of another dead letter, or point to a record that has one.
	Letters int64 `json:"letters"`
	// Stored are documents in the index whose records are dead letters too; the dead letter names the document by its
	// id.
	Stored int64 `json:"stored"`
	// Overwritten are documents that came twice with one id, so that the index has them once.
	Overwritten int64 `json:"overwritten"`
	// Reread are records that a stream read twice from the data stream, each time as a record of its own.
	Reread int64 `json:"reread,omitempty"`
}

func (r *Report) addLoss(where string, records int64) {
	if r.Losses == nil {
		r.Losses = map[string]int64{}
	}
	r.Losses[where] += records
}

// Clean reports whether every record ended where it had to.
func (r *Report) Clean() bool { return len(r.Findings) == 0 }

// Problem is the kind of a finding.
type Problem string

// The problems that Check finds.
const (
	Missing Problem = "missing" // fewer than there should be
	Doubled Problem = "doubled" // more than there should be
	Unknown Problem = "unknown" // in an output, but not what any record put becomes
)

// Finding names one record that did not end where it had to.
type Finding struct {
	Problem Problem      `json:"problem"`
	Stream  event.Stream `json:"stream"`
	// Record is the number of the record among all that were put to the stream, or to the data stream that feeds it,
	// from 1: in a run from a file the line number, unless records were sent again. It is 0 when Problem is Unknown.
	Record  int64  `json:"record,omitempty"`
	EventID string `json:"eventId,omitempty"` // of the record's first event, when it has one
	Where   string `json:"where"`             // lake, search, dead letters, error objects, source backup, data stream
	Place   string `json:"place,omitempty"`   // file and line or row of a surplus record
}

func (f Finding) String() string {
	s := fmt.Sprintf("%s stream: ", f.Stream)
	if f.Record > 0 {
		s += fmt.Sprintf("record %d", f.Record)
		if f.EventID != "" {
			s += fmt.Sprintf(" (event_id %q)", f.EventID)
		}
		s += " is "
	}
	s += fmt.Sprintf("%s in the %s", f.Problem, f.Where)
	if f.Place != "" {
		s += ": " + f.Place
	}
	return s
}
