package simulation

import (
	"testing"
	"time"
)

// The numbers are those of SplitMix64, on every machine.
func TestChance(t *testing.T) {
	c := &chance{1234567}
	for _, want := range []uint64{6457827717110365317, 3203168211198807973, 9817491932198370423} {
		if got := c.next(); got != want {
			t.Errorf("got %d, want %d", got, want)
		}
	}
	if a, b := newChance(1, "a", "bc").next(), newChance(1, "ab", "c").next(); a == b {
		t.Error("two names give one choice")
	}
	for range 1000 {
		if d := c.spread(time.Second, time.Minute); d < time.Second || d > time.Minute {
			t.Fatalf("got %v", d)
		}
		if d := c.between(-time.Second, time.Second); d < -time.Second || d >= time.Second {
			t.Fatalf("got %v", d)
		}
	}
}
