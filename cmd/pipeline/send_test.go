package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"firehose-pipeline/contract"
	"firehose-pipeline/event"
	"firehose-pipeline/local"
	"firehose-pipeline/producer"
)

// useEndpoint lets commands that are run in this process find the local APIs, as the banner of --serve says.
func useEndpoint(t *testing.T, url string) {
	t.Helper()
	for name, value := range map[string]string{"AWS_ENDPOINT_URL": url, "AWS_DEFAULT_REGION": "us-east-1",
		"AWS_ACCESS_KEY_ID": "local", "AWS_SECRET_ACCESS_KEY": "local",
		"AWS_REGION": "", "AWS_PROFILE": "", "AWS_CONFIG_FILE": filepath.Join(t.TempDir(), "none"),
		"AWS_SHARED_CREDENTIALS_FILE": filepath.Join(t.TempDir(), "none")} {
		t.Setenv(name, value)
	}
}

// command runs the command and returns its output.
func command(t *testing.T, status int, stdin io.Reader, args ...string) (stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	if got := run(args, stdin, &out, &errs); got != status {
		t.Fatalf("pipeline %s: status %d, want %d\n%s%s", strings.Join(args, " "), got, status, &out, &errs)
	}
	return out.String(), errs.String()
}

func stackName(t *testing.T) string {
	t.Helper()
	template, err := readTemplate(buildStack(t).template)
	if err != nil {
		t.Fatal(err)
	}
	return template.StackName
}

func received(p *local.Pipeline) (lake, search int64) {
	r := p.Report()
	return r.Streams.Lake.Received, r.Streams.Search.Received
}

func TestSend(t *testing.T) {
	p, c := serveStack(t)
	useEndpoint(t, c.url)
	stack := stackName(t)
	sample := filepath.Join(buildStack(t).root, "testdata", "store-events.ndjson")

	t.Run("by the stack's name, every event goes to both streams", func(t *testing.T) {
		stdout, stderr := command(t, 0, nil, "send", "--events", sample, "--stack", stack)
		if lake, search := received(p); lake != 500 || search != 500 {
			t.Errorf("received %d and %d", lake, search)
		}
		if !strings.HasPrefix(stdout, "500 lines in ") ||
			!strings.Contains(stdout, "\nwith --pack the lake stream would be billed about ") || stderr != "" {
			t.Errorf("got %s%s", stdout, stderr)
		}
	})
	t.Run("by the outputs of a deployment, packed and in json, and again with the same state", func(t *testing.T) {
		dir := t.TempDir()
		outputs, state := filepath.Join(dir, "outputs.json"), filepath.Join(dir, "state")
		names := map[string]string{}
		for _, s := range p.Streams() {
			names[map[event.Stream]string{event.Lake: contract.OutputLakeStream,
				event.Search: contract.OutputSearchStream}[s.Kind]] = s.Name
		}
		text, err := json.Marshal(map[string]any{stack: names, "other": map[string]string{}})
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(outputs, text, 0o644); err != nil {
			t.Fatal(err)
		}
		lakeBefore, searchBefore := received(p)
		for _, lines := range []int64{500, 0} {
			stdout, stderr := command(t, 0, nil, "send", "--events", sample, "--outputs", outputs, "--stack", stack,
				"--pack", "--format", "json", "--state", state)
			var report producer.Report
			if err := json.Unmarshal([]byte(stdout), &report); err != nil {
				t.Fatal(err)
			}
			if report.Lines != lines || report.ResumedAfter != 500-lines || report.Streams[0].Records > lines/10 ||
				report.Streams[0].Events != lines || report.Streams[1].Records != lines || stderr != "" {
				t.Errorf("got %s%s", stdout, stderr)
			}
		}
		if lake, search := received(p); lake-lakeBefore > 50 || search-searchBefore != 500 {
			t.Errorf("received %d and %d", lake-lakeBefore, search-searchBefore)
		}
	})
	t.Run("a line that is no event is named and sent; rejected ones are kept, and make the status 1",
		func(t *testing.T) {
			rejected := filepath.Join(t.TempDir(), "rejected")
			input := "{\"event_id\":\"a\"}\n{\"event_id\":\n"
			_, stderr := command(t, 0, strings.NewReader(input), "send", "--events", "-", "--stack", stack)
			if want := "-:2: not an event: UnexpectedEnd at byte 12: sent unchanged, to become a dead letter\n"; stderr != want {
				t.Errorf("got %s, want %s", stderr, want)
			}
			_, stderr = command(t, exitFailed, strings.NewReader(input), "send", "--events", "-", "--stack", stack,
				"--invalid", "reject", "--rejected", rejected)
			if want := "-:2: rejected: not an event: UnexpectedEnd at byte 12\n"; stderr != want {
				t.Errorf("got %s, want %s", stderr, want)
			}
			if text, err := os.ReadFile(rejected); string(text) != "{\"event_id\":\n" {
				t.Errorf("kept %q, %v", text, err)
			}
		})
	t.Run("only the first lines that are no event are named", func(t *testing.T) {
		stdout, stderr := command(t, 0, strings.NewReader("{}\n"+strings.Repeat("no\n", 15)), "send", "--events", "-",
			"--stack", stack)
		if strings.Count(stderr, "\n") != mostWarnings+1 ||
			!strings.HasSuffix(stderr, "further such lines are not listed\n") ||
			!strings.Contains(stdout, "; 15 not events, sent unchanged\n") {
			t.Errorf("got %s%s", stdout, stderr)
		}
	})
	t.Run("several objects on a line are named as what they are", func(t *testing.T) {
		_, stderr := command(t, 0, strings.NewReader("{}\n{}{}\n"), "send", "--events", "-", "--stack", stack)
		want := "-:2: several objects on a line: sent unchanged, the lake accepts them and search does not " +
			"(TrailingData at byte 2)\n"
		if stderr != want {
			t.Errorf("got %s, want %s", stderr, want)
		}
	})
	t.Run("to one stream alone it is said", func(t *testing.T) {
		for _, s := range p.Streams() {
			flag, want := "--lake-stream", "note: there is no search stream: search will not find these events\n"
			if s.Kind == event.Search {
				flag, want = "--search-stream", "note: there is no lake stream: the lake will not have these events\n"
			}
			if _, stderr := command(t, 0, strings.NewReader("{}"), "send", "--events", "-", flag,
				s.Name); stderr != want {
				t.Errorf("got %s, want %s", stderr, want)
			}
		}
	})
	t.Run("a stream or a stack that is not there is an error, and the report says that nothing was sent",
		func(t *testing.T) {
			stdout, stderr := command(t, exitFailed, strings.NewReader("{}\n"), "send", "--events", "-", "--lake-stream",
				"none", "--search-stream", "none", "--format", "json")
			if !strings.Contains(stderr, "putting to none: ") || !strings.Contains(stderr, "ResourceNotFoundException") ||
				!strings.Contains(stderr, "\nevery stream has all lines up to 0,") ||
				!strings.HasPrefix(stdout, `{"lines":0,`) {
				t.Errorf("got %s%s", stdout, stderr)
			}
			if _, stderr := command(t, exitFailed, strings.NewReader("{}\n"), "send", "--events", "-", "--stack",
				"none"); !strings.HasPrefix(stderr, "asking for the outputs of stack none: ") {
				t.Errorf("got %s", stderr)
			}
		})
	t.Run("an interruption ends with what was read, and says how to go on", func(t *testing.T) {
		state := filepath.Join(t.TempDir(), "state")
		_, searchBefore := received(p)
		stdout, stderr := command(t, exitInterrupted, interruptedInput(t), "send", "--events", "-", "--stack", stack, "--state",
			state, "--format", "json")
		if !strings.HasSuffix(stderr, "interrupted: the same command sends the rest\n") {
			t.Errorf("got %s", stderr)
		}
		var report producer.Report
		if err := json.Unmarshal([]byte(stdout), &report); err != nil {
			t.Fatal(err)
		}
		command(t, 0, strings.NewReader("{\"event_id\":\"a\"}\n{\"event_id\":\"b\"}\n{\"event_id\":\"c\"}\n"), "send",
			"--events", "-", "--stack", stack, "--state", state)
		if _, search := received(p); search-searchBefore != 3 || !report.Interrupted {
			t.Errorf("received %d after %s", search-searchBefore, stdout)
		}
	})
}

func TestOutputs(t *testing.T) {
	write := func(t *testing.T, text string) string {
		t.Helper()
		path := filepath.Join(t.TempDir(), "outputs.json")
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	const two = `{"a":{"FirehoseStreamName":"a-lake"},"b":{"FirehoseStreamName":"b-lake","SearchStreamName":"b-search"}}`
	for _, c := range []struct{ rule, text, stack, want string }{
		{"one stack needs no name", `{"a":{"FirehoseStreamName":"a-lake"}}`, "", "a-lake  "},
		{"of several one is named", two, "b", "b-lake b-search "},
		{"of several one must be named", two, "", "--stack: must be set to one of the stacks in FILE: a, b"},
		{"the stack must be there", two, "c", `--stack: must be one of the stacks in FILE: a, b (got "c")`},
		{"no stack at all", `{}`, "", "--stack: must be set to one of the stacks in FILE: "},
		{"not such a file", `[]`, "", "--outputs: FILE: must be a file that cdk deploy --outputs-file wrote: json: " +
			"cannot unmarshal array into Go value of type map[string]map[string]string"},
	} {
		t.Run(c.rule, func(t *testing.T) {
			path := write(t, c.text)
			tg := target{outputs: path, stack: c.stack}
			got := ""
			if err := tg.resolveNames(t.Context(), nil); err != nil {
				got = strings.ReplaceAll(err.Error(), path, "FILE")
			} else {
				got = fmt.Sprintf("%s %s %s", tg.lake, tg.search, tg.queue)
			}
			if got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
	t.Run("a flag wins over an output", func(t *testing.T) {
		tg := target{outputs: write(t, `{"a":{"FirehoseStreamName":"a-lake","S3BucketName":"bucket"}}`), lake: "mine"}
		if err := tg.resolveNames(t.Context(), nil); err != nil || tg.lake != "mine" || tg.bucket != "bucket" {
			t.Errorf("got %+v, %v", tg, err)
		}
	})
}
