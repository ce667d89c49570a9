package replay

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"firehose-pipeline/event"
	"firehose-pipeline/internal/awsclient"
	localsqs "firehose-pipeline/local/sqs"
)

func TestReader(t *testing.T) {
	t.Run("records go back to their stream, and their letters are deleted", func(t *testing.T) {
		w := newWorld()
		lake := newErrorObject(t, event.Lake, "a", yesterday, functionEr, ids(35)...)
		search := newErrorObject(t, event.Search, "b", yesterday, functionEr, ids(25)...)
		w.queue.send(append(lake.letters, search.letters...)...)
		report := w.run(t)
		wantLetters(t, report, map[Outcome]int64{Replayed: 60})
		wantTaken(t, w.lake, ids(35)...)
		wantTaken(t, w.search, ids(25)...)
		w.wantQueue(t, 0)
		if report.Waiting != 60 || report.Put[event.Lake].Records != 35 || len(report.Groups) != 2 ||
			report.Groups[0].Letters != 35 ||
			!report.Groups[0].First.Equal(yesterday) || report.Groups[0].Sample.Text != "it failed" ||
			report.Left() != 0 {
			t.Errorf("got %+v", report)
		}
	})
	t.Run("a look says when there is more than it looks at", func(t *testing.T) {
		w := newWorld()
		w.Act, w.Limit = false, 10
		w.queue.send(newErrorObject(t, event.Lake, "a", yesterday, functionEr, ids(35)...).letters...)
		report := w.run(t)
		wantLetters(t, report, map[Outcome]int64{Matching: 10})
		if !report.More || report.Waiting != 35 {
			t.Errorf("got %+v", report)
		}
		w.wantQueue(t, 35)
	})
	t.Run("no more is put back than the limit, whatever is passed over on the way", func(t *testing.T) {
		w := newWorld()
		w.Limit, w.Filter = 10, Filter{Streams: []event.Stream{event.Lake}}
		w.queue.send(newErrorObject(t, event.Search, "a", yesterday, functionEr, ids(35)...).letters...)
		w.queue.send(newErrorObject(t, event.Lake, "b", yesterday, functionEr, ids(35)...).letters...)
		report := w.run(t)
		if report.Letters[Replayed] != 10 || len(w.lake.taken) != 10 || len(w.search.taken) != 0 {
			t.Errorf("got %+v", report)
		}
		w.wantQueue(t, 60)
	})
	t.Run("one put takes what several receives gave, unless that is large", func(t *testing.T) {
		for size, most := range map[int]int{10: 2, 20_000: 30} {
			w := newWorld()
			w.workers = 1
			var events []string
			for i := range 200 {
				events = append(events, fmt.Sprintf(`{"event_id":"e-%d","pad":%q}`, i, strings.Repeat("x", size)))
			}
			w.queue.send(newErrorObject(t, event.Lake, "a", yesterday, functionEr, events...).letters...)
			puts := 0
			w.lake.call = func(context.Context) error { puts++; return nil }
			wantLetters(t, w.run(t), map[Outcome]int64{Replayed: 200})
			w.wantQueue(t, 0)
			if least := most * 2 / 3; puts > most || puts < least {
				t.Errorf("records of %d bytes: %d puts, want %d to %d", size, puts, least, most)
			}
		}
	})
	t.Run("an interruption finishes what it has and brings the rest back", func(t *testing.T) {
		w := newWorld()
		w.workers = 2
		w.queue.send(newErrorObject(t, event.Lake, "a", yesterday, functionEr, ids(500)...).letters...)
		soft, interrupt := context.WithCancel(t.Context())
		w.lake.call = func(context.Context) error { interrupt(); return nil }
		report, err := w.FromQueue(soft, t.Context())
		if err != nil || !report.Interrupted {
			t.Errorf("got %+v, %v", report, err)
		}
		if n, most := int(report.Letters[Replayed]), w.workers*maxBatch*(1+moreReceives); n == 0 || n > most || n != len(w.lake.taken) {
			t.Errorf("put back %d, at most %d, took %d", n, most, len(w.lake.taken))
		} else {
			w.wantQueue(t, 500-n)
		}
	})
	for name, lost := range map[string]error{
		"without a word": &smithyhttp.RequestSendError{Err: io.ErrUnexpectedEOF},
		"as an error of SQS": &smithyhttp.ResponseError{Response: &smithyhttp.Response{Response: &http.Response{StatusCode: http.StatusInternalServerError}},
			Err: &smithy.GenericAPIError{Code: "InternalError", Fault: smithy.FaultServer}},
	} {
		t.Run("letters of an answer that was lost on its way are waited for: "+name, func(t *testing.T) {
			w := newWorld()
			w.Visibility = 2 * time.Minute
			w.queue.losses = []error{lost, lost}
			w.queue.send(newErrorObject(t, event.Lake, "a", yesterday, functionEr, ids(35)...).letters...)
			w.clock.paused = func(time.Duration) {
				if w.clock.Now().Sub(start) >= w.Visibility {
					w.queue.appear()
				}
			}
			report := w.run(t)
			wantLetters(t, report, map[Outcome]int64{Replayed: 35})
			wantTaken(t, w.lake, ids(35)...)
			w.wantQueue(t, 0)
			if report.Lost != 0 || len(w.said) != 1 ||
				!strings.HasPrefix(w.said[0], "a response of SQS was lost: up to 20 messages are in flight; waiting 2m") {
				t.Errorf("lost %d, said %q", report.Lost, w.said)
			}
		})
	}
	t.Run("the SDK's client tells of an answer that was cut off", func(t *testing.T) {
		queue, err := localsqs.Serve(t.Context(), localsqs.Options{Queues: []localsqs.Queue{{Name: "letters"}}})
		if err != nil {
			t.Fatal(err)
		}
		cut := &cutting{operation: "AmazonSQS.ReceiveMessage", at: 2}
		w := newWorld()
		w.Replay.clock, w.Visibility, w.QueueURL = nil, time.Second, queue.QueueURL("letters")
		w.Queue = sqs.New(sqs.Options{Region: "us-east-1", BaseEndpoint: &queue.URL, HTTPClient: cut,
			Credentials: aws.CredentialsProviderFunc(
				func(context.Context) (aws.Credentials, error) {
					return aws.Credentials{AccessKeyID: "local", SecretAccessKey: "local"}, nil
				})})
		for _, letter := range newErrorObject(t, event.Lake, "a", yesterday, functionEr, ids(35)...).letters {
			if _, err := w.Queue.(*sqs.Client).SendMessage(t.Context(),
				&sqs.SendMessageInput{QueueUrl: &w.QueueURL, MessageBody: &letter}); err != nil {
				t.Fatal(err)
			}
		}
		wantLetters(t, w.run(t), map[Outcome]int64{Replayed: 35})
		wantTaken(t, w.lake, ids(35)...)
		if left, err := queue.Messages("letters"); err != nil || len(left) > 0 || len(w.said) != 1 {
			t.Errorf("%d letters left, said %q: %v", len(left), w.said, err)
		}
	})
	t.Run("a look does not wait for letters of a lost answer, and says that it did not see them", func(t *testing.T) {
		w := newWorld()
		w.Act, w.Streams = false, nil
		w.queue.losses = []error{&smithyhttp.RequestSendError{Err: io.ErrUnexpectedEOF}}
		w.queue.send(newErrorObject(t, event.Lake, "a", yesterday, functionEr, ids(35)...).letters...)
		report := w.run(t)
		wantLetters(t, report, map[Outcome]int64{Matching: 25})
		if report.Lost != 10 || report.Left() != 0 || w.clock.Now().Sub(start) > time.Minute {
			t.Errorf("after %v: %+v", w.clock.Now().Sub(start), report)
		}
	})
	t.Run("answers that are lost again and again end the run with what was not seen", func(t *testing.T) {
		w := newWorld()
		w.workers = 1
		w.queue.losses = slices.Repeat([]error{&smithyhttp.RequestSendError{Err: io.ErrUnexpectedEOF}}, 100)
		w.queue.send(newErrorObject(t, event.Lake, "a", yesterday, functionEr, ids(10)...).letters...)
		w.clock.paused = func(d time.Duration) {
			if d > time.Minute {
				w.queue.appear()
			}
		}
		report := w.run(t)
		wantLetters(t, report, map[Outcome]int64{})
		if report.Lost != 10 || report.Left() != 10 {
			t.Errorf("got %+v", report)
		}
	})
	t.Run("a receive that SQS refuses is tried again, and nothing is waited for", func(t *testing.T) {
		w := newWorld()
		throttled := &smithy.GenericAPIError{Code: "RequestThrottled", Fault: smithy.FaultClient}
		dial := &smithyhttp.RequestSendError{Err: &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}}
		w.queue.refusals = []error{throttled, dial, throttled}
		w.queue.send(newErrorObject(t, event.Lake, "a", yesterday, functionEr, ids(35)...).letters...)
		wantLetters(t, w.run(t), map[Outcome]int64{Replayed: 35})
		w.wantQueue(t, 0)
		if len(w.said) > 0 || w.clock.Now().Sub(start) > time.Minute {
			t.Errorf("after %v: said %q", w.clock.Now().Sub(start), w.said)
		}
	})
	t.Run("a queue that cannot be read ends the run with its error, at once when trying again is no use",
		func(t *testing.T) {
			for code, tries := range map[string]int{"AccessDenied": 1, "RequestThrottled": maxTries} {
				w := newWorld()
				w.workers = 1
				w.queue.refusals = slices.Repeat([]error{&smithy.GenericAPIError{Code: code}}, 100)
				_, err := w.FromQueue(t.Context(), t.Context())
				if err == nil || !strings.Contains(err.Error(), "receiving from the queue: api error "+code) ||
					len(w.queue.refusals) != 100-tries {
					t.Errorf("%s: %v after %d tries", code, err, 100-len(w.queue.refusals))
				}
			}
		})
}

// cutting cuts the answer to one call of an operation.
type cutting struct {
	operation string
	at        int64
	calls     atomic.Int64
}

func (c *cutting) Do(request *http.Request) (*http.Response, error) {
	local := "http://127.0.0.1"
	response, err := awsclient.ReadWhole(http.DefaultClient, &local).Do(request)
	if err == nil && request.Header.Get("X-Amz-Target") == c.operation && c.calls.Add(1) == c.at {
		response.Body = io.NopCloser(io.MultiReader(io.LimitReader(response.Body, response.ContentLength/2),
			breaking{}))
	}
	return response, err
}

// Of a queue with 120,000 messages in flight SQS gives no more: the run ends with what it has, and reports it.
func TestQueueWithTooManyInFlight(t *testing.T) {
	w := newWorld()
	w.queue.send(newErrorObject(t, event.Lake, "a", yesterday, functionEr, ids(5)...).letters...)
	overLimit := &smithy.GenericAPIError{Code: "OverLimit", Fault: smithy.FaultClient}
	w.queue.refusals = slices.Repeat([]error{overLimit}, 100) // whichever worker asks
	report := w.run(t)
	if !report.More || report.Lost != 0 || len(w.lake.taken) != 0 ||
		!slices.ContainsFunc(w.said, func(line string) bool { return strings.Contains(line, "in flight (120,000)") }) {
		t.Errorf("got %+v, %q", report, w.said)
	}
	w.wantQueue(t, 5)
}
