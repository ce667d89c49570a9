package replay

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"firehose-pipeline/event"
)

func TestVisibility(t *testing.T) {
	t.Run("a look changes nothing, counts each letter once and brings all back into sight", func(t *testing.T) {
		w := newWorld()
		w.Act, w.Streams = false, nil
		o := newErrorObject(t, event.Lake, "a", yesterday, functionEr, ids(35)...)
		w.queue.send(append(o.letters, o.letters[:5]...)...)
		report := w.run(t)
		wantLetters(t, report, map[Outcome]int64{Matching: 35})
		if report.Repeated != 5 || report.More || report.Records[Matching] != 35 {
			t.Errorf("got %+v", report)
		}
		w.wantQueue(t, 40)
		for _, m := range w.queue.messages {
			if m.receives != 1 {
				t.Errorf("message %s was received %d times", m.id, m.receives)
			}
		}
	})
	for code, want := range map[string]int{"InternalError": 1, "AWS.SimpleQueueService.MessageNotInflight": 0} {
		t.Run("messages that do not become visible at once are reported: "+code, func(t *testing.T) {
			w := newWorld()
			w.Act, w.Streams, w.queue.unreleased = false, nil, code
			w.queue.send(newErrorObject(t, event.Lake, "a", yesterday, functionEr, ids(5)...).letters...)
			w.run(t)
			said := strings.Join(w.said, "\n")
			if strings.Count(said, "5 dead letters become visible again only after") != want {
				t.Errorf("got %q", said)
			}
		})
	}
	t.Run("messages in hand are kept out of sight while the stream is slow", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld()
			w.clock.now = time.Now()
			w.Visibility = time.Minute
			w.workers = 1
			w.queue.send(newErrorObject(t, event.Lake, "a", yesterday, functionEr, ids(5)...).letters...)
			w.lake.call = func(context.Context) error {
				time.Sleep(4 * time.Minute) // in the test's own time
				return nil
			}
			w.run(t)
			// twice each: after 20 s, and when a third of those 8 minutes is over
			if got := w.queue.changes[8*60]; got != 10 {
				t.Errorf("%d extensions, want 10", got)
			}
			w.wantQueue(t, 0)
		})
	})
}

// partlyDeaf does not change the visibility of some messages.
type partlyDeaf struct {
	Queue
	codes []string // of the messages of a batch; empty: changed
	asked []int32  // visibility timeouts, in seconds
}

func (q *partlyDeaf) ChangeMessageVisibilityBatch(_ context.Context, in *sqs.ChangeMessageVisibilityBatchInput,
	_ ...func(*sqs.Options)) (*sqs.ChangeMessageVisibilityBatchOutput, error) {
	out := &sqs.ChangeMessageVisibilityBatchOutput{}
	for i, e := range in.Entries {
		q.asked = append(q.asked, e.VisibilityTimeout)
		if q.codes[i] != "" {
			out.Failed = append(out.Failed, types.BatchResultErrorEntry{Id: e.Id, Code: &q.codes[i]})
		}
	}
	return out, nil
}

// A message that is visible already needs no change: SQS reports it as failed.
func TestFailedChangesOfVisibility(t *testing.T) {
	queue := &partlyDeaf{codes: []string{"", "AWS.SimpleQueueService.MessageNotInflight", "MessageNotInflight",
		"ReceiptHandleIsInvalid", "InternalError"}}
	q := &queueReader{Replay: &Replay{Queue: queue}}
	failed := q.changeVisibility(context.Background(), []string{"a", "b", "c", "d", "e"}, 90*time.Second)
	if failed != 2 || len(queue.asked) != 5 || queue.asked[0] != 90 {
		t.Errorf("%d failed, asked for %v; want 2, 5 times 90", failed, queue.asked)
	}
}
