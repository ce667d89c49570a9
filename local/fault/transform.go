package fault

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"

	"firehose-pipeline/event"
	"firehose-pipeline/local/lambda"
)

// Transform make invocations of one stream's transform go wrong.
type Transform struct {
	*Faults
	stream   event.Stream
	function *lambda.Function
	first    []Name // the faults of the first batch, try by try

	mu    sync.Mutex
	tries map[string]int64 // by invocation id, of those not answered yet
}

// invocationFaults are those of a whole invocation.
var invocationFaults = []struct {
	name Name
	is   lambda.Fault
}{
	{TransformCrash, lambda.Crash}, {TransformHang, lambda.Hang}, {TransformTimeout, lambda.Late},
	{TransformError, lambda.None}, {TransformOversize, lambda.Oversize},
}

// NewTransform lets the first batch meet every fault in turn, as far as its tries reach: they show in a short run too.
// In the search stream from the end, so that both streams together have all.
func NewTransform(f *Faults, stream event.Stream, function *lambda.Function, retries int) *Transform {
	t := &Transform{Faults: f, stream: stream, function: function, tries: map[string]int64{}}
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

// Invoke calls the function, or makes the call fail.
func (t *Transform) Invoke(ctx context.Context, request []byte) (lambda.Result, error) {
	id, first := identifyInvocation(request)
	t.mu.Lock()
	try := t.tries[id]
	t.tries[id]++
	t.mu.Unlock()

	name, is := t.chooseFault(string(t.stream)+id, try, first)
	payload := request
	if name == TransformError {
		payload = []byte(`"no event"`)
	}
	result, err := t.function.InvokeWith(ctx, payload, is)
	if err != nil {
		return result, err
	}
	if result.Injected || name == TransformError && result.FunctionError != "" {
		t.Fired(name, 1)
	}
	if result.FunctionError != "" {
		return result, nil
	}
	t.mu.Lock()
	delete(t.tries, id)
	t.mu.Unlock()
	result.Payload, err = t.spoilResponse(result.Payload, id, first)
	return result, err
}

func (t *Transform) chooseFault(key string, try int64, first bool) (Name, lambda.Fault) {
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

// spoilResponse takes records out of an answer, or puts them in again.
func (t *Transform) spoilResponse(answer []byte, id string, first bool) ([]byte, error) {
	missing := t.On(TransformMissing) && (first || t.Draw(TransformMissing, id, 0))
	doubled := t.On(TransformDoubled) && (first || t.Draw(TransformDoubled, id, 0))
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
	at := t.Hash(TransformMissing, id, 1) % step
	var records []json.RawMessage
	for i, record := range got.Records {
		switch position := uint64(i) % step; {
		case missing && position == at:
			t.Fired(TransformMissing, 1)
		case doubled && position == (at+1)%step:
			t.Fired(TransformDoubled, 1)
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

// identifyInvocation returns a request's id, and whether it has the stream's first record, as package firehose writes
// requests.
func identifyInvocation(request []byte) (id string, first bool) {
	field := func(name string) string {
		_, rest, _ := bytes.Cut(request[:min(len(request), 1<<10)], []byte(`"`+name+`":"`))
		value, _, _ := bytes.Cut(rest, []byte(`"`))
		return string(value)
	}
	return field("invocationId"), strings.HasSuffix(field("recordId"), strings.Repeat("0", 20))
}
