package local

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"path"
	"strings"
	"sync"
	"time"

	"firehose-pipeline/local/fault"
	"firehose-pipeline/local/lambda"
	"firehose-pipeline/local/s3"
	"firehose-pipeline/local/sqs"
	"firehose-pipeline/local/template"
)

// notifier is S3's notifications and Lambda's asynchronous invocation between the bucket and the error handler: the
// events wait in a queue, a failed invocation is tried again (AWS waits one minute, then two; nothing waits here), and
// one that fails for good is recorded in the dead-letter queue.
type notifier struct {
	config *template.Config
	queue  *sqs.Server
	faults *fault.Queue

	mu       sync.Mutex
	changed  *sync.Cond
	waiting  []notice
	held     []heldNotice // that come late
	busy     bool
	stopped  bool
	err      error
	progress HandlerProgress // Waiting and Running are found when it is sampled
	done     chan struct{}   // nil before start
}

type notice struct {
	object       s3.ObjectCreated
	notification template.Notification
}

// heldNotice is one that comes after some later ones.
type heldNotice struct {
	notice
	after uint64 // how many more
	since time.Time
}

func newNotifier(config *template.Config, queue *sqs.Server, faults *fault.Queue) *notifier {
	n := &notifier{config: config, queue: queue, faults: faults}
	n.changed = sync.NewCond(&n.mu)
	return n
}

// addObject is called for every object.
func (n *notifier) addObject(o s3.ObjectCreated) {
	for _, c := range n.config.Bucket.Notifications {
		match, err := path.Match(strings.TrimPrefix(c.Event, "s3:"), o.Event)
		if err == nil && match && o.Bucket == n.config.Bucket.Name && strings.HasPrefix(o.Key, c.Prefix) &&
			strings.HasSuffix(o.Key, c.Suffix) {
			n.mu.Lock()
			n.queueNotice(notice{o, c})
			n.mu.Unlock()
			n.changed.Broadcast()
			return // prefixes and suffixes of different configurations must not overlap
		}
	}
}

// latest is how many later ones a notification comes after, at most.
const latest = 5

// queueNotice lets a notification wait for the handler.
func (n *notifier) queueNotice(e notice) {
	f := n.faults
	if !f.On(fault.NotificationsDoubled, fault.NotificationsLate) {
		n.waiting = append(n.waiting, e)
		return
	}
	label := f.Label(e.object.Key)
	times := 1
	if f.Hit(fault.NotificationsDoubled, label, 0, fault.IsFirst(label)) {
		times = 2
	}
	late := f.Hit(fault.NotificationsLate, label, 0, fault.IsFirst(label))
	for i := range times {
		// Of two one comes at once: whichever is first does the work, the other repeats it.
		if late && i == 0 {
			n.held = append(n.held, heldNotice{e, 1 + f.Hash(fault.NotificationsLate, label, 1)%latest, time.Now()})
			continue
		}
		n.waiting = append(n.waiting, e)
		n.releaseDue()
	}
}

// releaseDue lets those go on that have been late for long enough once another one has come.
func (n *notifier) releaseDue() {
	held := n.held[:0]
	for _, h := range n.held {
		if h.after--; h.after == 0 {
			n.waiting = append(n.waiting, h.notice)
		} else {
			held = append(held, h)
		}
	}
	n.held = held
}

// releaseLate lets all go on that have been late since then.
func (n *notifier) releaseLate(since time.Time) {
	n.mu.Lock()
	held := n.held[:0]
	for _, h := range n.held {
		if h.since.After(since) {
			held = append(held, h)
		} else {
			n.waiting = append(n.waiting, h.notice)
		}
	}
	n.held = held
	n.mu.Unlock()
	n.changed.Broadcast()
}

func (n *notifier) startHandling(ctx context.Context, handler lambda.Invoker) {
	n.done = make(chan struct{})
	go func() {
		defer close(n.done)
		for {
			n.mu.Lock()
			if n.busy {
				n.progress.Handled++
			}
			n.busy = false
			n.changed.Broadcast()
			for len(n.waiting) == 0 && !n.stopped {
				n.changed.Wait()
			}
			if n.stopped {
				n.mu.Unlock()
				return
			}
			e := n.waiting[0]
			n.waiting = n.waiting[1:]
			n.busy = true
			n.mu.Unlock()
			if err := n.handleNotice(ctx, e, handler); err != nil {
				n.mu.Lock()
				n.err = fmt.Errorf("notifying of %s: %w", e.object.Key, err)
				n.stopped = true
				n.mu.Unlock()
			}
		}
	}()
}

func (n *notifier) handleNotice(ctx context.Context, e notice, handler lambda.Invoker) error {
	payload := s3.Notification(template.Region, "ErrorObjects", e.object)
	for attempt := 1; ; attempt++ {
		result, err := n.faults.InvokeHandler(ctx, handler, e.object.Key, attempt, payload)
		if err != nil {
			return err
		}
		if result.FunctionError == "" {
			return nil
		}
		retried := attempt <= e.notification.Retries
		n.countFailure(retried)
		if retried {
			continue
		}
		if !e.notification.OnFailure {
			return nil
		}
		return n.recordFailure(ctx, payload, result, attempt)
	}
}

func (n *notifier) countFailure(retried bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if retried {
		n.progress.Retried++
	} else {
		n.progress.Failed++
	}
}

func (n *notifier) sample() HandlerProgress {
	n.mu.Lock()
	defer n.mu.Unlock()
	p := n.progress
	p.Waiting, p.Running = int64(len(n.waiting)+len(n.held)), n.busy
	return p
}

// recordFailure puts the record of an invocation that failed for good into the queue.
// https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html
func (n *notifier) recordFailure(ctx context.Context, payload []byte, result lambda.Result, attempts int) error {
	body, err := json.Marshal(map[string]any{
		"version": "1.0", "timestamp": time.Now().UTC().Format("2006-01-02T15:04:05.000Z"),
		"requestContext": map[string]any{
			"requestId": result.RequestID, "functionArn": n.config.ErrorHandler.ARN + ":$LATEST",
			"condition": "RetriesExhausted", "approximateInvokeCount": attempts,
		},
		"requestPayload": json.RawMessage(payload),
		"responseContext": map[string]any{"statusCode": 200, "executedVersion": "$LATEST",
			"functionError": result.FunctionError},
		"responsePayload": json.RawMessage(result.Payload),
	})
	if err != nil {
		return fmt.Errorf("recording failed invocation: %w", err)
	}
	message, err := json.Marshal(map[string]string{"QueueUrl": n.queue.QueueURL(n.config.Queue.Name),
		"MessageBody": string(body)})
	if err != nil {
		return fmt.Errorf("recording failed invocation: %w", err)
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, n.queue.URL+"/", bytes.NewReader(message))
	if err != nil {
		return fmt.Errorf("recording failed invocation: %w", err)
	}
	request.Header.Set("Content-Type", "application/x-amz-json-1.0")
	request.Header.Set("X-Amz-Target", "AmazonSQS.SendMessage")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return fmt.Errorf("recording failed invocation: %w", err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		answer, err := io.ReadAll(response.Body)
		return fmt.Errorf("recording failed invocation: %s: %s: %w", response.Status, answer, err)
	}
	return nil
}

// waitUntilHandled waits until every event has been handled.
func (n *notifier) waitUntilHandled(ctx context.Context) error {
	n.releaseLate(time.Now())
	stop := context.AfterFunc(ctx, n.changed.Broadcast)
	defer stop()
	n.mu.Lock()
	defer n.mu.Unlock()
	for (len(n.waiting) > 0 || n.busy) && !n.stopped && ctx.Err() == nil {
		n.changed.Wait()
	}
	if n.err != nil {
		return n.err
	}
	return ctx.Err()
}

// stopHandling ends the notifier; events that still wait are forgotten.
func (n *notifier) stopHandling() {
	n.mu.Lock()
	n.stopped = true
	n.mu.Unlock()
	n.changed.Broadcast()
	if n.done != nil {
		<-n.done
	}
}
