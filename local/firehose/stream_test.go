package firehose

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"firehose-pipeline/local/lambda"
	"firehose-pipeline/local/template"
)

var start = time.Date(2026, 9, 21, 10, 59, 50, 123e6, time.UTC)

// stored is an object that the store got.
type stored struct {
	headers map[string]string
	body    []byte
}

// world is a stream between a function and stores that are the test's own.
type world struct {
	*testing.T
	*Stream
	o Options

	mu        sync.Mutex
	requests  []events.KinesisFirehoseEvent
	objects   map[string]stored
	documents map[string][]string
}

// configuration returns a stream as it is deployed: with the template's settings of that name.
func configuration(t *testing.T, name, kind string) template.Stream {
	t.Helper()
	content, err := os.ReadFile("../template/testdata/" + name + ".template.json")
	if err != nil {
		t.Fatal(err)
	}
	config, err := template.Parse(content, "kinesis-firehose-pipeline-dev")
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range config.Streams {
		if string(s.Kind) == kind {
			return s
		}
	}
	t.Fatalf("no %s stream", kind)
	return template.Stream{}
}

// handler is a function: its response to a request.
type handler func(events.KinesisFirehoseEvent) (any, error)

// each answers record by record.
func each(do func(events.KinesisFirehoseEventRecord) map[string]any) handler {
	return func(request events.KinesisFirehoseEvent) (any, error) {
		answer := map[string]any{}
		var records []any
		for _, r := range request.Records {
			records = append(records, do(r))
		}
		answer["records"] = records
		return answer, nil
	}
}

// echo answers every record Ok as it came.
var echo = each(func(r events.KinesisFirehoseEventRecord) map[string]any {
	return map[string]any{"recordId": r.RecordID, "result": "Ok", "data": r.Data}
})

// bulk is an OpenSearch: its response to the documents of a request.
type bulk func(at time.Time, documents []sent) (status int, answer string, err error)

// sent is a document of a bulk request.
type sent struct{ index, id, source string }

func (f bulk) Bulk(_ context.Context, at time.Time, body []byte) (int, []byte, error) {
	var documents []sent
	lines := strings.Split(string(body), "\n")
	if len(lines)%2 != 1 || lines[len(lines)-1] != "" {
		return 0, nil, fmt.Errorf("request must be pairs of lines (got %q)", body)
	}
	for i := 0; i+1 < len(lines); i += 2 {
		var action struct {
			Index struct {
				Index string `json:"_index"`
				ID    string `json:"_id"`
			} `json:"index"`
		}
		if err := json.Unmarshal([]byte(lines[i]), &action); err != nil {
			return 0, nil, err
		}
		documents = append(documents, sent{action.Index.Index, action.Index.ID, lines[i+1]})
	}
	status, answer, err := f(at, documents)
	return status, []byte(answer), err
}

// open starts a stream.
func open(t *testing.T, stream template.Stream, function handler, change func(*Options)) *world {
	t.Helper()
	w := &world{T: t, objects: map[string]stored{}, documents: map[string][]string{}}
	w.o = Options{
		Stream: stream, Seed: "test",
		Invoke: func(ctx context.Context, payload []byte) (lambda.Result, error) {
			var request events.KinesisFirehoseEvent
			if err := json.Unmarshal(payload, &request); err != nil {
				t.Errorf("request: %v", err)
			}
			w.mu.Lock()
			w.requests = append(w.requests, request)
			w.mu.Unlock()
			answer, err := function(request)
			if err != nil {
				kind := "errorString"
				if errors.Is(err, context.DeadlineExceeded) {
					kind = "Sandbox.Timedout"
				}
				return lambda.Result{FunctionError: "Unhandled",
					Payload: fmt.Appendf(nil, `{"errorType":%q,"errorMessage":%q}`, kind, err)}, nil
			}
			if text, ok := answer.(string); ok {
				return lambda.Result{Payload: []byte(text)}, nil
			}
			body, err := json.Marshal(answer)
			return lambda.Result{Payload: body}, err
		},
		Store: func(bucket, key string, headers map[string]string, body io.Reader) error {
			content, err := io.ReadAll(body)
			if err != nil {
				return err
			}
			w.mu.Lock()
			defer w.mu.Unlock()
			w.objects[key] = stored{headers, content}
			return nil
		},
		Search: bulk(func(_ time.Time, documents []sent) (int, string, error) {
			w.mu.Lock()
			defer w.mu.Unlock()
			for _, d := range documents {
				w.documents[d.index] = append(w.documents[d.index], d.source)
			}
			return 200, `{"errors":false,"items":[]}`, nil
		}),
	}
	if change != nil {
		change(&w.o)
	}
	var err error
	if w.Stream, err = New(t.Context(), w.o); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.Close)
	return w
}

// put puts records that all arrive this long after the start.
func (w *world) put(after time.Duration, records ...string) {
	w.Helper()
	list := make([][]byte, len(records))
	for i, r := range records {
		list[i] = []byte(r)
	}
	if _, err := w.Put(list, func(int) time.Time { return start.Add(after) }); err != nil {
		w.Fatal(err)
	}
}

func (w *world) flush() {
	w.Helper()
	if err := w.Flush(start); err != nil {
		w.Fatal(err)
	}
}

// under returns the objects whose keys begin with the prefix, in order of their keys.
func (w *world) under(prefix string) (keys []string, bodies []string) {
	w.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, key := range slices.Sorted(maps.Keys(w.objects)) {
		if !strings.HasPrefix(key, prefix) {
			continue
		}
		body := w.objects[key].body
		if strings.HasSuffix(key, ".gz") {
			unzip, err := gzip.NewReader(bytes.NewReader(body))
			if err != nil {
				w.Fatal(err)
			}
			if body, err = io.ReadAll(unzip); err != nil {
				w.Fatal(err)
			}
		}
		keys, bodies = append(keys, key), append(bodies, string(body))
	}
	return keys, bodies
}

// failures returns the error documents under a prefix.
func (w *world) failures(prefix string) []map[string]any {
	w.Helper()
	_, bodies := w.under(prefix)
	var all []map[string]any
	for _, body := range bodies {
		for line := range strings.Lines(body) {
			var document map[string]any
			if err := json.Unmarshal([]byte(line), &document); err != nil {
				w.Fatal(err)
			}
			all = append(all, document)
		}
	}
	return all
}

func (w *world) want(what string, got, want any) {
	w.Helper()
	if g, n := fmt.Sprint(got), fmt.Sprint(want); g != n {
		w.Errorf("%s\n got %s\nwant %s", what, g, n)
	}
}
