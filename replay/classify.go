package replay

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"firehose-pipeline/deadletter"
	"firehose-pipeline/internal/s3read"
	"firehose-pipeline/producer"
)

// parseMessage reads a message; nil when its dead letter has been seen, in this reading or the one before, and is done
// or held already.
func (q *queueReader) parseMessage(m types.Message) *letter {
	message := aws.ToString(m.MessageId)
	l := &letter{id: message, message: message, handle: aws.ToString(m.ReceiptHandle)}
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
		// The same message once more does not count as repeated: the reading of the canary released it.
		known := q.past.messages[message]
		q.past.messages[message] = true
		if outcome, counted := q.past.outcomes[l.id]; counted && !q.isCanary {
			if !known {
				q.tally.changeReport(func(r *Report) { r.Repeated++ })
			}
			if !outcome.Done() {
				return nil // its handle is held, and released with the others
			}
			if known { // it could not be deleted then
				q.tally.changeReport(func(r *Report) { r.Undeleted = max(0, r.Undeleted-1) })
			}
			l.counted = true
			known = true
		}
		repeated = repeated && (!known || q.isCanary)
	}
	if counted, sameMessage := q.wasDone(l); counted && !l.counted {
		l.counted = true
		if sameMessage { // it could not be deleted then
			q.tally.changeReport(func(r *Report) { r.Undeleted = max(0, r.Undeleted-1) })
		}
		repeated = !sameMessage
	}
	if repeated {
		q.tally.changeReport(func(r *Report) { r.Repeated++ })
	}
	if before := q.seen[l.id]; before != nil {
		before.duplicateHandles = append(before.duplicateHandles, l.handle)
		return nil
	}
	q.seen[l.id] = l
	return l
}

// classifyMessage decides about a dead letter and its records. The outcome stays empty when records are to be replayed.
func (q *queueReader) classifyMessage(ctx context.Context, l *letter) error {
	if l.body == nil {
		return nil
	}
	m := l.body
	all, none := q.Filter.matchLetter(m)
	switch {
	case none:
		l.outcome = Filtered
		q.countUnread(l, func(deadletter.Reason) Outcome { return Filtered })
		return nil
	case m.Kind == deadletter.Record:
		record, err := q.recordOf(ctx, m)
		if err != nil {
			return err
		}
		l.records = []*Record{record}
		return nil
	case m.Reason == deadletter.Unreadable, m.Reason == deadletter.ForeignObject, len(pointersOf(m)) == 0:
		l.outcome = NotReplayable
	default:
		l.outcome = q.rejectPointers(m)
		switch {
		case l.outcome != "":
		case !all && !q.Journal.Lasts():
			l.outcome = NeedsState
		case !q.Act:
			l.outcome = q.previewOutcome(m)
		default:
			return nil
		}
	}
	q.countUnread(l, func(reason deadletter.Reason) Outcome {
		switch {
		case l.outcome != Matching && l.outcome != Partly:
			return l.outcome
		case !selects(q.Filter.Reasons, reason) && !selects(q.Filter.Reasons, m.Reason):
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

// previewOutcome returns the outcome of a dead letter for several records in a run that does not act, without reading
// its objects.
func (q *queueReader) previewOutcome(m *deadletter.Message) Outcome {
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

// countUnread counts the records of a dead letter without reading them.
func (q *queueReader) countUnread(l *letter, outcome func(deadletter.Reason) Outcome) {
	k := l.groupKey()
	sample := Sample{Code: l.body.ErrorCode, Text: l.body.ErrorMessage}
	if l.body.Pointer != nil {
		sample.Key = l.body.Pointer.Key
	}
	if l.body.Kind == deadletter.Record {
		q.tally.addRecords(k, outcome(k.reason), 1, timeOf(l.body), sample)
		return
	}
	for reason, n := range l.body.Counts {
		q.tally.addRecords(groupKey{k.stream, k.stage, reason, k.kind}, outcome(reason), n, time.Time{}, sample)
	}
}

// recordOf is the record of a dead letter, judged.
func (q *queueReader) recordOf(ctx context.Context, m *deadletter.Message) (*Record, error) {
	record := &Record{Place: placeOf(m.Pointer), Stream: m.Stream, Stage: m.Stage, Reason: m.Reason, Arrival: timeOf(m),
		EventID: m.EventID,
		Code:    m.ErrorCode, Text: m.ErrorMessage, ReasonOffset: m.ReasonOffset, Data: inlineData(m)}
	if m.Truncated {
		if q.Journal.wasRead(record.Place) {
			record.outcome = AlreadyReplayed
			return record, nil
		}
		if record.outcome = q.rejectPointers(m); record.outcome != "" {
			return record, nil
		}
		if !q.Act && !q.Journal.mayHave(record.Place) {
			record.outcome = cmp.Or(q.unfitOutcome(record), Matching)
			return record, nil
		}
		if err := q.fetchData(ctx, m, record); err != nil {
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
	q.classifyRecord(record, nil)
	q.claimRecord(record)
	return record, nil
}

// fetchData gets the data of a dead letter that has no room for it: of the document that begins where its pointer says.
// The place becomes that document's: a pointer may name a longer part, which was not replayed with it.
func (q *queueReader) fetchData(ctx context.Context, m *deadletter.Message, record *Record) error {
	source, err := q.errorObject(*m.Pointer)
	if err != nil { // reject has seen to that
		return err
	}
	_, err = q.eachDocument(ctx, source, m.Pointer.Encoding, m.Pointer.Offset,
		m.Pointer.Offset+max(1, m.Pointer.Length), func(found *Record) error {
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
		q.logf("dead letter %s: %v", m.ID, err)
	}
	return nil
}

// replayObjects replays the records of a dead letter for several, and returns its outcome.
func (q *queueReader) replayObjects(soft, hard context.Context, l *letter) (Outcome, error) {
	filter := q.Filter
	// asked for by the dead letter's own name, whatever is in the object
	if slices.Contains(filter.Reasons, l.body.Reason) {
		filter.Reasons = nil
	}
	counts := map[Outcome]int64{}
	for _, p := range pointersOf(l.body) {
		if err := q.followPointer(soft, hard, l, p, &filter, counts); errors.Is(err, errStopped) {
			return Open, nil
		} else if err != nil {
			return Open, err
		}
	}
	return overallOutcome(l.body.Counts, counts), nil
}

// followPointer replays the records of the object that a dead letter points to, and counts them by outcome. It returns
// errStopped when the run was interrupted.
func (q *queueReader) followPointer(soft, hard context.Context, l *letter, p deadletter.Pointer, filter *Filter,
	counts map[Outcome]int64) error {
	source, err := q.errorObject(p)
	if err != nil { // reject has seen to that
		return err
	}
	end := int64(0)
	if p.Length > 0 {
		end = p.Offset + p.Length
	}
	b := &recordBatch{Replay: q.Replay, ctx: hard, kind: l.body.Kind, counts: counts, includeRejected: true,
		filter: filter, alreadyCounted: l.counted}
	unreadable, err := q.eachDocument(hard, source, p.Encoding, p.Offset, end, func(record *Record) error {
		if soft.Err() != nil {
			return errStopped
		}
		return b.classifyAndAdd(record)
	})
	if failed := b.replayBatch(); failed != nil {
		return failed
	}
	if unreadable > 0 && l.body.Reason != deadletter.MoreRecords { // whose object has a dead letter for them
		counts[NotReplayable] += unreadable
	}
	switch {
	case err == nil:
	case errors.Is(err, errStopped):
		return errStopped
	case s3read.Missing(err):
		counts[ObjectMissing]++
	case b.failed != nil || hard.Err() != nil:
		return err
	default:
		counts[NoData]++
		q.logf("dead letter %s: %v", l.body.ID, err)
	}
	return nil
}

// overallOutcome returns the outcome of a dead letter for several records from theirs. A dead letter that announces
// more records than were found stays in the queue.
func overallOutcome(announced map[deadletter.Reason]int64, counts map[Outcome]int64) Outcome {
	var told, found int64
	for _, n := range announced {
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
		return Partly
	case left == 0 && done > 0 && counts[Replayed] == 0:
		return AlreadyReplayed
	}
	return worst
}

// unfitOutcome is the outcome of a record that does not go back whatever it says; it is empty of any other.
func (r *Replay) unfitOutcome(record *Record) Outcome {
	switch {
	case !r.hasStream(record.Stream):
		return NoStream
	case record.Reason == deadletter.SearchConflict && !slices.Contains(r.Filter.Reasons, record.Reason):
		return InStore
	}
	return ""
}

// classifyRecord decides what becomes of a record, before anything is put: the outcome stays empty when it is to be
// replayed. Without a filter the record has been selected already.
func (r *Replay) classifyRecord(record *Record, filter *Filter) {
	if filter != nil && !filter.matchesRecord(record.Stream, record.Stage, record.Reason, record.Arrival) {
		record.outcome = Filtered
		return
	}
	if record.Data == nil {
		record.outcome = NoData
		return
	}
	if record.outcome = r.unfitOutcome(record); record.outcome != "" {
		return
	}
	record.pieces = splitRecord(record.Data)
	refused := 0
	for _, p := range record.pieces {
		if len(p.data) > producer.MaxRecordBytes {
			record.outcome = TooLarge
			return
		}
		if p.refused != "" {
			refused++
		}
		if back, now := r.Journal.cameBack(r.Journal.contentDigest(record.Stream, p), record.Arrival); back &&
			(now || !r.Again) {
			record.outcome = FailedAgain
			return
		}
	}
	if refused == len(record.pieces) && !r.ReplayRejected {
		record.outcome = Refused
	}
}

// claimRecord takes a record that is to be replayed for the caller to work on; it has another outcome when the journal
// knows it, somebody else is at it, or nothing is to be replayed.
func (r *Replay) claimRecord(record *Record) {
	if record.outcome != "" {
		return
	}
	if !r.Act {
		record.outcome = Matching
		return
	}
	if mine, done := r.Journal.claimRecord(record); done {
		record.outcome = AlreadyReplayed
	} else if !mine {
		record.outcome = Open
	}
}
