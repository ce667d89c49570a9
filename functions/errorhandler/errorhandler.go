package errorhandler

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"firehose-pipeline/contract"
	"firehose-pipeline/deadletter"
	"firehose-pipeline/errorobject"
	"firehose-pipeline/event"
	"firehose-pipeline/internal/clock"
	"firehose-pipeline/internal/eventid"
)

// MaxObjects is how many objects of one event are read at once. Each takes up to errorobject.MaxRawData and a few
// batches of memory, and mostly waits for S3 and SQS.
const MaxObjects = 4

// MemoryLimit is the soft limit of Go's memory that the command sets, in bytes. Memory in use at once has bounds of its
// own, some 30 MiB with four objects of the largest records; without a limit the collector lets the process come to
// twice that (measured: 66 MiB; with it about 50, for the same CPU time). Lambda sets no GOMEMLIMIT, whatever the
// function's memory.
const MemoryLimit = 40 << 20

// Handler handles S3 notifications. Its methods are not for concurrent use: Lambda gives a process one event at a time.
type Handler struct {
	queueURL string
	prefix   string
	stack    string
	eventID  eventid.Path
	// pointerOnly: letters hold no record, only its place.
	pointerOnly bool
	log         *slog.Logger
	metrics     io.Writer
	connect     func(context.Context) (Objects, Queue, error)
	objects     Objects // nil until the first object is needed
	queue       Queue
	pause       func(context.Context, time.Duration) error
}

// New returns a handler set up by environment variables: DEAD_LETTER_QUEUE_URL and ERROR_PREFIX (ending in a slash) are
// required, STACK names the stack in metrics, EVENT_ID is the JSON Pointer of an event's id, DEAD_LETTER_RAW_DATA is
// inline (default) or pointer, LOG_LEVEL is debug, info (default), warn or error. Metric lines go to stdout, logs to
// stderr; both reach the function's log group. AWS clients are created on the first use.
func New(getenv func(string) string, stdout, stderr io.Writer) (*Handler, error) {
	h := &Handler{
		queueURL: getenv(contract.EnvDeadLetterQueueURL),
		prefix:   getenv(contract.EnvErrorPrefix),
		stack:    getenv(contract.EnvStack),
		eventID:  eventid.ParsePath(getenv(contract.EnvEventID)),
		metrics:  stdout,
		connect:  newClients,
		pause:    clock.Pause,
	}
	var level slog.Level
	var problems []error
	if text := getenv(contract.EnvLogLevel); text != "" {
		if err := level.UnmarshalText([]byte(text)); err != nil {
			problems = append(problems, fmt.Errorf("LOG_LEVEL: must be debug, info, warn or error (got %q)", text))
		}
	}
	switch text := getenv(contract.EnvDeadLetterRawData); text {
	case "", "inline":
	case "pointer":
		h.pointerOnly = true
	default:
		problems = append(problems, fmt.Errorf("%s: must be inline or pointer (got %q)", contract.EnvDeadLetterRawData,
			text))
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

// UseClients sets the clients of S3 and SQS. Without it the first object makes them from the environment.
func (h *Handler) UseClients(objects Objects, queue Queue) { h.objects, h.queue = objects, queue }

// Handle handles one event; S3 puts one object into it in practice. An object that fails does not stop the others; the
// error names each.
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
	reading, sending, cancel := limitContexts(ctx)
	defer cancel()
	objects := h.createdObjects(notification.Records)
	results := make([]result, len(objects))
	var group sync.WaitGroup
	places := make(chan struct{}, MaxObjects)
	for i, object := range objects {
		places <- struct{}{}
		group.Go(func() {
			defer func() { <-places }()
			results[i] = h.handleObject(reading, sending, object)
		})
	}
	group.Wait()
	counts := counters{}
	var failures []error
	for _, r := range results {
		counts.counterOf(r.stream).addCounts(r.count)
		failures = append(failures, r.err)
	}
	if err := counts.writeMetrics(h.metrics, h.stack, time.Now()); err != nil {
		failures = append(failures, fmt.Errorf("writing metrics: %w", err))
	}
	if err := errors.Join(failures...); err != nil {
		return &handlingError{err}
	}
	return nil
}

// createdObjects returns the objects that the event names, each once.
func (h *Handler) createdObjects(records []events.S3EventRecord) []events.S3Entity {
	var objects []events.S3Entity
	for _, record := range records {
		log := h.log.With("event", record.EventName, "key", record.S3.Object.URLDecodedKey)
		same := func(other events.S3Entity) bool {
			return other.Bucket.Name == record.S3.Bucket.Name &&
				other.Object.URLDecodedKey == record.S3.Object.URLDecodedKey &&
				other.Object.VersionID == record.S3.Object.VersionID
		}
		switch {
		case record.EventName != "" && !strings.HasPrefix(record.EventName, "ObjectCreated:"):
			log.Warn("event of another type")
		case slices.ContainsFunc(objects, same):
			log.Info("object named twice")
		default:
			objects = append(objects, record.S3)
		}
	}
	return objects
}

// handlingError has the errors of an invocation.
type handlingError struct{ error }

// maxErrorBytes bounds its text: the error becomes part of Lambda's record of the invocation, which has to fit into one
// message. The log has every object's.
const maxErrorBytes = 16 << 10

func (e *handlingError) Error() string {
	text := e.error.Error()
	if len(text) <= maxErrorBytes {
		return text
	}
	return fmt.Sprintf("%s… (%d bytes in all)", strings.ToValidUTF8(text[:maxErrorBytes], ""), len(text))
}

func (e *handlingError) Unwrap() error { return e.error }

// result is what became of one object.
type result struct {
	stream event.Stream
	count  counter
	err    error
}

// handleObject sends the dead letters of one object.
func (h *Handler) handleObject(reading, sending context.Context, entity events.S3Entity) (r result) {
	key := entity.Object.URLDecodedKey
	source, ours := errorobject.NewSource(h.prefix, entity.Bucket.Name, key, entity.Object.VersionID)
	log := h.log.With("bucket", source.Bucket, "key", key, "versionId", source.VersionID)
	if !ours && entity.Object.Size == 0 && strings.HasSuffix(key, "/") {
		log.Info("folder marker")
		return r
	}
	r.stream = source.Stream
	letters := &sender{ctx: sending, queue: h.queue, url: h.queueURL, pause: h.pause}
	if ours {
		r.err = h.sendDeadLetters(reading, source, letters, &r.count)
	} else {
		r.count.unreadable++
		r.err = letters.addMessage(deadletter.ForPart(source, deadletter.ForeignObject, 0, 0, false, nil))
	}
	// After a failure too: dead letters of the part read so far are worth sending; a second run repeats it with the
	// same ids.
	r.err = errors.Join(r.err, letters.sendRest())
	r.count.letters = letters.sent
	if r.err == nil {
		log.Info("object done", "letters", letters.sent)
		return r
	}
	if context.Cause(reading) == errTimeUp {
		r.err = fmt.Errorf("%w: %w", errTimeUp, r.err)
	}
	r.err = fmt.Errorf("handling s3://%s/%s: %d dead letters sent: %w", source.Bucket, key, letters.sent, r.err)
	log.Error("object failed", "letters", letters.sent, "error", r.err.Error())
	return r
}

// Time reserved at the end of an invocation: reading stops first, then sending, so that the function returns an error
// with its progress before Lambda kills it. With short timeouts (tests), a fifth and a twentieth.
const (
	sendingTime   = 10 * time.Second
	answeringTime = 2 * time.Second
)

var errTimeUp = errors.New("stopped before the time limit of the invocation")

// limitContexts returns the contexts in which objects are read and dead letters are sent.
func limitContexts(ctx context.Context) (reading, sending context.Context, cancel func()) {
	deadline, limited := ctx.Deadline()
	if !limited {
		return ctx, ctx, func() {}
	}
	left := time.Until(deadline)
	sending, stopSending := context.WithDeadlineCause(ctx, deadline.Add(-min(answeringTime, left/20)), errTimeUp)
	reading, stopReading := context.WithDeadlineCause(sending, deadline.Add(-min(sendingTime, left/5)), errTimeUp)
	return reading, sending, func() {
		stopReading()
		stopSending()
	}
}

// backoff gives the pause before try n (1, 2, …): up to 100 ms at first.
var backoff = clock.Backoff{First: 50 * time.Millisecond, Max: 5 * time.Second}
