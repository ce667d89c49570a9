package trace

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/aws/smithy-go"
)

// fakeQueue hands out each message once until it is made visible again.
type fakeQueue struct {
	bodies   []string
	hidden   map[string]bool
	receives int
	inFlight string
	receive  error // of every receive after the first
	change   error
	longest  int32 // visibility timeout
	pause    func()
}

func (f *fakeQueue) GetQueueAttributes(context.Context, *sqs.GetQueueAttributesInput,
	...func(*sqs.Options)) (*sqs.GetQueueAttributesOutput, error) {
	return &sqs.GetQueueAttributesOutput{Attributes: map[string]string{
		"ApproximateNumberOfMessages": fmt.Sprint(len(f.bodies)), "ApproximateNumberOfMessagesNotVisible": f.inFlight}}, nil
}

func (f *fakeQueue) ReceiveMessage(_ context.Context, in *sqs.ReceiveMessageInput,
	_ ...func(*sqs.Options)) (*sqs.ReceiveMessageOutput, error) {
	if f.receives++; f.receives > 1 && f.receive != nil {
		return nil, f.receive
	}
	if f.pause != nil {
		f.pause()
	}
	f.longest = max(f.longest, in.VisibilityTimeout)
	out := &sqs.ReceiveMessageOutput{}
	for i, body := range f.bodies {
		handle := fmt.Sprint("h-", i)
		if !f.hidden[handle] && int32(len(out.Messages)) < in.MaxNumberOfMessages {
			f.hidden[handle] = true
			out.Messages = append(out.Messages, types.Message{MessageId: aws.String(fmt.Sprint("m-", i)), Body: &body,
				ReceiptHandle: &handle, Attributes: map[string]string{"ApproximateReceiveCount": "2"}})
		}
	}
	return out, nil
}

func (f *fakeQueue) ChangeMessageVisibilityBatch(_ context.Context, in *sqs.ChangeMessageVisibilityBatchInput,
	_ ...func(*sqs.Options)) (*sqs.ChangeMessageVisibilityBatchOutput, error) {
	if f.change != nil {
		return nil, f.change
	}
	for _, e := range in.Entries {
		if e.VisibilityTimeout != 0 {
			return nil, errors.New("must be visible at once")
		}
		delete(f.hidden, *e.ReceiptHandle)
	}
	return &sqs.ChangeMessageVisibilityBatchOutput{}, nil
}

func letterBody(id string, number int) string {
	return fmt.Sprintf(`{"version":1,"kind":"record","id":"%032d","stream":"search","stage":"search",`+
		`"reason":"SearchRejected",`+
		`"errorCode":"400","errorMessage":"bad","arrivalTime":"2026-01-31T09:00:00.000Z",`+
		`"failedTime":"2026-01-31T09:10:00.000Z",`+
		`"eventId":%q,"pointer":{"bucket":"b","key":"error-data/search/AmazonOpenSearchService-failed/o",`+
		`"offset":%d,"length":9}}`,
		number, id, number)
}

func newQueue(n int) *fakeQueue {
	f := &fakeQueue{hidden: map[string]bool{}, inFlight: "0"}
	for i := range n {
		f.bodies = append(f.bodies, letterBody(fmt.Sprint("e-", i), i))
	}
	return f
}

func peekAt(t *testing.T, f *fakeQueue, most int64, clock *stepClock) (Place, error) {
	t.Helper()
	p := Place{Name: DeadLetters}
	err := Queue{Client: f, URL: "q", MaxMessages: most, Clock: clock}.Look(t.Context(), &Query{ID: newID(t, "e-7")}, &p)
	return p, err
}

// Every message that was received is visible again, and none is deleted.
func TestQueueIsPeekedAt(t *testing.T) {
	f := newQueue(25)
	f.bodies = append(f.bodies, "not a dead letter")
	p, err := peekAt(t, f, 1000, &stepClock{noon})
	if err != nil || !p.Complete || p.Looked != 26 || len(p.Hits) != 1 || len(f.hidden) != 0 {
		t.Fatalf("got %+v, %v, hidden %v", p, err, f.hidden)
	}
	h := p.Hits[0]
	if h.Letter != "m-7" || h.ReceiveCount != 2 || h.Reason != "SearchRejected" || !h.Waiting || *h.Offset != 7 ||
		h.Object != "s3://b/error-data/search/AmazonOpenSearchService-failed/o" || h.TimeOf != "failed" ||
		h.Received().Format("15:04") != "09:00" || h.Explanation != "OpenSearch rejected the document" {
		t.Errorf("got %+v", h)
	}
	if time.Duration(f.longest)*time.Second != PeekVisibility {
		t.Errorf("visibility timeout: %d", f.longest)
	}
}

func TestQueueLooksInBounds(t *testing.T) {
	denied := &smithy.GenericAPIError{Code: "AccessDenied", Message: "no"}
	late := &stepClock{noon}
	for name, c := range map[string]struct {
		change func(*fakeQueue)
		most   int64
		why    string
		fails  bool
	}{
		"a limit": {func(*fakeQueue) {}, 13, "only 13 of 25 messages were looked at: raise --max-messages",
			false},
		"time": {func(f *fakeQueue) { f.pause = func() { late.now = late.now.Add(20 * time.Second) } },
			1000, "only 25 of about 25 messages were looked at in 45s", false},
		"others": {func(f *fakeQueue) { f.inFlight = "3" }, 1000, "about 3 messages are in flight", false},
		"too many in flight": {func(f *fakeQueue) { f.receive = &smithy.GenericAPIError{Code: "OverLimit"} }, 1000,
			"SQS lets no more", false},
		"no right":            {func(f *fakeQueue) { f.receive = denied }, 1000, "", true},
		"no right to give up": {func(f *fakeQueue) { f.change = denied }, 1000, "visible again within 1m0s", false},
	} {
		t.Run(name, func(t *testing.T) {
			f := newQueue(25)
			c.change(f)
			p, err := peekAt(t, f, c.most, late)
			if (err != nil) != c.fails || c.fails && !isDenied(err) || p.Complete || !strings.Contains(p.Why, c.why) {
				t.Errorf("got %+v, %v", p, err)
			}
			if f.change == nil && len(f.hidden) != 0 {
				t.Errorf("not visible again: %v", f.hidden)
			}
		})
	}
}

// An interruption returns the messages, too.
func TestQueueReturnsMessagesAfterAnInterruption(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	f := newQueue(25)
	f.pause, f.receive = stop, context.Canceled
	p := Place{}
	err := Queue{Client: f, URL: "q", MaxMessages: 1000}.Look(ctx, &Query{ID: newID(t, "e-7")}, &p)
	if !errors.Is(err, context.Canceled) || len(f.hidden) != 0 {
		t.Errorf("got %v, hidden %v", err, f.hidden)
	}
}
