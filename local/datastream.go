package local

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"strings"
	"sync"
	"time"

	"firehose-pipeline/contract"
	"firehose-pipeline/event"
	"firehose-pipeline/local/audit"
	"firehose-pipeline/local/fault"
	"firehose-pipeline/local/kinesis"
	"firehose-pipeline/local/template"
)

// dataStream is the data stream that feeds all delivery streams, with its clock and its part of Check.
type dataStream struct {
	*kinesis.Stream
	config  template.DataStream
	faults  *fault.DataStream
	readers []*reader
	onTaken func(event.Stream, []byte)

	mu      sync.Mutex // keeps the records of one put together, and the readers' reads apart
	offered int64      // records, without throttled ones
	due     time.Time  // of the next read
	pending bool       // records put since the last Flush
	check   *tally     // of the records put; nil without Options.Check
}

// reader is one delivery stream as a reader of the data stream.
type reader struct {
	*kinesis.Reader
	stream *stream
	single []kinesis.Arrived
	reread int64 // records read again
	// elsewhere is how many of the records were replays for the other store, which the transform drops.
	elsewhere int64
	lost      int64  // records trimmed before they were read
	check     *tally // of the records read for the first time
}

// tally is a number of records and the sum of their hashes, by which two sets of records are compared whatever their
// order.
type tally struct {
	records int64
	sum     uint64
}

var tallySeed = maphash.MakeSeed()

func (t *tally) addRecord(r kinesis.Record) {
	if t == nil {
		return
	}
	var h maphash.Hash
	h.SetSeed(tallySeed)
	h.WriteString(r.PartitionKey)
	h.WriteByte(0)
	h.Write(r.Data)
	t.records++
	t.sum += h.Sum64()
}

// readInterval is how often Firehose reads each shard.
// https://docs.aws.amazon.com/firehose/latest/dev/writing-with-kinesis-streams.html
const readInterval = time.Second

// longestIdle is the time without a put after which not every read is gone through.
const longestIdle = time.Minute

// openDataStream makes the data stream, and lets the delivery streams read it from LATEST on.
func (p *Pipeline) openDataStream() {
	config := p.config.DataStream
	if config == nil {
		return
	}
	d := &dataStream{config: *config, faults: fault.NewDataStream(p.faults), onTaken: p.o.Taken,
		due: p.o.Start.Add(readInterval),
		Stream: kinesis.New(kinesis.Options{Name: config.Name, ARN: config.ARN, AccountID: template.AccountID,
			Retention: config.Retention, Created: p.o.Start, Encrypted: config.Encrypted,
			Throttle: p.o.ThrottleShards, Keep: p.o.Serve})}
	for _, s := range p.streams {
		r := &reader{Reader: d.NewReader(), stream: s}
		if p.o.Check {
			r.check = &tally{}
		}
		d.readers = append(d.readers, r)
	}
	if p.o.Check {
		d.check = &tally{}
	}
	p.data = d
}

// DataStream returns the data stream that feeds all delivery streams; nil when records are put to those themselves.
func (p *Pipeline) DataStream() *kinesis.Stream {
	if p.data == nil {
		return nil
	}
	return p.data.Stream
}

// errNoDataStream is a put to a data stream that the stack does not have.
var errNoDataStream = errors.New("putting records: the stack has no data stream (ingestion is direct)")

// PutEvents puts records to the data stream, and returns a result for each. Otherwise it is as Put. After
// [kinesis.ErrResponseLost] (fault kinesis-lost) all records have been accepted.
func (p *Pipeline) PutEvents(ctx context.Context, records []kinesis.Record) ([]kinesis.Result, error) {
	d := p.data
	if d == nil {
		return nil, errNoDataStream
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := p.waitForArrival(ctx, d.offered); err != nil {
		return nil, fmt.Errorf("putting records: %w", err)
	}
	results := make([]kinesis.Result, len(records))
	for i, record := range records {
		at := p.arrivalsFrom(d.offered)(0)
		if !at.Before(d.due) {
			if err := d.readUntil(at); err != nil {
				return nil, fmt.Errorf("putting records: %w", err)
			}
		}
		results[i] = d.putRecord(record, at)
	}
	if d.faults.LoseResponse() {
		return nil, kinesis.ErrResponseLost
	}
	return results, nil
}

func (d *dataStream) putRecord(record kinesis.Record, at time.Time) kinesis.Result {
	if len(record.Data)+len(record.PartitionKey) > d.config.RecordBytes {
		d.offered++ // as a line of a file, it has a number
		return kinesis.Result{ErrorCode: "ValidationException", Message: fmt.Sprintf("1 validation error detected: "+
			"Value at 'data' failed to satisfy constraint: Member must have length less than or equal to %d",
			d.config.RecordBytes)}
	}
	if d.faults.ThrottleRecord() {
		return d.Refuse(record)
	}
	result := d.Put(record, at)
	if result.ErrorCode != "" {
		return result
	}
	d.offered++
	d.pending = true
	d.check.addRecord(record)
	if d.onTaken != nil {
		d.onTaken(event.Lake, record.Data)
	}
	return result
}

// readUntil lets every delivery stream read at each moment of reading up to a time.
func (d *dataStream) readUntil(at time.Time) error {
	for !at.Before(d.due) {
		if err := d.readShards(d.due); err != nil {
			return err
		}
		d.due = d.due.Add(readInterval)
		if idle := at.Sub(d.due); idle > longestIdle { // nothing has come since
			d.due = d.due.Add(idle.Truncate(readInterval))
		}
		if shard, split := d.faults.SplitShard(d.OpenShards()); split {
			d.Split(shard)
		}
	}
	return nil
}

// readShards lets every delivery stream read all new records.
func (d *dataStream) readShards(at time.Time) error {
	for _, r := range d.readers {
		lost, err := r.Read(func(shard kinesis.ShardID, records []kinesis.Arrived, again int) error {
			for _, record := range records[again:] {
				r.check.addRecord(record.Record)
			}
			r.reread += int64(again)
			if err := r.deliver(shard, records, at); err != nil {
				return err
			}
			if n := d.faults.Rewind(string(r.stream.info.Kind), shard); n > 0 {
				r.Rewind(shard, n)
			}
			return nil
		})
		r.lost += lost
		if err != nil {
			return err
		}
	}
	return nil
}

// deliver passes records on to the delivery stream: those of an aggregate one by one.
func (r *reader) deliver(shard kinesis.ShardID, records []kinesis.Arrived, at time.Time) error {
	r.single = r.single[:0]
	for _, record := range records {
		r.single = kinesis.Disaggregate(r.single, record)
	}
	s := r.stream
	s.mu.Lock()
	defer s.mu.Unlock()
	first, err := s.Read(shard, r.single, at)
	if err != nil {
		return err
	}
	s.pending = true
	s.number = first + int64(len(r.single))
	replay := contract.ReplayKey(string(s.info.Kind.Other()))
	for i, record := range r.single {
		elsewhere := strings.HasPrefix(record.PartitionKey, replay)
		if elsewhere {
			r.elsewhere++
		}
		if s.expectations == nil {
			continue
		}
		err := s.expectations.Add(audit.Put{Number: first + int64(i) + 1, Origin: record.Number + 1, Shard: int(shard),
			Elsewhere: elsewhere}, record.Data)
		if err != nil {
			return err
		}
	}
	return nil
}

// flush lets every delivery stream read everything.
func (d *dataStream) flush(at time.Time) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.readUntil(at); err != nil {
		return err
	}
	// A reader that starts anew in its last read has to read once more.
	for again := true; again; {
		before := d.countRead()
		if err := d.readShards(at); err != nil {
			return err
		}
		again = d.countRead() > before
	}
	d.pending = false
	return nil
}

func (d *dataStream) countRead() (n int64) {
	for _, r := range d.readers {
		n += r.stream.number
	}
	return n
}

// tick lets the delivery streams read when it is time.
func (d *dataStream) tick(at time.Time) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.readUntil(at)
}

// checkReaders compares the records put with those that each delivery stream has read.
func (d *dataStream) checkReaders(report *audit.Report) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	switch {
	case d.check == nil:
		return errors.New("checking data stream: the run was not opened for a check")
	case d.pending:
		return errors.New("checking data stream: records have been put since the last flush")
	}
	for _, r := range d.readers {
		report.Duplicates.Reread += r.reread
		missing := d.check.records - r.check.records
		problem := audit.Missing
		switch {
		case missing < 0:
			problem = audit.Doubled
		case missing == 0 && d.check.sum != r.check.sum:
			problem = audit.Unknown
		case missing == 0:
			continue
		}
		report.Findings = append(report.Findings, audit.Finding{Problem: problem, Stream: r.stream.info.Kind,
			Where: "data stream", Place: fmt.Sprintf("%d records put, %d read, %d of them trimmed unread",
				d.check.records, r.check.records, r.lost)})
	}
	return nil
}
