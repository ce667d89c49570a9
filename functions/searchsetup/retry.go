package searchsetup

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"time"

	"firehose-pipeline/internal/clock"
)

const (
	firstPause = time.Second
	maxPause   = 20 * time.Second
	// answerMargin is kept of the deadline for telling CloudFormation: without an answer it waits for an hour.
	answerMargin = 20 * time.Second
	// defaultPatience applies to a context without a deadline.
	defaultPatience = 10 * time.Minute
	maxConflicts    = 5
)

// Clock is the time that the waiting for a domain goes by. The zero value is the real one.
type Clock struct {
	Now   func() time.Time
	Sleep func(context.Context, time.Duration) error // returns the context's error when it ends first
}

func (c Clock) now() time.Time {
	if c.Now == nil {
		return time.Now()
	}
	return c.Now()
}

func (c Clock) sleep(ctx context.Context, d time.Duration) error {
	if c.Sleep != nil {
		return c.Sleep(ctx, d)
	}
	return clock.For(ctx, d)
}

// giveUp returns when trying again stops.
func (c Clock) giveUp(ctx context.Context) time.Time {
	if deadline, ok := ctx.Deadline(); ok {
		return deadline.Add(-answerMargin)
	}
	return c.now().Add(defaultPatience)
}

// try runs a step until it succeeds, fails for good, or the next attempt would begin after giveUp. A step reads before
// it writes, so running it again also repairs a write whose response was lost, and one that lost against another
// client's (409).
func (c Clock) try(ctx context.Context, giveUp time.Time, step func(context.Context) error) error {
	// The last attempt must not outlive giveUp either.
	ctx, cancel := context.WithTimeout(ctx, max(giveUp.Sub(c.now()), time.Millisecond))
	defer cancel()
	conflicts := 0
	for attempt := 1; ; attempt++ {
		err := step(ctx)
		if err == nil {
			return nil
		}
		var call *CallError
		if !errors.As(err, &call) {
			return err
		}
		conflict := call.overtaken || call.Status == http.StatusConflict
		if conflict {
			conflicts++
		}
		if conflict && conflicts >= maxConflicts || !conflict && !call.temporary() {
			return err
		}
		// Full pauses would make all waiting functions knock at the same time.
		pause := min(firstPause<<min(attempt-1, 10), maxPause)
		pause = pause/2 + rand.N(pause/2)
		if c.now().Add(pause).After(giveUp) {
			return withAdvice(fmt.Errorf("gave up after %d attempts: %w", attempt, err))
		}
		if sleepErr := c.sleep(ctx, pause); sleepErr != nil {
			return withAdvice(fmt.Errorf("stopped waiting after %d attempts (%w): %w", attempt, sleepErr, err))
		}
	}
}
