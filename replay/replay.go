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
	"firehose-pipeline/internal/printable"
	"firehose-pipeline/internal/s3read"
	"firehose-pipeline/producer"
)

// What replay needs of SQS.
type (
	// MessageReceiver takes messages out of sight.
	MessageReceiver interface {
		ReceiveMessage(context.Context, *sqs.ReceiveMessageInput, ...func(*sqs.Options)) (*sqs.ReceiveMessageOutput, error)
	}
	// MessageDeleter deletes messages.
	MessageDeleter interface {
		DeleteMessageBatch(context.Context, *sqs.DeleteMessageBatchInput, ...func(*sqs.Options)) (*sqs.DeleteMessageBatchOutput, error)
	}
	// MessageKeeper keeps messages out of sight, or brings them back into it.
	MessageKeeper interface {
		ChangeMessageVisibilityBatch(context.Context, *sqs.ChangeMessageVisibilityBatchInput, ...func(*sqs.Options)) (*sqs.ChangeMessageVisibilityBatchOutput, error)
	}
	// QueueCounter says how many messages there are.
	QueueCounter interface {
		GetQueueAttributes(context.Context, *sqs.GetQueueAttributesInput, ...func(*sqs.Options)) (*sqs.GetQueueAttributesOutput, error)
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
	// Streams are where records go; a stream that is missing takes none. A look puts nothing to them, and judges by which are there; when
	// nil, it supposes all.
	Streams map[event.Stream]*producer.Stream
	Queue   Queue
	// QueueURL is the dead-letter queue's.
	QueueURL string
	Objects  Objects
	// Bucket is the stack's. Pointers of letters are followed into it alone, and there below ErrorPrefix; none is when it is empty.
	Bucket string
	// ErrorPrefix is where the streams write what failed, ending in a slash.
	ErrorPrefix string
	Filter      Filter
	// Act puts back; without it the report says what would be.
	Act bool
	// Limit is how many letters (of a queue) or records (of objects) are looked at or put back; 0 is all.
	Limit int64
	// ReplayRejected puts back what the transform's check refuses, too.
	ReplayRejected bool
	// Again puts back what was put back before and failed again, too.
	Again bool
	// Journal remembers what was put back; required.
	Journal *Journal
	// Canary puts back so many letters or records first, and goes on only when none of them failed again within Watch.
	Canary int64
	// Watch is how long error output is watched after Canary, and, with WatchEnd, after the last record.
	Watch    time.Duration
	WatchEnd bool
	// Wait is how long a receive waits for messages, in seconds: with at least 1 SQS asks all of its servers.
	Wait int32
	// Visibility is how long a message stays out of sight at first, in whole seconds; one that is in hand for longer, [KeepFactor] times as
	// long at a time. So one whose answer is lost is soon there again, as most are when this process dies.
	Visibility time.Duration
	// Logf is told what a person should know while it runs, Total how many letters there are to do, and Progress of letters, or bytes of
	// objects, that are done.
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
	// ReasonOffset is the byte at which the transform refused it; nil when it did not.
	ReasonOffset *int
	Data         []byte // nil when it cannot be had

	pieces    []piece
	anonymous bool // it has not failed, so that nobody asks whether it failed again
	read      bool // from the object at its place, and not from a letter that names the place
	claimed   bool
	outcome   Outcome

	id         identity
	identified bool
}

// Outcome is what became of a letter or a record.
type Outcome string

// The outcomes.
const (
	Matching        Outcome = "matching"        // would be put back
	Replayed        Outcome = "replayed"        // the stream took it
	AlreadyReplayed Outcome = "alreadyReplayed" // the stream took the same record of the same place before, in this run or one of the state
	// FailedAgain is a record with a piece that was put back before and failed again, as far as content and times tell:
	// an equal one went to its stream, and the record arrived there no earlier than 5 s before the last such put. An equal
	// event that was sent anew since then counts, too. It stays in the queue.
	FailedAgain    Outcome = "failedAgain"
	Refused        Outcome = "refused"        // the transform's check refuses it: it would fail again
	InStore        Outcome = "inStore"        // the index has a newer version of the document: put back, it would be there twice
	TooLarge       Outcome = "tooLarge"       // the transform has made it larger than a record may be
	NoData         Outcome = "noData"         // the error object does not have the record
	NoStream       Outcome = "noStream"       // its stream is not known, or not there
	ForeignPointer Outcome = "foreignPointer" // a pointer that leads elsewhere than to the stack's error objects: not followed
	NeedsBucket    Outcome = "needsBucket"    // a pointer that is not followed because the stack's bucket is not known
	ObjectMissing  Outcome = "objectMissing"  // the error object is gone
	NotReplayable  Outcome = "notReplayable"  // a letter about something that is no record: unreadable parts, foreign objects
	NeedsState     Outcome = "needsState"     // a letter for several records, of which only some match: that needs a state
	Partly         Outcome = "partly"         // some of the letter's records were put back
	NotTaken       Outcome = "notTaken"       // the stream did not take it
	NoLetter       Outcome = "noLetter"       // a message that is no dead letter
	Filtered       Outcome = "filtered"       // does not match
	Open           Outcome = "open"           // not done when the run ended
)

// Done reports whether nothing of it is left to do.
func (o Outcome) Done() bool { return o == Replayed || o == AlreadyReplayed }

// CauseError ends a run whose records fail again.
type CauseError struct{ Put, CameBack int64 }

func (e *CauseError) Error() string {
	return fmt.Sprintf("the cause looks unfixed: of %d records replayed first, %d failed again; nothing else was replayed", e.Put, e.CameBack)
}

func (r *Replay) time() clock.Clock { return clock.OrSystem(r.clock) }

func (r *Replay) logf(format string, args ...any) {
	if r.Logf != nil { // with text of letters and keys in it
		r.Logf("%s", printable.Text(fmt.Sprintf(format, args...)))
	}
}

func (r *Replay) reportProgress(n int64) {
	if r.Progress != nil {
		r.Progress(n)
	}
}
