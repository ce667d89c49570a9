package producer

import (
	"context"
	"sync"
	"time"

	"firehose-pipeline/internal/clock"
)

// Pace keeps the records of one stream under a rate. It is safe for concurrent use.
//
// A caller reserves its tokens first and then waits until they are earned, so that a batch may be larger than a
// second's rate, and no caller starves.
type Pace struct {
	clock          clock.Clock
	mu             sync.Mutex
	last           time.Time
	records, bytes share
}

// share is a bucket that may be in debt.
type share struct{ rate, level float64 }

// burst is how much of a second's rate may be put at once after a quiet time: a quota of Firehose is one for each
// second.
const burst = 0.25

// NewPace makes a pace of so many records and bytes a second; 0 leaves one of them free.
func NewPace(records, bytes float64) *Pace {
	p := &Pace{clock: clock.System{}, records: share{rate: records, level: records * burst},
		bytes: share{rate: bytes, level: bytes * burst}}
	p.last = p.clock.Now()
	return p
}

// Wait returns when so much may be put.
func (p *Pace) Wait(ctx context.Context, records, bytes int) error {
	if p == nil {
		return nil
	}
	return p.clock.Pause(ctx, p.takeShares(records, bytes))
}

// takeShares takes shares and says how long they take to be earned.
func (p *Pace) takeShares(records, bytes int) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.clock.Now()
	elapsed := max(0, now.Sub(p.last).Seconds())
	p.last = now
	return max(p.records.takeShare(elapsed, float64(records)), p.bytes.takeShare(elapsed, float64(bytes)))
}

func (s *share) takeShare(elapsed, n float64) time.Duration {
	if s.rate == 0 {
		return 0
	}
	s.level = min(s.rate*burst, s.level+s.rate*elapsed) - n
	return time.Duration(max(0, -s.level) / s.rate * float64(time.Second))
}
