package replay

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/smithy-go"

	"firehose-pipeline/event"
	"firehose-pipeline/producer"
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
	t.Run("a record that the stream never accepts, while it accepts others, stays; the run goes on", func(t *testing.T) {
		w := newWorld()
		w.workers = 1
		w.Streams[event.Lake].Patience = 20 * time.Millisecond
		w.queue.send(newErrorObject(t, event.Lake, "a", yesterday, functionEr, ids(5)...).letters...)
		w.lake.reject = func(data string) string {
			if strings.Contains(data, "e-0003") {
				return "InternalFailure"
			}
			return ""
		}
		calls := 0
		w.lake.call = func(ctx context.Context) error {
			if calls++; calls%2 == 0 { // as another process does
				_, err := w.Streams[event.Lake].Put(ctx, [][]byte{[]byte("other")})
				return err
			}
			return nil
		}
		report := w.run(t)
		wantLetters(t, report, map[Outcome]int64{Replayed: 4, NotTaken: 1})
		w.wantQueue(t, 1)
		if !slices.ContainsFunc(w.said, func(line string) bool {
			return strings.Contains(line, "e-0003") && strings.Contains(line, "InternalFailure")
		}) {
			t.Errorf("must name the record (got %q)", w.said)
		}
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

// Records of the lake stream end with a newline, as in source-data; the transform of a data stream adds it, and the
// search stream takes exactly one object.
func TestRecordBytes(t *testing.T) {
	direct, fromKinesis := &producer.Stream{}, &producer.Stream{Kinesis: struct{ producer.KinesisPutter }{}}
	largest := strings.Repeat("x", producer.MaxRecordBytes)
	for _, c := range []struct {
		stream     event.Stream
		to         *producer.Stream
		data, want string
	}{
		{event.Lake, direct, "{}", "{}\n"},
		{event.Lake, direct, largest[1:], largest[1:] + "\n"},
		{event.Lake, direct, largest, largest},
		{event.Lake, fromKinesis, "{}", "{}"},
		{event.Search, direct, "{}", "{}"},
		{event.Search, fromKinesis, "{}", "{}"},
	} {
		if got := recordBytes(c.stream, c.to, piece{data: []byte(c.data)}); string(got) != c.want {
			t.Errorf("%s, data stream %t, %d bytes: must end with %q (got %q)", c.stream, c.to == fromKinesis,
				len(c.data), c.want[len(c.want)-2:], got[len(got)-2:])
		}
	}
}
