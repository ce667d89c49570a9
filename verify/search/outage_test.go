//go:build opensearch

package search

import (
	"fmt"
	"io"
	"testing"
	"time"
)

const outageEvents = 50_000

// writeEvents writes shop events with the numbers from, from+1, … to-1.
func writeEvents(w io.Writer, from, to int) error {
	for i := from; i < to; i++ {
		_, err := fmt.Fprintf(w, `{"event_id":"o-%d","event_type":"view","user_id":"%d","product_id":"%d","amount":%d.25,`+
			`"timestamp":"2026-09-21T10:00:00Z","session_id":"5f1c2a4e-%d"}`+"\n",
			i, i%997, i%313, i%700, i)
		if err != nil {
			return err
		}
	}
	return nil
}

// outage stops the server when half of the events have been put, starts it again when back returns, and reports the
// run.
func outage(t *testing.T, stop func() error, back func(), arguments ...string) report {
	t.Helper()
	clean(t)
	l := newLocal(t, arguments...)
	events, err := l.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Start(); err != nil {
		t.Fatal(err)
	}
	if err := writeEvents(events, 0, outageEvents/2); err != nil {
		t.Fatalf("%v\n%s", err, l.stderr.String())
	}
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	rest := make(chan error, 1)
	go func() {
		err := writeEvents(events, outageEvents/2, outageEvents)
		if closing := events.Close(); err == nil {
			err = closing
		}
		rest <- err
	}()
	back()
	if err := server.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := <-rest; err != nil {
		t.Fatal(err)
	}
	// The check finds every event in the index once, or in the dead-letter queue. Both happens only to documents of a
	// request that the server accepted in the moment of its end: their dead letters name them.
	r := l.report(t, l.Wait())
	if r.Events != outageEvents || r.Streams.Search.Delivered+r.Streams.Search.Failed != outageEvents {
		t.Errorf("report %+v", r)
	}
	if got := count(t, server.Master, everything); int64(got) != r.Streams.Search.Delivered+r.AlsoLettered {
		t.Errorf("the index has %d documents, delivered %d and %d with a letter", got, r.Streams.Search.Delivered,
			r.AlsoLettered)
	}
	return r
}

func TestServerStops(t *testing.T) {
	t.Run("and starts again within the retry duration", func(t *testing.T) {
		r := outage(t, server.Kill, func() {}, "-c", "openSearchRetrySeconds=300")
		if r.Streams.Search.Delivered != outageEvents {
			t.Errorf("delivered %d", r.Streams.Search.Delivered)
		}
	})
	t.Run("and stays down past the retry duration", func(t *testing.T) {
		r := outage(t, server.Stop, func() { time.Sleep(10 * time.Second) }, "-c", "openSearchRetrySeconds=3")
		if r.Streams.Search.Failed == 0 || r.Streams.Search.Delivered == 0 || r.DeadLetter.Messages == 0 {
			t.Errorf("delivered %d, failed %d, dead letters %d", r.Streams.Search.Delivered, r.Streams.Search.Failed,
				r.DeadLetter.Messages)
		}
	})
}
