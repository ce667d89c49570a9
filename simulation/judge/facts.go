package judge

import (
	"bytes"
	"fmt"
	"time"
)

// Facts are what happened in a run.
type Facts struct {
	// Lines are the input.
	Lines []Line
	// Rejected are the events by stream that send kept because the stream did not accept them.
	Rejected map[string][]string
	// Accepts are the records that a stream accepted, in order.
	Accepts []*Accept
	// Objects are all objects of the bucket.
	Objects []*Object
	// Documents are those of the search index.
	Documents []*Document
	// Messages are all that were ever in the queue.
	Messages []*Message
	// Runs are the commands that ran, in the order of their begin.
	Runs []*Run
	// Failures are violations that the simulation itself noticed.
	Failures []Violation
}

// Fail notes a violation.
func (f *Facts) Fail(rule, format string, args ...any) {
	f.Failures = append(f.Failures, Violation{rule, fmt.Sprintf(format, args...)})
}

// Violation is a broken promise.
type Violation struct{ Rule, Text string }

func (v Violation) String() string { return v.Rule + ": " + v.Text }

// Line is one line of the input.
type Line struct {
	Text []byte
	// Tokens are the ids of its events, also of broken ones.
	Tokens []string
	// Dropped is a line that the transform drops by rule, Broken one that it rejects for good.
	Dropped, Broken bool
}

// Accept is one record that a stream accepted.
type Accept struct {
	Stream string // lake or search
	Tokens []string
	At     time.Time
	// Arrival is the time that the stream gave it, by AWS's clock.
	Arrival time.Time
	By      *Run
	// Known says that the response reached the caller, Whole that it accepted every record of its call and that the
	// caller lived on to write it down.
	Known, Whole bool
}

// AddAccept notes a record that a stream accepted.
func (f *Facts) AddAccept(stream string, data []byte, by *Run, at, arrival time.Time) *Accept {
	a := &Accept{Stream: stream, Tokens: Tokens(data), At: at, Arrival: arrival, By: by}
	f.Accepts = append(f.Accepts, a)
	return a
}

// Object is one object of the bucket.
type Object struct {
	Bucket, Key, Version string
	Content              []byte
	At                   time.Time
}

// Document is one document of the index.
type Document struct {
	ID     string
	Source []byte
}

// Message is one message of the queue.
type Message struct {
	ID, Body  string
	Sent      time.Time
	Deleted   bool
	Receipts  []*Receipt
	Deletions []Deletion
	// Twice is a message that the queue showed again although it was in flight, or deleted.
	Twice bool
}

// Receipt is one receipt of a message; Known says that the response reached the caller.
type Receipt struct {
	At    time.Time
	By    string
	Known bool
}

// Deletion is a request to delete that took effect.
type Deletion struct {
	At time.Time
	By string
}

// Run is one run of a command.
type Run struct {
	Name         string
	Began, Ended time.Time
	// There are the messages that were visible when it began.
	There []*Message
	// Replay is a run of replay, otherwise it is one of send.
	Replay bool
	// State is the path of its state file, empty without. StateInUse says that it did not begin because another run used
	// that. StateRejected is the error when the file could not be opened for another reason.
	State         string
	StateInUse    bool
	StateRejected string
	// Died says that it was killed, Interrupted that somebody pressed Ctrl-C, CutOff that somebody did so twice.
	Died, Interrupted, CutOff bool
	// Err is the error that it ended with.
	Err string
	// Reported says that there is a report.
	Reported bool
	// Records are the accepted records by stream that it reports.
	Records map[string]int64
	Sent    SendReport
	Letters LetterReport
	// Confirmed are the messages whose deletion was answered with success.
	Confirmed []*Message
}

// SendReport are the figures of a run of send.
type SendReport struct {
	Lines, ResumedAfter int64
}

// LetterReport are the figures of a run of replay over the queue.
type LetterReport struct {
	// Acted says that records were replayed. Queue says that the queue was read, All that nothing was to be left out: no
	// filter and no limit.
	Acted, Queue, All bool
	// Source says that records were read that have not failed.
	Source bool
	Canary int64
	// Total are the dead letters counted, Done those that were replayed, now or before.
	Total, Done               int64
	Undeleted, Lost, CameBack int64
	More, Watched             bool
	WatchEnded                time.Time
}

// key is what begins the id of an event in a record, however much of the record is there.
var key = []byte(`"event_id":"`)

// Tokens returns the ids of the events in data, which need not be JSON.
func Tokens(data []byte) (tokens []string) {
	for {
		_, rest, found := bytes.Cut(data, key)
		if !found {
			return tokens
		}
		token, rest, found := bytes.Cut(rest, []byte(`"`))
		if !found {
			return tokens
		}
		tokens = append(tokens, string(token))
		data = rest
	}
}

// Product is the product of an event in the simulation: the judge expects it in the stores.
func Product(token string) string { return "product of " + token }
