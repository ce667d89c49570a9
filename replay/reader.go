package replay

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/aws/smithy-go"

	"firehose-pipeline/deadletter"
	"firehose-pipeline/errorobject"
	"firehose-pipeline/internal/clock"
	"firehose-pipeline/internal/plural"
	"firehose-pipeline/internal/s3read"
)

const (
	// workers is how many receive, put and delete at once: each takes one round trip after the other, and the pace
	// bounds them all.
	workers = 8
	// maxBatch is SQS's limit of messages in a batch.
	maxBatch = 10
	// moreReceives is how many receives follow at once when one was full: then a worker puts the records of many
	// messages with one call, and waits once instead of ten times.
	moreReceives = 9
	// maxTries is how often a receive or a deletion is tried.
	maxTries = 6
	// maxWaits is how often dead letters of lost answers are waited for.
	maxWaits = 3
	// releaseTimeout bounds the time for making messages visible again at the end.
	releaseTimeout = 30 * time.Second
)

// queueReader is one reading of the queue.
type queueReader struct {
	*Replay
	inFlight inFlight
	stop     context.CancelFunc
	past     *past // nil when the queue is read once
	// isCanary says that this is the reading of the canary, and ends that its limit is the canary's own, not the
	// caller's.
	isCanary, canaryLimit bool

	mu           sync.Mutex
	roomLeft     int64 // dead letters that may still be read; negative: unlimited
	seen         map[string]*letter
	done         map[doneKey]uint64 // messages of dead letters that are done, as hashes
	failed       []error
	full         bool // SQS lets no more messages be in flight
	stopped      bool // by the limit
	lost         int64
	visibleAgain time.Time // when the lost ones are visible again
	seed         maphash.Seed
}

// letter is a message with a dead letter.
type letter struct {
	id               string // [letterKey]; of a foreign message, SQS's own id
	message          string // SQS's id
	handle           string
	counted          bool                // by the reading before
	body             *deadletter.Message // nil of a foreign message
	outcome          Outcome
	records          []*Record
	duplicateHandles []string // handles of further messages with the same dead letter
}

func (l *letter) groupKey() groupKey {
	if l.body == nil {
		return groupKey{errorobject.UnknownStream, errorobject.UnknownStage, "", ""}
	}
	return groupKey{l.body.Stream, l.body.Stage, l.body.Reason, l.body.Kind}
}

// FromQueue reads the dead-letter queue. A dead letter is deleted after the stream accepted all its records; every
// other message becomes visible again. When soft is done, it finishes the dead letters in flight; when hard is, it
// returns at once, and messages in flight become visible after their visibility timeout.
func (r *Replay) FromQueue(soft, hard context.Context) (Report, error) {
	began := r.currentClock().Now()
	r.tally.resetReport(FromQueue, r.Act)
	err := r.fromQueue(soft, hard)
	return r.endReport(began, soft.Err() != nil), err
}

func (r *Replay) fromQueue(soft, hard context.Context) error {
	waiting, err := r.countWaiting(hard)
	if err != nil {
		return err
	}
	r.tally.changeReport(func(t *Report) { t.Waiting = waiting })
	watching, err := r.beginWatch(soft)
	if err != nil {
		return err
	}
	limit := r.Limit
	if r.Total != nil {
		total := waiting
		if limit > 0 {
			total = min(total, limit)
		}
		r.Total(total)
	}
	rest := &queueReader{Replay: r}
	if r.Act && r.Canary > 0 {
		past := newPast()
		defer past.countOpen()
		canary := &queueReader{Replay: r, past: past, isCanary: true, canaryLimit: limit == 0 || r.Canary < limit}
		first := r.Canary
		if !canary.canaryLimit {
			first = limit
		}
		if err := canary.readQueue(soft, hard, first); err != nil {
			return err
		}
		if err := r.awaitCanary(soft, watching); err != nil {
			return err
		}
		if limit > 0 {
			if limit -= first; limit == 0 {
				return nil
			}
		}
		rest.past = past
	}
	if soft.Err() != nil {
		return nil
	}
	if err := rest.readQueue(soft, hard, limit); err != nil {
		return err
	}
	return r.awaitEnd(soft, watching)
}

// countWaiting is how many messages the queue says to have.
func (r *Replay) countWaiting(ctx context.Context) (int64, error) {
	names := []types.QueueAttributeName{types.QueueAttributeNameApproximateNumberOfMessages,
		types.QueueAttributeNameApproximateNumberOfMessagesDelayed}
	out, err := r.Queue.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{QueueUrl: &r.QueueURL,
		AttributeNames: names})
	if err != nil {
		return 0, fmt.Errorf("reading the queue's attributes: %w", err)
	}
	var n int64
	for _, name := range names {
		if text, ok := out.Attributes[string(name)]; ok {
			part, err := strconv.ParseInt(text, 10, 64)
			if err != nil {
				return 0, fmt.Errorf("reading the queue's attributes: %s: must be a number (got %q)", name, text)
			}
			n += part
		}
	}
	return n, nil
}

// readQueue reads dead letters until the queue is empty, or limit are done; 0 means unlimited.
func (q *queueReader) readQueue(soft, hard context.Context, limit int64) error {
	ctx, stop := context.WithCancel(soft)
	defer stop()
	q.stop, q.roomLeft, q.seen, q.inFlight.handles = stop, limit, map[string]*letter{}, map[string]time.Time{}
	q.done, q.seed = map[doneKey]uint64{}, maphash.MakeSeed()
	if limit == 0 {
		q.roomLeft = -1
	}
	n := q.workers
	if n == 0 {
		n = workers
	}
	keeping, done := context.WithCancel(hard)
	var kept, working sync.WaitGroup
	kept.Go(func() { q.keepInFlight(keeping) })
	for waits := 0; ; waits++ {
		for range n {
			working.Go(func() { q.receiveAll(ctx, hard) })
		}
		working.Wait()
		if !q.Act || waits == maxWaits || !q.waitForLost(ctx) {
			break
		}
	}
	done()
	kept.Wait()
	q.releaseMessages(hard)
	return errors.Join(q.failed...)
}

// reserveRoom takes room for up to so many dead letters.
func (q *queueReader) reserveRoom(n int64) int64 {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.roomLeft < 0 {
		return n
	}
	n = min(n, q.roomLeft)
	q.roomLeft -= n
	q.stopped = q.stopped || n == 0
	return n
}

// returnRoom gives room back.
func (q *queueReader) returnRoom(n int64) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.roomLeft >= 0 {
		q.roomLeft += n
	}
}

func (q *queueReader) addFailure(err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.failed = append(q.failed, err)
	q.stop()
}

func (q *queueReader) receiveAll(soft, hard context.Context) {
	for soft.Err() == nil {
		got := q.receiveBatch(hard, q.Wait)
		if got.isFullOfRecords() && soft.Err() == nil {
			got.add(q.receiveMore(hard))
		}
		if soft.Err() != nil { // the handles are held, and brought back
			if got.err != nil {
				q.addFailure(got.err)
			}
			return
		}
		used, err := q.handleMessages(soft, hard, got.messages)
		q.returnRoom(got.room - used)
		switch {
		case err != nil:
			q.addFailure(errors.Join(err, got.err))
		case got.err != nil:
			q.addFailure(got.err)
		case len(got.messages) > 0 && !got.full:
			continue
		}
		return
	}
}

// received is the outcome of one or more receives: an error or full may come beside messages of others.
type received struct {
	messages []types.Message
	room     int64 // taken for them
	full     bool  // SQS lets no more messages be in flight
	err      error
}

func (r *received) add(more received) {
	r.messages = append(r.messages, more.messages...)
	r.room += more.room
	r.full = r.full || more.full
	r.err = errors.Join(r.err, more.err)
}

// isFullOfRecords reports whether more receives are worth while: this one was full, and its messages are dead letters of
// one record each, and so small that one put takes as many again from each other receive. One of an object takes long,
// and is better left to another worker; large ones need much memory.
func (r *received) isFullOfRecords() bool {
	size := 0
	for _, m := range r.messages {
		body := aws.ToString(m.Body)
		if size += len(body); !strings.Contains(body, recordKind) {
			return false
		}
	}
	return len(r.messages) == maxBatch && size <= quotaBytes/(1+moreReceives)
}

// recordKind is in the dead letter of a record, as the error handler writes it.
var recordKind = fmt.Sprintf(`"kind":%q`, deadletter.Record)

// receiveMore receives several times at once, without waiting for messages.
func (q *queueReader) receiveMore(ctx context.Context) received {
	var all [moreReceives]received
	var receiving sync.WaitGroup
	for i := range all {
		receiving.Go(func() { all[i] = q.receiveBatch(ctx, 0) })
	}
	receiving.Wait()
	var sum received
	for _, r := range all {
		sum.add(r)
	}
	slices.SortFunc(sum.messages, func(a, b types.Message) int { // whichever receive gave it
		return cmp.Or(strings.Compare(aws.ToString(a.MessageId), aws.ToString(b.MessageId)),
			strings.Compare(aws.ToString(a.ReceiptHandle), aws.ToString(b.ReceiptHandle)))
	})
	return sum
}

// receiveBatch receives once, as many messages as there is room for; none when there is no room.
func (q *queueReader) receiveBatch(ctx context.Context, wait int32) received {
	n := q.reserveRoom(maxBatch)
	if n == 0 {
		return received{}
	}
	out, err := q.receiveMessages(ctx, n, wait)
	switch {
	case err != nil && strings.HasSuffix(s3read.ErrorCode(err), "OverLimit"):
		q.mu.Lock()
		q.full = true
		q.mu.Unlock()
		return received{room: n, full: true}
	case err != nil:
		return received{room: n, err: fmt.Errorf("receiving from the queue: %w", err)}
	}
	for _, m := range out.Messages { // at once: the other receives of a batch may take longer than its visibility timeout
		q.inFlight.addHandle(aws.ToString(m.ReceiptHandle))
	}
	return received{messages: out.Messages, room: n}
}

// receiveMessages receives up to n messages. An interruption waits for the response: its messages may be in flight.
//
// It retries itself. A lost response leaves its messages in flight until their visibility timeout ends; the SDK would
// retry without a notice.
func (q *queueReader) receiveMessages(ctx context.Context, n int64, wait int32) (out *sqs.ReceiveMessageOutput, err error) {
	for try := range maxTries {
		if try > 0 && q.currentClock().Pause(ctx, backoff.Pause(try)) != nil {
			break
		}
		out, err = q.Queue.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{QueueUrl: &q.QueueURL,
			MaxNumberOfMessages: int32(n),
			VisibilityTimeout:   int32(q.Visibility / time.Second), WaitTimeSeconds: wait},
			func(o *sqs.Options) { o.Retryer = aws.NopRetryer{} })
		if err == nil {
			break
		}
		if ctx.Err() == nil && mayHaveReceived(err) {
			q.mu.Lock()
			q.lost += n
			q.visibleAgain = q.currentClock().Now().Add(q.Visibility)
			q.mu.Unlock()
		}
		if retryable.IsErrorRetryable(err) != aws.TrueTernary {
			break
		}
	}
	return out, err
}

// backoff gives the pause before try n (1, 2, …) of a call to SQS: up to 200 ms at first.
var backoff = clock.Backoff{First: 100 * time.Millisecond, Max: 5 * time.Second}

var retryable = retry.IsErrorRetryables(retry.DefaultRetryables)

// mayHaveReceived reports whether SQS may have received messages in spite of an error: not when it answered that the
// caller is at fault, nor when the request never reached it.
func mayHaveReceived(err error) bool {
	var answer smithy.APIError
	if errors.As(err, &answer) && answer.ErrorFault() == smithy.FaultClient {
		return false
	}
	if _, throttled := retry.DefaultThrottleErrorCodes[s3read.ErrorCode(err)]; throttled {
		return false
	}
	var status interface{ HTTPStatusCode() int }
	if errors.As(err, &status) && status.HTTPStatusCode() >= 400 && status.HTTPStatusCode() < 500 {
		return false
	}
	var network *net.OpError
	return !errors.As(err, &network) || network.Op != "dial"
}

// waitForLost waits until the messages of answers that were lost are visible again, and reports whether there is
// anything to read then.
func (q *queueReader) waitForLost(soft context.Context) bool {
	q.mu.Lock()
	lost, left := q.lost, q.visibleAgain.Sub(q.currentClock().Now())
	stopped := q.stopped || q.full
	q.mu.Unlock()
	if lost == 0 || stopped || soft.Err() != nil {
		return false
	}
	q.logf(plural.Of(lost,
		"a response of SQS was lost: up to %d message{ is|s are} in flight; waiting %v for {it|them}"),
		lost, left.Round(time.Second))
	if q.currentClock().Pause(soft, left) != nil {
		return false
	}
	q.mu.Lock()
	q.lost = 0
	q.mu.Unlock()
	return true
}

// handleMessages classifies, replays and deletes messages, and returns how many dead letters count against the limit.
func (q *queueReader) handleMessages(soft, hard context.Context, messages []types.Message) (used int64, err error) {
	var letters []*letter
	for _, m := range messages {
		if l := q.parseMessage(m); l != nil {
			letters = append(letters, l)
		}
	}
	var records []*Record
	for _, l := range letters {
		if err := q.classifyMessage(hard, l); err != nil {
			return used, err
		}
		records = append(records, l.records...)
	}
	if q.Act {
		err = q.replayRecords(hard, records)
		for _, record := range records {
			q.Journal.releaseRecord(record)
		}
	}
	for _, l := range letters {
		switch {
		case l.outcome != "":
		case len(l.records) == 1:
			l.outcome = l.records[0].outcome
		case err != nil:
			l.outcome = Open
		default:
			l.outcome, err = q.replayObjects(soft, hard, l)
		}
	}
	var done []*letter
	for _, l := range letters {
		q.countLetter(l)
		if (l.outcome.Done() || !q.Act) && !l.counted {
			used++
		}
		if l.outcome.Done() && q.Act {
			done = append(done, l)
		}
		q.reportProgress(1)
	}
	q.deleteLetters(hard, done)
	return used, err
}
