package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"firehose-pipeline/event"
	"firehose-pipeline/internal/testkit/shopschema"
	"firehose-pipeline/producer"
)

// surveyOf is the report on events of the shop's schema.
func surveyOf(t *testing.T, events ...string) *surveyReport {
	t.Helper()
	v, err := newSurvey("my schema.json", shopschema.Load())
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range events {
		v.add(event.Lake, []byte(e))
	}
	return v.report("my events.ndjson")
}

func TestSurveyReport(t *testing.T) {
	text := func(r *surveyReport) string {
		var b strings.Builder
		b.WriteString(r.warning())
		r.writeTo(&b)
		return b.String()
	}
	t.Run("without an event, or without a schema, there is none", func(t *testing.T) {
		var none *survey
		none.add(event.Lake, []byte("{}"))
		if got := none.report(""); got != nil || text(got) != "" {
			t.Errorf("got %+v, %q", got, text(got))
		}
		if got := surveyOf(t, "[]", ""); got != nil {
			t.Errorf("got %+v", got)
		}
	})
	t.Run("no declared field, of many events and many keys", func(t *testing.T) {
		events := make([]string, 10_640)
		for i := range events {
			events[i] = fmt.Sprintf(`{"deviceId":"d","ts":%d,"reading":1,"k%d":1,"\u001b]0;x\u0007\n":1}`, i, i)
		}
		golden(t, "survey-none.txt", text(surveyOf(t, events...)))
	})
	t.Run("some fields", func(t *testing.T) {
		golden(t, "survey-some.txt", text(surveyOf(t, `{"event_id":"a","amount":"much","x":1}`,
			`{"event_id":"a","amount":2}`, `{"event_id":"a"}`)))
	})
	t.Run("records of search alone", func(t *testing.T) {
		v, err := newSurvey("s", shopschema.Load())
		if err != nil {
			t.Fatal(err)
		}
		v.add(event.Search, []byte(`{"event_id":"a"}`))
		if got := v.report(""); got.Events != 1 || got.Described != 1 || got.warning() != "" {
			t.Errorf("got %+v", got)
		}
	})
}

// TestSendSurvey sends events of another kind, from the project and from elsewhere.
func TestSendSurvey(t *testing.T) {
	_, c := serveStack(t)
	useEndpoint(t, c.url)
	stack, schema := stackName(t), filepath.Join(buildStack(t).root, filepath.FromSlash(shopFile))
	sensors := `{"deviceId":"a","\u001b[31mred":1,"reading":2.5}` + "\n"
	send := func(status int, args ...string) (stdout, stderr string) {
		args = append([]string{"send", "--events", "-", "--stack", stack}, args...)
		return command(t, status, strings.NewReader(sensors), args...)
	}
	t.Run("the report begins with it", func(t *testing.T) {
		stdout, stderr := send(0, "--schema", schema)
		want := "No event contains a declared field of " + schema + ": every declared column is null.\n" +
			"Write a schema for these events: pipeline schema infer --events FILE --out new-event-schema.json\n\n1 line in "
		const key = "\n  \\u001b[31mred  in 100 % of events\n"
		if !strings.HasPrefix(stdout, want) || !strings.Contains(stdout, key) || stderr != "" {
			t.Errorf("got %s%s", stdout, stderr)
		}
	})
	t.Run("in JSON it has every field, and is said on the standard error", func(t *testing.T) {
		stdout, stderr := send(0, "--schema", schema, "--format", "json")
		var report struct {
			producer.Report
			Survey surveyReport
		}
		if err := json.Unmarshal([]byte(stdout), &report); err != nil {
			t.Fatal(err)
		}
		r := report.Survey
		if report.Lines != 1 || r.Events != 1 || r.Described != 0 || len(r.Fields) != 10 || r.Undeclared[0].Key != "\x1b[31mred" ||
			!strings.HasPrefix(stderr, "No event contains ") || strings.Count(stderr, "\n") != 2 {
			t.Errorf("got %s%s", stdout, stderr)
		}
	})
	t.Run("a schema that is named must be one", func(t *testing.T) {
		if _, stderr := send(exitUsage, "--schema", "missing.json"); !strings.HasPrefix(stderr, "pipeline send: --schema: ") {
			t.Errorf("got %s", stderr)
		}
	})
	t.Run("without a project there is none", func(t *testing.T) {
		t.Chdir(t.TempDir())
		stdout, stderr := send(0)
		if !strings.HasPrefix(stdout, "1 line in ") || strings.Contains(stdout, "keys that") || stderr != "" {
			t.Errorf("got %s%s", stdout, stderr)
		}
	})
	t.Run("a project whose schema cannot be read does not keep from sending", func(t *testing.T) {
		folder := t.TempDir()
		files := map[string]string{"go.mod": modulePath + "\n", "cdk.json": "{}", "event-schema.json": `{"type":1}`}
		for name, text := range files {
			if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		t.Chdir(folder)
		stdout, stderr := send(0)
		const note = "note: the report does not count the declared fields: "
		if !strings.HasPrefix(stdout, "1 line in ") || !strings.HasPrefix(stderr, note) {
			t.Errorf("got %s%s", stdout, stderr)
		}
	})
}
