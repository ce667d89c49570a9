package replay

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
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
	"firehose-pipeline/producer"
)

const (
	// workers is how many receive, put and delete at once: each takes one round trip after the other, and the pace bounds them all.
	workers = 8
	// maxBatch is SQS's limit of messages in a batch.
	maxBatch = 10
	// maxTries is how often a receive or a deletion is tried.
	maxTries = 6
	// maxWaits is how often letters of lost answers are waited for.
	maxWaits = 3
	// releasing bounds the time for bringing messages back into sight at the end.
	releasing = 30 * time.Second
)

// KeepFactor is how many times [Replay.Visibility] a message stays out of sight when it is in hand longer.
const KeepFactor = 8

// reading is one reading of the queue.
type reading struct {
	*Replay
	hand hand
	stop context.CancelFunc
	past *past // nil when the queue is read once
	// trial says that this is the reading of the canary, and ends that its limit is the canary's own, not the caller's.
	trial, ends bool

	mu      sync.Mutex
	room    int64 // letters that may still be taken; negative is no limit
	seen    map[string]*letter
	failed  []error
	full    bool // SQS lets no more messages be out of sight
	stopped bool // by the limit
	lost    int64
	back    time.Time // when the lost ones are in sight again
}

// letter is a message with a dead letter.
type letter struct {
	id      string // [letterKey]; of a message that is none, SQS's own id
	handle  string
	counted bool                // by the reading before
	body    *deadletter.Message // nil of a message that is none
	outcome Outcome
	records []*Record
	more    []string // handles of further messages with the same letter
}

func (l *letter) key() groupKey {
	if l.body == nil {
		return groupKey{errorobject.UnknownStream, errorobject.UnknownStage, "", ""}
	}
	return groupKey{l.body.Stream, l.body.Stage, l.body.Reason, l.body.Kind}
}

// FromQueue reads the dead-letter queue. A letter is deleted after the stream took all that it stands for; every other message comes back into
// sight. When soft is done, it finishes the letters that it has; when hard is, it returns at once, and what it holds comes into sight after
// its visibility.
func (r *Replay) FromQueue(soft, hard context.Context) (Report, error) {
	began := r.time().Now()
	r.tally.begin(FromQueue, r.Act)
	err := r.fromQueue(soft, hard)
	return r.end(began, soft.Err() != nil), err
}

func (r *Replay) fromQueue(soft, hard context.Context) error {
	waiting, err := r.waiting(hard)
	if err != nil {
		return err
	}
	r.tally.change(func(t *Report) { t.Waiting = waiting })
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
	rest := &reading{Replay: r}
	if r.Act && r.Canary > 0 {
		past := newPast()
		defer past.settle()
		canary := &reading{Replay: r, past: past, trial: true, ends: limit == 0 || r.Canary < limit}
		first := r.Canary
		if !canary.ends {
			first = limit
		}
		if err := canary.read(soft, hard, first); err != nil {
			return err
		}
		if err := r.canary(soft, watching); err != nil {
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
	if err := rest.read(soft, hard, limit); err != nil {
		return err
	}
	return r.watchEnd(soft, watching)
}

// waiting is how many messages the queue says to have.
func (r *Replay) waiting(ctx context.Context) (int64, error) {
	names := []types.QueueAttributeName{types.QueueAttributeNameApproximateNumberOfMessages, types.QueueAttributeNameApproximateNumberOfMessagesDelayed}
	out, err := r.Queue.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{QueueUrl: &r.QueueURL, AttributeNames: names})
	if err != nil {
		return 0, fmt.Errorf("asking the queue: %w", err)
	}
	var n int64
	for _, name := range names {
		if text, ok := out.Attributes[string(name)]; ok {
			part, err := strconv.ParseInt(text, 10, 64)
			if err != nil {
				return 0, fmt.Errorf("asking the queue: %s: must be a number (got %q)", name, text)
			}
			n += part
		}
	}
	return n, nil
}

// read takes letters until there are none, or limit are done; 0 is no limit.
func (q *reading) read(soft, hard context.Context, limit int64) error {
	ctx, stop := context.WithCancel(soft)
	defer stop()
	q.stop, q.room, q.seen, q.hand.handles = stop, limit, map[string]*letter{}, map[string]time.Time{}
	if limit == 0 {
		q.room = -1
	}
	n := q.workers
	if n == 0 {
		n = workers
	}
	keeping, done := context.WithCancel(hard)
	var kept, working sync.WaitGroup
	kept.Go(func() { q.keep(keeping) })
	for waits := 0; ; waits++ {
		for range n {
			working.Go(func() { q.work(ctx, hard) })
		}
		working.Wait()
		if !q.Act || waits == maxWaits || !q.waitForLost(ctx) {
			break
		}
	}
	done()
	kept.Wait()
	q.finish(hard)
	return errors.Join(q.failed...)
}

// reserve takes room for up to so many letters.
func (q *reading) reserve(n int64) int64 {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.room < 0 {
		return n
	}
	n = min(n, q.room)
	q.room -= n
	q.stopped = q.stopped || n == 0
	return n
}

// past is what the reading of the canary leaves for the reading of the rest, so that each letter is counted once.
type past struct {
	outcomes map[string]Outcome // of the letters that are counted, by id
	messages map[string]bool    // that were received, by SQS's id
	open     map[string]func()  // count letters that the rest may finish
}

func newPast() *past {
	return &past{outcomes: map[string]Outcome{}, messages: map[string]bool{}, open: map[string]func(){}}
}

// settle counts the letters that stayed open.
func (p *past) settle() {
	for _, count := range p.open {
		count()
	}
}

// count counts a letter and its records, once in both readings of a run with a canary.
func (q *reading) count(l *letter) {
	if l.counted {
		return
	}
	add := func() {
		for _, record := range l.records {
			q.tally.record(record, l.key().kind)
		}
		q.tally.letter(l.key(), l.outcome)
	}
	if q.past != nil {
		q.mu.Lock()
		defer q.mu.Unlock()
		switch {
		case q.trial && l.outcome == Open:
			q.past.open[l.id] = add
			return
		case q.trial:
			q.past.outcomes[l.id] = l.outcome
		default:
			delete(q.past.open, l.id)
		}
	}
	add()
}

// unreserve gives room back.
func (q *reading) unreserve(n int64) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.room >= 0 {
		q.room += n
	}
}

func (q *reading) fail(err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.failed = append(q.failed, err)
	q.stop()
}

func (q *reading) work(soft, hard context.Context) {
	for soft.Err() == nil {
		n := q.reserve(maxBatch)
		if n == 0 {
			return
		}
		out, err := q.receive(hard, n)
		switch {
		case err != nil && strings.HasSuffix(s3read.ErrorCode(err), "OverLimit"):
			q.mu.Lock()
			q.full = true
			q.mu.Unlock()
			return
		case err != nil:
			q.fail(fmt.Errorf("receiving from the queue: %w", err))
			return
		case len(out.Messages) == 0:
			return
		}
		if soft.Err() != nil { // and brings them back
			for _, m := range out.Messages {
				q.hand.add(aws.ToString(m.ReceiptHandle))
			}
			return
		}
		used, err := q.handle(soft, hard, out.Messages)
		q.unreserve(n - used)
		if err != nil {
			q.fail(err)
			return
		}
	}
}

// receive receives up to n messages. An interruption waits for the answer: it may have taken messages out of sight.
//
// It tries again itself, because an answer that is lost on its way has taken messages out of sight that nobody has: they come back when
// their visibility is over. The SDK would try again and not tell.
func (q *reading) receive(ctx context.Context, n int64) (out *sqs.ReceiveMessageOutput, err error) {
	for try := range maxTries {
		if try > 0 && q.time().Pause(ctx, rand.N(100*time.Millisecond<<try)) != nil {
			break
		}
		out, err = q.Queue.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{QueueUrl: &q.QueueURL, MaxNumberOfMessages: int32(n),
			VisibilityTimeout: int32(q.Visibility / time.Second), WaitTimeSeconds: q.Wait}, func(o *sqs.Options) { o.Retryer = aws.NopRetryer{} })
		if err == nil {
			break
		}
		if ctx.Err() == nil && mayHaveReceived(err) {
			q.mu.Lock()
			q.lost += n
			q.back = q.time().Now().Add(q.Visibility)
			q.mu.Unlock()
		}
		if retryable.IsErrorRetryable(err) != aws.TrueTernary {
			break
		}
	}
	return out, err
}

var retryable = retry.IsErrorRetryables(retry.DefaultRetryables)

// mayHaveReceived reports whether SQS may have done what an error does not tell of: all but what it answered to be the caller's mistake, and
// what never reached it.
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

// waitForLost waits until the messages of answers that were lost are in sight again, and reports whether there is anything to read then.
func (q *reading) waitForLost(soft context.Context) bool {
	q.mu.Lock()
	lost, left := q.lost, q.back.Sub(q.time().Now())
	stopped := q.stopped || q.full
	q.mu.Unlock()
	if lost == 0 || stopped || soft.Err() != nil {
		return false
	}
	q.say(plural.Of(lost, "an answer of SQS was lost: up to %d letter{ is|s are} out of sight; waiting %v for {it|them}"),
		lost, left.Round(time.Second))
	if q.time().Pause(soft, left) != nil {
		return false
	}
	q.mu.Lock()
	q.lost = 0
	q.mu.Unlock()
	return true
}

// handle does what is to be done with messages, and says how many letters count against the limit.
func (q *reading) handle(soft, hard context.Context, messages []types.Message) (used int64, err error) {
	var letters []*letter
	for _, m := range messages {
		q.hand.add(aws.ToString(m.ReceiptHandle))
		if l := q.letter(m); l != nil {
			letters = append(letters, l)
		}
	}
	var records []*Record
	for _, l := range letters {
		if err := q.decide(hard, l); err != nil {
			return used, err
		}
		records = append(records, l.records...)
	}
	if q.Act {
		err = q.putBack(hard, records)
		for _, record := range records {
			q.Journal.release(record)
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
			l.outcome, err = q.objects(soft, hard, l)
		}
	}
	var done []*letter
	for _, l := range letters {
		q.count(l)
		if (l.outcome.Done() || !q.Act) && !l.counted {
			used++
		}
		if l.outcome.Done() && q.Act {
			done = append(done, l)
		}
		q.progress(1)
	}
	q.delete(hard, done)
	return used, err
}

// letter reads a message; nil when its letter has been seen, in this reading or the one before, and is done or held already.
func (q *reading) letter(m types.Message) *letter {
	message := aws.ToString(m.MessageId)
	l := &letter{id: message, handle: aws.ToString(m.ReceiptHandle)}
	body, err := deadletter.Parse([]byte(aws.ToString(m.Body)))
	if err == nil {
		l.body = body
		l.id, err = letterKey(body)
	}
	if err != nil {
		l.id, l.body, l.outcome = message, nil, NoLetter
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	repeated := q.seen[l.id] != nil
	if q.past != nil {
		// The same message once more is no repetition: the reading of the canary has brought it back.
		known := q.past.messages[message]
		q.past.messages[message] = true
		if outcome, counted := q.past.outcomes[l.id]; counted && !q.trial {
			if !known {
				q.tally.change(func(r *Report) { r.Repeated++ })
			}
			if !outcome.Done() {
				return nil // its handle is held, and released with the others
			}
			if known { // it could not be deleted then
				q.tally.change(func(r *Report) { r.Undeleted = max(0, r.Undeleted-1) })
			}
			l.counted = true
			known = true
		}
		repeated = repeated && (!known || q.trial)
	}
	if repeated {
		q.tally.change(func(r *Report) { r.Repeated++ })
	}
	if before := q.seen[l.id]; before != nil {
		before.more = append(before.more, l.handle)
		return nil
	}
	q.seen[l.id] = l
	return l
}

// decide finds what a letter stands for. The outcome stays empty when something is to be put back.
func (q *reading) decide(ctx context.Context, l *letter) error {
	if l.body == nil {
		return nil
	}
	m := l.body
	all, none := q.Filter.letter(m)
	switch {
	case none:
		l.outcome = Filtered
		q.standing(l, func(deadletter.Reason) Outcome { return Filtered })
		return nil
	case m.Kind == deadletter.Record:
		record, err := q.single(ctx, m)
		if err != nil {
			return err
		}
		l.records = []*Record{record}
		return nil
	case m.Reason == deadletter.Unreadable, m.Reason == deadletter.ForeignObject, len(pointersOf(m)) == 0:
		l.outcome = NotReplayable
	default:
		l.outcome = q.reject(m)
		switch {
		case l.outcome != "":
		case !all && !q.Journal.Lasts():
			l.outcome = NeedsState
		case !q.Act:
			l.outcome = q.promise(m)
		default:
			return nil
		}
	}
	q.standing(l, func(reason deadletter.Reason) Outcome {
		switch {
		case l.outcome != Matching && l.outcome != Partly:
			return l.outcome
		case !among(q.Filter.Reasons, reason) && !among(q.Filter.Reasons, m.Reason):
			return Filtered
		case reason == deadletter.SearchConflict && !slices.Contains(q.Filter.Reasons, reason):
			return InStore
		case reason == deadletter.RawDataUnreadable || reason == deadletter.UnknownLayout:
			return NoData
		}
		return Matching
	})
	return nil
}

// promise is the outcome that a look gives a letter that stands for several records, without reading its objects.
func (q *reading) promise(m *deadletter.Message) Outcome {
	if m.Reason == deadletter.ObjectMissing {
		return ObjectMissing
	}
	there, missing := 0, 0
	for _, p := range pointersOf(m) {
		if source, err := q.errorObject(p); err == nil && q.hasStream(source.Stream) {
			there++
		} else {
			missing++
		}
	}
	switch {
	case missing == 0:
		return Matching
	case there == 0:
		return NoStream
	}
	return Partly
}

// standing counts the records that a letter stands for without looking at them.
func (q *reading) standing(l *letter, outcome func(deadletter.Reason) Outcome) {
	k := l.key()
	sample := Sample{Code: l.body.ErrorCode, Text: l.body.ErrorMessage}
	if l.body.Pointer != nil {
		sample.Key = l.body.Pointer.Key
	}
	if l.body.Kind == deadletter.Record {
		q.tally.records(k, outcome(k.reason), 1, timeOf(l.body), sample)
		return
	}
	for reason, n := range l.body.Counts {
		q.tally.records(groupKey{k.stream, k.stage, reason, k.kind}, outcome(reason), n, time.Time{}, sample)
	}
}

// single is the record of a letter, judged.
func (q *reading) single(ctx context.Context, m *deadletter.Message) (*Record, error) {
	record := &Record{Place: placeOf(m.Pointer), Stream: m.Stream, Stage: m.Stage, Reason: m.Reason, Arrival: timeOf(m), EventID: m.EventID,
		Code: m.ErrorCode, Text: m.ErrorMessage, ReasonOffset: m.ReasonOffset, Data: inline(m)}
	if m.Truncated {
		if q.Journal.wasRead(record.Place) {
			record.outcome = AlreadyReplayed
			return record, nil
		}
		if record.outcome = q.reject(m); record.outcome != "" {
			return record, nil
		}
		if !q.Act && !q.Journal.mayHave(record.Place) {
			record.outcome = cmp.Or(q.unfit(record), Matching)
			return record, nil
		}
		if err := q.fetch(ctx, m, record); err != nil {
			return nil, err
		}
		if record.outcome != "" {
			return record, nil
		}
	}
	if q.Journal.isDone(record) {
		record.outcome = AlreadyReplayed
		return record, nil
	}
	q.judge(record, nil)
	switch {
	case record.outcome != "":
	case !q.Act:
		record.outcome = Matching
	default:
		if mine, done := q.Journal.claim(record); done {
			record.outcome = AlreadyReplayed
		} else if !mine {
			record.outcome = Open
		}
	}
	return record, nil
}

// fetch gets the data of a letter that has no room for it: of the document that begins where its pointer says. The
// place becomes that document's: a pointer may name a longer part, which was not put back with it.
func (q *reading) fetch(ctx context.Context, m *deadletter.Message, record *Record) error {
	source, err := q.errorObject(*m.Pointer)
	if err != nil { // reject has seen to that
		return err
	}
	_, err = q.documents(ctx, source, m.Pointer.Encoding, m.Pointer.Offset, m.Pointer.Offset+max(1, m.Pointer.Length), func(found *Record) error {
		if found.Offset == m.Pointer.Offset {
			record.Place, record.read, record.Data = found.Place, true, bytes.Clone(found.Data)
		}
		return errStopped
	})
	if errors.Is(err, errStopped) {
		err = nil
	}
	switch {
	case s3read.Missing(err):
		record.outcome = ObjectMissing
	case err != nil && ctx.Err() != nil:
		return err
	case err != nil:
		record.outcome = NoData
		q.say("letter %s: %v", m.ID, err)
	}
	return nil
}

// objects puts back the records of a letter that stands for several, and says what became of it.
func (q *reading) objects(soft, hard context.Context, l *letter) (Outcome, error) {
	filter := q.Filter
	if slices.Contains(filter.Reasons, l.body.Reason) { // asked for by the letter's own name, whatever is in the object
		filter.Reasons = nil
	}
	counts := map[Outcome]int64{}
	for _, p := range pointersOf(l.body) {
		source, err := q.errorObject(p)
		if err != nil { // reject has seen to that
			return Open, err
		}
		end := int64(0)
		if p.Length > 0 {
			end = p.Offset + p.Length
		}
		b := &bunch{Replay: q.Replay, ctx: hard, kind: l.body.Kind, counts: counts, whole: true, filter: &filter, quiet: l.counted}
		unreadable, err := q.documents(hard, source, p.Encoding, p.Offset, end, func(record *Record) error {
			if soft.Err() != nil {
				return errStopped
			}
			return b.add(record)
		})
		if failed := b.flush(); failed != nil {
			return Open, failed
		}
		if unreadable > 0 && l.body.Reason != deadletter.MoreRecords { // whose object has a letter for them
			counts[NotReplayable] += unreadable
		}
		switch {
		case err == nil:
		case errors.Is(err, errStopped):
			return Open, nil
		case s3read.Missing(err):
			counts[ObjectMissing]++
		case b.failed != nil || hard.Err() != nil:
			return Open, err
		default:
			counts[NoData]++
			q.say("letter %s: %v", l.body.ID, err)
		}
	}
	// A letter that tells of more than there is stays.
	var told, found int64
	for _, n := range l.body.Counts {
		told += n
	}
	for _, n := range counts {
		found += n
	}
	if missing := max(told, 1) - found; missing > 0 && counts[ObjectMissing] > 0 {
		counts[ObjectMissing] += missing
	} else if missing > 0 {
		counts[NoData] += missing
	}
	var done, left int64
	worst := Replayed
	for outcome, n := range counts {
		if outcome.Done() || outcome == InStore {
			done += n
		} else if left += n; worst == Replayed || n > counts[worst] {
			worst = outcome
		}
	}
	switch {
	case done > 0 && left > 0:
		return Partly, nil
	case left == 0 && done > 0 && counts[Replayed] == 0:
		return AlreadyReplayed, nil
	}
	return worst, nil
}

var errStopped = errors.New("stopped")

// bunch gathers records of an object into batches.
type bunch struct {
	*Replay
	ctx     context.Context
	kind    deadletter.Kind
	counts  map[Outcome]int64
	whole   bool // what the check refuses is put back too, to become a letter of its own: the letter stands for all
	filter  *Filter
	quiet   bool // its letter is counted already
	records []*Record
	bytes   int
	failed  error
	trial   *trial
}

func (b *bunch) add(record *Record) error {
	record.Data = bytes.Clone(record.Data)
	if b.Journal.isDone(record) {
		record.outcome = AlreadyReplayed
	} else {
		b.judge(record, b.filter)
	}
	if b.whole && record.outcome == Refused {
		record.outcome = ""
	}
	return b.take(record)
}

// take adds a record that has been judged.
func (b *bunch) take(record *Record) error {
	if b.Limit > 0 && !b.whole && b.used() >= b.Limit {
		b.tally.change(func(t *Report) { t.More = true })
		return errStopped
	}
	switch {
	case record.outcome != "":
	case !b.Act:
		record.outcome = Matching
	default:
		if mine, done := b.Journal.claim(record); done {
			record.outcome = AlreadyReplayed
		} else if !mine {
			record.outcome = Open
		}
	}
	b.records = append(b.records, record)
	b.bytes += len(record.Data)
	if len(b.records) < producer.MaxBatchRecords && b.bytes < quotaBytes && !b.trial.full(len(b.records)) {
		return nil
	}
	if err := b.flush(); err != nil {
		return err
	}
	return b.trial.after()
}

// used is how many records count against the limit.
func (b *bunch) used() int64 {
	n := b.counts[Replayed] + b.counts[Matching]
	for _, record := range b.records {
		if record.outcome == "" || record.outcome == Matching {
			n++
		}
	}
	return n
}

// flush puts back what was gathered.
func (b *bunch) flush() error {
	if b.Act {
		b.failed = b.putBack(b.ctx, b.records)
	}
	for _, record := range b.records {
		b.Journal.release(record)
		b.counts[record.outcome]++
		if !b.quiet {
			b.tally.record(record, b.kind)
		}
	}
	b.records, b.bytes = nil, 0
	return b.failed
}

// delete deletes messages; those that cannot be come back, and are known again as long as the journal lasts.
func (q *reading) delete(ctx context.Context, letters []*letter) {
	var handles []string
	for _, l := range letters {
		handles = append(handles, l.handle)
	}
	for len(handles) > 0 {
		if left := q.deleteMessages(ctx, handles); left > 0 {
			q.tally.change(func(r *Report) { r.Undeleted += int64(left) })
		}
		q.hand.remove(handles)
		handles = nil
		q.mu.Lock()
		for _, l := range letters {
			handles = append(handles, l.more...) // of messages that came meanwhile
			if l.more == nil {
				delete(q.seen, l.id)
			}
			l.more = nil
		}
		q.mu.Unlock()
	}
}

// deleteMessages returns how many could not be deleted.
func (q *reading) deleteMessages(ctx context.Context, handles []string) (left int) {
	for batch := range slices.Chunk(handles, maxBatch) {
		pending := slices.Clone(batch)
		for try := 0; len(pending) > 0; try++ {
			if try == maxTries || try > 0 && q.time().Pause(ctx, rand.N(100*time.Millisecond<<try)) != nil {
				left += len(pending)
				break
			}
			entries := make([]types.DeleteMessageBatchRequestEntry, len(pending))
			for i := range pending {
				entries[i] = types.DeleteMessageBatchRequestEntry{Id: aws.String(strconv.Itoa(i)), ReceiptHandle: &pending[i]}
			}
			out, err := q.Queue.DeleteMessageBatch(ctx, &sqs.DeleteMessageBatchInput{QueueUrl: &q.QueueURL, Entries: entries})
			if err != nil {
				if try == 0 {
					q.say("deleting letters that were put back: %v", err)
				}
				continue
			}
			var failed []string
			for _, f := range out.Failed {
				if i, err := strconv.Atoi(aws.ToString(f.Id)); err == nil && i < len(pending) {
					failed = append(failed, pending[i])
				}
			}
			pending = failed
		}
	}
	return left
}

// finish deletes messages that repeat a letter that is done, and brings all others back into sight.
func (q *reading) finish(hard context.Context) {
	q.mu.Lock()
	left, held, lost := q.stopped && !q.ends || q.full, q.seen, q.lost
	q.seen = nil
	if q.full {
		q.say("the queue has more letters than SQS lets one have out of sight at a time (120,000): filters may be of no use for the rest")
	}
	q.mu.Unlock()
	var again []string
	for _, l := range held {
		if len(l.more) > 0 && l.body != nil && l.body.Kind == deadletter.Record && len(l.records) == 1 &&
			q.Act && q.Journal.isDone(l.records[0]) {
			again = append(append(again, l.handle), l.more...)
		}
	}
	if n := q.deleteMessages(hard, again); n > 0 {
		q.tally.change(func(r *Report) { r.Undeleted += int64(n) })
	}
	q.hand.remove(again)
	// An interruption must not leave letters out of sight.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(hard), releasing)
	defer cancel()
	if n := q.change(ctx, q.hand.all(), 0); n > 0 {
		q.say(plural.Of(int64(n), "%d letter{ comes|s come} back into sight only after %v"), n, KeepFactor*q.Visibility)
	}
	q.tally.change(func(r *Report) {
		r.More = r.More || left
		r.Lost += lost
	})
}

// keep keeps the messages in hand out of sight.
func (q *reading) keep(ctx context.Context) {
	for (clock.Machine{}).Pause(ctx, q.Visibility/3) == nil {
		// One that cannot be kept comes again, and is known then.
		due, longer := q.hand.due(), KeepFactor*q.Visibility
		if q.change(ctx, due, longer) == 0 {
			q.hand.extended(due, longer/3)
		}
	}
}

// change sets the visibility of messages and returns for how many it could not.
func (q *reading) change(ctx context.Context, handles []string, visibility time.Duration) (failed int) {
	var mu sync.Mutex
	var changing sync.WaitGroup
	batches := make(chan []string)
	for range min(workers, len(handles)/maxBatch+1) {
		changing.Go(func() {
			for batch := range batches {
				n := q.changeBatch(ctx, batch, visibility)
				mu.Lock()
				failed += n
				mu.Unlock()
			}
		})
	}
	for batch := range slices.Chunk(handles, maxBatch) {
		batches <- batch
	}
	close(batches)
	changing.Wait()
	return failed
}

func (q *reading) changeBatch(ctx context.Context, handles []string, visibility time.Duration) (failed int) {
	entries := make([]types.ChangeMessageVisibilityBatchRequestEntry, len(handles))
	for i := range handles {
		entries[i] = types.ChangeMessageVisibilityBatchRequestEntry{Id: aws.String(strconv.Itoa(i)), ReceiptHandle: &handles[i], VisibilityTimeout: int32(visibility / time.Second)}
	}
	out, err := q.Queue.ChangeMessageVisibilityBatch(ctx, &sqs.ChangeMessageVisibilityBatchInput{QueueUrl: &q.QueueURL, Entries: entries})
	if err != nil {
		return len(handles)
	}
	for _, f := range out.Failed {
		// One that is in sight already, or deleted, is as it should be.
		if !strings.HasSuffix(aws.ToString(f.Code), "MessageNotInflight") {
			failed++
		}
	}
	return failed
}

// hand has the handles of messages that are out of sight because of this process.
type hand struct {
	mu      sync.Mutex
	handles map[string]time.Time // when the visibility is to be extended
}

func (h *hand) add(handle string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.handles[handle] = time.Now()
}

func (h *hand) remove(handles []string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, handle := range handles {
		delete(h.handles, handle)
	}
}

// due returns the handles whose time has come.
func (h *hand) due() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	now := time.Now()
	var due []string
	for handle, at := range h.handles {
		if !at.After(now) {
			due = append(due, handle)
		}
	}
	return due
}

// extended notes that messages were given more time, and are due again after d.
func (h *hand) extended(handles []string, d time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	next := time.Now().Add(d)
	for _, handle := range handles {
		if _, held := h.handles[handle]; held {
			h.handles[handle] = next
		}
	}
}

func (h *hand) all() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Collect(maps.Keys(h.handles))
}
