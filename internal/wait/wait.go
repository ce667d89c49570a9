// Package wait waits as a context lets it.
package wait

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
