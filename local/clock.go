package local

import (
	"context"
	"time"

	"firehose-pipeline/internal/clock"
)

// Now is the virtual time: in a run that serves the clock's, otherwise the arrival of the latest record of any stream.
func (p *Pipeline) Now() time.Time {
	latest := p.o.Start
	for _, s := range p.streams {
		s.mu.Lock()
		if now := p.nowOf(s); now.After(latest) {
			latest = now
		}
		s.mu.Unlock()
	}
	return latest
}

// nowOf is the time of one stream.
func (p *Pipeline) nowOf(s *stream) time.Time {
	if p.o.Serve {
		return p.clock()
	}
	return p.due(max(s.number-1, 0))
}

// clock is the time of a run that serves.
func (p *Pipeline) clock() time.Time {
	return p.o.Start.Add(time.Duration(float64(time.Since(p.started)) * p.o.Speed))
}

// due is when record number (from 0) of a stream arrives in a run that does not serve.
func (p *Pipeline) due(number int64) time.Time {
	return p.o.Start.Add(time.Duration(float64(number) / p.o.Rate * float64(time.Second)))
}

// arrival returns the arrival times of records from this number on.
func (p *Pipeline) arrival(number int64) func(int) time.Time {
	if p.o.Serve {
		now := p.clock()
		return func(int) time.Time { return now }
	}
	return func(i int) time.Time { return p.due(number + int64(i)) }
}

// wait waits until the time of a record has come, in a run with a speed.
func (p *Pipeline) wait(ctx context.Context, number int64) error {
	if p.o.Serve || p.o.Speed == 0 {
		return ctx.Err()
	}
	virtual := p.due(number).Sub(p.o.Start)
	left := time.Duration(float64(virtual)/p.o.Speed) - time.Since(p.started)
	if left < time.Millisecond {
		return ctx.Err()
	}
	return clock.Pause(ctx, left)
}

// tickInterval is how often, by the machine's clock, the streams of a run that serves look at the time.
const tickInterval = 20 * time.Millisecond

func (p *Pipeline) tick(ctx context.Context) {
	ticker := time.NewTicker(tickInterval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		p.notifier.release(time.Now().Add(-time.Second))
		for _, s := range p.streams {
			if s.Tick(p.clock()) != nil {
				return // the stream keeps its error for the next Put and Flush
			}
		}
	}
}
