package journey_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"firehose-pipeline/event"
	"firehose-pipeline/internal/testkit/functiontest"
	"firehose-pipeline/internal/testkit/shopschema"
	"firehose-pipeline/local"
	"firehose-pipeline/local/journey"
)

func TestMain(m *testing.M) { functiontest.Main(m, "transform", "errorhandler") }

func openRun(t *testing.T, template string) *local.Pipeline {
	t.Helper()
	text, err := os.ReadFile("../template/testdata/" + template + ".template.json")
	if err != nil {
		t.Fatal(err)
	}
	p, err := local.Open(t.Context(), local.Options{Template: text, EventSchema: shopschema.JSON,
		StackName: "kinesis-firehose-pipeline-dev", Out: filepath.Join(t.TempDir(), "out"), Rate: 1000,
		Start: time.Date(2026, 9, 21, 10, 59, 0, 0, time.UTC),
		Functions: map[string]string{"transform": functiontest.Binary("transform"),
			"errorhandler": functiontest.Binary("errorhandler")}})
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

func put(t *testing.T, p *local.Pipeline, records ...string) {
	t.Helper()
	for _, s := range p.Streams() {
		end := ""
		if s.Kind == event.Lake {
			end = "\n"
		}
		var list [][]byte
		for _, record := range records {
			list = append(list, []byte(record+end))
		}
		if _, err := p.Put(t.Context(), s.Name, list); err != nil {
			t.Fatal(err)
		}
	}
}

// follow returns the steps of an event, one a line: stream, stage and state.
func follow(t *testing.T, p *local.Pipeline, id string) (string, journey.Journey) {
	t.Helper()
	journey, err := journey.Follow(t.Context(), p, id)
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, s := range journey.Steps {
		lines = append(lines, fmt.Sprintf("%s %s %s", s.Stream, s.Stage, s.State))
	}
	return strings.Join(lines, "\n"), journey
}

func TestFollow(t *testing.T) {
	p := openRun(t, "dev")
	if got, _ := follow(t, p, "later"); got != "" {
		t.Errorf("got %s", got)
	}
	odd := `a"b\\c</x>` // as JSON has it
	put(t, p, `{"event_id":"good","amount":3}`, `{"event_id":"bad","amount"`, `{"event_id":"other"}`,
		`{"event_id":"later"}`, `{"event_id":"`+strings.ReplaceAll(odd, `"`, `\"`)+`"}`, `{"event_id":"\u0067ood","amount":4}`)
	t.Run("an event that waits", func(t *testing.T) {
		got, _ := follow(t, p, "later")
		if want := "lake put done\nlake transform waiting\nsearch put done\nsearch transform waiting"; got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	})
	if err := p.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct{ id, want string }{
		"an event that was watched": {"later", "lake put done\nlake source done\nlake lake done\n" +
			"search put done\nsearch index done"},
		"an event twice, once with an escape": {"good", "lake source done\nlake source done\nlake lake done\n" +
			"lake lake done\nsearch index done\nsearch index done"},
		"a failed event": {"bad", "lake source done\nlake errorObject failed\nlake deadLetter failed\n" +
			"search errorObject failed\nsearch deadLetter failed"},
		"an odd id":     {`a"b\c</x>`, "lake source done\nlake lake done\nsearch index done"},
		"no such event": {"goo", ""},
	} {
		t.Run(name, func(t *testing.T) {
			if got, _ := follow(t, p, c.id); got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
	t.Run("row and dead letter in detail", func(t *testing.T) {
		_, journey := follow(t, p, "good")
		row := journey.Steps[2]
		if !strings.HasSuffix(row.Place, ".parquet, row 1") ||
			!strings.Contains(fmt.Sprint(row.Fields), "{amount 3}") {
			t.Errorf("got %+v", row)
		}
		_, journey = follow(t, p, "bad")
		failed := journey.Steps[1]
		if failed.Text != `{"event_id":"bad","amount"`+"\n" ||
			!strings.Contains(fmt.Sprint(failed.Fields), "{reason UnexpectedEnd}") {
			t.Errorf("got %+v", failed)
		}
	})
}

func TestFollowInJSONLake(t *testing.T) {
	p := openRun(t, "json")
	put(t, p, `{"event_id":"good\u202e<b>"}`)
	if err := p.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	got, journey := follow(t, p, "good\u202e<b>")
	if !strings.Contains(got, "lake lake done") || journey.ID != `good\u202e<b>` ||
		strings.Contains(fmt.Sprintf("%+v", journey), "\u202e") {
		t.Errorf("got %s, %+v", got, journey)
	}
}

func TestFollowAll(t *testing.T) {
	p := openRun(t, "dev")
	put(t, p, `{"event_id":"one"}`, `{"event_id":"two"`, `{"event_id":"three"}`)
	if err := p.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	found, err := journey.FollowAll(t.Context(), p, []string{"two", "one", "none"}, time.Minute)
	if err != nil || len(found) != 3 || len(found[0].Steps) != 5 || len(found[1].Steps) != 3 ||
		len(found[2].Steps) != 0 {
		t.Errorf("got %+v, %v", found, err)
	}
	stopped, err := journey.FollowAll(t.Context(), p, []string{"one"}, time.Nanosecond)
	if err != nil || len(stopped[0].Notes) != 1 || !strings.Contains(stopped[0].Notes[0], "not all results were read") {
		t.Errorf("got %+v, %v", stopped, err)
	}
}
