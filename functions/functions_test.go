// Package functions_test runs the functions' real binaries, built for this machine as they are built for the stack, through
// Lambda's Runtime API. What is expected is written here a second time, from the contract and with encoding/json, so that
// it shares nothing with the code it checks.
package functions_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"firehose-pipeline/event"
	_ "firehose-pipeline/functions/errorhandler" // and the others like it: Go's test cache does not see what the binaries are made of
	_ "firehose-pipeline/functions/transform"
	"firehose-pipeline/internal/functionbuild"
	"firehose-pipeline/internal/testkit/builtinrules"
	"firehose-pipeline/local/lambda"
)

// added are the rules that are not shipped: what they write is cut out before whole outputs are compared.
var added = builtinrules.Beyond(event.Rules, func(r event.Rule) string { return r.Name })

// binaries has the folder of each function's bootstrap.
var binaries = map[string]string{}

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "functions")
	if err != nil {
		log.Print(err)
		return 1
	}
	defer os.RemoveAll(dir)
	here := functionbuild.Target{OS: runtime.GOOS, Arch: runtime.GOARCH}
	for _, name := range []string{"transform", "errorhandler", "searchsetup", "searchrelay"} {
		binaries[name] = filepath.Join(dir, name)
		if err := os.Mkdir(binaries[name], 0o755); err != nil {
			log.Print(err)
			return 1
		}
		if err := functionbuild.Build(context.Background(), "..", name, binaries[name], here); err != nil {
			log.Print(err)
			return 1
		}
	}
	return m.Run()
}

// lines keeps what a function logs.
type lines struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

// function is a running function and its log.
type function struct {
	*lambda.Function
	log        *lines
	t          *testing.T
	answerSize int // of the last batch
}

func start(t *testing.T, name string, environment map[string]string) *function {
	t.Helper()
	return startWithin(t, name, environment, time.Minute)
}

// startWithin gives the function a time limit.
func startWithin(t *testing.T, name string, environment map[string]string, limit time.Duration) *function {
	t.Helper()
	if _, err := os.Stat(filepath.Join(name, "bootstrap", "main.go")); err != nil { // a file that the test cache then watches
		t.Fatal(err)
	}
	environment["STACK"] = "pipeline-test"
	f := &function{log: &lines{}, t: t}
	var err error
	f.Function, err = lambda.Start(t.Context(), lambda.Config{
		Name:        "pipeline-test-" + name,
		Binary:      filepath.Join(binaries[name], "bootstrap"),
		MemoryMB:    256,
		Timeout:     limit,
		Environment: environment,
		Log:         f.log,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(f.Close)
	return f
}

func startTransform(t *testing.T, stream string) *function {
	t.Helper()
	return start(t, "transform", map[string]string{"STREAM": stream, "DROP_EVENT_TYPES": `["heartbeat"]`, "LOG_LEVEL": "warn"})
}

// invoke returns the function's answer; an error of the function ends the test.
func (f *function) invoke(payload []byte) []byte {
	f.t.Helper()
	result, err := f.Invoke(f.t.Context(), payload)
	if err != nil {
		f.t.Fatal(err)
	}
	if err := result.Error(); err != nil {
		f.t.Fatal(err)
	}
	return result.Payload
}

// metrics returns the function's metric lines, each one JSON object with an _aws member. It closes the function first:
// what it wrote is complete only then.
func (f *function) metrics() []map[string]any {
	f.t.Helper()
	f.Close()
	var found []map[string]any
	scanner := bufio.NewScanner(&f.log.text)
	for scanner.Scan() {
		var line map[string]any
		if json.Unmarshal(scanner.Bytes(), &line) == nil && line["_aws"] != nil {
			found = append(found, line)
		}
	}
	if err := scanner.Err(); err != nil {
		f.t.Fatal(err)
	}
	return found
}

// Firehose's request and answer, as far as they matter here.
type (
	requestRecord struct {
		RecordID                    string `json:"recordId"`
		ApproximateArrivalTimestamp int64  `json:"approximateArrivalTimestamp"`
		Data                        []byte `json:"data"`
	}
	answerRecord struct {
		RecordID string  `json:"recordId"`
		Result   string  `json:"result"`
		Data     *string `json:"data"`
	}
)

func request(t *testing.T, records ...[]byte) []byte {
	t.Helper()
	var r struct {
		InvocationID      string          `json:"invocationId"`
		DeliveryStreamARN string          `json:"deliveryStreamArn"`
		Region            string          `json:"region"`
		Records           []requestRecord `json:"records"`
	}
	r.InvocationID = "b3a5a2e8-0000-4000-8000-000000000001"
	r.DeliveryStreamARN = "arn:aws:firehose:us-east-1:000000000000:deliverystream/pipeline-test"
	r.Region = "us-east-1"
	r.Records = []requestRecord{}
	for i, data := range records {
		r.Records = append(r.Records, requestRecord{recordID(i), 1700000000000 + int64(i), data})
	}
	out, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// recordID is as long as Firehose's.
func recordID(i int) string { return fmt.Sprintf("%056d", i) }

// transform sends the records as one batch. The answers are checked to be one for each record, in its order, with data
// exactly when they are Ok; they come back with the data decoded.
func (f *function) transform(records ...[]byte) []answerRecord {
	f.t.Helper()
	raw := f.invoke(request(f.t, records...))
	f.answerSize = len(raw)
	if len(raw) > 6<<20 {
		f.t.Errorf("got an answer of %d bytes, above Lambda's 6 MB", len(raw))
	}
	var answer struct {
		Records []answerRecord `json:"records"`
	}
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&answer); err != nil {
		f.t.Fatalf("%v in answer %.300s", err, raw)
	}
	if len(answer.Records) != len(records) {
		f.t.Fatalf("got %d answers to %d records", len(answer.Records), len(records))
	}
	for i, r := range answer.Records {
		if r.RecordID != recordID(i) {
			f.t.Fatalf("answer %d is for record %q", i, r.RecordID)
		}
		if (r.Result == "Ok") != (r.Data != nil) || !slices.Contains([]string{"Ok", "Dropped", "ProcessingFailed"}, r.Result) {
			f.t.Fatalf("answer %d: got %+v", i, r)
		}
		if r.Data != nil {
			data, err := base64.StdEncoding.DecodeString(*r.Data)
			if err != nil {
				f.t.Fatalf("answer %d: %v", i, err)
			}
			text := string(data)
			answer.Records[i].Data = &text
		}
	}
	return answer.Records
}

// storeEvents are the events of the store, one a line.
func storeEvents(t *testing.T) [][]byte {
	t.Helper()
	content, err := os.ReadFile("../testdata/store-events.ndjson")
	if err != nil {
		t.Fatal(err)
	}
	events := bytes.Split(bytes.TrimSpace(content), []byte("\n"))
	if len(events) != 500 {
		t.Fatalf("got %d events, want 500", len(events))
	}
	return events
}

// batches cuts records into batches as Firehose's processor buffer of 0.5 MB does.
func batches(records [][]byte) [][][]byte {
	var all [][][]byte
	size := 0
	for _, r := range records {
		if len(all) == 0 || size+len(r) > 512<<10 {
			all, size = append(all, nil), 0
		}
		all[len(all)-1] = append(all[len(all)-1], r)
		size += len(r)
	}
	return all
}

// withTime returns the data with the value of processed_timestamp replaced by "NOW", also where another rule repeats it, and
// the value.
func withTime(data string) (string, string) {
	const key = `"processed_timestamp":"`
	at := strings.LastIndex(data, key)
	if at < 0 {
		return data, ""
	}
	value, _, _ := strings.Cut(data[at+len(key):], `"`)
	return data[:at] + strings.ReplaceAll(data[at:], `"`+value+`"`, `"NOW"`), value
}
