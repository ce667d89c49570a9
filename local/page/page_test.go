package page_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"firehose-pipeline/internal/testkit/functiontest"
	"firehose-pipeline/internal/testkit/shopschema"
	"firehose-pipeline/local"
	"firehose-pipeline/local/page"
	"firehose-pipeline/schema"
)

func TestMain(m *testing.M) { functiontest.Main(m, "transform", "errorhandler") }

// openRun opens a run from a file.
func openRun(t testing.TB) *local.Pipeline {
	t.Helper()
	return openRunWith(t, shopschema.JSON, functiontest.Binary("transform"))
}

func openRunWith(t testing.TB, eventSchema []byte, transform string) *local.Pipeline {
	t.Helper()
	text, err := os.ReadFile("../template/testdata/dev.template.json")
	if err != nil {
		t.Fatal(err)
	}
	p, err := local.Open(t.Context(), local.Options{Template: text, EventSchema: eventSchema,
		StackName: "kinesis-firehose-pipeline-dev", Out: filepath.Join(t.TempDir(), "out"),
		Functions: map[string]string{"transform": transform,
			"errorhandler": functiontest.Binary("errorhandler")},
		Start: time.Date(2026, 9, 21, 10, 59, 0, 0, time.UTC), Rate: 1000})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
	return p
}

func putAll(t testing.TB, p *local.Pipeline, records ...string) {
	t.Helper()
	var list [][]byte
	for _, record := range records {
		list = append(list, []byte(record))
	}
	for _, s := range p.Streams() {
		if _, err := p.Put(t.Context(), s.Name, list); err != nil {
			t.Fatal(err)
		}
	}
}

// newPage is a page whose replays do nothing.
func newPage(t testing.TB) *page.Page {
	t.Helper()
	return page.New(t.Context(), page.Run{Pipeline: openRun(t), Started: time.Now(), Served: true,
		Replay: func(context.Context, page.ReplayRequest) (page.ReplayResult, error) { return page.ReplayResult{}, nil }})
}

// get decodes an answer of the page.
func get(t *testing.T, p *page.Page, path string, query url.Values, value any) {
	t.Helper()
	answer := request(t, p, http.MethodGet, path+"?"+query.Encode(), "",
		map[string]string{"X-Page-Token": readToken(t, p)})
	text, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != http.StatusOK {
		t.Fatalf("%s: %d %s %v", path, answer.StatusCode, text, err)
	}
	if err := json.Unmarshal(text, value); err != nil {
		t.Fatalf("%s: %v: %s", path, err, text)
	}
}

const hostile = "<img src=x onerror=alert(1)>\u202e"

func TestPage(t *testing.T) {
	run := openRun(t)
	p := page.New(t.Context(), page.Run{Pipeline: run, Started: time.Now()})
	putAll(t, run, `{"event_id":"good","amount":3}`, `{"event_id":"`+hostile+`","amount"`, `{"event_id":"long","brand":"`+
		strings.Repeat("x", 100_000)+`"}`)
	if err := run.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Run("state", func(t *testing.T) {
		var state struct {
			Streams []struct {
				Kind, Format                             string
				Received, Delivered, Failed, Transformed int64
			}
			Letters []struct {
				Stream, Stage, Reason, Kind, Explanation string
				Sent                                     int64
			}
			Run struct {
				Mode, Phase string
				CanReplay   bool
			}
		}
		get(t, p, "/api/state", nil, &state)
		lake := state.Streams[0]
		if lake.Kind != "lake" || lake.Format != "Parquet" || lake.Received != 3 || lake.Delivered != 2 || lake.Failed != 1 ||
			lake.Transformed != 3 || state.Run.Mode != "file" || state.Run.Phase != "running" || state.Run.CanReplay {
			t.Errorf("got %+v", state)
		}
		if len(state.Letters) != 2 || state.Letters[0].Reason != "UnexpectedEnd" || state.Letters[0].Sent != 1 ||
			!strings.Contains(state.Letters[0].Explanation, "cut off") {
			t.Errorf("got %+v", state.Letters)
		}
	})
	t.Run("an unchanged state is not sent again", func(t *testing.T) {
		headers := map[string]string{"X-Page-Token": readToken(t, p)}
		first := request(t, p, http.MethodGet, "/api/state", "", headers)
		headers["If-None-Match"] = first.Header.Get("ETag")
		time.Sleep(300 * time.Millisecond) // a new sample
		if again := request(t, p, http.MethodGet, "/api/state", "", headers); again.StatusCode != http.StatusNotModified {
			t.Errorf("got %d", again.StatusCode)
		}
	})
	t.Run("a dead letter with record and byte", func(t *testing.T) {
		var found struct {
			Letters []struct {
				EventID string
				Record  struct {
					Before, At, After string
					Offset            *int
					Bytes             int
				}
			}
		}
		get(t, p, "/api/letters", url.Values{"stream": {"lake"}, "stage": {"transform"}, "reason": {"UnexpectedEnd"},
			"kind": {"record"}}, &found)
		l := found.Letters[0]
		if len(found.Letters) != 1 || l.Record.Offset == nil || l.Record.Bytes != *l.Record.Offset ||
			l.Record.Before != `{"event_id":"<img src=x onerror=alert(1)>\u202e","amount"` {
			t.Errorf("got %+v", found)
		}
	})
	testFilesOf(t, p)
}

func testFilesOf(t *testing.T, p *page.Page) {
	for area, want := range map[string]string{"lake": "good", "source": "good", "index": "good", "errors": "rawData"} {
		t.Run("files of "+area, func(t *testing.T) {
			var files struct{ Files []struct{ Key, Shown string } }
			get(t, p, "/api/files", url.Values{"area": {area}}, &files)
			if len(files.Files) == 0 {
				t.Fatal("no files")
			}
			var rows struct {
				Columns []struct{ Name string }
				Rows    [][]string
				Lines   []string
			}
			get(t, p, "/api/rows", url.Values{"area": {area}, "key": {files.Files[0].Key}}, &rows)
			text := fmt.Sprint(rows.Rows, rows.Lines)
			if !strings.Contains(text, want) || len(text) > 30_000 || (area == "lake") != (rows.Columns != nil) {
				t.Errorf("got %.500s", text)
			}
		})
	}
	t.Run("a file that does not exist", func(t *testing.T) {
		for _, key := range []string{"none", "../../sqs/dead-letter-queue", "/etc/passwd", ".."} {
			for _, area := range []string{"lake", "index"} {
				query := url.Values{"area": {area}, "key": {key}}.Encode()
				got := request(t, p, http.MethodGet, "/api/rows?"+query, "", map[string]string{"X-Page-Token": readToken(t, p)})
				if got.StatusCode != http.StatusNotFound {
					t.Errorf("%s %s: got %d", area, key, got.StatusCode)
				}
			}
		}
	})
}

var dataBlock = regexp.MustCompile(`(?s)<script type="application/json" id="data">(.*?)</script>`)

// writeReport flushes a run and returns the report of its page.
func writeReport(t *testing.T, run *local.Pipeline, p *page.Page) []byte {
	t.Helper()
	if err := run.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	p.SetPhase(page.Ended)
	p.SetPatience(time.Minute)
	path, err := p.WriteReport(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestReport(t *testing.T) {
	run := openRun(t)
	p := page.New(t.Context(), page.Run{Pipeline: run, Started: time.Now()})
	records := []string{`{"event_id":"good"}`}
	for i := range 700 {
		records = append(records, fmt.Sprintf(`{"event_id":"bad-%d </script><script>alert(1)</script>`, i)+"\u2028\"")
	}
	putAll(t, run, records...)
	text := writeReport(t, run, p)
	if got := strings.Count(string(text), "<script"); got != 2 {
		t.Errorf("%d elements of script, want 2", got)
	}
	block := dataBlock.FindSubmatch(text)
	if block == nil || strings.ContainsAny(string(block[1]), "<>&\u2028\u2029") {
		t.Fatalf("the data is missing or not escaped: %.300s", block)
	}
	var data struct {
		Letters []struct {
			Total   int64
			Letters []json.RawMessage
		}
		Events []struct {
			ID    string
			Steps []struct{ Stage, State string }
		}
		LettersFile string
	}
	if err := json.Unmarshal(block[1], &data); err != nil {
		t.Fatal(err)
	}
	if data.Letters[0].Total != 700 || len(data.Letters[0].Letters) != 200 ||
		!strings.HasSuffix(data.LettersFile, "dead-letter-queue.ndjson") {
		t.Errorf("got %d of %d dead letters", len(data.Letters[0].Letters), data.Letters[0].Total)
	}
	stages := map[string]bool{}
	for _, journey := range data.Events {
		for _, step := range journey.Steps {
			stages[step.Stage] = true
		}
	}
	for _, stage := range []string{"lake", "index", "errorObject", "deadLetter", "source"} {
		if !stages[stage] {
			t.Errorf("no event of the report shows %s: %+v", stage, data.Events)
		}
	}
	if len(text) > 1<<20 {
		t.Errorf("the report has %d bytes", len(text))
	}
}

// A report is passed on: it has no record as it was sent when the schema protects a field.
func TestReportOfProtectedEvents(t *testing.T) {
	declared := []byte(`{"type":"object","properties":{"event_id":{"type":"string"},
		"email":{"type":"string","x-protect":"redact"}}}`)
	folder := t.TempDir() // the transform reads the schema beside its binary
	binary, err := os.ReadFile(functiontest.Binary("transform"))
	if err != nil {
		t.Fatal(err)
	}
	transform := filepath.Join(folder, "bootstrap")
	err = errors.Join(os.WriteFile(transform, binary, 0o700), os.WriteFile(filepath.Join(folder, schema.FileName), declared, 0o600))
	if err != nil {
		t.Fatal(err)
	}
	run := openRunWith(t, declared, transform)
	p := page.New(t.Context(), page.Run{Pipeline: run, Started: time.Now()})
	putAll(t, run, `{"event_id":"good","email":"first@prot3cted"}`, `{"event_id":"bad","email":"second@prot3cted"`)
	text := writeReport(t, run, p)
	for _, want := range []string{"REDACTED", "leaves out the record as sent", "source-data/", "error-data/"} {
		if !strings.Contains(string(text), want) {
			t.Errorf("the report has no %q", want)
		}
	}
	if strings.Contains(string(text), "prot3cted") {
		t.Error("the report has a protected value")
	}
}
