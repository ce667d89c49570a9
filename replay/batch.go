package replay

import (
	"bytes"
	"context"
	"errors"

	"firehose-pipeline/deadletter"
	"firehose-pipeline/producer"
)

var errStopped = errors.New("stopped")

// recordBatch gathers records of an object into batches.
type recordBatch struct {
	*Replay
	ctx             context.Context
	kind            deadletter.Kind
	counts          map[Outcome]int64
	includeRejected bool // records that the check rejects are replayed too, and become dead letters of their own
	filter          *Filter
	alreadyCounted  bool // its dead letter is counted already
	records         []*Record
	bytes           int
	failed          error
	canary          *canary
}

func (b *recordBatch) classifyAndAdd(record *Record) error {
	record.Data = bytes.Clone(record.Data)
	if b.Journal.isDone(record) {
		record.outcome = AlreadyReplayed
	} else {
		b.classifyRecord(record, b.filter)
	}
	if b.includeRejected && record.outcome == Refused {
		record.outcome = ""
	}
	return b.addRecord(record)
}

// addRecord adds a record that has been judged.
func (b *recordBatch) addRecord(record *Record) error {
	if b.Limit > 0 && !b.includeRejected && b.countUsed() >= b.Limit {
		b.tally.changeReport(func(t *Report) { t.More = true })
		return errStopped
	}
	b.claimRecord(record)
	b.records = append(b.records, record)
	b.bytes += len(record.Data)
	if len(b.records) < producer.MaxBatchRecords && b.bytes < quotaBytes && !b.canary.isCompletedBy(len(b.records)) {
		return nil
	}
	if err := b.replayBatch(); err != nil {
		return err
	}
	return b.canary.awaitIfComplete()
}

// countUsed is how many records count against the limit.
func (b *recordBatch) countUsed() int64 {
	n := b.counts[Replayed] + b.counts[Matching]
	for _, record := range b.records {
		if record.outcome == "" || record.outcome == Matching {
			n++
		}
	}
	return n
}

// replayBatch replays the collected records.
func (b *recordBatch) replayBatch() error {
	if b.Act {
		b.failed = b.replayRecords(b.ctx, b.records)
	}
	for _, record := range b.records {
		b.Journal.releaseRecord(record)
		b.counts[record.outcome]++
		if !b.alreadyCounted {
			b.tally.addRecord(record, b.kind)
		}
	}
	b.records, b.bytes = nil, 0
	return b.failed
}
