package replay

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/firehose"
	fhtypes "github.com/aws/aws-sdk-go-v2/service/firehose/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/aws/smithy-go"

	"firehose-pipeline/deadletter"
	"firehose-pipeline/errorobject"
	"firehose-pipeline/event"
	"firehose-pipeline/internal/eventid"
	"firehose-pipeline/internal/testkit/shopschema"
	"firehose-pipeline/producer"
)

// fakeFirehose is one stream.
type fakeFirehose struct {
	// reject gives a record's error code; call fails whole calls.
	reject func(data string) string
	call   func(ctx context.Context) error

	mu    sync.Mutex
	taken []string
}

func (f *fakeFirehose) PutRecordBatch(ctx context.Context, in *firehose.PutRecordBatchInput,
	_ ...func(*firehose.Options)) (*firehose.PutRecordBatchOutput, error) {
	if f.call != nil {
		if err := f.call(ctx); err != nil {
			return nil, err
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	out := &firehose.PutRecordBatchOutput{}
	for _, r := range in.Records {
		if f.reject != nil {
			if code := f.reject(string(r.Data)); code != "" {
				out.RequestResponses = append(out.RequestResponses,
					fhtypes.PutRecordBatchResponseEntry{ErrorCode: &code})
				continue
			}
		}
		f.taken = append(f.taken, strings.TrimSuffix(string(r.Data), "\n"))
		out.RequestResponses = append(out.RequestResponses,
			fhtypes.PutRecordBatchResponseEntry{RecordId: aws.String("id")})
	}
	return out, nil
}

// got returns the stream's records, sorted.
func (f *fakeFirehose) got() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return sorted(f.taken)
}

func sorted(texts []string) []string {
	all := slices.Clone(texts)
	slices.Sort(all)
	return all
}

// fakeQueue is a queue in which a message that is in flight comes back only when the test says so.
type fakeQueue struct {
	mu       sync.Mutex
	messages []*fakeMessage
	receipts int
	// undeletable fails deletions, kept counts visibility changes by their seconds.
	undeletable func(try int) bool
	deletes     int
	changes     map[int32]int
	// deleteErrors fail whole calls of a deletion; unreleased fails visibility changes to 0, with this code.
	deleteErrors []error
	unreleased   string
	// refusals fail receives before they do anything, losses after the messages are in flight.
	refusals, losses []error
	// received is called after each receive that found messages, without the mutex.
	received func()
}

type fakeMessage struct {
	id, body string
	handle   string // of the last receipt
	hidden   bool
	deleted  bool
	receives int
}

func (q *fakeQueue) send(bodies ...string) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, body := range bodies {
		q.messages = append(q.messages, &fakeMessage{id: "m-" + strconv.Itoa(len(q.messages)), body: body})
	}
}

// appear makes all messages visible, as when their visibility timeout ends.
func (q *fakeQueue) appear() {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, m := range q.messages {
		m.hidden = false
	}
}

// state counts the visible messages and those in flight.
func (q *fakeQueue) state() (visible, hidden int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, m := range q.messages {
		switch {
		case m.deleted:
		case m.hidden:
			hidden++
		default:
			visible++
		}
	}
	return visible, hidden
}

func (q *fakeQueue) ReceiveMessage(_ context.Context, in *sqs.ReceiveMessageInput,
	_ ...func(*sqs.Options)) (*sqs.ReceiveMessageOutput, error) {
	out := &sqs.ReceiveMessageOutput{}
	q.mu.Lock()
	if len(q.refusals) > 0 {
		err := q.refusals[0]
		q.refusals = q.refusals[1:]
		q.mu.Unlock()
		return nil, err
	}
	for _, m := range q.messages {
		if m.hidden || m.deleted || len(out.Messages) == int(in.MaxNumberOfMessages) {
			continue
		}
		q.receipts++
		m.receives++
		m.hidden, m.handle = true, fmt.Sprintf("%s/%d", m.id, q.receipts)
		out.Messages = append(out.Messages, sqstypes.Message{MessageId: &m.id, ReceiptHandle: aws.String(m.handle),
			Body: &m.body})
	}
	var lost error
	if len(q.losses) > 0 && len(out.Messages) > 0 {
		lost, q.losses = q.losses[0], q.losses[1:]
	}
	q.mu.Unlock()
	if lost != nil {
		return nil, lost
	}
	if q.received != nil && len(out.Messages) > 0 {
		q.received()
	}
	return out, nil
}

func (q *fakeQueue) DeleteMessageBatch(ctx context.Context, in *sqs.DeleteMessageBatchInput,
	_ ...func(*sqs.Options)) (*sqs.DeleteMessageBatchOutput, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.deleteErrors) > 0 {
		err := q.deleteErrors[0]
		q.deleteErrors = q.deleteErrors[1:]
		return nil, err
	}
	q.deletes++
	out := &sqs.DeleteMessageBatchOutput{}
	for _, e := range in.Entries {
		if q.undeletable != nil && q.undeletable(q.deletes) {
			out.Failed = append(out.Failed, sqstypes.BatchResultErrorEntry{Id: e.Id, Code: aws.String("InternalError")})
			continue
		}
		for _, m := range q.messages {
			if m.handle == *e.ReceiptHandle { // an older receipt deletes nothing
				m.deleted = true
			}
		}
	}
	return out, nil
}

func (q *fakeQueue) ChangeMessageVisibilityBatch(_ context.Context, in *sqs.ChangeMessageVisibilityBatchInput,
	_ ...func(*sqs.Options)) (*sqs.ChangeMessageVisibilityBatchOutput, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(in.Entries) > 10 || len(in.Entries) == 0 {
		return nil, &smithy.GenericAPIError{Code: "AWS.SimpleQueueService.TooManyEntriesInBatchRequest"}
	}
	if q.changes == nil {
		q.changes = map[int32]int{}
	}
	out := &sqs.ChangeMessageVisibilityBatchOutput{}
	for _, e := range in.Entries {
		if e.VisibilityTimeout == 0 && q.unreleased != "" {
			out.Failed = append(out.Failed, sqstypes.BatchResultErrorEntry{Id: e.Id, Code: &q.unreleased})
			continue
		}
		q.changes[e.VisibilityTimeout]++
		for _, m := range q.messages {
			if m.handle == *e.ReceiptHandle && e.VisibilityTimeout == 0 {
				m.hidden = false
			}
		}
	}
	return out, nil
}

func (q *fakeQueue) GetQueueAttributes(context.Context, *sqs.GetQueueAttributesInput,
	...func(*sqs.Options)) (*sqs.GetQueueAttributesOutput, error) {
	visible, _ := q.state()
	return &sqs.GetQueueAttributesOutput{Attributes: map[string]string{"ApproximateNumberOfMessages": strconv.Itoa(visible)}}, nil
}

// fakeObjects is a bucket. Contents break off after breaks bytes, each answer once, when that is not 0.
type fakeObjects struct {
	mu       sync.Mutex
	contents map[string][]byte
	modified map[string]time.Time
	breaks   int
	ends     int64    // bytes after which an answer ends as if it were whole; 0 for none
	gets     []string // ranges asked for
	// listed is called between the listing of a prefix and its answer.
	listed func(prefix string)
}

func (o *fakeObjects) put(key string, content []byte, at time.Time) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.contents == nil {
		o.contents, o.modified = map[string][]byte{}, map[string]time.Time{}
	}
	o.contents[key], o.modified[key] = content, at
}

func (o *fakeObjects) GetObject(_ context.Context, in *s3.GetObjectInput, _ ...func(*s3.Options)) (*s3.GetObjectOutput,
	error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	content, ok := o.contents[*in.Key]
	if !ok {
		return nil, &s3types.NoSuchKey{}
	}
	o.gets = append(o.gets, aws.ToString(in.Range))
	out := &s3.GetObjectOutput{ETag: aws.String("etag"), VersionId: aws.String("v1")}
	if in.Range != nil {
		var from int
		if _, err := fmt.Sscanf(*in.Range, "bytes=%d-", &from); err != nil || from >= len(content) {
			return nil, &smithy.GenericAPIError{Code: "InvalidRange"}
		}
		out.ContentRange = aws.String(fmt.Sprintf("bytes %d-%d/%d", from, len(content)-1, len(content)))
		content = content[from:]
	}
	out.ContentLength = aws.Int64(int64(len(content)))
	var reader io.Reader = bytes.NewReader(content)
	if o.ends > 0 {
		reader = io.LimitReader(reader, o.ends)
	}
	if o.breaks > 0 && len(content) > o.breaks {
		reader = io.MultiReader(bytes.NewReader(content[:o.breaks]), breaking{})
	}
	out.Body = io.NopCloser(reader)
	return out, nil
}

type breaking struct{}

func (breaking) Read([]byte) (int, error) { return 0, errors.New("connection reset by peer") }

// ListObjectsV2 lists two objects a page.
func (o *fakeObjects) ListObjectsV2(_ context.Context, in *s3.ListObjectsV2Input,
	_ ...func(*s3.Options)) (*s3.ListObjectsV2Output, error) {
	out := o.list(in)
	if o.listed != nil {
		o.listed(*in.Prefix)
	}
	return out, nil
}

func (o *fakeObjects) list(in *s3.ListObjectsV2Input) *s3.ListObjectsV2Output {
	o.mu.Lock()
	defer o.mu.Unlock()
	after := max(aws.ToString(in.StartAfter), aws.ToString(in.ContinuationToken))
	out := &s3.ListObjectsV2Output{}
	for _, key := range slices.Sorted(maps.Keys(o.contents)) {
		if !strings.HasPrefix(key, *in.Prefix) || key <= after {
			continue
		}
		if len(out.Contents) == 2 {
			out.IsTruncated, out.NextContinuationToken = aws.Bool(true), out.Contents[1].Key
			break
		}
		out.Contents = append(out.Contents, s3types.Object{Key: aws.String(key),
			Size: aws.Int64(int64(len(o.contents[key]))), LastModified: aws.Time(o.modified[key])})
	}
	return out
}

// fakeClock passes at once, and calls paused for each pause.
type fakeClock struct {
	mu     sync.Mutex
	now    time.Time
	paused func(time.Duration)
}

func (c *fakeClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *fakeClock) Pause(ctx context.Context, d time.Duration) error {
	c.mu.Lock()
	c.now = c.now.Add(d)
	c.mu.Unlock()
	if c.paused != nil {
		c.paused(d)
	}
	return ctx.Err()
}

// world is a replay and everything around it.
type world struct {
	*Replay
	lake, search *fakeFirehose
	queue        *fakeQueue
	objects      *fakeObjects
	clock        *fakeClock
	said         []string
}

// start is when the tests' time begins: the day after the records failed.
var (
	yesterday  = start.Add(-24 * time.Hour)
	functionEr = "Lambda.FunctionError"
)

var start = time.Date(2026, 2, 1, 12, 0, 0, 0, time.UTC)

func newWorld() *world {
	w := &world{lake: &fakeFirehose{}, search: &fakeFirehose{}, queue: &fakeQueue{}, objects: &fakeObjects{},
		clock: &fakeClock{now: start}}
	var mu sync.Mutex
	w.Replay = &Replay{
		Streams: map[event.Stream]*producer.Stream{event.Lake: {Name: "l", Client: w.lake, Patience: time.Nanosecond},
			event.Search: {Name: "s", Client: w.search, Patience: time.Nanosecond}},
		Queue: w.queue, QueueURL: "q", Objects: w.objects, Bucket: "bucket", ErrorPrefix: "error-data/", Act: true,
		Journal:    NewJournal(shop),
		Visibility: time.Hour, Watch: time.Minute, clock: w.clock,
		Logf: func(format string, args ...any) {
			mu.Lock()
			defer mu.Unlock()
			w.said = append(w.said, fmt.Sprintf(format, args...))
		},
	}
	return w
}

func (w *world) run(t *testing.T) Report {
	t.Helper()
	report, err := w.FromQueue(t.Context(), t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return report
}

// wantQueue checks that all remaining messages are visible.
func (w *world) wantQueue(t *testing.T, want int) {
	t.Helper()
	if visible, hidden := w.queue.state(); visible != want || hidden != 0 {
		t.Errorf("%d letters in sight and %d out of it, want %d and 0", visible, hidden, want)
	}
}

func wantLetters(t *testing.T, r Report, want map[Outcome]int64) {
	t.Helper()
	if !maps.Equal(r.Letters, want) {
		t.Errorf("letters %v, want %v", r.Letters, want)
	}
}

func wantTaken(t *testing.T, f *fakeFirehose, want ...string) {
	t.Helper()
	if got := f.got(); !slices.Equal(got, sorted(want)) {
		t.Errorf("took %q, want %q", got, want)
	}
}

// errorObject is an error object of records that failed in the transform, with its dead letters.
type errorObject struct {
	source  errorobject.Source
	content []byte
	letters []string
	records []deadletter.Message
}

func newErrorObject(t *testing.T, stream event.Stream, name string, arrival time.Time, code string,
	records ...string) *errorObject {
	t.Helper()
	o := &errorObject{}
	key := fmt.Sprintf("error-data/%s/processing-failed/%s%s", stream,
		arrival.UTC().Format("year=2006/month=01/day=02/hour=15/"), name)
	o.source, _ = errorobject.NewSource("error-data/", "bucket", key, "v1")
	for _, record := range records {
		var err error
		o.content, err = errorobject.AppendDocument(o.content,
			errorobject.ProcessingFailed{RawData: []byte(record), ErrorCode: code, ErrorMessage: "it failed",
				AttemptsMade: 4, ArrivalTimestamp: arrival.UnixMilli(),
				AttemptEndingTimestamp: arrival.Add(time.Minute).UnixMilli()})
		if err != nil {
			t.Fatal(err)
		}
	}
	reader := errorobject.NewReader(bytes.NewReader(o.content))
	for {
		failure, err := reader.Next()
		if err == io.EOF {
			return o
		}
		if err != nil {
			t.Fatal(err)
		}
		m := deadletter.ForRecord(o.source, failure, eventid.Path{"event_id"})
		o.letters = append(o.letters, encode(t, m))
		m.RawData = bytes.Clone(m.RawData)
		o.records = append(o.records, m)
	}
}

func encode(t *testing.T, m deadletter.Message) string {
	t.Helper()
	body, err := m.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return body
}

func ids(n int) []string {
	var all []string
	for i := range n {
		all = append(all, fmt.Sprintf(`{"event_id":"e-%04d"}`, i))
	}
	return all
}

func wantMode(t *testing.T, path string, want os.FileMode) {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if got := info.Mode().Perm(); got != want && runtime.GOOS != "windows" {
		t.Errorf("%s has the mode %v, want %v", path, got, want)
	}
}

func zip(t *testing.T, content []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := z.Write(content); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func openJournal(t *testing.T, path string) *Journal {
	t.Helper()
	j, err := OpenJournal(path, shop)
	if err != nil {
		t.Fatal(err)
	}
	return j
}

func closeJournal(t *testing.T, j *Journal) {
	t.Helper()
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
}

var shop = event.MustCompile(shopschema.Load())

func newProcessor(t testing.TB, stream event.Stream) *event.Processor {
	t.Helper()
	p, err := event.NewProcessor(shop, stream, event.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return p
}
