package clock

import (
	"context"
	"time"
)

// Clock is a source of time that can wait.
type Clock interface {
	Now() time.Time
	// Pause returns after d, or with the context's error.
	Pause(ctx context.Context, d time.Duration) error
}

// System is the machine's clock.
type System struct{}

// Now returns the time.
func (System) Now() time.Time { return time.Now() }

// Pause is [Pause].
func (System) Pause(ctx context.Context, d time.Duration) error { return Pause(ctx, d) }

// OrSystem returns the clock, or the machine's for nil.
func OrSystem(c Clock) Clock {
	if c == nil {
		return System{}
	}
	return c
}

// Pause returns after d, or with the context's error when that ends first. It does not wait for a d of 0 or less.
func Pause(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
