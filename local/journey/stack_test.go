package journey_test

import (
	"fmt"
	"testing"
	"time"

	"firehose-pipeline/local/journey"
)

// A search finds the same while its stack moves. `make verify` runs this with a runtime that moves the stack at each
// call and takes the old one away from the process; otherwise the stack moves where it grows.
func TestFollowWhileTheStackMoves(t *testing.T) {
	p := openRun(t, "dev")
	var records, ids []string
	for i := range 20 {
		ids = append(ids, fmt.Sprintf("bad-%d", i))
		records = append(records, fmt.Sprintf(`{"event_id":"bad-%d","amount"`, i))
	}
	put(t, p, records...)
	if err := p.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	// A goroutine begins with a small stack.
	for range 30 {
		done := make(chan struct{})
		go func() {
			defer close(done)
			journeys, err := journey.FollowAll(t.Context(), p, ids, time.Minute)
			if err != nil {
				t.Error(err)
			}
			for _, j := range journeys {
				// Of each of the two streams a failed record and its dead letter; the first has its source as well.
				if len(j.Steps) != 5 {
					t.Errorf("%s: %d steps, expected 5", j.ID, len(j.Steps))
				}
			}
		}()
		<-done
	}
}
