package local

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"path"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"firehose-pipeline/event"
	"firehose-pipeline/local/fault"
	"firehose-pipeline/local/firehose"
	"firehose-pipeline/local/lambda"
	"firehose-pipeline/local/sqs"
	"firehose-pipeline/local/template"
)

// The faults of a part that a stack may not have.
var (
	ofTransform = []fault.Name{fault.TransformCrash, fault.TransformHang, fault.TransformTimeout, fault.TransformError, fault.TransformOversize,
		fault.TransformMissing, fault.TransformDoubled}
	ofSearch = []fault.Name{fault.SearchDown, fault.SearchForbidden, fault.SearchThrottled, fault.SearchDocuments, fault.SearchLost}
)

// possible is the plan without the faults of what the stack does not have.
func possible(plan fault.Plan, streams []template.Stream) (fault.Plan, error) {
	var err error
	if !slices.ContainsFunc(streams, func(s template.Stream) bool { return s.Transform != nil }) {
		if plan, err = plan.Without("the stack has no transform (enableDataTransformation is false)", ofTransform...); err != nil {
			return plan, err
		}
	}
	if !slices.ContainsFunc(streams, func(s template.Stream) bool { return s.Search != nil }) {
		return plan.Without("the stack has no search (enableOpenSearch is false)", ofSearch...)
	}
	return plan, nil
}

// transformFaults make invocations of one stream's transform go wrong.
type transformFaults struct {
	*fault.Faults
	stream   event.Stream
	function *lambda.Function
	first    []fault.Name // what the first batch meets, try by try

	mu    sync.Mutex
	tries map[string]int64 // by invocation id, of those not answered yet
}

// invocationFaults are those of a whole invocation.
var invocationFaults = []struct {
	name fault.Name
	is   lambda.Fault
}{
	{fault.TransformCrash, lambda.Crash}, {fault.TransformHang, lambda.Hang}, {fault.TransformTimeout, lambda.Late},
	{fault.TransformError, lambda.None}, {fault.TransformOversize, lambda.Oversize},
}

// newTransformFaults lets the first batch meet every fault in turn, as far as its tries reach: they show in a short run too. In
// the search stream from the end, so that both streams together have all.
func newTransformFaults(f *fault.Faults, stream event.Stream, function *lambda.Function, retries int) *transformFaults {
	t := &transformFaults{Faults: f, stream: stream, function: function, tries: map[string]int64{}}
	for i := range invocationFaults {
		if stream == event.Search {
			i = len(invocationFaults) - 1 - i
		}
		if name := invocationFaults[i].name; f.On(name) && len(t.first) < retries {
			t.first = append(t.first, name)
		}
	}
	return t
}

// invoke is the function's Invoke.
func (t *transformFaults) invoke(ctx context.Context, request []byte) (lambda.Result, error) {
	id, first := invocation(request)
	t.mu.Lock()
	try := t.tries[id]
	t.tries[id]++
	t.mu.Unlock()

	name, is := t.choose(string(t.stream)+id, try, first)
	payload := request
	if name == fault.TransformError {
		payload = []byte(`"no event"`)
	}
	result, err := t.function.InvokeWith(ctx, payload, is)
	if err != nil {
		return result, err
	}
	if result.Injected || name == fault.TransformError && result.FunctionError != "" {
		t.Fired(name, 1)
	}
	if result.FunctionError != "" {
		return result, nil
	}
	t.mu.Lock()
	delete(t.tries, id)
	t.mu.Unlock()
	result.Payload, err = t.spoil(result.Payload, id, first)
	return result, err
}

func (t *transformFaults) choose(key string, try int64, first bool) (fault.Name, lambda.Fault) {
	for _, f := range invocationFaults {
		forced := first && try < int64(len(t.first)) && t.first[try] == f.name
		if forced || !(first && try < int64(len(t.first))) && t.Draw(f.name, key, try) {
			return f.name, f.is
		}
	}
	return "", lambda.None
}

// one in so many records of an answer is missing or doubled.
const spoiledRecords = 50

// spoil takes records out of an answer, or puts them in again.
func (t *transformFaults) spoil(answer []byte, id string, first bool) ([]byte, error) {
	missing := t.On(fault.TransformMissing) && (first || t.Draw(fault.TransformMissing, id, 0))
	doubled := t.On(fault.TransformDoubled) && (first || t.Draw(fault.TransformDoubled, id, 0))
	if !missing && !doubled {
		return answer, nil
	}
	var got struct {
		Records []json.RawMessage `json:"records"`
	}
	if err := json.Unmarshal(answer, &got); err != nil {
		return nil, fmt.Errorf("reading the transform's answer: %w", err)
	}
	if len(got.Records) == 0 {
		return answer, nil
	}
	step := uint64(min(spoiledRecords, len(got.Records)))
	at := t.Hash(fault.TransformMissing, id, 1) % step
	var records []json.RawMessage
	for i, record := range got.Records {
		switch position := uint64(i) % step; {
		case missing && position == at:
			t.Fired(fault.TransformMissing, 1)
		case doubled && position == (at+1)%step:
			t.Fired(fault.TransformDoubled, 1)
			records = append(records, record, record)
		default:
			records = append(records, record)
		}
	}
	return append(append([]byte(`{"records":[`), bytes.Join(byteSlices(records), []byte{','})...), "]}"...), nil
}

func byteSlices(records []json.RawMessage) [][]byte {
	list := make([][]byte, len(records))
	for i, r := range records {
		list[i] = r
	}
	return list
}

// invocation returns a request's id, and whether it has the stream's first record, as package firehose writes requests.
func invocation(request []byte) (id string, first bool) {
	field := func(name string) string {
		_, rest, _ := bytes.Cut(request[:min(len(request), 1<<10)], []byte(`"`+name+`":"`))
		value, _, _ := bytes.Cut(rest, []byte(`"`))
		return string(value)
	}
	return field("invocationId"), strings.HasSuffix(field("recordId"), strings.Repeat("0", 20))
}

// searchFaults stand before what search streams deliver to.
type searchFaults struct {
	*fault.Faults
	next firehose.Search

	mu       sync.Mutex
	requests int64
	until    map[fault.Name]time.Time // when a fault that lasts is over
}

var errNoAnswer = errors.New("dial tcp: connection refused (fault search-down)")
var errLost = errors.New("read tcp: connection reset by peer (fault search-lost)")

// Bulk sends a request on, or does not. A fault that lasts begins with the first request that no other one befalls, so that alone
// or together each has its time.
func (s *searchFaults) Bulk(ctx context.Context, at time.Time, body []byte) (int, []byte, error) {
	s.mu.Lock()
	s.requests++
	n := s.requests
	down, forbidden := s.lasts(fault.SearchDown, at), s.lasts(fault.SearchForbidden, at)
	s.mu.Unlock()
	switch {
	case down:
		return s.down()
	case forbidden:
		return s.forbidden()
	case s.Hit(fault.SearchLost, "", n, s.First(fault.SearchLost)): // the domain is up: what is lost is only its answer
		if status, answer, err := s.next.Bulk(ctx, at, body); err != nil || status/100 != 2 {
			return status, answer, err
		}
		return 0, nil, errLost
	case s.begins(fault.SearchDown, at):
		return s.down()
	case s.begins(fault.SearchForbidden, at):
		return s.forbidden()
	case s.Hit(fault.SearchThrottled, "", n, s.First(fault.SearchThrottled)):
		return http.StatusTooManyRequests, []byte(`{"error":"429 Too Many Requests /_bulk (fault search-429)"}`), nil
	case s.On(fault.SearchDocuments):
		return s.some(ctx, at, body, n)
	}
	return s.next.Bulk(ctx, at, body)
}

func (s *searchFaults) down() (int, []byte, error) {
	s.Fired(fault.SearchDown, 1)
	return 0, nil, errNoAnswer
}

func (s *searchFaults) forbidden() (int, []byte, error) {
	s.Fired(fault.SearchForbidden, 1)
	return http.StatusForbidden, []byte(`{"error":{"root_cause":[{"type":"security_exception"}],"type":"security_exception","reason":"no permissions for [indices:data/write/bulk] (fault search-403)"},"status":403}`), nil
}

func (s *searchFaults) lasts(name fault.Name, at time.Time) bool {
	until, begun := s.until[name]
	return begun && at.Before(until)
}

func (s *searchFaults) begins(name fault.Name, at time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, begun := s.until[name]; begun || !s.On(name) {
		return false
	}
	s.until[name] = at.Add(s.Window(name))
	return true
}

const (
	tooMany = `{"index":{"status":429,"error":{"type":"rejected_execution_exception","reason":"rejected execution of coordinating operation (fault search-429-documents)"}}}`
	indexed = `{"index":{"status":201}}`
)

// some sends on what is not refused of a request, and answers for all of it.
func (s *searchFaults) some(ctx context.Context, at time.Time, body []byte, n int64) (int, []byte, error) {
	var refused []bool
	var passed []byte
	count := 0
	for rest := body; len(rest) > 0; {
		action, after, _ := bytes.Cut(rest, []byte("\n"))
		source, after, _ := bytes.Cut(after, []byte("\n"))
		hit := s.Hit(fault.SearchDocuments, "", n<<20+int64(len(refused)), s.First(fault.SearchDocuments))
		if refused = append(refused, hit); hit {
			count++
		} else {
			passed = append(append(append(append(passed, action...), '\n'), source...), '\n')
		}
		rest = after
	}
	if count == 0 {
		return s.next.Bulk(ctx, at, body)
	}
	var got struct{ Items []json.RawMessage }
	if count < len(refused) {
		status, answer, err := s.next.Bulk(ctx, at, passed)
		if err != nil || status/100 != 2 {
			return status, answer, err
		}
		if err := json.Unmarshal(answer, &got); err != nil {
			return 0, nil, fmt.Errorf("reading answer to a bulk request: %w", err)
		}
	}
	items := make([][]byte, len(refused))
	for i, hit := range refused {
		switch {
		case hit:
			items[i] = []byte(tooMany)
		case len(got.Items) > 0:
			items[i], got.Items = got.Items[0], got.Items[1:]
		default: // files list no items when they have taken all
			items[i] = []byte(indexed)
		}
	}
	return http.StatusOK, append(append([]byte(`{"took":0,"errors":true,"items":[`), bytes.Join(items, []byte{','})...), "]}"...), nil
}

var errSlowDown = errors.New("503 SlowDown: Please reduce your request rate. (fault s3-down)")

// refuse is S3's answer to an object that is to be stored at a time of the model.
func (p *Pipeline) refuse(at time.Time) error {
	if !at.Before(p.o.Start.Add(p.faults.Window(fault.S3Down))) {
		return nil
	}
	p.faults.Fired(fault.S3Down, 1)
	return errSlowDown
}

// queueFaults befall the queue, and the handler that sends to it.
type queueFaults struct {
	*fault.Faults
	kill func() // the error handler

	mu      sync.Mutex
	batches int64
	tries   map[string]int64  // of what has failed
	objects map[string]int64  // how many error objects there are of each output
	labels  map[string]string // of error objects by key
}

func newQueueFaults(f *fault.Faults) *queueFaults {
	return &queueFaults{Faults: f, tries: map[string]int64{}, objects: map[string]int64{}, labels: map[string]string{}}
}

// label names an error object by its output and its number there: its key and version are other ones in each run.
func (q *queueFaults) label(key string) string {
	q.mu.Lock()
	defer q.mu.Unlock()
	if label, ok := q.labels[key]; ok {
		return label
	}
	output, _, _ := strings.Cut(key, "/year=")
	if output == key {
		output = path.Dir(key)
	}
	q.objects[output]++
	label := output + "#" + strconv.FormatInt(q.objects[output], 10)
	q.labels[key] = label
	return label
}

// batch refuses whole batches.
func (q *queueFaults) batch(operation string) *sqs.Fault {
	if !strings.HasSuffix(operation, "Batch") {
		return nil
	}
	q.mu.Lock()
	q.batches++
	n := q.batches
	q.mu.Unlock()
	if !q.Hit(fault.SQSThrottled, operation, n, n == 1) {
		return nil
	}
	return &sqs.Fault{Code: "RequestThrottled", Message: "Request is throttled. (fault sqs-throttled)", SenderFault: true}
}

// entry fails entries of batches, and kills the handler that sends one.
func (q *queueFaults) entry(e sqs.Entry) *sqs.Fault {
	if e.ID == "" { // no batch, so not the handler's
		return nil
	}
	key, object, middle := e.Operation+" "+e.ID, "", false
	if e.Operation == "SendMessage" {
		var letter struct {
			Pointer struct {
				Key    string
				Offset int64
			}
		}
		if json.Unmarshal([]byte(e.Body), &letter) == nil && letter.Pointer.Key != "" {
			object, middle = q.label(letter.Pointer.Key), letter.Pointer.Offset > 0
			key = fmt.Sprint(object, " ", letter.Pointer.Offset)
		}
	}
	if q.again(fault.SQSPartial, key, object) {
		return &sqs.Fault{Code: "InternalError", Message: "Internal Error (fault sqs-partial)"}
	}
	if middle && q.again(fault.HandlerKilled, key, object) {
		q.kill()
	}
	return nil
}

// again is Hit for a letter that is tried until it passes. The first one of the first object of an output is hit.
func (q *queueFaults) again(name fault.Name, key, object string) bool {
	if !q.On(name) {
		return false
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	forced := false
	if once := string(name) + " " + object; first(object) && q.tries[once] == 0 {
		forced = true
		q.tries[once]++
	}
	try := string(name) + " " + key
	hit := q.Hit(name, key, q.tries[try], forced)
	if hit {
		q.tries[try]++
	}
	return hit
}

// first reports whether a label is that of an output's first object.
func first(label string) bool { return strings.HasSuffix(label, "#1") }

// handler runs the error handler for the notification of an object.
func (q *queueFaults) handler(ctx context.Context, function invoker, key string, attempt int, payload []byte) (lambda.Result, error) {
	is := lambda.None
	if q.On(fault.HandlerTimeout) {
		if label := q.label(key); q.Hit(fault.HandlerTimeout, label, int64(attempt), attempt == 1 && first(label)) {
			is = lambda.Late
		}
	}
	return function.InvokeWith(ctx, payload, is)
}
