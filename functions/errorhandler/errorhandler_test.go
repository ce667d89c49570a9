package errorhandler

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"firehose-pipeline/deadletter"
	"firehose-pipeline/errorobject"
	"firehose-pipeline/event"
	"firehose-pipeline/internal/s3read"
)

const (
	lakeKey   = "error-data/lake/processing-failed/year=2026/month=09/day=21/hour=10/stream-1-2026-09-21-10-20-00-a b"
	searchKey = "error-data/search/AmazonOpenSearchService-failed/year=2026/month=09/day=21/hour=10/stream-1-2026-09-21-10-20-00-c"
)

// awsError is an error answer of AWS.
type awsError struct{ code string }

func (e awsError) Error() string     { return "api error " + e.code }
func (e awsError) ErrorCode() string { return e.code }

// bucket is S3: objects by key and version.
type bucket struct {
	content map[string]string
	wrap    func(request int, r io.Reader) io.Reader // what happens to the content of the n-th answer
	deaf    bool                                     // ranges are ignored
	stall   int64                                    // after so many bytes of an answer nothing comes any more; 0: never
	mu      sync.Mutex
	asked   []s3.GetObjectInput
}

func (b *bucket) GetObject(ctx context.Context, in *s3.GetObjectInput, _ ...func(*s3.Options)) (*s3.GetObjectOutput, error) {
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

func (q *queue) SendMessageBatch(ctx context.Context, in *sqs.SendMessageBatchInput, _ ...func(*sqs.Options)) (*sqs.SendMessageBatchOutput, error) {
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

func newFixture(t *testing.T, content map[string]string) *fixture {
	t.Helper()
	f := &fixture{bucket: &bucket{content: content}, queue: &queue{t: t}}
	environment := map[string]string{
		"DEAD_LETTER_QUEUE_URL": "https://queue", "ERROR_PREFIX": "error-data/", "STACK": "pipeline-dev", "LOG_LEVEL": "debug",
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
		RawData: []byte(raw), ErrorCode: code, ErrorMessage: "message", AttemptsMade: 1, ArrivalTimestamp: 1789986000123, AttemptEndingTimestamp: 1789986061123,
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

func TestEachFailedRecordBecomesALetter(t *testing.T) {
	f := newFixture(t, map[string]string{
		lakeKey + "?v1":  failed(t, "Lambda.ProcessingFailedStatus", `[1]`) + failed(t, "Lambda.FunctionError", `{"event_id":"e-1"}`),
		searchKey + "?":  `{"errorCode":"400","errorMessage":"no","esIndexName":"i","rawData":"e30="}`,
		lakeKey + "2?v1": failed(t, "Lambda.ProcessingFailedStatus", `{"event_id":"e-2"}`),
	})
	f.run(t, notification(lakeKey+"?v1", searchKey, lakeKey+"2?v1"))
	slices.SortStableFunc(f.queue.bodies, byKey)
	var got []string
	for _, m := range f.queue.messages() {
		got = append(got, fmt.Sprint(m.Kind, m.Stream, m.Stage, m.Reason, m.EventID, m.Pointer.Key == lakeKey || m.Pointer.Key == searchKey, m.Pointer.VersionID))
	}
	want := []string{
		fmt.Sprint("record", "lake", "transform", event.NotAnObject, "", true, "v1"),
		fmt.Sprint("record", "lake", "transform", "FunctionError", "e-1", true, "v1"),
		fmt.Sprint("record", "lake", "transform", "AcceptedNow", "e-2", false, "v1"),
		fmt.Sprint("record", "search", "search", "SearchRejected", "", true, ""),
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	t.Run("a second run sends the same ids", func(t *testing.T) {
		first := f.queue.bodies
		f.queue.bodies = nil
		f.run(t, notification(lakeKey+"?v1", searchKey, lakeKey+"2?v1"))
		slices.SortStableFunc(f.queue.bodies, byKey)
		if strings.Join(first, "") != strings.Join(f.queue.bodies, "") {
			t.Error("the letters differ")
		}
	})
	t.Run("attributes name kind, stream, stage and reason", func(t *testing.T) {
		var got []string
		f.queue.answer = func(_ int, in *sqs.SendMessageBatchInput) ([]types.BatchResultErrorEntry, error) {
			for _, name := range []string{"kind", "stream", "stage", "reason"} {
				got = append(got, aws.ToString(in.Entries[0].MessageAttributes[name].StringValue))
			}
			return nil, nil
		}
		f.run(t, notification(searchKey))
		if strings.Join(got, " ") != "record search search SearchRejected" {
			t.Errorf("attributes %q", got)
		}
	})
}

// byKey orders letters by their object; those of one object stay in their order.
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

// TestSeveralObjectsAtOnce runs on a clock of its own, where a wait for what never comes is a deadlock and fails.
func TestSeveralObjectsAtOnce(t *testing.T) {
	const objects = 2*MaxObjects + 1
	content := map[string]string{}
	var keys []string
	for i := range objects {
		keys = append(keys, fmt.Sprintf("%s-%d", lakeKey, i))
		content[keys[i]+"?"] = failed(t, "Lambda.FunctionError", `{}`)
	}
	t.Run("as many as there is memory for", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			f := newFixture(t, content)
			var atOnce, most atomic.Int64
			f.bucket.wrap = func(_ int, r io.Reader) io.Reader {
				return readerFunc(func(p []byte) (int, error) {
					most.Store(max(most.Load(), atOnce.Add(1)))
					time.Sleep(time.Second)
					atOnce.Add(-1)
					return r.Read(p)
				})
			}
			begin := time.Now()
			f.run(t, notification(keys...))
			// Each object is read twice: its content, its end.
			if most.Load() != MaxObjects || time.Since(begin) != 3*2*time.Second {
				t.Errorf("%d objects read at once in %v, want %d in 6s", most.Load(), time.Since(begin), MaxObjects)
			}
			if got := len(f.queue.messages()); got != objects {
				t.Errorf("%d letters, want %d", got, objects)
			}
		})
	})
	t.Run("each one once, however often the event names it", func(t *testing.T) {
		f := newFixture(t, content)
		f.run(t, notification(keys[0], keys[1], keys[0], keys[0]+"?v2", keys[1]))
		if got := len(f.bucket.asked); got != 3 {
			t.Errorf("%d objects read, want 3", got)
		}
	})
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

func TestTimeLimit(t *testing.T) {
	line := failed(t, "Lambda.FunctionError", `{}`)
	for name, c := range map[string]struct {
		limit time.Duration
		hang  bool
		after time.Duration
	}{
		"reading ends and what has been read is sent":      {5 * time.Minute, false, 290 * time.Second},
		"of a short limit a fifth is kept":                 {10 * time.Second, false, 8 * time.Second},
		"a queue that hangs is left in time for an answer": {5 * time.Minute, true, 298 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFixture(t, map[string]string{lakeKey + "?": strings.Repeat(line, 500)})
				f.bucket.wrap = func(_ int, r io.Reader) io.Reader {
					return readerFunc(func(p []byte) (int, error) { // a line a second
						time.Sleep(time.Second)
						return r.Read(p[:min(len(p), len(line))])
					})
				}
				f.queue.hang = c.hang
				ctx, cancel := context.WithTimeout(t.Context(), c.limit)
				defer cancel()
				begin := time.Now()
				err := f.Handle(ctx, notification(lakeKey))
				if err == nil || !strings.Contains(err.Error(), "stopped before the time limit") || !strings.Contains(err.Error(), lakeKey) {
					t.Errorf("error %v", err)
				}
				// The read under way is waited for.
				if took := time.Since(begin); took < c.after || took > c.after+time.Second {
					t.Errorf("it took %v, want %v of %v", took, c.after, c.limit)
				}
				got := len(f.queue.messages())
				if want := int(c.after / time.Second); !c.hang && got != want && got != want+1 || c.hang && got > 0 {
					t.Errorf("%d letters in %v", got, c.after)
				}
				if want := fmt.Sprintf(`"DeadLetters":%d,`, got); !strings.Contains(f.metrics.String(), want) {
					t.Errorf("metrics %s, want %s", f.metrics.String(), want)
				}
			})
		})
	}
	t.Run("an object that is done in time is no failure", func(t *testing.T) {
		f := newFixture(t, map[string]string{lakeKey + "?": line})
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		if err := f.Handle(ctx, notification(lakeKey)); err != nil {
			t.Error(err)
		}
	})
}

// TestErrorFitsIntoOneMessage: Lambda puts the event and the error into one message of the queue.
func TestErrorFitsIntoOneMessage(t *testing.T) {
	for name, refuse := range map[string]func(in *sqs.SendMessageBatchInput) ([]types.BatchResultErrorEntry, error){
		"every letter refused": func(in *sqs.SendMessageBatchInput) ([]types.BatchResultErrorEntry, error) {
			failed := reject(in, true, 0)
			for i := range in.Entries[1:] {
				failed = append(failed, reject(in, true, i+1)...)
			}
			return failed, nil
		},
		"an answer as long as a page": func(*sqs.SendMessageBatchInput) ([]types.BatchResultErrorEntry, error) {
			return nil, errors.New(strings.Repeat("<html>ü", 10_000))
		},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t, map[string]string{})
			var keys []string
			for i := range 40 {
				keys = append(keys, fmt.Sprintf("%s-%d", lakeKey, i))
				f.bucket.content[keys[i]+"?"] = strings.Repeat(failed(t, "Lambda.FunctionError", `{}`), 50)
			}
			f.queue.answer = func(_ int, in *sqs.SendMessageBatchInput) ([]types.BatchResultErrorEntry, error) { return refuse(in) }
			err := f.Handle(context.Background(), notification(keys...))
			if err == nil {
				t.Fatal("no error")
			}
			text, jsonErr := json.Marshal(err.Error())
			if jsonErr != nil || len(text) > 6*(17<<10) || !utf8.ValidString(err.Error()) || !strings.Contains(err.Error(), "bytes in all") || !strings.Contains(err.Error(), keys[0]) {
				t.Errorf("error of %d bytes: %.300s", len(text), text)
			}
			if log := f.log.String(); !strings.Contains(log, keys[0]) || !strings.Contains(log, keys[39]) {
				t.Error("the log does not name every object")
			}
		})
	}
}

func TestOneMetricLineAStream(t *testing.T) {
	f := newFixture(t, map[string]string{
		lakeKey + "?":   failed(t, "Lambda.FunctionError", `{}`) + failed(t, "Lambda.FunctionError", `{}`),
		lakeKey + "2?":  failed(t, "Lambda.FunctionError", `{}`) + "torn",
		searchKey + "?": failed(t, "Lambda.FunctionError", `{}`),
	})
	f.run(t, notification(lakeKey, lakeKey+"2", searchKey))
	var got []string
	for line := range strings.Lines(f.metrics.String()) {
		var m struct {
			AWS struct {
				Timestamp         int64
				CloudWatchMetrics []struct {
					Namespace  string
					Dimensions [][]string
					Metrics    []struct{ Name, Unit string }
				}
			} `json:"_aws"`
			Stack, Stream                                 string
			FailedRecords, DeadLetters, UnreadableObjects int
		}
		if err := json.Unmarshal([]byte(line), &m); err != nil {
			t.Fatal(err)
		}
		set := m.AWS.CloudWatchMetrics[0]
		if m.AWS.Timestamp < 1700000000000 || set.Namespace != "FirehosePipeline" || fmt.Sprint(set.Dimensions) != "[[Stack Stream]]" ||
			fmt.Sprint(set.Metrics) != "[{FailedRecords Count} {DeadLetters Count} {UnreadableObjects Count}]" || m.Stack != "pipeline-dev" {
			t.Errorf("metric line %s", line)
		}
		got = append(got, fmt.Sprintln(m.Stream, m.FailedRecords, m.DeadLetters, m.UnreadableObjects))
	}
	if strings.Join(got, "") != "lake 3 4 1\nsearch 1 1 0\n" {
		t.Errorf("metrics %v", got)
	}
}

func TestEventsThatNeedNoLetter(t *testing.T) {
	for name, payload := range map[string]string{
		"test event of S3":   `{"Service":"Amazon S3","Event":"s3:TestEvent","Time":"2026-09-21T10:22:00.000Z","Bucket":"lake-bucket","RequestId":"r","HostId":"h"}`,
		"no records":         `{"Records":[]}`,
		"empty":              `{}`,
		"removal":            strings.ReplaceAll(string(notification(lakeKey)), "ObjectCreated:Put", "ObjectRemoved:Delete"),
		"folder marker":      strings.ReplaceAll(string(notification("error-data/lake2/")), `"size":10,`, ""),
		"object of no bytes": string(notification(lakeKey)),
		"only white space":   string(notification(searchKey)),
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t, map[string]string{lakeKey + "?": "", searchKey + "?": " \n"})
			f.run(t, json.RawMessage(payload))
			if f.queue.calls > 0 || f.log.Len() == 0 {
				t.Errorf("%d calls, log %q", f.queue.calls, f.log.String())
			}
		})
	}
}

func TestEventThatCannotBeDecodedFails(t *testing.T) {
	for _, payload := range []string{`[]`, `{"Records":[{"s3":{"object":{"key":"%zz"}}}]}`} {
		if err := newFixture(t, nil).Handle(context.Background(), json.RawMessage(payload)); err == nil {
			t.Errorf("%s: no error", payload)
		}
	}
}

func TestWhatIsNotItemisedGetsOneLetter(t *testing.T) {
	line := failed(t, "Lambda.FunctionError", `{}`)
	var b strings.Builder
	z := gzip.NewWriter(&b)
	if _, err := z.Write([]byte(line + "torn\n" + line[:50])); err != nil {
		t.Fatal(err)
	}
	if err := z.Flush(); err != nil { // and never closed
		t.Fatal(err)
	}
	zipped := b.String()
	for name, c := range map[string]struct {
		key, content   string
		letters        int
		reason         deadletter.Reason
		offset, length int64
		counts         string
	}{
		"foreign object":   {"error-data/else/x", "any", 1, deadletter.ForeignObject, 0, 0, "map[]"},
		"missing object":   {lakeKey, "", 1, deadletter.ObjectMissing, 0, 0, "map[]"},
		"torn object":      {lakeKey, line + "torn\n" + line + line[:20], 3, deadletter.Unreadable, int64(len(line)), int64(len(line)) + 25, "map[Unreadable:2]"},
		"broken gzip":      {lakeKey, zipped, 2, deadletter.Unreadable, int64(len(line)), 0, "map[Unreadable:2]"},
		"1,000 records":    {lakeKey, strings.Repeat(line, 1000), 1000, deadletter.FunctionError, int64(999 * len(line)), int64(len(line) - 1), "map[]"},
		"1,001 records":    {lakeKey, strings.Repeat(line, 1001), 1001, deadletter.MoreRecords, int64(1000 * len(line)), int64(len(line) - 1), "map[FunctionError:1]"},
		"2,500 in reasons": {lakeKey, strings.Repeat(line, 2000) + strings.Repeat(failed(t, "Lambda.ProcessingFailedStatus", `[]`), 500), 1001, deadletter.MoreRecords, int64(1000 * len(line)), 0, "map[FunctionError:1000 NotAnObject:500]"},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t, map[string]string{})
			if c.content != "" {
				f.bucket.content[c.key+"?"] = c.content
			}
			f.run(t, notification(c.key))
			messages := f.queue.messages()
			if len(messages) != c.letters {
				t.Fatalf("%d letters, want %d", len(messages), c.letters)
			}
			last := messages[len(messages)-1]
			if name == "2,500 in reasons" {
				c.length = int64(len(c.content)) - c.offset - 1
			}
			if last.Reason != c.reason || last.Pointer.Offset != c.offset || last.Pointer.Length != c.length || last.Pointer.Key != c.key || fmt.Sprint(last.Counts) != c.counts {
				t.Errorf("last letter %+v, %+v", last, last.Pointer)
			}
			for i, m := range messages[:len(messages)-1] {
				if m.Kind != deadletter.Record {
					t.Errorf("letter %d is of kind %s", i, m.Kind)
				}
			}
			if c.key == "error-data/else/x" && len(f.bucket.asked) > 0 {
				t.Error("foreign object was read")
			}
		})
	}
}

func TestLargeRecordsLeaveAsPointers(t *testing.T) {
	largest := strings.Repeat("x", 1024000) // the largest record that Firehose takes
	middle := strings.Repeat("y", 500000)
	content := failed(t, "Lambda.FunctionError", largest) + failed(t, "Lambda.FunctionError", middle) + failed(t, "Lambda.FunctionError", middle)
	f := newFixture(t, map[string]string{lakeKey + "?": content})
	f.run(t, notification(lakeKey))
	messages := f.queue.messages()
	if len(messages) != 3 || !messages[0].Truncated || messages[0].RawData != nil || string(messages[1].RawData) != middle || string(messages[2].RawData) != middle {
		t.Fatalf("%d letters, first truncated: %v", len(messages), messages[0].Truncated)
	}
	if f.queue.calls != 2 {
		t.Errorf("%d batches, want 2: two letters of 667 kB do not fit into one", f.queue.calls)
	}
	p := messages[0].Pointer
	var document struct{ RawData []byte }
	if err := json.Unmarshal([]byte(content[p.Offset:p.Offset+p.Length]), &document); err != nil || string(document.RawData) != largest {
		t.Errorf("the pointer does not lead to the record: %v", err)
	}
}

// reject answers that SQS did not take some entries.
func reject(in *sqs.SendMessageBatchInput, senderFault bool, entries ...int) []types.BatchResultErrorEntry {
	var failed []types.BatchResultErrorEntry
	for _, i := range entries {
		failed = append(failed, types.BatchResultErrorEntry{Id: in.Entries[i].Id, Code: aws.String("Code"), Message: aws.String("no"), SenderFault: senderFault})
	}
	return failed
}

func TestPartialFailuresAreResent(t *testing.T) {
	content := ""
	for i := range 12 {
		content += failed(t, "Lambda.FunctionError", fmt.Sprintf(`{"event_id":"e-%d"}`, i))
	}
	for name, c := range map[string]struct {
		answer  func(int, *sqs.SendMessageBatchInput) ([]types.BatchResultErrorEntry, error)
		letters int // taken
		calls   int
		cut     int // letters without raw data
		err     string
	}{
		"taken at once": {func(int, *sqs.SendMessageBatchInput) ([]types.BatchResultErrorEntry, error) { return nil, nil }, 12, 2, 0, ""},
		"two entries fail twice": {func(call int, in *sqs.SendMessageBatchInput) ([]types.BatchResultErrorEntry, error) {
			switch {
			case call == 1:
				return reject(in, false, 3, 7), nil
			case call == 2 && len(in.Entries) == 2:
				return reject(in, false, 0, 1), nil
			}
			return nil, nil
		}, 12, 4, 0, ""},
		"an entry never goes": {func(call int, in *sqs.SendMessageBatchInput) ([]types.BatchResultErrorEntry, error) {
			return reject(in, false, 0), nil
		}, 9, 7, 0, "1 not taken in 7 batches"},
		"the body of an entry is refused": {func(call int, in *sqs.SendMessageBatchInput) ([]types.BatchResultErrorEntry, error) {
			if strings.Contains(*in.Entries[0].MessageBody, "rawData") {
				return reject(in, true, 0), nil
			}
			return nil, nil
		}, 12, 4, 2, ""},
		"an entry is refused for good": {func(call int, in *sqs.SendMessageBatchInput) ([]types.BatchResultErrorEntry, error) {
			if strings.Contains(*in.Entries[0].MessageBody, `"e-0"`) {
				return reject(in, true, 0), nil
			}
			return nil, nil
		}, 11, 3, 0, "Code: no"},
		"batches are too long for the queue": {func(call int, in *sqs.SendMessageBatchInput) ([]types.BatchResultErrorEntry, error) {
			if len(in.Entries) > 3 {
				return nil, awsError{"AWS.SimpleQueueService.BatchRequestTooLong"}
			}
			return nil, nil
		}, 12, 8, 0, ""},
		"a letter is too long for the queue": {func(call int, in *sqs.SendMessageBatchInput) ([]types.BatchResultErrorEntry, error) {
			for _, e := range in.Entries {
				if len(in.Entries) > 1 || strings.Contains(*e.MessageBody, "rawData") {
					return nil, awsError{"BatchRequestTooLong"}
				}
			}
			return nil, nil
		}, 12, 34, 12, ""},
		"no letter is short enough": {func(call int, in *sqs.SendMessageBatchInput) ([]types.BatchResultErrorEntry, error) {
			return nil, awsError{"BatchRequestTooLong"}
		}, 0, 29, 0, "BatchRequestTooLong"},
		"the queue is gone": {func(call int, in *sqs.SendMessageBatchInput) ([]types.BatchResultErrorEntry, error) {
			return nil, awsError{"AWS.SimpleQueueService.NonExistentQueue"}
		}, 0, 1, 0, "NonExistentQueue"},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t, map[string]string{lakeKey + "?": content})
			f.queue.answer = c.answer
			err := f.Handle(context.Background(), notification(lakeKey))
			if c.err == "" && err != nil || c.err != "" && (err == nil || !strings.Contains(err.Error(), c.err)) {
				t.Errorf("error %v, want %q", err, c.err)
			}
			messages := f.queue.messages()
			ids, cut := map[string]bool{}, 0
			for _, m := range messages {
				ids[m.ID] = true
				if m.Truncated {
					cut++
				}
			}
			if len(messages) != c.letters || len(ids) != c.letters || f.queue.calls != c.calls || cut != c.cut {
				t.Errorf("%d letters, %d ids, %d calls, %d truncated; want %d, %d, %d", len(messages), len(ids), f.queue.calls, cut, c.letters, c.calls, c.cut)
			}
			if want := fmt.Sprintf(`"DeadLetters":%d,`, c.letters); !strings.Contains(f.metrics.String(), want) {
				t.Errorf("metrics %s, want %s", f.metrics.String(), want)
			}
		})
	}
}

func TestBackoffGrowsAndIsBounded(t *testing.T) {
	for n := range 70 {
		limit := min(50*time.Millisecond<<min(n, 10), 5*time.Second)
		if d := backoff.Pause(n); d < 0 || d >= limit {
			t.Errorf("pause %v before try %d", d, n)
		}
	}
}

func TestBrokenConnectionsAreResumed(t *testing.T) {
	content := ""
	for i := range 30 {
		content += failed(t, "Lambda.FunctionError", fmt.Sprintf(`{"event_id":"e-%d"}`, i))
	}
	reset := errors.New("connection reset")
	breaking := func(after int64) func(int, io.Reader) io.Reader {
		return func(_ int, r io.Reader) io.Reader {
			return io.MultiReader(io.LimitReader(r, after), iotest.ErrReader(reset))
		}
	}
	t.Run("from the byte where they broke, of the same version", func(t *testing.T) {
		f := newFixture(t, map[string]string{lakeKey + "?v1": content})
		whole := len(content)
		f.bucket.wrap = func(request int, r io.Reader) io.Reader {
			if request < 10 {
				return breaking(100)(request, r)
			}
			return r
		}
		f.run(t, notification(lakeKey+"?v1"))
		if got := len(f.queue.messages()); got != 30 || len(f.bucket.asked) != 10 {
			t.Errorf("%d letters of 30, %d requests for %d bytes", got, len(f.bucket.asked), whole)
		}
		last := f.bucket.asked[9]
		if aws.ToString(last.Range) != "bytes=900-" || aws.ToString(last.VersionId) != "v1" || last.IfMatch == nil {
			t.Errorf("last request %+v", last)
		}
	})
	t.Run("an answer that ends early is no whole object", func(t *testing.T) {
		f := newFixture(t, map[string]string{lakeKey + "?": content})
		f.bucket.wrap = func(_ int, r io.Reader) io.Reader { return io.LimitReader(r, int64(len(content)/2)) }
		f.run(t, notification(lakeKey))
		if got := len(f.queue.messages()); got != 30 {
			t.Errorf("%d letters of 30", got)
		}
	})
	t.Run("after a while in which nothing came", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			f := newFixture(t, map[string]string{lakeKey + "?": content})
			f.bucket.stall = int64(len(content)/3 + 1)
			begin := time.Now()
			f.run(t, notification(lakeKey))
			if got := len(f.queue.messages()); got != 30 || len(f.bucket.asked) != 3 || time.Since(begin) != 3*s3read.StallTime {
				t.Errorf("%d letters of 30, %d requests in %v", got, len(f.bucket.asked), time.Since(begin))
			}
		})
	})
	for name, c := range map[string]struct {
		set func(*bucket)
		err string
	}{
		"no byte comes any more": {func(b *bucket) { b.wrap = breaking(0) }, "connection reset"},
		"the range is ignored":   {func(b *bucket) { b.wrap, b.deaf = breaking(100), true }, `got range ""`},
		"the object is replaced": {func(b *bucket) {
			b.wrap = func(_ int, r io.Reader) io.Reader {
				b.content[lakeKey+"?"] = "forbidden"
				return breaking(100)(0, r)
			}
		}, "AccessDenied"},
	} {
		t.Run("in vain when "+name+": the invocation fails", func(t *testing.T) {
			f := newFixture(t, map[string]string{lakeKey + "?": content})
			c.set(f.bucket)
			err := f.Handle(context.Background(), notification(lakeKey))
			if err == nil || !strings.Contains(err.Error(), c.err) {
				t.Errorf("error %v, want %q", err, c.err)
			}
			if len(f.pauses) > s3read.MaxResumes {
				t.Errorf("%d pauses", len(f.pauses))
			}
			for _, m := range f.queue.messages() {
				if m.Kind == deadletter.Object {
					t.Errorf("a letter says %s of an object that could not be read", m.Reason)
				}
			}
		})
	}
}

// TestNothingIsMissing reads objects that are torn in places over connections that break into a queue that refuses, each until
// Lambda's retry succeeds: every record has a letter or lies within a part that one points to.
func TestNothingIsMissing(t *testing.T) {
	for seed := range uint64(12) {
		random := rand.New(rand.NewPCG(seed, 0))
		oneIn := func(n int) bool { return random.IntN(n) == 0 }
		var content bytes.Buffer
		begins := []int64{} // of the good documents, by number
		separator := []string{"\n", "", "\r\n "}[random.IntN(3)]
		torn := oneIn(2)
		for range random.IntN(1400) {
			document := strings.TrimSpace(failed(t, "Lambda.FunctionError", fmt.Sprintf(`{"event_id":"e-%d","x":"%s"}`, len(begins), strings.Repeat("x", random.IntN(200)))))
			switch {
			case torn && oneIn(200):
				content.WriteString(document[:random.IntN(len(document))])
			case torn && oneIn(200):
				content.WriteString("no JSON {")
			default:
				begins = append(begins, int64(content.Len()))
				content.WriteString(document)
			}
			content.WriteString(separator)
		}
		object := content.String()
		if oneIn(3) {
			var b strings.Builder
			half := random.IntN(len(object) + 1)
			for _, member := range []string{object[:half], object[half:]} {
				z := gzip.NewWriter(&b)
				if _, err := io.WriteString(z, member); err != nil {
					t.Fatal(err)
				}
				if err := z.Close(); err != nil {
					t.Fatal(err)
				}
			}
			object = b.String()
		}
		f := newFixture(t, map[string]string{lakeKey + "?": object})
		f.bucket.wrap = func(_ int, r io.Reader) io.Reader {
			if oneIn(2) {
				return r
			}
			return io.MultiReader(io.LimitReader(r, random.Int64N(50_000)), iotest.ErrReader(errors.New("connection reset")))
		}
		f.queue.answer = func(_ int, in *sqs.SendMessageBatchInput) ([]types.BatchResultErrorEntry, error) {
			if oneIn(500) {
				return nil, awsError{"InternalError"}
			}
			var entries []types.BatchResultErrorEntry
			for i := range in.Entries {
				if oneIn(30) {
					entries = append(entries, reject(in, oneIn(10), i)...)
				}
			}
			return entries, nil
		}
		tries := 1
		for ; f.Handle(context.Background(), notification(lakeKey)) != nil; tries++ {
			if tries == 100 {
				t.Fatalf("seed %d: no success in %d tries", seed, tries)
			}
		}
		have := map[string]bool{}
		places := map[string]deadletter.Pointer{}
		var parts []deadletter.Pointer
		for _, m := range f.queue.messages() {
			if before, twice := places[m.ID]; twice && before != *m.Pointer {
				t.Fatalf("seed %d: one id for %+v and %+v", seed, before, *m.Pointer)
			}
			if places[m.ID] = *m.Pointer; m.Kind == deadletter.Object {
				parts = append(parts, *m.Pointer)
				continue
			}
			have[fmt.Sprintf("%s at %d", m.EventID, m.Pointer.Offset)] = true
			if m.EventID == "" && !m.Truncated {
				t.Fatalf("seed %d: letter %+v of no record", seed, m)
			}
		}
		for i, begin := range begins {
			covered := slices.ContainsFunc(parts, func(p deadletter.Pointer) bool {
				return p.Offset <= begin && (p.Length == 0 || begin < p.Offset+p.Length)
			})
			if !have[fmt.Sprintf("e-%d at %d", i, begin)] && !covered {
				t.Fatalf("seed %d: record %d at %d has no letter and lies in none of %+v", seed, i, begin, parts)
			}
		}
		if len(have) < min(len(begins), MaxRecordLetters)*9/10 {
			t.Errorf("seed %d: %d letters of %d records", seed, len(have), len(begins))
		}
	}
}

func TestOneObjectsFailureDoesNotStopTheOthers(t *testing.T) {
	f := newFixture(t, map[string]string{lakeKey + "?": "forbidden", searchKey + "?": failed(t, "Lambda.FunctionError", `{}`), searchKey + "2?": "forbidden"})
	err := f.Handle(context.Background(), notification(lakeKey, searchKey, searchKey+"2"))
	if err == nil || !strings.Contains(err.Error(), lakeKey) || !strings.Contains(err.Error(), searchKey+"2") || !strings.Contains(err.Error(), "AccessDenied") {
		t.Errorf("error %v", err)
	}
	if got := len(f.queue.messages()); got != 1 {
		t.Errorf("%d letters", got)
	}
}

func TestLogsHaveNoEventContent(t *testing.T) {
	secret := "s3cret"
	f := newFixture(t, map[string]string{lakeKey + "?": failed(t, "Lambda.ProcessingFailedStatus", `{"a":"`+secret+`"`) + secret})
	f.queue.answer = func(int, *sqs.SendMessageBatchInput) ([]types.BatchResultErrorEntry, error) {
		return nil, errors.New("down")
	}
	err := f.Handle(context.Background(), notification(lakeKey))
	if err == nil {
		t.Fatal("no error")
	}
	for name, text := range map[string]string{"log": f.log.String(), "error": err.Error(), "metrics": f.metrics.String()} {
		if text == "" || strings.Contains(text, secret) || strings.Contains(text, base64.RawStdEncoding.EncodeToString([]byte(secret))) {
			t.Errorf("%s: %q", name, text)
		}
	}
	for line := range strings.Lines(f.log.String()) {
		if !json.Valid([]byte(line)) {
			t.Errorf("log line %q is no JSON", line)
		}
	}
}

func TestEnvironmentIsChecked(t *testing.T) {
	_, err := New(func(name string) string {
		return map[string]string{"LOG_LEVEL": "loud", "ERROR_PREFIX": "error-data"}[name]
	}, io.Discard, io.Discard)
	want := "LOG_LEVEL: must be debug, info, warn or error (got \"loud\")\nDEAD_LETTER_QUEUE_URL: must be set\nERROR_PREFIX: must end in a slash (got \"error-data\")"
	if err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}
