package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"firehose-pipeline/deadletter"
	"firehose-pipeline/errorobject"
	"firehose-pipeline/event"
	"firehose-pipeline/internal/testkit/shopschema"
	"firehose-pipeline/producer"
	"firehose-pipeline/replay"
	"firehose-pipeline/trace"
)

// The files of testdata/formats were written by an earlier version: dead letters wait for up to 14 days, states and error
// objects longer, and programs read the reports. What follows reads them as this version does; they never change.
const formats = "../../testdata/formats"

func readFormat(t *testing.T, name string) []byte {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(formats, name))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestFormatOfDeadLetters(t *testing.T) {
	kinds, reasons := map[deadletter.Kind]int{}, map[deadletter.Reason]int{}
	for line := range bytes.Lines(readFormat(t, "dead-letters.ndjson")) {
		m, err := deadletter.Parse(bytes.TrimSpace(line))
		if err != nil {
			t.Errorf("%v: %.200s", err, line)
			continue
		}
		kinds[m.Kind]++
		reasons[m.Reason]++
		if m.Kind == deadletter.Record && (m.RawData == nil || m.Pointer == nil || m.EventID == "" && m.Reason == deadletter.SearchRefused) {
			t.Errorf("a part is missing: %.200s", line)
		}
	}
	if kinds[deadletter.Record] != 16 || kinds[deadletter.Object] != 3 || kinds[deadletter.Invocation] != 1 || len(reasons) != 13 {
		t.Errorf("got %v, %v", kinds, reasons)
	}
}

func TestFormatOfErrorObjects(t *testing.T) {
	for name, want := range map[string]int{
		"lake-processing-failed": 4, "search-processing-failed": 4, "search-AmazonOpenSearchService-failed": 4,
	} {
		reader := errorobject.NewReader(bytes.NewReader(readFormat(t, "error-objects/"+name)))
		n := 0
		for ; ; n++ {
			failure, err := reader.Next()
			if err == io.EOF {
				break
			}
			if err != nil || failure.Unknown || failure.RawData == nil || failure.ArrivalTime.IsZero() {
				t.Fatalf("%s: document %d: %v, %+v", name, n, err, failure)
			}
		}
		if n != want {
			t.Errorf("%s: must have %d documents (got %d)", name, want, n)
		}
	}
}

// copyFormat copies a state, because opening one may write it.
func copyFormat(t *testing.T, name string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, readFormat(t, name), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestFormatOfStates(t *testing.T) {
	streams := map[event.Stream]string{event.Lake: "kinesis-firehose-pipeline-dev-LakeStream",
		event.Search: "kinesis-firehose-pipeline-dev-SearchStream"}
	if _, err := producer.OpenState(copyFormat(t, "send-state.json"), streams); err != nil {
		t.Error(err)
	}
	streams[event.Lake] = "another"
	if _, err := producer.OpenState(copyFormat(t, "send-state.json"), streams); err == nil {
		t.Error("the state of other streams is accepted: its streams are not read")
	}
	path := copyFormat(t, "replay-state.ndjson")
	journal, err := replay.OpenJournal(path, event.MustCompile(shopschema.Load()))
	if err != nil {
		t.Fatal(err)
	}
	if err := journal.Close(); err != nil {
		t.Error(err)
	}
}

// Each report is read as what this version writes, and written again: no member may be gone.
func TestFormatOfReports(t *testing.T) {
	for name, report := range map[string]any{
		"send-report.json": &sendReport{}, "local-report.json": &localReport{}, "replay-report.json": &replay.Report{},
		"replay-plan.json": &replay.Report{}, "trace.json": &trace.Report{}, "cost.json": &costReport{},
	} {
		text := readFormat(t, name)
		decoder := json.NewDecoder(bytes.NewReader(text))
		decoder.DisallowUnknownFields()
		if err := decoder.Decode(report); err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		again, err := json.Marshal(report)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		var before, after any
		if err := errors.Join(json.Unmarshal(text, &before), json.Unmarshal(again, &after)); err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		for _, path := range missing("", before, after) {
			t.Errorf("%s: %s: is another value, or gone", name, path)
		}
	}
}

// missing lists the members of a value that the other one has not, or has otherwise.
func missing(path string, before, after any) (paths []string) {
	switch before := before.(type) {
	case map[string]any:
		object, _ := after.(map[string]any)
		for key, value := range before {
			paths = append(paths, missing(path+"/"+key, value, object[key])...)
		}
	case []any:
		list, _ := after.([]any)
		if len(list) != len(before) {
			return []string{path}
		}
		for i, value := range before {
			paths = append(paths, missing(path+"/*", value, list[i])...)
		}
	default:
		if !reflect.DeepEqual(before, after) {
			paths = append(paths, path)
		}
	}
	return paths
}
