package simulation

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws/retry"

	"firehose-pipeline/contract"
	"firehose-pipeline/event"
	"firehose-pipeline/functions/errorhandler"
	"firehose-pipeline/functions/transform"
	"firehose-pipeline/local/s3"
	"firehose-pipeline/schema"
	"firehose-pipeline/simulation/judge"
)

// dropped is the type of the events that the transform drops by rule.
const dropped = "heartbeat"

// schemaText is the schema of the simulated events.
const schemaText = `{
  "$schema": "https://json-schema.org/draft/2020-12/schema", "title": "Event", "type": "object",
  "properties": {
    "event_id": { "type": "string" }, "event_type": { "type": "string" },
    "product": { "type": "string" }, "price": { "type": "number" }
  },
  "x-event-id": "event_id", "x-event-type": "event_type",
  "x-enrich": [
    { "name": "processed_timestamp", "description": "When the transform ran", "processedAt": true },
    { "name": "processing_status", "description": "Whether fields are missing",
      "status": { "complete": "SUCCESS", "partial": "PARTIAL" } }
  ]
}`

var layout = compileLayout()

func compileLayout() *event.Layout {
	s, err := schema.Parse([]byte(schemaText))
	if err != nil {
		panic(err)
	}
	return event.MustCompile(s)
}

// transforms are the functions of both streams. They keep nothing from one invocation to the next.
var transforms = map[event.Stream]*transform.Handler{
	event.Lake: newTransform(event.Lake), event.Search: newTransform(event.Search),
}

func newTransform(stream event.Stream) *transform.Handler {
	h, err := transform.New(transform.Settings{Stream: stream, Stack: "stack", Layout: layout,
		DropEventTypes: []string{dropped}}, io.Discard, io.Discard)
	if err != nil {
		panic(err)
	}
	return h
}

// isBroken reports whether the deployed transform fails each invocation.
func (w *world) isBroken() bool { return w.chaotic && time.Since(w.start) < w.plan.BrokenUntil }

// handlerTimeout is the error handler's time limit.
const handlerTimeout = 5 * time.Minute

// eventQueue is Lambda's queue of asynchronous invocations of the error handler. An invocation that fails is tried
// twice more, after one minute and after two (Lambda Developer Guide, asynchronous invocation); one that fails for good
// is recorded in the dead-letter queue.
type eventQueue struct {
	w       *world
	service *process
	notices int
}

// notify is called for each error object. S3 delivers a notification at least once, and in any order.
func (q *eventQueue) notify(o *judge.Object) {
	q.notices++
	q.w.addActive(1)
	go q.deliver(fmt.Sprintf("errorhandler-%d", q.notices), o)
}

func (q *eventQueue) deliver(name string, o *judge.Object) {
	times := 1
	err := q.service.call(context.Background(), bucketNotify, o.Key, func(c *call) (time.Time, error) {
		if c.fault == twice {
			times = 2
		}
		return time.Time{}, nil
	})
	if err != nil {
		q.w.facts.Fail("harness", "notifying of %s: %v", o.Key, err)
	}
	if times == 2 {
		q.w.addActive(1)
		go q.invoke(name+"b", o)
	}
	q.invoke(name, o)
}

// invoke invokes the handler until it succeeds, or has failed for good.
func (q *eventQueue) invoke(name string, o *judge.Object) {
	defer q.w.addActive(-1)
	payload := s3.Notification("us-east-1", "ErrorObjects", s3.ObjectCreated{Event: "ObjectCreated:Put",
		Bucket: o.Bucket, Key: o.Key, Size: int64(len(o.Content)), ETag: "etag", VersionID: o.Version, Sequencer: "1",
		Time: o.At})
	failed := ""
	for attempt := 1; attempt <= 3; attempt++ {
		if attempt > 1 {
			wait := time.Duration(attempt-1) * time.Minute
			time.Sleep(wait + newChance(q.w.plan.Seed, name, fmt.Sprint(attempt)).between(0, time.Second))
		}
		if failed = q.invokeOnce(fmt.Sprintf("%s.%d", name, attempt), payload); failed == "" {
			return
		}
	}
	body, err := json.Marshal(map[string]any{
		"version": "1.0", "timestamp": q.w.now().UTC().Format("2006-01-02T15:04:05.000Z"),
		"requestContext": map[string]any{"requestId": "request-" + name, "functionArn": "errorhandler:$LATEST",
			"condition": "RetriesExhausted", "approximateInvokeCount": 3},
		"requestPayload":  json.RawMessage(payload),
		"responseContext": map[string]any{"statusCode": 200, "functionError": "Unhandled"},
		"responsePayload": map[string]string{"errorMessage": failed},
	})
	if err != nil {
		panic(err) // text and numbers
	}
	err = q.service.call(context.Background(), lambdaOnFailure, o.Key, func(c *call) (time.Time, error) {
		q.w.queue.send(string(body))
		if c.fault == twice {
			q.w.queue.send(string(body))
		}
		return time.Time{}, nil
	})
	if err != nil {
		q.w.facts.Fail("harness", "recording the failed invocation of %s: %v", o.Key, err)
	}
}

// invokeOnce runs the handler in a new environment, and returns why it failed.
func (q *eventQueue) invokeOnce(name string, payload []byte) (failed string) {
	down := q.w.chaotic && within(q.w.plan.HandlerDown, time.Since(q.w.start))
	if down && newChance(q.w.plan.Seed, name, "down").hits(5000) {
		return "the function is not available"
	}
	p := q.w.newProcess(name)
	// Its clients make 5 attempts (functions/errorhandler, newClients).
	p.retryer = retry.NewStandard(func(o *retry.StandardOptions) { o.MaxAttempts, o.RateLimiter = 5, nil })
	ended := make(chan struct{})
	p.start(func() {
		defer close(ended)
		h, err := errorhandler.New(handlerEnvironment, io.Discard, io.Discard)
		if err != nil {
			q.w.facts.Fail("harness", "error handler: %v", err)
			return
		}
		h.UseClients(atBucket{p, handlerGet}, atQueue{p})
		ctx, cancel := context.WithTimeout(p.hard, handlerTimeout)
		defer cancel()
		if err := h.Handle(ctx, payload); err != nil {
			failed = err.Error()
		}
	})
	<-ended
	if p.dead || down {
		return "Runtime.ExitError: signal: killed"
	}
	return failed
}

func handlerEnvironment(name string) string {
	return map[string]string{contract.EnvDeadLetterQueueURL: "queue", contract.EnvErrorPrefix: errorPrefix,
		contract.EnvStack: "stack", contract.EnvEventID: "/event_id", contract.EnvLogLevel: "error"}[name]
}
