package replay

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"firehose-pipeline/deadletter"
	"firehose-pipeline/errorobject"
	"firehose-pipeline/event"
	"firehose-pipeline/internal/clock"
	"firehose-pipeline/internal/eventid"
	"firehose-pipeline/internal/printable"
	"firehose-pipeline/internal/s3read"
	"firehose-pipeline/producer"
)

// What replay needs of SQS.
type (
	// MessageReceiver receives messages.
	MessageReceiver interface {
		ReceiveMessage(context.Context, *sqs.ReceiveMessageInput, ...func(*sqs.Options)) (*sqs.ReceiveMessageOutput,
			error)
	}
	// MessageDeleter deletes messages.
	MessageDeleter interface {
		DeleteMessageBatch(context.Context, *sqs.DeleteMessageBatchInput,
			...func(*sqs.Options)) (*sqs.DeleteMessageBatchOutput, error)
	}
	// MessageKeeper changes visibility timeouts.
	MessageKeeper interface {
		ChangeMessageVisibilityBatch(context.Context, *sqs.ChangeMessageVisibilityBatchInput,
			...func(*sqs.Options)) (*sqs.ChangeMessageVisibilityBatchOutput, error)
	}
	// QueueCounter says how many messages there are.
	QueueCounter interface {
		GetQueueAttributes(context.Context, *sqs.GetQueueAttributesInput,
			...func(*sqs.Options)) (*sqs.GetQueueAttributesOutput, error)
	}
	// Queue is all of it.
	Queue interface {
		MessageReceiver
		MessageDeleter
		MessageKeeper
		QueueCounter
	}
)

// What replay needs of S3.
type (
	// ObjectGetter reads objects.
	ObjectGetter = s3read.Getter
	// ObjectLister lists them.
	ObjectLister interface {
		ListObjectsV2(context.Context, *s3.ListObjectsV2Input, ...func(*s3.Options)) (*s3.ListObjectsV2Output, error)
	}
	// Objects is both.
	Objects interface {
		ObjectGetter
		ObjectLister
	}
)

// Replay puts records back. Its fields are set before the first call; one call runs at a time.
type Replay struct {
	// Streams are the destinations; a missing one accepts no records. A run that does not act sends nothing, and only
	// checks which streams are set; nil means all.
	Streams map[event.Stream]*producer.Stream
	Queue   Queue
	// QueueURL is the dead-letter queue's.
	QueueURL string
	Objects  Objects
	// Bucket is the stack's. Pointers of dead letters are followed into it alone, and there below ErrorPrefix; none is
	// when it is empty.
	Bucket string
	// ErrorPrefix is the streams' prefix for failed records, ending in a slash.
	ErrorPrefix string
	Filter      Filter
	// Act replays; without it the report is a preview.
	Act bool
	// EventID leads to the id of an event, for reports.
	EventID eventid.Path
	// Limit is how many dead letters (of a queue) or records (of objects) are looked at or replayed; 0 is all.
	Limit int64
	// ReplayRejected replays records that the transform's check rejects, too.
	ReplayRejected bool
	// Again replays records that failed again after a replay, too.
	Again bool
	// Journal remembers replayed records; required.
	Journal *Journal
	// Canary replays so many dead letters or records first, and goes on only when none of them failed again within
	// Watch.
	Canary int64
	// Watch is how long error output is watched after Canary, and, with WatchEnd, after the last record.
	Watch    time.Duration
	WatchEnd bool
	// Wait is how long a receive waits for messages, in seconds: with at least 1 SQS asks all of its servers.
	Wait int32
	// Visibility is the first visibility timeout, in whole seconds. A message that is still being worked on is extended
	// by [KeepFactor] times that. A short first timeout makes messages of a lost response, or of a killed process,
	// visible again soon.
	Visibility time.Duration
	// Logf is called with messages for the operator, Total with the number of dead letters to do, and Progress with the
	// dead letters, or bytes of objects, that are done.
	Logf     func(format string, args ...any)
	Total    func(int64)
	Progress func(int64)

	clock   clock.Clock // nil is the machine's
	workers int         // 0 is [workers]

	tally tally
}

// Record is one failed record.
type Record struct {
	Place
	Stream     event.Stream
	Stage      errorobject.Stage
	Reason     deadletter.Reason
	Arrival    time.Time
	EventID    string
	Code, Text string // Firehose's
	// ReasonOffset is the byte at which the transform rejected it; nil when it did not.
	ReasonOffset *int
	Data         []byte // nil when it cannot be had

	pieces    []piece
	anonymous bool // it has not failed, so that nobody asks whether it failed again
	read      bool // from the object at its place, and not from a dead letter that names the place
	claimed   bool
	outcome   Outcome

	id         identity
	identified bool
}

// Outcome is what became of a dead letter or a record.
type Outcome string

// The outcomes.
const (
	Matching Outcome = "matching" // would be replayed
	Replayed Outcome = "replayed" // the stream accepted it
	// the stream accepted the same record of the same place before, in this run or one of the state
	AlreadyReplayed Outcome = "alreadyReplayed"
	// FailedAgain is a record with a piece that was replayed before and failed again, judged by content and times: an
	// equal one went to its stream, and the record arrived there no earlier than 5 s before the last such put. An equal
	// event that was sent anew since then counts, too. It stays in the queue.
	FailedAgain Outcome = "failedAgain"
	Refused     Outcome = "refused" // the transform's check rejects it: it would fail again
	// the index has a newer version of the document: replayed, it would be there twice
	InStore  Outcome = "inStore"
	TooLarge Outcome = "tooLarge" // the transform has made it larger than a record may be
	NoData   Outcome = "noData"   // the error object does not have the record
	NoStream Outcome = "noStream" // its stream is not known, or not there
	// a pointer that leads elsewhere than to the stack's error objects: not followed
	ForeignPointer Outcome = "foreignPointer"
	NeedsBucket    Outcome = "needsBucket"   // a pointer that is not followed because the stack's bucket is not known
	ObjectMissing  Outcome = "objectMissing" // the error object is gone
	NotReplayable  Outcome = "notReplayable" // a dead letter without records: unreadable parts, foreign objects
	// a dead letter for several records, of which only some match: that needs a state
	NeedsState Outcome = "needsState"
	Partly     Outcome = "partly"   // some of the dead letter's records were replayed
	NotTaken   Outcome = "notTaken" // the stream did not accept it
	NoLetter   Outcome = "noLetter" // a message that is not a dead letter
	Filtered   Outcome = "filtered" // does not match
	Open       Outcome = "open"     // not done when the run ended
)

// Done reports whether nothing of it is left to do.
func (o Outcome) Done() bool { return o == Replayed || o == AlreadyReplayed }

// CauseError ends a run whose records fail again.
type CauseError struct{ Put, CameBack int64 }

func (e *CauseError) Error() string {
	return fmt.Sprintf("the cause looks unfixed: of %d records replayed first, %d failed again; "+
		"nothing else was replayed", e.Put, e.CameBack)
}

func (r *Replay) currentClock() clock.Clock { return clock.OrSystem(r.clock) }

func (r *Replay) logf(format string, args ...any) {
	if r.Logf != nil { // with text of dead letters and keys in it
		r.Logf("%s", printable.Text(fmt.Sprintf(format, args...)))
	}
}

func (r *Replay) reportProgress(n int64) {
	if r.Progress != nil {
		r.Progress(n)
	}
}
