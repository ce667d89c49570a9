package clock

import (
	"math/rand/v2"
	"time"
)

// Backoff gives the pauses between retries: their bound doubles with each, and chance spreads the callers below it.
type Backoff struct {
	First, Max time.Duration // bounds of pause 0 and of all
	// AtLeastHalf chooses from the upper half of each bound; otherwise from all of it (full jitter).
	AtLeastHalf bool
}

// maxDoublings keeps the bound far from the largest duration.
const maxDoublings = 10

// Pause returns pause number n, from 0.
func (b Backoff) Pause(n int) time.Duration {
	bound := min(b.First<<min(n, maxDoublings), b.Max)
	if b.AtLeastHalf {
		return bound/2 + chooseBelow(bound/2)
	}
	return chooseBelow(bound)
}

// chooseBelow chooses a duration from 0 up to a bound.
var chooseBelow = rand.N[time.Duration]

// SetChance makes choose decide in place of chance, for a simulation whose seed decides everything: it returns a
// duration from 0 up to its bound. It must not be called while pauses are chosen. The function that it returns undoes
// it.
func SetChance(choose func(bound time.Duration) time.Duration) (undo func()) {
	before := chooseBelow
	chooseBelow = choose
	return func() { chooseBelow = before }
}
