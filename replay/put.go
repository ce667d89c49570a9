package replay

import (
	"bytes"
	"context"
	"errors"
	"time"

	"firehose-pipeline/event"
	"firehose-pipeline/producer"
)

// hasStream reports whether a stream is set. A run that does not act, and has no streams set, supposes all.
func (r *Replay) hasStream(stream event.Stream) bool {
	return stream.Valid() && (r.Streams[stream] != nil || r.Streams == nil && !r.Act)
}

// replayRecords replays the records without an outcome, and gives each one. Its error is one of a stream or of the
// journal, after which records that were not put are [Open].
func (r *Replay) replayRecords(ctx context.Context, records []*Record) error {
	var errs []error
	for _, stream := range []event.Stream{event.Lake, event.Search} {
		var mine []*Record
		for _, record := range records {
			if record.outcome == "" && record.Stream == stream {
				mine = append(mine, record)
			}
		}
		if len(mine) > 0 {
			errs = append(errs, r.replayTo(ctx, stream, mine))
		}
	}
	return errors.Join(errs...)
}

func (r *Replay) replayTo(ctx context.Context, stream event.Stream, records []*Record) error {
	to := r.Streams[stream]
	var all [][]byte
	for _, record := range records {
		for _, p := range record.pieces {
			all = append(all, recordBytes(stream, to, p))
		}
	}
	var taken []bool
	var began time.Time
	var failed, refused error
	for batch := range producer.Batches(all, quotaBytes) {
		if failed != nil {
			taken = append(taken, make([]bool, len(batch))...)
			continue
		}
		answer, err := to.Put(ctx, batch)
		taken = append(taken, answer.Accepted...)
		if began.IsZero() {
			began = answer.Began
		}
		var some *producer.NotAcceptedError
		if errors.As(err, &some) {
			refused = err
		} else {
			failed = err
		}
	}
	var done []*Record
	var digests []uint64
	for _, record := range records {
		whole := true
		for _, p := range record.pieces {
			if whole = whole && taken[0]; taken[0] {
				if !record.anonymous {
					digests = append(digests, r.Journal.contentDigest(stream, p))
				}
				r.tally.addPut(stream, len(p.data))
			}
			taken = taken[1:]
		}
		switch {
		case whole:
			record.outcome = Replayed
			done = append(done, record)
		case failed != nil:
			record.outcome = Open
		default:
			record.outcome = NotTaken
			r.logf("%s: %v", record.EventID, refused)
		}
	}
	if began.IsZero() {
		began = r.currentClock().Now()
	}
	return errors.Join(failed, r.Journal.addRecords(done, digests, began))
}

// quotaBytes is a stream's quota for a second in most regions (Developer Guide, quotas): of a larger batch it would
// accept only a part at once.
const quotaBytes = 1 << 20

// recordBytes is a piece as it goes to the stream: to the lake with a newline behind it, which separates records in
// source-data; to search, and to a data stream, without.
func recordBytes(stream event.Stream, to *producer.Stream, p piece) []byte {
	if stream == event.Search || to.Kinesis != nil || len(p.data) >= producer.MaxRecordBytes {
		return p.data
	}
	return append(bytes.Clone(p.data), '\n')
}
