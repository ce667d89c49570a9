package main

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"firehose-pipeline/schema"
	"firehose-pipeline/schema/infer"
)

func TestSchemaInfer(t *testing.T) {
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	if _, err := w.Write([]byte(`[{"a":1},{"a":2}]`)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	const property = `"a": {"type": "integer"}`
	for _, c := range []struct {
		name   string
		events string
		args   []string
		status int
		schema string // what the file has; empty for no file
		stdout string
		stderr string
	}{
		{name: "lines", events: "{\"a\":1}\n{\"a\":2}\n", schema: property,
			stdout: "wrote out.json. Next:\n  pipeline schema check out.json\n" +
				"  pipeline local --events events --out results -c eventSchema=out.json\n"},
		{name: "an array", events: `[{"a":1},{"a":2}]`, schema: property,
			stdout: "  jq -c '.[]' < events | pipeline local --events - --out results -c eventSchema=out.json\n"},
		{name: "an array in gzip", events: packed.String(), schema: property,
			stdout: "  gzip -dc events | jq -c '.[]' | pipeline local --events - --out results -c eventSchema=out.json\n",
			stderr: "is gzip"},
		{name: "several lines", events: "{\n  \"a\": 1\n}\n", schema: property, stdout: "1 event used"},
		{name: "one after the other", events: `{"a":1}{"a":2}`, schema: property, stdout: "2 events used"},
		{name: "an error object", schema: property, stdout: "1 event used",
			events: `{"rawData":"eyJhIjoxfQ==","errorCode":"Lambda.X","attemptsMade":4,"arrivalTimestamp":1}` + "\n"},
		{name: "a title", events: `{"a":1}`, args: []string{"--title", "Orders"}, schema: `"title": "Orders"`},
		{name: "a broken line", events: "{\"a\":1}\n{\"a\":\x1b}\n", schema: property,
			stdout: "1 event used, 1 part of the input not used\n  1 × invalid syntax\n  line 2: invalid syntax at byte 6\n"},
		{name: "a broken line, strict", events: "{\"a\":1}\n{\"a\":}\n", args: []string{"--strict"}, status: exitFailed,
			stdout: "line 2: invalid syntax",
			stderr: "events: no schema was written: 1 part of the input is not an event (--strict)\n"},
		{name: "no event", events: "hello\n", status: exitFailed,
			stderr: "events: no schema was written: there is no event, must have JSON objects\n"},
		{name: "nothing", events: "", status: exitFailed, stderr: "there is no event"},
		{name: "no type", events: `{"a":null}`, status: exitFailed, stderr: "no field has a type"},
		{name: "CSV", events: "a,b\n1,2\n", status: exitFailed,
			stderr: "events: is CSV, must have JSON objects. This converts it:"},
		{name: "damaged gzip", events: packed.String()[:packed.Len()-4], status: exitFailed,
			stderr: "gzip that is cut off"},
		{name: "keys that a terminal would obey", events: `{"a":1,"\u202eb":2}`, schema: property, stdout: `/\u202eb`},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Chdir(t.TempDir())
			if err := os.WriteFile("events", []byte(c.events), 0o644); err != nil {
				t.Fatal(err)
			}
			var stdout, stderr strings.Builder
			args := append([]string{"schema", "infer", "--events", "events", "--out", "out.json"}, c.args...)
			if status := run(args, strings.NewReader(""), &stdout, &stderr); status != c.status {
				t.Errorf("status %d, want %d", status, c.status)
			}
			if !strings.Contains(stdout.String(), c.stdout) || !strings.Contains(stderr.String(), c.stderr) {
				t.Errorf("got %q and %q, want %q and %q", stdout.String(), stderr.String(), c.stdout, c.stderr)
			}
			text, err := os.ReadFile("out.json")
			if c.schema == "" {
				if err == nil {
					t.Errorf("wrote %s", text)
				}
				return
			}
			if !strings.Contains(string(text), c.schema) {
				t.Errorf("got %s (%v), want %s", text, err, c.schema)
			}
			if _, err := schema.Load("out.json"); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestSchemaInferOverwrites(t *testing.T) {
	t.Chdir(t.TempDir())
	const before = "mine"
	if err := os.WriteFile(schema.FileName, []byte(before), 0o644); err != nil {
		t.Fatal(err)
	}
	infer := func(args ...string) (int, string) {
		var stdout, stderr strings.Builder
		status := run(append([]string{"schema", "infer", "--events", "-"}, args...), strings.NewReader(`{"a":1}`),
			&stdout, &stderr)
		return status, stderr.String()
	}
	status, stderr := infer()
	if status != exitUsage || !strings.Contains(stderr,
		"--out: event-schema.json exists: name another file, or overwrite it with --force") {
		t.Errorf("status %d, %q", status, stderr)
	}
	if text, err := os.ReadFile(schema.FileName); err != nil || string(text) != before {
		t.Errorf("the file is %q (%v)", text, err)
	}
	if status, stderr := infer("--force"); status != 0 {
		t.Errorf("status %d, %q", status, stderr)
	}
	if _, err := schema.Load(schema.FileName); err != nil {
		t.Error(err)
	}
	if entries, err := filepath.Glob("*"); err != nil || len(entries) != 1 {
		t.Errorf("files: %v (%v)", entries, err)
	}
	if status, stderr := infer("--out", filepath.Join("no", "such", "folder.json")); status != exitFailed ||
		!strings.Contains(stderr, "writing the schema") {
		t.Errorf("status %d, %q", status, stderr)
	}
	if status, stderr := infer("--out", ""); status != exitUsage || !strings.Contains(stderr, "--out: must be a file") {
		t.Errorf("status %d, %q", status, stderr)
	}
}

func TestSchemaInferToStdout(t *testing.T) {
	t.Chdir(t.TempDir())
	var stdout, stderr strings.Builder
	if status := run([]string{"schema", "infer", "--events", "-", "--out", "-"}, strings.NewReader(`{"a":1}`), &stdout,
		&stderr); status != 0 {
		t.Fatalf("status %d, %s", status, stderr.String())
	}
	if _, err := schema.Parse([]byte(stdout.String())); err != nil {
		t.Errorf("%v: %s", err, stdout.String())
	}
	if !strings.Contains(stderr.String(), "1 event used") {
		t.Errorf("got %q", stderr.String())
	}
}

func TestSchemaInferJSON(t *testing.T) {
	t.Chdir(t.TempDir())
	var stdout, stderr strings.Builder
	args := []string{"schema", "infer", "--events", "-", "--format", "json"}
	if status := run(args, strings.NewReader("{\"a\":1,\"b\":null}\nx\n"), &stdout, &stderr); status != 0 {
		t.Fatalf("status %d, %s", status, stderr.String())
	}
	var report infer.Report
	if err := json.Unmarshal([]byte(stdout.String()), &report); err != nil {
		t.Fatalf("%v: %s", err, stdout.String())
	}
	if report.Events != 1 || report.Broken != 1 || len(report.Fields) != 2 || report.Fields[1].Declared != "no type" ||
		len(report.Unsure) == 0 {
		t.Errorf("got %+v", report)
	}
}

func TestSchemaInferUsage(t *testing.T) {
	for _, args := range [][]string{{}, {"--events", "no such file"}, {"--events", "."}, {"--events", "-", "--format",
		"xml"}, {"--events", "-", "more"}} {
		var stdout, stderr strings.Builder
		if status := run(append([]string{"schema", "infer"}, args...), strings.NewReader(""), &stdout,
			&stderr); status != exitUsage {
			t.Errorf("%q: status %d, %s", args, status, stderr.String())
		}
	}
}
