package main

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/smithy-go"

	"firehose-pipeline/event"
	"firehose-pipeline/local"
	"firehose-pipeline/local/audit"
	"firehose-pipeline/local/fault"
	"firehose-pipeline/local/results"
	"firehose-pipeline/replay"
)

// hostile is text that takes over a terminal, or makes it lie: ESC, OSC, line ends, tab, DEL, CSI of one
// character, overrides of direction, invisible characters, a tag.
const hostile = "\x1b]0;pwned\x07\x1b[2J\r\nALL 0 LETTERS FINE\t\x7f\u009b31m\u202e\u2066\u200b\ufeff\u2028\U000e0041"

// harmless fails when a terminal would obey a command's output, or show a line that is not the command's.
func harmless(t *testing.T, outputs ...string) {
	t.Helper()
	for _, output := range outputs {
		for at, c := range output {
			if c == utf8.RuneError && !strings.HasPrefix(output[at:], "\ufffd") || c != '\n' && !strconv.IsPrint(c) {
				t.Fatalf("%q at byte %d of %q", c, at, output)
			}
		}
		for line := range strings.Lines(output) {
			if strings.HasPrefix(strings.TrimSpace(line), "ALL 0 LETTERS") {
				t.Fatalf("a line of the data in %q", output)
			}
		}
	}
}

// asJSON is text within JSON: escaped where JSON says so, else as it is.
func asJSON(t *testing.T, text string) string {
	t.Helper()
	body, err := json.Marshal(text)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

// hostileEvents are good and broken events full of it.
func hostileEvents(t *testing.T) []string {
	t.Helper()
	text := asJSON(t, hostile)
	return []string{
		`{"event_id":` + text + `,"event_type":"view","brand":` + text + `,"amount":` + text + `,` + text + `:` + text +
			`}`,
		`{"event_id":` + text + `,"event_type":"view","x":}`,
		`{"event_id":` + asJSON(t, hostile) + `,`,
		"\x1b[2J\u009b31m\u202e no event",
		"{\"event_id\":\"\xff\x9b\"}",
	}
}

// hostileLetters are letters full of it, of each kind, from anyone who may send to the queue.
func hostileLetters(t *testing.T) []string {
	t.Helper()
	text := asJSON(t, hostile)
	head := `{"version":1,"stream":` + text + `,"stage":` + text + `,"reason":` + text + `,"errorCode":` + text +
		`,"errorMessage":` + text + `,"eventId":` + text
	pointer := `,"pointer":{"bucket":` + text + `,"key":` + text + `}`
	return []string{
		head + `,"kind":"record","id":` + asJSON(t, hostile+"1") + pointer + `,"rawData":"` +
			base64.StdEncoding.EncodeToString([]byte(hostile)) + `"}`,
		head + `,"kind":"record","id":` + asJSON(t, hostile+"2") + pointer + `,"truncated":true}`,
		head + `,"kind":"object","id":` + asJSON(t, hostile+"3") + pointer + `,"counts":{` + text + `:3}}`,
		head + `,"kind":` + text + `,"id":"4"}`,
		`{"version":"1.0","requestContext":{"requestId":` + asJSON(t, hostile+"5") + `,"condition":` + text +
			`},"responsePayload":{"errorMessage":` + text +
			`},"requestPayload":{"Records":[{"s3":{"bucket":{"name":` + text + `},"object":{"key":` + text + `}}}]}}`,
		hostile,
	}
}

func TestHostileEventsAndLetters(t *testing.T) {
	p, c := serveStack(t)
	useEndpoint(t, c.url)
	stack, dir := stackName(t), t.TempDir()
	events := filepath.Join(dir, "events")
	if err := os.WriteFile(events, []byte(strings.Join(hostileEvents(t), "\n")), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, format := range []string{"text", "json"} {
		stdout, stderr := command(t, 0, nil, "send", "--events", events, "--stack", stack, "--format", format)
		harmless(t, stdout, stderr)
		stdout, stderr = command(t, exitFailed, nil, "send", "--events", events, "--stack", stack, "--format", format,
			"--invalid", "reject",
			"--rejected", filepath.Join(dir, "rejected"))
		harmless(t, stdout, stderr)
	}
	if info, err := os.Stat(filepath.Join(dir, "rejected")); err != nil || info.Mode().Perm()&0o077 != 0 {
		t.Errorf("the rejected lines: %v, %v", info, err)
	}
	bucket, queue := p.BucketName(), p.DeadLetterQueueURL()
	for _, key := range []string{"error-data/lake/processing-failed/" + hostile, "error-data/other/" + hostile,
		"source-data/" + hostile} {
		if _, err := c.s3.PutObject(t.Context(),
			&s3.PutObjectInput{Bucket: &bucket, Key: &key, Body: strings.NewReader(hostile)}); err != nil {
			t.Fatal(err)
		}
	}
	flushed(t, p)
	for _, letter := range hostileLetters(t) {
		if !strings.HasPrefix(letter, "{") {
			letter = strings.Map(func(c rune) rune { // within SQS's limit
				if c == 0x1b || c == 7 {
					return -1
				}
				return c
			}, letter)
		}
		if _, err := c.sqs.SendMessage(t.Context(),
			&sqs.SendMessageInput{QueueUrl: &queue, MessageBody: &letter}); err != nil {
			t.Fatal(err)
		}
	}
	for _, format := range []string{"text", "json"} {
		for _, args := range [][]string{{}, {"--prefix", "error-data/"}, {"--source", "source-data/", "--from", "1h"}} {
			stdout, stderr := command(t, 0, nil,
				append([]string{"replay", "--stack", stack, "--format", format}, args...)...)
			harmless(t, stdout, stderr)
			if format == "json" && !json.Valid([]byte(stdout)) {
				t.Errorf("no JSON: %s", stdout)
			}
			if len(args) == 0 && !strings.Contains(stdout, `\u001b]0;pwned`) {
				t.Errorf("the id is not shown: %s", stdout)
			}
		}
	}
	report, stderr := replayed(t, exitFailed, "--stack", stack, "--yes")
	if report.Letters[replay.ForeignPointer] != 3 || report.Letters[replay.NoLetter] != 2 ||
		report.Letters[replay.NoStream] != 1 {
		t.Errorf("got %+v", report.Letters)
	}
	harmless(t, stderr)
	if n := strings.Count(stderr, "\n"); n != 3 { // one line for each letter with a foreign pointer
		t.Errorf("%d lines in %s", n, stderr)
	}
	stdout, stderr := command(t, exitFailed, nil, "replay", "--stack", stack, "--yes", "--refused")
	harmless(t, stdout, stderr)
}

func TestHostileLocal(t *testing.T) {
	s := buildStack(t)
	for _, dataFormat := range []string{"parquet", "json"} {
		template := s.template
		if dataFormat == "json" {
			template = filepath.Join(t.TempDir(), filepath.Base(s.template))
			result, err := synthesise(t.Context(), s.root, settings{"environment": "dev", "dataFormat": "json", "eventSchema": shopFile},
				&bytes.Buffer{})
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(template, result.Template, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		for _, args := range [][]string{{"--sample", "5", "--check", "--logs"}, {"--format", "json", "--check"},
			{"--sample", "5", "--check", "--fault", "all"}} {
			stdin := strings.NewReader(strings.Join(hostileEvents(t), "\n") + "\n" + hostile + strings.Repeat("x",
				1_100_000))
			stdout, stderr := command(t, exitFailed, stdin,
				append([]string{"local", "--project", s.root, "--template", template, "--events", "-",
					"--out", t.TempDir()}, args...)...) // the last line is more than a record takes
			harmless(t, stdout, stderr)
			if args[0] == "--sample" && (!strings.Contains(stdout, `\u001b]0;pwned`) ||
				!strings.Contains(stdout, `\u009b31m\u202e`)) {
				t.Errorf("the sample does not show the events: %s", stdout)
			}
		}
	}
}

// The report about records that others put to the endpoint.
func TestHostileReport(t *testing.T) {
	path := filepath.Join(t.TempDir(), "queue")
	var file bytes.Buffer
	for _, letter := range hostileLetters(t) {
		if json.Compact(&file, []byte(letter)) != nil {
			file.WriteString(asJSON(t, letter))
		}
		file.WriteByte('\n')
	}
	if err := os.WriteFile(path, file.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	letters, err := readLetters(path)
	if err != nil {
		t.Fatal(err)
	}
	report := local.Report{Events: 1, DeadLetter: local.DeadLetter{Messages: 6},
		Streams: local.StreamCounts{Search: &local.SearchCounts{Indices: map[string]int64{"events-" + hostile: 1}}}}
	checked := &audit.Report{Records: 1, Findings: []audit.Finding{{Problem: audit.Unknown, Stream: event.Lake,
		EventID: hostile, Record: 1,
		Where: "lake", Place: hostile}}}
	tr := textReport{out: t.TempDir(), bucket: "b", report: report, letters: letters, checked: checked}
	if err := os.Mkdir(filepath.Join(tr.out, results.IndicesDir), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(tr.out, results.IndicesDir, "events-"+hostile+".ndjson"),
		[]byte(hostileEvents(t)[0]+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	t.Run("at the source", func(t *testing.T) {
		tr.writeLetters(&b)
		writeCheck(&b, checked)
		if err := tr.writeSample(&b, 1); err != nil {
			t.Fatal(err)
		}
		harmless(t, b.String())
	})
	text, err := jsonReport(local.Report{Faults: map[fault.Name]int64{fault.Kinds[0].Name: 1}, Streams: report.Streams},
		putLines{}, 0, checked, nil)
	if err != nil || !json.Valid(text) {
		t.Fatal(err)
	}
	harmless(t, string(text))
}

// Texts of servers in errors.
func TestHostileServers(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("X-Amz-Target") != "" {
			w.Header().Set("Content-Type", "application/x-amz-json-1.1")
			w.WriteHeader(http.StatusBadRequest)
			if err := json.NewEncoder(w).Encode(map[string]string{"__type": "AccessDenied" + hostile,
				"message": hostile}); err != nil {
				t.Error(err)
			}
			return
		}
		var said bytes.Buffer
		// XML has neither
		if err := xml.EscapeText(&said, []byte(strings.NewReplacer("\x1b", "", "\x07",
			"").Replace(hostile))); err != nil {
			t.Error(err)
		}
		root := "Error"
		if r.Method == http.MethodPost {
			root = "ErrorResponse><Error"
		}
		w.Header().Set("Content-Type", "application/xml")
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprintf(w, "<%s><Code>Access%s</Code><Message>%[2]s</Message></Error>", root, &said)
		if r.Method == http.MethodPost {
			fmt.Fprint(w, "</ErrorResponse>")
		}
	}))
	defer server.Close()
	useEndpoint(t, server.URL)
	events := numbered(t, 3)
	for _, args := range [][]string{
		{"replay", "--stack", "s"},
		{"replay", "--queue-url", server.URL + "/1/q", "--bucket", "b"},
		{"replay", "--bucket", "b", "--prefix", "error-data/" + hostile, "--lake-stream", "l"},
		{"replay", "--bucket", "b", "--source", "source-data/", "--from", "1h", "--format", "json"},
		{"replay", "--queue-url", server.URL + "/1/q", "--bucket", "b", "--lake-stream", "l", "--canary", "3", "--yes"},
		{"send", "--events", events, "--stack", "s"},
		{"send", "--events", events, "--lake-stream", "l", "--give-up", "1ns"},
		{"send", "--events", events, "--lake-stream", "l", "--give-up", "1ns", "--format", "json"},
	} {
		stdout, stderr := command(t, exitFailed, nil, args...)
		harmless(t, stdout, stderr)
		if stderr == "" {
			t.Errorf("%q says nothing", args)
		}
	}
	for _, args := range [][]string{{hostile}, {"replay", "--stage", hostile},
		{"local", "--events", hostile, "--out", "x"}, {"send", "--events", hostile, "--stack", "s"},
		{"replay", "--" + hostile}, {"replay", "--outputs", hostile, "--region", "eu-west-1"}} {
		stdout, stderr := command(t, exitUsage, nil, args...)
		harmless(t, stdout, stderr)
	}
}

func TestErrorText(t *testing.T) {
	answer := &smithy.GenericAPIError{Code: "Co\x1bde", Message: "one\ntwo\u009b"}
	err := errors.Join(fmt.Errorf("asking: %w", answer), errors.New("more\x7f\nof mine"))
	want := "asking: api error Co\\u001bde: one\\u000atwo\\u009b\nmore\\u007f\nof mine"
	if got := errorText(err); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
