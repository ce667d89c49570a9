package simulation

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"firehose-pipeline/event"
	model "firehose-pipeline/local/firehose"
	"firehose-pipeline/local/lambda"
	"firehose-pipeline/local/template"
)

// The streams' settings: small buffers, so that a run of an hour has many objects.
const (
	errorPrefix       = "error-data/"
	transformInterval = 10 * time.Second
	deliveryInterval  = time.Minute
	invocationRetries = 3
	searchRetry       = 5 * time.Minute
	tick              = 20 * time.Second
)

// stream is one delivery stream: the local model, whose time is the world's, and its API.
type stream struct {
	w       *world
	name    string
	kind    event.Stream
	service *process // makes the stream's own calls
	model   *model.Stream
	stop    context.CancelFunc
	stopped chan struct{}

	mu    sync.Mutex
	inbox []arrived
	busy  bool
	wake  chan struct{}
}

type arrived struct {
	data []byte
	at   time.Time
}

func (w *world) openStream(kind event.Stream) *stream {
	name := string(kind) + "-stream"
	s := &stream{w: w, name: name, kind: kind, service: w.newProcess(name), wake: make(chan struct{}, 1),
		stopped: make(chan struct{})}
	output := template.S3Output{Bucket: bucketName, TimeZone: time.UTC, Compression: "UNCOMPRESSED",
		Prefix: "transformed-data/!{timestamp:'year='yyyy'/month='MM'/day='dd'/hour='HH'/'}",
		ErrorOutputPrefix: errorPrefix + string(kind) +
			"/!{firehose:error-output-type}/!{timestamp:'year='yyyy'/month='MM'/day='dd'/hour='HH'/'}",
		Buffer: template.Buffer{Bytes: 1 << 20, Interval: deliveryInterval}}
	config := template.Stream{Name: name, ARN: "arn:aws:firehose:us-east-1:000000000000:deliverystream/" + name,
		Kind: kind, Transform: &template.Processor{Retries: invocationRetries, BufferBytes: 16 << 10,
			Interval: transformInterval}}
	if kind == event.Lake {
		config.S3 = &template.S3Destination{S3Output: output}
		if w.plan.Backup {
			backup := output
			backup.Prefix = "source-data/!{timestamp:'year='yyyy'/month='MM'/day='dd'/hour='HH'/'}"
			config.S3.Backup = &backup
		}
	} else {
		config.Search = &template.SearchDestination{Index: "events", Rotation: "NoRotation", RetryDuration: searchRetry,
			Buffer: template.Buffer{Bytes: 1 << 20, Interval: deliveryInterval}, S3: output}
	}
	ctx, stop := context.WithCancel(context.Background())
	s.stop = stop
	var err error
	s.model, err = model.New(ctx, model.Options{Stream: config, Seed: "simulation", Invoke: s.invoke, Store: s.store,
		Search: s, Pause: pause})
	if err != nil {
		panic(err) // the configuration is this file's
	}
	go s.feed(ctx)
	return s
}

func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// feed gives the model its records and the time: the model's own calls may block while a destination takes nothing.
func (s *stream) feed(ctx context.Context) {
	defer close(s.stopped)
	for due := true; ; {
		s.mu.Lock()
		records := s.inbox
		s.inbox = nil
		if due && len(records) == 0 && s.busy && s.isQuiet() {
			s.busy = false
			s.w.addActive(-1)
		}
		busy := s.busy
		s.mu.Unlock()
		// How often it is woken for some records depends on the goroutines; how often time passes must not.
		if due || len(records) > 0 {
			if err := s.advance(records); err != nil {
				if ctx.Err() == nil {
					s.w.facts.Fail("harness", "%s: %v", s.name, err)
				}
				return
			}
		}
		wait := tick
		if !busy {
			wait = maxElapsed
		}
		timer := time.NewTimer(wait)
		select {
		case <-s.wake:
			due = false
		case <-timer.C:
			due = true
		case <-ctx.Done():
			timer.Stop()
			return
		}
		timer.Stop()
	}
}

func (s *stream) advance(records []arrived) error {
	if len(records) == 0 {
		return s.model.Tick(s.w.now())
	}
	all := make([][]byte, len(records))
	for i, r := range records {
		all[i] = r.data
	}
	_, err := s.model.Put(all, func(i int) time.Time { return records[i].at })
	return err
}

// isQuiet reports whether every record has arrived.
func (s *stream) isQuiet() bool {
	p := s.model.Progress()
	for _, b := range p.Buffers {
		if b.Records > 0 {
			return false
		}
	}
	return p.Received == p.Delivered+p.Dropped+p.Failed+p.Discarded
}

// accept takes a record.
func (s *stream) accept(data []byte) {
	s.mu.Lock()
	s.inbox = append(s.inbox, arrived{bytes.Clone(data), s.w.now()})
	if !s.busy {
		s.busy = true
		s.w.addActive(1)
	}
	s.mu.Unlock()
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// invoke calls the transform.
func (s *stream) invoke(ctx context.Context, request []byte) (lambda.Result, error) {
	var result lambda.Result
	err := s.service.call(ctx, streamInvoke, "", func(c *call) (time.Time, error) {
		if s.w.isBroken() {
			result = failedInvocation("Runtime.ExitError", "the deployed transform is broken")
			c.note = "fails"
			return time.Time{}, nil
		}
		answer, err := transforms[s.kind].Invoke(ctx, request)
		if err != nil {
			result = failedInvocation("errorString", err.Error())
			return time.Time{}, nil
		}
		if c.fault == partial {
			answer = leaveOutRecord(answer)
		}
		result = lambda.Result{Payload: bytes.Clone(answer)}
		return time.Time{}, nil
	})
	switch {
	case ctx.Err() != nil:
		return result, ctx.Err()
	case err != nil:
		return failedInvocation("Sandbox.Timedout", shorten(err.Error())), nil
	}
	return result, nil
}

func failedInvocation(kind, message string) lambda.Result {
	return lambda.Result{FunctionError: "Unhandled",
		Payload: fmt.Appendf(nil, `{"errorType":%q,"errorMessage":%q}`, kind, message)}
}

// leaveOutRecord takes the first record out of the answer of a transform.
func leaveOutRecord(answer []byte) []byte {
	begin := bytes.Index(answer, []byte(`{"recordId"`))
	end := bytes.IndexByte(answer[max(begin, 0):], '}')
	if begin < 0 || end < 0 {
		return answer
	}
	rest := bytes.TrimPrefix(answer[begin+end+1:], []byte(","))
	return append(bytes.Clone(answer[:begin]), rest...)
}

// store puts an object into the bucket, as often as it takes.
func (s *stream) store(_, key string, _ map[string]string, body io.Reader) error {
	content, err := io.ReadAll(body)
	if err != nil {
		return err
	}
	for {
		err := s.service.call(context.Background(), streamStore, key, func(c *call) (time.Time, error) {
			s.w.bucket.put(key, content)
			if c.fault == twice { // the response is lost, and Firehose stores the object again
				s.w.bucket.put(key+"-again", content)
			}
			c.note = fmt.Sprintf("%d bytes", len(content))
			return time.Time{}, nil
		})
		if err == nil {
			return nil
		}
		if err := pause(context.Background(), time.Second); err != nil {
			return err
		}
	}
}

// Bulk implements the model's Search.
func (s *stream) Bulk(ctx context.Context, _ time.Time, body []byte) (status int, answer []byte, err error) {
	err = s.service.call(ctx, streamIndex, fmt.Sprintf("%d documents", bytes.Count(body, []byte("\n"))/2),
		func(c *call) (time.Time, error) {
			status, answer = s.w.index.bulk(c, body)
			c.note = fmt.Sprint(status)
			return time.Time{}, nil
		})
	var refusal interface{ HTTPStatusCode() int }
	if errors.As(err, &refusal) {
		status = refusal.HTTPStatusCode()
		if status == http.StatusBadRequest { // as SQS words throttling
			status = http.StatusTooManyRequests
		}
		return status, []byte(`{"error":"simulated"}`), nil
	}
	return status, answer, err
}
