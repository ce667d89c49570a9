package errorhandler

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"firehose-pipeline/deadletter"
	"firehose-pipeline/errorobject"
)

const (
	lakeKey   = "error-data/lake/processing-failed/year=2026/month=09/day=21/hour=10/stream-1-2026-09-21-10-20-00-a b"
	searchKey = "error-data/search/AmazonOpenSearchService-failed/year=2026/month=09/day=21/hour=10/stream-1-2026-09-21-10-20-00-c"
)

// awsError is an error answer of AWS.
type awsError struct{ code string }

func (e awsError) Error() string { return "api error " + e.code }

func (e awsError) ErrorCode() string { return e.code }

// bucket is S3: objects by key and version.
type bucket struct {
	content map[string]string
	wrap    func(request int, r io.Reader) io.Reader // what happens to the content of the n-th answer
	deaf    bool                                     // ranges are ignored
	// after so many bytes of an answer nothing comes any more; 0: never
	stall int64
	mu    sync.Mutex
	asked []s3.GetObjectInput
}

func (b *bucket) GetObject(ctx context.Context, in *s3.GetObjectInput, _ ...func(*s3.Options)) (*s3.GetObjectOutput,
	error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.asked = append(b.asked, *in)
	content, ok := b.content[aws.ToString(in.Key)+"?"+aws.ToString(in.VersionId)]
	if !ok {
		return nil, awsError{"NoSuchKey"}
	}
	if content == "forbidden" {
		return nil, awsError{"AccessDenied"}
	}
	etag := fmt.Sprintf("%q", *in.Key)
	if match := aws.ToString(in.IfMatch); match != "" && match != etag {
		return nil, awsError{"PreconditionFailed"}
	}
	out := &s3.GetObjectOutput{ETag: &etag, ContentLength: aws.Int64(int64(len(content)))}
	if in.Range != nil && !b.deaf {
		var from int
		if _, err := fmt.Sscanf(*in.Range, "bytes=%d-", &from); err != nil || from >= len(content) {
			return nil, awsError{"InvalidRange"}
		}
		out.ContentRange = aws.String(fmt.Sprintf("bytes %d-%d/%d", from, len(content)-1, len(content)))
		content = content[from:]
	}
	var r io.Reader = strings.NewReader(content)
	if b.wrap != nil {
		r = b.wrap(len(b.asked), r)
	}
	if b.stall > 0 {
		r = io.MultiReader(io.LimitReader(r, b.stall), readerFunc(func([]byte) (int, error) {
			<-ctx.Done()
			return 0, ctx.Err()
		}))
	}
	out.Body = io.NopCloser(r)
	return out, nil
}

// queue is SQS with its limits; answer may spoil the answer to the n-th call.
type queue struct {
	t      *testing.T
	answer func(call int, in *sqs.SendMessageBatchInput) (failed []types.BatchResultErrorEntry, err error)
	hang   bool // until the context ends
	mu     sync.Mutex
	calls  int
	bodies []string
}

func (q *queue) SendMessageBatch(ctx context.Context, in *sqs.SendMessageBatchInput,
	_ ...func(*sqs.Options)) (*sqs.SendMessageBatchOutput, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.calls++; q.hang {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	size, ids := 0, map[string]bool{}
	for _, e := range in.Entries {
		size += len(*e.MessageBody)
		for name, a := range e.MessageAttributes {
			size += len(name) + len(*a.DataType) + len(*a.StringValue)
		}
		if ids[*e.Id] || len(*e.Id) > 80 || strings.Trim(*e.Id, "0123456789abcdef") != "" {
			q.t.Errorf("entry id %q", *e.Id)
		}
		ids[*e.Id] = true
	}
	if n := len(in.Entries); n < 1 || n > 10 || size > 1<<20 {
		q.t.Errorf("batch of %d messages and %d bytes", n, size)
	}
	if *in.QueueUrl != "https://queue" {
		q.t.Errorf("queue URL %q", *in.QueueUrl)
	}
	out := &sqs.SendMessageBatchOutput{}
	failed := map[string]bool{}
	if q.answer != nil {
		var err error
		if out.Failed, err = q.answer(q.calls, in); err != nil {
			return nil, err
		}
		for _, f := range out.Failed {
			failed[*f.Id] = true
		}
	}
	for _, e := range in.Entries {
		if !failed[*e.Id] {
			out.Successful = append(out.Successful, types.SendMessageBatchResultEntry{Id: e.Id})
			q.bodies = append(q.bodies, *e.MessageBody)
		}
	}
	return out, nil
}

func (q *queue) messages() []deadletter.Message {
	q.t.Helper()
	var all []deadletter.Message
	for _, body := range q.bodies {
		m, err := deadletter.Parse([]byte(body))
		if err != nil {
			q.t.Fatal(err)
		}
		all = append(all, *m)
	}
	return all
}

type fixture struct {
	*Handler
	bucket       *bucket
	queue        *queue
	metrics, log bytes.Buffer
	mu           sync.Mutex
	pauses       []time.Duration
}

// newFixture returns a handler with objects by key, "?" and version. More are names and values of its environment.
func newFixture(t *testing.T, content map[string]string, more ...string) *fixture {
	t.Helper()
	f := &fixture{bucket: &bucket{content: content}, queue: &queue{t: t}}
	environment := map[string]string{
		"DEAD_LETTER_QUEUE_URL": "https://queue", "ERROR_PREFIX": "error-data/", "EVENT_ID": "/event_id", "STACK": "pipeline-dev",
		"LOG_LEVEL": "debug",
	}
	for i := 0; i < len(more); i += 2 {
		environment[more[i]] = more[i+1]
	}
	var err error
	f.Handler, err = New(func(name string) string { return environment[name] }, &f.metrics, &f.log)
	if err != nil {
		t.Fatal(err)
	}
	f.connect = func(context.Context) (Objects, Queue, error) { return f.bucket, f.queue, nil }
	f.pause = func(_ context.Context, d time.Duration) error {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.pauses = append(f.pauses, d)
		return nil
	}
	return f
}

// notification is S3's event for objects, "key?version" each.
func notification(objects ...string) json.RawMessage {
	var records []string
	for _, o := range objects {
		key, version, _ := strings.Cut(o, "?")
		records = append(records, fmt.Sprintf(`{"eventVersion":"2.1","eventSource":"aws:s3","eventName":"ObjectCreated:Put","eventTime":"2026-09-21T10:22:00.000Z",
			"s3":{"bucket":{"name":"lake-bucket"},"object":{"key":%q,"size":10,"versionId":%q,"sequencer":"0A"}}}`, url.QueryEscape(key), version))
	}
	return json.RawMessage(`{"Records":[` + strings.Join(records, ",") + `]}`)
}

// failed is one line of an error object.
func failed(t *testing.T, code, raw string) string {
	t.Helper()
	line, err := errorobject.AppendDocument(nil, errorobject.ProcessingFailed{
		RawData: []byte(raw), ErrorCode: code, ErrorMessage: "message", AttemptsMade: 1,
		ArrivalTimestamp: 1789986000123, AttemptEndingTimestamp: 1789986061123,
	})
	if err != nil {
		t.Fatal(err)
	}
	return string(line)
}

func (f *fixture) run(t *testing.T, payload json.RawMessage) {
	t.Helper()
	if err := f.Handle(context.Background(), payload); err != nil {
		t.Fatal(err)
	}
}

// byKey orders dead letters by their object; those of one object stay in their order.
func byKey(a, b string) int {
	key := func(body string) string {
		m, err := deadletter.Parse([]byte(body))
		if err != nil {
			return err.Error()
		}
		return m.Pointer.Key
	}
	return strings.Compare(key(a), key(b))
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

// reject answers that SQS did not accept some entries.
func reject(in *sqs.SendMessageBatchInput, senderFault bool, entries ...int) []types.BatchResultErrorEntry {
	var failed []types.BatchResultErrorEntry
	for _, i := range entries {
		failed = append(failed, types.BatchResultErrorEntry{Id: in.Entries[i].Id, Code: aws.String("Code"),
			Message: aws.String("no"), SenderFault: senderFault})
	}
	return failed
}
