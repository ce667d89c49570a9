package local

import (
	"context"
	"time"

	"firehose-pipeline/internal/clock"
)

// Now is the virtual time: in a run that serves the clock's, otherwise the arrival of the latest record of any stream.
func (p *Pipeline) Now() time.Time {
	latest := p.o.Start
	if p.data != nil {
		p.data.mu.Lock()
		defer p.data.mu.Unlock()
		return p.nowOf(nil)
	}
	for _, s := range p.streams {
		s.mu.Lock()
		if now := p.nowOf(s); now.After(latest) {
			latest = now
		}
		s.mu.Unlock()
	}
	return latest
}

// nowOf is the time of one stream. Streams that read a data stream have its time.
func (p *Pipeline) nowOf(s *stream) time.Time {
	if p.o.Serve {
		return p.clockTime()
	}
	if p.data != nil {
		return p.arrivalOf(max(p.data.offered-1, 0))
	}
	return p.arrivalOf(max(s.number-1, 0))
}

// clockTime is the time of a run that serves.
func (p *Pipeline) clockTime() time.Time {
	return p.o.Start.Add(time.Duration(float64(time.Since(p.started)) * p.o.Speed))
}

// arrivalOf is when record number (from 0) of a stream arrives in a run that does not serve.
func (p *Pipeline) arrivalOf(number int64) time.Time {
	return p.o.Start.Add(time.Duration(float64(number) / p.o.Rate * float64(time.Second)))
}

// arrivalsFrom returns the arrival times of records from this number on.
func (p *Pipeline) arrivalsFrom(number int64) func(int) time.Time {
	if p.o.Serve {
		now := p.clockTime()
		return func(int) time.Time { return now }
	}
	return func(i int) time.Time { return p.arrivalOf(number + int64(i)) }
}

// waitForArrival waits until the time of a record has come, in a run with a speed.
func (p *Pipeline) waitForArrival(ctx context.Context, number int64) error {
	if p.o.Serve || p.o.Speed == 0 {
		return ctx.Err()
	}
	virtual := p.arrivalOf(number).Sub(p.o.Start)
	left := time.Duration(float64(virtual)/p.o.Speed) - time.Since(p.started)
	if left < time.Millisecond {
		return ctx.Err()
	}
	return clock.Pause(ctx, left)
}

// tickInterval is how often, by the machine's clock, the streams of a run that serves look at the time.
const tickInterval = 20 * time.Millisecond

func (p *Pipeline) runTicks(ctx context.Context) {
	ticker := time.NewTicker(tickInterval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		p.notifier.releaseLate(time.Now().Add(-time.Second))
		if p.data != nil && p.data.tick(p.clockTime()) != nil {
			return
		}
		for _, s := range p.streams {
			if s.Tick(p.clockTime()) != nil {
				return // the stream keeps its error for the next Put and Flush
			}
		}
	}
}
