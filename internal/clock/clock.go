// Package clock waits as a context lets it, by the machine's clock or a test's own.
package clock

import (
	"context"
	"time"
)

// For returns after d, or with the context's error when that ends first. It does not wait for a d of 0 or less.
func For(ctx context.Context, d time.Duration) error {
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

// Clock is the time; tests have their own.
type Clock interface {
	Now() time.Time
	// Pause returns after d, or with the context's error.
	Pause(ctx context.Context, d time.Duration) error
}

// Machine is the machine's clock.
type Machine struct{}

// Now is the time.
func (Machine) Now() time.Time { return time.Now() }

// Pause is [For].
func (Machine) Pause(ctx context.Context, d time.Duration) error { return For(ctx, d) }
