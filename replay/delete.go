package replay

import (
	"context"
	"maps"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"firehose-pipeline/deadletter"
	"firehose-pipeline/internal/plural"
)

// deleteLetters deletes messages; those that cannot be come back, and are known again as long as the journal lasts.
func (q *queueReader) deleteLetters(ctx context.Context, letters []*letter) {
	var handles []string
	for _, l := range letters {
		handles = append(handles, l.handle)
	}
	for len(handles) > 0 {
		if left := q.deleteMessages(ctx, handles); left > 0 {
			q.tally.changeReport(func(r *Report) { r.Undeleted += int64(left) })
		}
		q.inFlight.removeHandles(handles)
		handles = nil
		q.mu.Lock()
		for _, l := range letters {
			handles = append(handles, l.duplicateHandles...) // of messages that came meanwhile
			if l.duplicateHandles == nil {
				delete(q.seen, l.id)
				q.noteDone(l)
			}
			l.duplicateHandles = nil
		}
		q.mu.Unlock()
	}
}

// deleteMessages returns how many could not be deleted.
func (q *queueReader) deleteMessages(ctx context.Context, handles []string) int {
	return inBatches(handles, func(batch []string) int { return q.deleteBatch(ctx, batch) })
}

// inBatches calls do with parts of the size of SQS's batches, a few at once, and returns the sum of its results.
func inBatches(handles []string, do func(batch []string) int) int {
	if len(handles) <= maxBatch {
		if len(handles) == 0 {
			return 0
		}
		return do(handles)
	}
	var sum atomic.Int64
	var doing sync.WaitGroup
	batches := make(chan []string)
	// At most as many as a worker's receives: then it waits once.
	for range min(moreReceives+1, (len(handles)+maxBatch-1)/maxBatch) {
		doing.Go(func() {
			for batch := range batches {
				sum.Add(int64(do(batch)))
			}
		})
	}
	for batch := range slices.Chunk(handles, maxBatch) {
		batches <- batch
	}
	close(batches)
	doing.Wait()
	return int(sum.Load())
}

// deleteBatch returns how many could not be deleted.
func (q *queueReader) deleteBatch(ctx context.Context, batch []string) int {
	pending := slices.Clone(batch)
	for try := 0; len(pending) > 0; try++ {
		if try == maxTries || try > 0 && q.currentClock().Pause(ctx, backoff.Pause(try)) != nil {
			break
		}
		entries := make([]types.DeleteMessageBatchRequestEntry, len(pending))
		for i := range pending {
			entries[i] = types.DeleteMessageBatchRequestEntry{Id: aws.String(strconv.Itoa(i)),
				ReceiptHandle: &pending[i]}
		}
		out, err := q.Queue.DeleteMessageBatch(ctx,
			&sqs.DeleteMessageBatchInput{QueueUrl: &q.QueueURL, Entries: entries})
		if err != nil {
			if try == 0 {
				q.logf("deleting replayed dead letters: %v", err)
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
	return len(pending)
}

// releaseMessages deletes messages that repeat a dead letter that is done, and makes all others visible again.
func (q *queueReader) releaseMessages(hard context.Context) {
	q.mu.Lock()
	left, held, lost := q.stopped && !q.canaryLimit || q.full, q.seen, q.lost
	q.seen = nil
	if q.full {
		q.logf("the queue has more messages than SQS allows in flight (120,000): filters may not reach the rest")
	}
	q.mu.Unlock()
	var again []string
	for _, id := range slices.Sorted(maps.Keys(held)) {
		l := held[id]
		if len(l.duplicateHandles) > 0 && l.body != nil && l.body.Kind == deadletter.Record && len(l.records) == 1 &&
			q.Act && q.Journal.isDone(l.records[0]) {
			again = append(append(again, l.handle), l.duplicateHandles...)
		}
	}
	if n := q.deleteMessages(hard, again); n > 0 {
		q.tally.changeReport(func(r *Report) { r.Undeleted += int64(n) })
	}
	q.inFlight.removeHandles(again)
	// An interruption must not leave dead letters in flight.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(hard), releaseTimeout)
	defer cancel()
	if n := q.changeVisibility(ctx, q.inFlight.allHandles(), 0); n > 0 {
		q.logf(plural.Of(int64(n), "%d dead letter{ becomes|s become} visible again only after %v"), n,
			KeepFactor*q.Visibility)
	}
	q.tally.changeReport(func(r *Report) {
		r.More = r.More || left
		r.Lost += lost
	})
}
