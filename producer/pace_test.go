package producer

import "testing"

func TestPace(t *testing.T) {
	c := newClock()
	began := c.now
	p := NewPace(100, 1000)
	p.clock, p.last = c, c.now
	for range 50 {
		if err := p.Wait(t.Context(), 10, 50); err != nil { // 10 records a call at 100 a second
			t.Fatal(err)
		}
	}
	if got := c.now.Sub(began).Seconds(); got < 4.74 || got > 5 {
		t.Errorf("500 records at 100 a second took %v s", got)
	}
	began = c.now
	for range 10 {
		if err := p.Wait(t.Context(), 1, 2000); err != nil { // twice a second's bytes
			t.Fatal(err)
		}
	}
	if got := c.now.Sub(began).Seconds(); got < 19 || got > 20.1 {
		t.Errorf("20,000 bytes at 1,000 a second took %v s", got)
	}
	t.Run("no pace waits for nothing", func(t *testing.T) {
		var none *Pace
		if err := none.Wait(t.Context(), 1<<30, 1<<30); err != nil {
			t.Error(err)
		}
	})
}
