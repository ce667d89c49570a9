package clock

import (
	"context"
	"errors"
	"testing"
	"time"
)

func TestPause(t *testing.T) {
	if err := Pause(t.Context(), time.Microsecond); err != nil {
		t.Errorf("after the time: got %v", err)
	}
	ended, end := context.WithCancel(t.Context())
	end()
	for _, d := range []time.Duration{-1, 0, time.Hour} {
		if err := Pause(ended, d); !errors.Is(err, context.Canceled) {
			t.Errorf("%v of a context that has ended: got %v", d, err)
		}
	}
	if err := Pause(t.Context(), 0); err != nil {
		t.Errorf("no time: got %v", err)
	}
}
