package replay

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/aws/smithy-go"

	"firehose-pipeline/event"
)

func TestPut(t *testing.T) {
	t.Run("letters of records that the stream does not take stay", func(t *testing.T) {
		w := newWorld()
		o := newErrorObject(t, event.Lake, "a", yesterday, functionEr, ids(5)...)
		w.queue.send(o.letters...)
		w.lake.reject = func(data string) string {
			if strings.Contains(data, "e-0003") {
				return "InternalFailure" // the patience, a nanosecond, is over by then
			}
			return ""
		}
		report, err := w.FromQueue(t.Context(), t.Context())
		if err == nil || !strings.Contains(err.Error(),
			"putting to l: no record accepted for 1ns: api error InternalFailure") {
			t.Errorf("got %v", err)
		}
		wantLetters(t, report, map[Outcome]int64{Replayed: 4, Open: 1})
		wantTaken(t, w.lake, slices.Delete(ids(5), 3, 4)...)
		w.wantQueue(t, 1)
	})
	t.Run("a stream that refuses the call ends the run; what the other took is deleted", func(t *testing.T) {
		w := newWorld()
		w.queue.send(newErrorObject(t, event.Lake, "a", yesterday, functionEr, ids(5)...).letters...)
		w.queue.send(newErrorObject(t, event.Search, "b", yesterday, functionEr, ids(5)...).letters...)
		w.lake.call = func(context.Context) error { return &smithy.GenericAPIError{Code: "ResourceNotFoundException"} }
		report, err := w.FromQueue(t.Context(), t.Context())
		if err == nil || !strings.Contains(err.Error(), "ResourceNotFoundException") {
			t.Errorf("got %v", err)
		}
		wantLetters(t, report, map[Outcome]int64{Replayed: 5, Open: 5})
		w.wantQueue(t, 5)
	})
	t.Run("a record of several objects is split", func(t *testing.T) {
		w := newWorld()
		w.queue.send(newErrorObject(t, event.Lake, "a", yesterday, "Lambda.ProcessingFailedStatus",
			"{\"a\":1}\n{\"a\":\n{\"a\":2}{\"a\":3}\n").letters...)
		wantLetters(t, w.run(t), map[Outcome]int64{Replayed: 1})
		wantTaken(t, w.lake, `{"a":1}`, `{"a":`, `{"a":2}`, `{"a":3}`)
		w.wantQueue(t, 0)
	})
}
