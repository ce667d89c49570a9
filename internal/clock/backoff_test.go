package clock

import (
	"testing"
	"time"
)

func TestSetChance(t *testing.T) {
	b := Backoff{First: 100 * time.Millisecond, Max: time.Second, AtLeastHalf: true}
	undo := SetChance(func(bound time.Duration) time.Duration { return bound / 5 })
	if got := b.Pause(0); got != 60*time.Millisecond {
		t.Errorf("got %v, want 60ms", got)
	}
	undo()
	if first, second := b.Pause(10), b.Pause(10); first == second {
		t.Errorf("undone, chance gave %v twice", first)
	}
}

func TestBackoff(t *testing.T) {
	for n, bound := range map[int]time.Duration{0: 100, 1: 200, 4: 1600, 5: 2000, 10: 2000, 100: 2000} {
		bound *= time.Millisecond
		half := Backoff{First: 100 * time.Millisecond, Max: 2 * time.Second, AtLeastHalf: true}
		full := half
		full.AtLeastHalf = false
		var largest time.Duration
		for range 200 {
			if d := half.Pause(n); d < bound/2 || d >= bound {
				t.Errorf("pause %d: got %v, want at least half of %v", n, d, bound)
			}
			d := full.Pause(n)
			if largest = max(largest, d); d < 0 || d >= bound {
				t.Errorf("pause %d: got %v, want below %v", n, d, bound)
			}
		}
		if largest < bound/2 {
			t.Errorf("pause %d: no pause above %v of a bound of %v", n, largest, bound)
		}
	}
}
