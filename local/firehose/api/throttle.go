package api

import (
	"sync"
	"time"

	"firehose-pipeline/local/firehose"
)

// Quota is the limit of one stream for PutRecord and PutRecordBatch together, a second (Developer Guide, quotas).
type Quota struct {
	Bytes, Requests, Records int
}

// DefaultQuota is that of a stream in all regions but us-east-1, us-west-2 and eu-west-1, which give five times the
// bytes and records and twice the requests.
var DefaultQuota = Quota{Bytes: 1 << 20, Requests: 1000, Records: 100_000}

// throttle is a token bucket for each part of a quota. How much of a burst AWS lets through is not documented; assumed
// here is one second's worth, and never less than one whole batch.
type throttle struct {
	mu                       sync.Mutex
	now                      func() time.Time
	last                     time.Time
	bytes, requests, records bucket
}

type bucket struct {
	rate, capacity, level float64
}

func newBucket(perSecond, least int) bucket {
	capacity := float64(max(perSecond, least))
	return bucket{rate: float64(perSecond), capacity: capacity, level: capacity}
}

func (b *bucket) fillTo(d time.Duration) { b.level = min(b.capacity, b.level+b.rate*d.Seconds()) }

func newThrottle(q *Quota, now func() time.Time) *throttle {
	if q == nil {
		return nil
	}
	return &throttle{
		now:      now,
		last:     now(),
		bytes:    newBucket(q.Bytes, firehose.MaxBatchBytes),
		requests: newBucket(q.Requests, 1),
		records:  newBucket(q.Records, firehose.MaxBatchRecords),
	}
}

// takeTokens counts a call and returns how many of its records, from the first, the quota lets through; false when it
// lets nothing of the call through.
func (t *throttle) takeTokens(records [][]byte) (int, bool) {
	if t == nil {
		return len(records), true
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	now := t.now()
	if elapsed := now.Sub(t.last); elapsed > 0 {
		t.last = now
		for _, b := range []*bucket{&t.bytes, &t.requests, &t.records} {
			b.fillTo(elapsed)
		}
	}
	if t.requests.level < 1 {
		return 0, false
	}
	t.requests.level--
	taken := 0
	for _, record := range records {
		if t.records.level < 1 || t.bytes.level < float64(len(record)) {
			break
		}
		t.records.level--
		t.bytes.level -= float64(len(record))
		taken++
	}
	return taken, taken > 0
}
