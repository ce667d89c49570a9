package local_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"firehose-pipeline/deadletter"
	"firehose-pipeline/errorobject"
	"firehose-pipeline/local"
	"firehose-pipeline/local/lambda"
	"firehose-pipeline/local/s3"
	"firehose-pipeline/local/sqs"
	"firehose-pipeline/local/template"
)

// errorPath is the way of an error object: S3, its notification, Lambda's asynchronous invocation of the real handler,
// the queue.
type errorPath struct {
	config  *template.Config
	objects *s3.Server
	queue   *sqs.Server
	invoked atomic.Int64
	settle  func(context.Context) error
	kill    atomic.Pointer[context.CancelFunc] // kills the handler's process
}

func startErrorPath(t *testing.T, send func(sqs.Entry) *sqs.Fault, front func(http.Handler) http.Handler) *errorPath {
	t.Helper()
	text, err := os.ReadFile("template/testdata/dev.template.json")
	if err != nil {
		t.Fatal(err)
	}
	p := &errorPath{}
	if p.config, err = template.Parse(text, "kinesis-firehose-pipeline-dev"); err != nil {
		t.Fatal(err)
	}
	closing := func(close func() error) {
		t.Cleanup(func() {
			if err := close(); err != nil {
				t.Error(err)
			}
		})
	}
	p.queue, err = sqs.Serve(t.Context(), sqs.Options{Region: template.Region, AccountID: template.AccountID,
		Queues: []sqs.Queue{{Name: p.config.Queue.Name}}, Fault: send})
	if err != nil {
		t.Fatal(err)
	}
	closing(p.queue.Close)
	var created func(s3.ObjectCreated)
	p.objects, err = s3.Serve(t.Context(), s3.Options{Dir: t.TempDir(),
		Buckets: []s3.Bucket{{Name: p.config.Bucket.Name, Versioned: true}},
		Created: func(o s3.ObjectCreated) { created(o) }})
	if err != nil {
		t.Fatal(err)
	}
	closing(p.objects.Close)
	server := httptest.NewUnstartedServer(front(p.objects.Handler()))
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // connections that are broken on purpose
	server.Start()
	t.Cleanup(server.Close)
	f := p.config.ErrorHandler
	environment := map[string]string{"AWS_ENDPOINT_URL_S3": server.URL, "AWS_ENDPOINT_URL_SQS": p.queue.URL}
	for name, value := range f.Environment {
		if queue, ok := strings.CutPrefix(value, template.QueueURLBase); ok {
			value = p.queue.QueueURL(queue)
		}
		environment[name] = value
	}
	handler, err := lambda.Start(t.Context(),
		lambda.Config{Name: f.Name, Binary: binaries["errorhandler"], MemoryMB: f.MemoryMB, Timeout: f.Timeout,
			Environment: environment})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(handler.Close)
	var stop func()
	created, p.settle, stop = local.Notify(t.Context(), p.config, p.queue,
		func(ctx context.Context, payload []byte) (lambda.Result, error) {
			p.invoked.Add(1)
			killable, kill := context.WithCancel(ctx)
			defer kill()
			p.kill.Store(&kill)
			result, err := handler.Invoke(killable, payload)
			if errors.Is(err, context.Canceled) && ctx.Err() == nil { // as Lambda reports it
				return lambda.Result{RequestID: "killed", FunctionError: "Unhandled",
					Payload: []byte(`{"errorType":"Runtime.ExitError","errorMessage":"RequestId: killed Error: Runtime exited with error: signal: killed"}`)}, nil
			}
			return result, err
		})
	t.Cleanup(stop)
	return p
}

func same(h http.Handler) http.Handler { return h }

// letters puts an error object of n records and returns the queue's messages when every event has been handled.
func (p *errorPath) letters(t *testing.T, key string, n int) []*deadletter.Message {
	t.Helper()
	var object []byte
	for i := range n {
		var err error
		object, err = errorobject.AppendDocument(object,
			errorobject.ProcessingFailed{RawData: fmt.Appendf(nil, `{"event_id":"e-%d"}`, i),
				ErrorCode: "Lambda.FunctionError"})
		if err != nil {
			t.Fatal(err)
		}
	}
	if _, err := p.objects.Put(p.config.Bucket.Name, key, nil, strings.NewReader(string(object))); err != nil {
		t.Fatal(err)
	}
	if err := p.settle(t.Context()); err != nil {
		t.Fatal(err)
	}
	messages, err := p.queue.Messages(p.config.Queue.Name)
	if err != nil {
		t.Fatal(err)
	}
	var letters []*deadletter.Message
	for _, m := range messages {
		letter, err := deadletter.Parse([]byte(m.Body))
		if err != nil {
			t.Fatal(err)
		}
		letters = append(letters, letter)
	}
	return letters
}

// wantRecords checks that there is a letter of each record, and that repeated ones have the same id.
func wantRecords(t *testing.T, letters []*deadletter.Message, n int) {
	t.Helper()
	ids := map[string]string{}
	for _, l := range letters {
		if l.Kind != deadletter.Record || ids[l.ID] != "" && ids[l.ID] != l.EventID {
			t.Errorf("got %+v after a letter of %s", l, ids[l.ID])
		}
		ids[l.ID] = l.EventID
	}
	events := map[string]bool{}
	for _, event := range ids {
		events[event] = true
	}
	if len(ids) != n || len(events) != n {
		t.Errorf("got %d ids of %d records, want %d", len(ids), len(events), n)
	}
}

const errorKey = "error-data/lake/processing-failed/year=2026/month=09/day=21/hour=10/object-1"

func TestErrorPath(t *testing.T) {
	t.Run("letters that the queue refuses at first are sent by Lambda's retry", func(t *testing.T) {
		var refused atomic.Int64
		p := startErrorPath(t, func(sqs.Entry) *sqs.Fault {
			if refused.Add(1) <= 40 { // with and without the record, in two batches
				return &sqs.Fault{Code: "InvalidMessageContents", Message: "no", SenderFault: true}
			}
			return nil
		}, same)
		letters := p.letters(t, errorKey, 45)
		wantRecords(t, letters, 45)
		if p.invoked.Load() != 2 || len(letters) != 45+25 {
			t.Errorf("got %d letters from %d invocations, want 25 and 45 from two", len(letters), p.invoked.Load())
		}
	})
	t.Run("connections that break in the middle lose nothing", func(t *testing.T) {
		var requests atomic.Int64
		p := startErrorPath(t, nil, func(api http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if requests.Add(1) <= 3 {
					w = &breaking{w, 7_000}
				}
				api.ServeHTTP(w, r)
			})
		})
		wantRecords(t, p.letters(t, errorKey, 200), 200)
		if p.invoked.Load() != 1 || requests.Load() != 4 {
			t.Errorf("got %d invocations and %d requests, want 1 and 4", p.invoked.Load(), requests.Load())
		}
	})
	t.Run("an object that S3 refuses leaves the record of the invocation", func(t *testing.T) {
		p := startErrorPath(t, nil, func(http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(http.StatusForbidden)
				_, _ = io.WriteString(w, `<Error><Code>AccessDenied</Code><Message>no</Message></Error>`)
			})
		})
		letters := p.letters(t, errorKey+" a=b", 1)
		if len(letters) != 1 || p.invoked.Load() != 3 {
			t.Fatalf("got %d letters from %d invocations, want 1 from 3", len(letters), p.invoked.Load())
		}
		l := letters[0]
		if l.Kind != deadletter.Invocation || l.Reason != deadletter.InvocationFailed || l.Attempts != 3 ||
			l.ErrorCode != "RetriesExhausted" ||
			!strings.Contains(l.ErrorMessage, "AccessDenied") || len(l.Objects) != 1 ||
			l.Objects[0].Key != errorKey+" a=b" || l.Objects[0].VersionID == "" {
			t.Errorf("got %+v", l)
		}
	})
	t.Run("letters that the queue never takes leave it too, beside those that it took", func(t *testing.T) {
		p := startErrorPath(t, func(e sqs.Entry) *sqs.Fault {
			if strings.Contains(e.Body, `"eventId":"e-7"`) {
				return &sqs.Fault{Code: "InvalidMessageContents", Message: "no", SenderFault: true}
			}
			return nil
		}, same)
		letters := p.letters(t, errorKey, 30)
		last := letters[len(letters)-1]
		if p.invoked.Load() != 3 || last.Kind != deadletter.Invocation ||
			!strings.Contains(last.ErrorMessage, "InvalidMessageContents") {
			t.Fatalf("got %+v last, from %d invocations", last, p.invoked.Load())
		}
		wantRecords(t, letters[:len(letters)-1], 29)
	})
	t.Run("a handler that is killed is run again", func(t *testing.T) {
		var killed atomic.Int64
		var p *errorPath
		p = startErrorPath(t, func(e sqs.Entry) *sqs.Fault {
			if strings.Contains(e.Body, `"eventId":"e-500"`) && killed.Add(1) <= 2 {
				(*p.kill.Load())()
			}
			return nil
		}, same)
		letters := p.letters(t, errorKey, 800)
		wantRecords(t, letters, 800)
		if p.invoked.Load() != 3 || len(letters) < 800+2*490 {
			t.Errorf("got %d letters from %d invocations", len(letters), p.invoked.Load())
		}
		if slices.ContainsFunc(letters, func(l *deadletter.Message) bool { return l.Kind != deadletter.Record }) {
			t.Error("got a letter of another kind")
		}
	})
}

// The bucket's own objects under the notification's prefix call the function, and no others: the handler would make
// dead letters of the lake.
func TestNotificationsByPrefix(t *testing.T) {
	config := &template.Config{}
	config.Bucket.Name = "lake"
	config.Bucket.Notifications = []template.Notification{
		{Event: "s3:ObjectCreated:*", Prefix: "error-data/", Suffix: "z"}}
	var calls atomic.Int64
	created, settle, stop := local.Notify(t.Context(), config, nil,
		func(context.Context, []byte) (lambda.Result, error) { calls.Add(1); return lambda.Result{}, nil })
	defer stop()
	for _, o := range []s3.ObjectCreated{
		{Event: "ObjectCreated:Put", Bucket: "lake", Key: "transformed-data/z"},
		{Event: "ObjectCreated:Put", Bucket: "lake", Key: "error-data/a"},
		{Event: "ObjectCreated:Put", Bucket: "other", Key: "error-data/z"},
		{Event: "ObjectRemoved:Delete", Bucket: "lake", Key: "error-data/z"},
		{Event: "ObjectCreated:Put", Bucket: "lake", Key: "error-data/z"},
		{Event: "ObjectCreated:CompleteMultipartUpload", Bucket: "lake", Key: "error-data/y/z"},
	} {
		created(o)
	}
	if err := settle(t.Context()); err != nil || calls.Load() != 2 {
		t.Errorf("%d calls, want 2 (%v)", calls.Load(), err)
	}
}

// breaking is an answer whose connection breaks after so many bytes.
type breaking struct {
	http.ResponseWriter
	left int
}

func (b *breaking) Write(p []byte) (int, error) {
	if len(p) <= b.left {
		b.left -= len(p)
		return b.ResponseWriter.Write(p)
	}
	_, _ = b.ResponseWriter.Write(p[:b.left])
	_ = http.NewResponseController(b.ResponseWriter).Flush()
	panic(http.ErrAbortHandler)
}
