package searchsetup

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"firehose-pipeline/internal/clock"
)

const (
	firstPause = time.Second
	maxPause   = 20 * time.Second
	// answerMargin is kept of the deadline for the response to CloudFormation, which otherwise waits for an hour.
	answerMargin = 20 * time.Second
	// defaultPatience applies to a context without a deadline.
	defaultPatience = 10 * time.Minute
	maxConflicts    = 5
)

// backoff gives the pauses between tries. At least half of each is waited, so that the functions that wait for a domain
// do not all try at the same time, nor at once.
var backoff = clock.Backoff{First: firstPause, Max: maxPause, AtLeastHalf: true}

// giveUp returns when trying again stops.
func (s *Setup) giveUp(ctx context.Context) time.Time {
	if deadline, ok := ctx.Deadline(); ok {
		return deadline.Add(-answerMargin)
	}
	return clock.OrSystem(s.Clock).Now().Add(defaultPatience)
}

// retryStep runs a step until it succeeds, fails for good, or the next attempt would begin after giveUp. A step reads
// before it writes, so running it again also repairs a write whose response was lost, and one that lost against another
// client's (409).
func (s *Setup) retryStep(ctx context.Context, giveUp time.Time, step func(context.Context) error) error {
	now := clock.OrSystem(s.Clock).Now
	// The last attempt must not outlive giveUp either.
	ctx, cancel := context.WithTimeout(ctx, max(giveUp.Sub(now()), time.Millisecond))
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
		if conflict && conflicts >= maxConflicts || !conflict && !call.isTemporary() {
			return err
		}
		pause := backoff.Pause(attempt - 1)
		if now().Add(pause).After(giveUp) {
			return withAdvice(fmt.Errorf("gave up after %d attempts: %w", attempt, err))
		}
		if sleepErr := clock.OrSystem(s.Clock).Pause(ctx, pause); sleepErr != nil {
			return withAdvice(fmt.Errorf("stopped waiting after %d attempts (%w): %w", attempt, sleepErr, err))
		}
	}
}
