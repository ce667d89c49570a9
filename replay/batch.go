package replay

import (
	"bytes"
	"context"
	"errors"

	"firehose-pipeline/deadletter"
	"firehose-pipeline/producer"
)

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
	b.claim(record)
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
