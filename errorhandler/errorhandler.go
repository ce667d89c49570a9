// Package errorhandler is the Lambda function that turns Firehose's error objects into dead letters: an S3 notification
// comes in, the object is read as a stream, and each failed record leaves as one SQS message that names the reason
// (formats: package deadletter).
//
// Nothing is lost: whatever the handler cannot do fails the invocation after the other objects of the event have been
// done; Lambda tries it twice more and then puts the event itself into the same queue (on-failure destination). A second
// run sends the same letters with the same ids.
package errorhandler

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"firehose-pipeline/deadletter"
)

// Handler handles S3 notifications. Its methods are not for concurrent use: Lambda gives a process one event at a time.
type Handler struct {
	queueURL string
	prefix   string
	stack    string
	log      *slog.Logger
	metrics  io.Writer
	connect  func(context.Context) (Objects, Queue, error)
	objects  Objects // nil until the first object is needed
	queue    Queue
	pause    func(context.Context, time.Duration) error
}

// New returns a handler set up by environment variables: DEAD_LETTER_QUEUE_URL and ERROR_PREFIX (ending in a slash) are
// required, STACK names the stack in metrics, LOG_LEVEL is debug, info (default), warn or error. Metric lines go to
// stdout, logs to stderr; both reach the function's log group. AWS clients are created on the first use.
func New(getenv func(string) string, stdout, stderr io.Writer) (*Handler, error) {
	h := &Handler{
		queueURL: getenv("DEAD_LETTER_QUEUE_URL"),
		prefix:   getenv("ERROR_PREFIX"),
		stack:    getenv("STACK"),
		metrics:  stdout,
		connect:  connect,
		pause:    pause,
	}
	var level slog.Level
	var problems []error
	if text := getenv("LOG_LEVEL"); text != "" {
		if err := level.UnmarshalText([]byte(text)); err != nil {
			problems = append(problems, fmt.Errorf("LOG_LEVEL: must be debug, info, warn or error (got %q)", text))
		}
	}
	if h.queueURL == "" {
		problems = append(problems, errors.New("DEAD_LETTER_QUEUE_URL: must be set"))
	}
	if !strings.HasSuffix(h.prefix, "/") {
		problems = append(problems, fmt.Errorf("ERROR_PREFIX: must end in a slash (got %q)", h.prefix))
	}
	h.log = slog.New(slog.NewJSONHandler(stderr, &slog.HandlerOptions{Level: level}))
	return h, errors.Join(problems...)
}

// Handle handles one event. The objects are read one after the other, which bounds the memory; S3 puts one into an event
// in practice. An object that fails does not stop the others; the error names each.
func (h *Handler) Handle(ctx context.Context, payload json.RawMessage) error {
	var notification struct {
		events.S3Event
		Event string // of s3:TestEvent, which has no records
	}
	if err := json.Unmarshal(payload, &notification); err != nil {
		return fmt.Errorf("decoding S3 event: %w", err)
	}
	if len(notification.Records) == 0 {
		h.log.Info("event without records", "event", notification.Event)
		return nil
	}
	if h.objects == nil {
		objects, queue, err := h.connect(ctx)
		if err != nil {
			return fmt.Errorf("connecting to AWS: %w", err)
		}
		h.objects, h.queue = objects, queue
	}
	counts := counters{}
	var failures []error
	for _, record := range notification.Records {
		if record.EventName != "" && !strings.HasPrefix(record.EventName, "ObjectCreated:") {
			h.log.Warn("event of another kind", "event", record.EventName, "key", record.S3.Object.URLDecodedKey)
			continue
		}
		if err := h.object(ctx, record.S3, counts); err != nil {
			failures = append(failures, err)
		}
	}
	if err := counts.write(h.metrics, h.stack, time.Now()); err != nil {
		failures = append(failures, fmt.Errorf("writing metrics: %w", err))
	}
	return errors.Join(failures...)
}

// object sends the letters of one object.
func (h *Handler) object(ctx context.Context, entity events.S3Entity, counts counters) error {
	key := entity.Object.URLDecodedKey
	source, ours := deadletter.NewSource(h.prefix, entity.Bucket.Name, key, entity.Object.VersionID)
	log := h.log.With("bucket", source.Bucket, "key", key, "versionId", source.VersionID)
	if !ours && entity.Object.Size == 0 && strings.HasSuffix(key, "/") {
		log.Info("folder marker")
		return nil
	}
	letters := &sender{queue: h.queue, url: h.queueURL, pause: h.pause}
	count := counts.of(source.Stream)
	var err error
	if ours {
		err = h.letters(ctx, source, letters, count)
	} else {
		count.unreadable++
		err = letters.add(ctx, source.Part(deadletter.ForeignObject, 0, 0, false, nil))
	}
	// After a failure too: what has been read may as well be in the queue; a second run repeats it with the same ids.
	err = errors.Join(err, letters.close(ctx))
	count.letters += letters.sent
	if err != nil {
		err = fmt.Errorf("handling s3://%s/%s: %w", source.Bucket, key, err)
		log.Error("object failed", "letters", letters.sent, "error", err.Error())
		return err
	}
	log.Info("object done", "letters", letters.sent)
	return nil
}

// pause waits, or returns early when the context ends.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

// backoff is the pause before try n (1, 2, …) of something that failed: up to 100 ms, doubling, at most 5 s, with full
// jitter.
func backoff(n int) time.Duration {
	return rand.N(min(50*time.Millisecond<<min(n, 10), 5*time.Second))
}
