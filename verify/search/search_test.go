//go:build opensearch

package search

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"firehose-pipeline/internal/testkit/opensearchtest"
)

const (
	root      = "../.."
	analyst   = "arn:aws:iam::111122223333:role/Analyst"
	writerARN = "arn:aws:iam::000000000000:role/kinesis-firehose-pipeline-dev-SearchWriterRole"
)

var (
	server  *opensearchtest.Server
	command string // of the operator
)

func TestMain(m *testing.M) {
	code, err := run(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

func run(m *testing.M) (code int, err error) {
	dir, err := os.MkdirTemp("", "verify-search-")
	if err != nil {
		return 1, err
	}
	defer os.RemoveAll(dir)
	command = filepath.Join(dir, "pipeline")
	if out, err := exec.Command("go", "build", "-o", command, root+"/cmd/pipeline").CombinedOutput(); err != nil {
		return 1, fmt.Errorf("building pipeline: %w\n%s", err, out)
	}
	server, err = opensearchtest.New(context.Background(), opensearchtest.Options{Progress: os.Stderr})
	if err != nil {
		return 1, err
	}
	defer func() {
		if closing := server.Close(); err == nil {
			err = closing
		}
	}()
	return m.Run(), nil
}

// local is a run of `pipeline local --opensearch`.
type local struct {
	*exec.Cmd
	Out    string // the folder of results
	stdout bytes.Buffer
	stderr bytes.Buffer
}

// report is the report of a run.
type report struct {
	Events  int64
	Streams struct {
		Search struct {
			Received, Delivered, Dropped, Failed int64
			Indices                              map[string]int64
		}
	}
	DeadLetter struct{ Messages int64 }
	// AlsoLettered are documents that are in the index and have a dead letter, which names them: the response to the
	// last try was lost.
	AlsoLettered int64 `json:"-"`
}

var alsoLettered = regexp.MustCompile(`duplicates: ([0-9,]+) documents? in the index whose dead letters? names? (?:them|it)`)

// newLocal prepares a run that gets its events from the standard input and checks every record put.
func newLocal(t *testing.T, arguments ...string) *local {
	t.Helper()
	l := &local{Out: filepath.Join(t.TempDir(), "out")}
	all := []string{"local", "--project", root, "--events", "-", "--out", l.Out, "--check", "--format", "json",
		"--opensearch", server.URL.String(), "--opensearch-ca", server.CAFile, "-c", "openSearchReaderRoleArns=" + analyst}
	l.Cmd = exec.Command(command, append(all, arguments...)...)
	l.Env = append(os.Environ(), "OPENSEARCH_USER="+server.Master.Name, "OPENSEARCH_PASSWORD="+server.Master.Password)
	l.Cmd.Stdout, l.Cmd.Stderr = &l.stdout, &l.stderr
	return l
}

// report reads what a run has printed once it has ended; a finding of its check is an error.
func (l *local) report(t *testing.T, err error) report {
	t.Helper()
	if err != nil {
		t.Fatalf("pipeline local: %v\n%s", err, l.stderr.String())
	}
	var r report
	if err := json.Unmarshal(l.stdout.Bytes(), &r); err != nil {
		t.Fatalf("report: %v\n%s", err, l.stdout.String())
	}
	if !strings.Contains(l.stderr.String(), "each one where it had to end") {
		t.Errorf("check: %s", l.stderr.String())
	}
	if m := alsoLettered.FindStringSubmatch(l.stderr.String()); m != nil {
		if r.AlsoLettered, err = strconv.ParseInt(strings.ReplaceAll(m[1], ",", ""), 10, 64); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("events %d, search %+v, dead letters %d", r.Events, r.Streams.Search, r.DeadLetter.Messages)
	return r
}

// events runs the pipeline with these events, each of which is somewhere once then.
func (l *local) events(t *testing.T, events io.Reader) report {
	t.Helper()
	l.Stdin = events
	r := l.report(t, l.Cmd.Run())
	if !strings.Contains(l.stderr.String(), "each one where it had to end, once") {
		t.Errorf("check: %s", l.stderr.String())
	}
	return r
}

// letters reads the dead letters of a run.
func (l *local) letters(t *testing.T) []letter {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(l.Out, "sqs", "dead-letter-queue.ndjson"))
	if err != nil {
		t.Fatal(err)
	}
	var letters []letter
	for line := range bytes.Lines(text) {
		var m letter
		if err := json.Unmarshal(line, &m); err != nil {
			t.Fatal(err)
		}
		letters = append(letters, m)
	}
	return letters
}

type letter struct {
	Kind, Stream, Stage, Reason string
	ErrorCode, ErrorMessage     string
}

// ask sends a request and checks its status.
func ask(t *testing.T, u opensearchtest.User, status int, method, target, body string) []byte {
	t.Helper()
	got, answer, err := server.Do(t.Context(), u, method, target, body)
	if err != nil {
		t.Fatal(err)
	}
	if got != status {
		t.Fatalf("%s asks %s %s: must be answered %d (got %d: %.600s)", u.Name, method, target, status, got, answer)
	}
	return answer
}

func decode[T any](t *testing.T, text []byte) (v T) {
	t.Helper()
	if err := json.Unmarshal(text, &v); err != nil {
		t.Fatalf("%v in %.300s", err, text)
	}
	return v
}

// user makes a user that represents an IAM role.
func user(t *testing.T, name, roleARN string) opensearchtest.User {
	t.Helper()
	u, err := server.AddUser(t.Context(), name, roleARN)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// clean deletes the indices of the pipeline.
func clean(t *testing.T) {
	t.Helper()
	ask(t, server.Master, 200, "DELETE", "/realtime-events-*?expand_wildcards=all", "")
}

type index struct{ Index, Health, Pri, Rep, Docs string }

// indices lists indices as a user.
func indices(t *testing.T, u opensearchtest.User) []index {
	t.Helper()
	var list []index
	for _, i := range decode[[]map[string]string](t,
		ask(t, u, 200, "GET", "/_cat/indices/realtime-events-*?format=json", "")) {
		list = append(list, index{i["index"], i["health"], i["pri"], i["rep"], i["docs.count"]})
	}
	return list
}

func count(t *testing.T, u opensearchtest.User, query string) int {
	t.Helper()
	target := "/realtime-events-2*/_count"
	return decode[struct{ Count int }](t, ask(t, u, 200, "POST", target, `{"query":`+query+`}`)).Count
}

const everything = `{"match_all":{}}`

func storeEvents(t *testing.T) *os.File {
	t.Helper()
	f, err := os.Open(root + "/testdata/store-events.ndjson")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

func today() string { return "realtime-events-" + time.Now().UTC().Format(time.DateOnly) }
