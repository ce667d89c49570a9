package main

import (
	"bytes"
	"compress/gzip"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// writeInput writes the text to a file and returns its path.
func writeInput(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "input")
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// Neither command puts anything of an input that is refused, be it a file or a pipe.
func TestRefusedInputs(t *testing.T) {
	p, c := serveStack(t)
	useEndpoint(t, c.url)
	s, stack := buildStack(t), stackName(t)
	refused := func(t *testing.T, stdin io.Reader, want string, args ...string) {
		t.Helper()
		stdout, stderr := command(t, exitFailed, stdin, args...)
		if !strings.Contains(stderr, ": is "+want+", must have one event (one JSON object) a line; nothing was sent") ||
			stdout != "" {
			t.Errorf("%s: got %s%s, want %s", args[0], stdout, stderr, want)
		}
		if lake, search := received(p); lake != 0 || search != 0 {
			t.Fatalf("received %d and %d", lake, search)
		}
	}
	folder := t.TempDir()
	local := func(name string) []string {
		out := filepath.Join(folder, "out")
		return []string{"local", "--events", name, "--template", s.template, "--project", s.root, "--out", out}
	}
	for name, want := range map[string]string{"input-array.json": "a JSON array",
		"input-pretty.json":  "JSON over several lines",
		"input-joined.json":  "JSON objects without a newline between them",
		"input-utf16.ndjson": "text in UTF-16, as PowerShell writes it"} {
		path := filepath.Join("testdata", "inputs", name)
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		t.Run(name, func(t *testing.T) {
			refused(t, nil, want, "send", "--events", path, "--stack", stack)
			refused(t, bytes.NewReader(text), want, "send", "--events", "-", "--stack", stack)
			refused(t, nil, want, local(path)...)
			refused(t, bytes.NewReader(text), want, local("-")...)
		})
	}
	for _, in := range inputs(t) {
		if in.want == "" {
			continue
		}
		t.Run(in.kind, func(t *testing.T) {
			for i := range countVariants() {
				path := filepath.Join(folder, "input")
				if err := os.WriteFile(path, []byte(in.make(i)), 0o644); err != nil {
					t.Fatal(err)
				}
				refused(t, nil, in.want, "send", "--events", path, "--stack", stack)
				// which local knows only once it has the template
				if !strings.Contains(in.want, "without a newline") || i == 0 {
					refused(t, nil, in.want, local(path)...)
				}
			}
		})
	}
}

// Lines are sent out of gzip, without a byte order mark, and without carriage returns.
func TestReadInputs(t *testing.T) {
	s := buildStack(t)
	for name, note := range map[string]string{"input-bom.ndjson": "begins with a byte order mark, which is left out",
		"input.ndjson.gz": "is gzip, and is decompressed"} {
		t.Run(name, func(t *testing.T) {
			p, c := serveStack(t)
			useEndpoint(t, c.url)
			path := filepath.Join("testdata", "inputs", name)
			stdout, stderr := command(t, 0, nil, "send", "--events", path, "--stack", stackName(t))
			if want := "note: " + path + ": " + note + "\n"; stderr != want || strings.Contains(stdout, "no event") {
				t.Errorf("got %s%s, want %s", stdout, stderr, want)
			}
			lake, search := received(p)
			stdout, stderr = command(t, 0, nil, "local", "--events", path, "--template", s.template, "--project",
				s.root, "--out", t.TempDir(), "--check")
			if !strings.Contains(stderr, note) || !strings.Contains(stdout, "dead letters: 0\n") || lake == 0 ||
				lake != search || !strings.HasPrefix(stdout, count(lake, "event")+" in ") {
				t.Errorf("send: %d and %d records; local: %s%s", lake, search, stdout, stderr)
			}
		})
	}
}

// An input without events ends with status 1 when something was sent, and is named in any case.
func TestNoEvents(t *testing.T) {
	_, c := serveStack(t)
	useEndpoint(t, c.url)
	s, stack := buildStack(t), stackName(t)
	for _, in := range []struct {
		rule, text  string
		status      int
		said, lines string
	}{
		{"nothing", "", 0, "-: no events\n", "0 events in "},
		{"blank lines", "\n \r\n\n", 0, "-: no events\n", "3 lines, 0 events in "},
		{"a byte order mark", "\ufeff", 0, "-: no events\n", "0 events in "},
		{"gzip of nothing", gzipped("", 6), 0, "-: no events\n", "0 events in "},
		{"text", "no\nno\n", exitFailed, "-: no line is an event, must have one JSON object a line; the lines sent " +
			"become dead letters\n", "2 lines, 0 events in "},
		{"a cut-off line", `{"a":`, exitFailed,
			"-: no line is an event, must have one JSON object a line; the lines sent become dead letters\n",
			"1 line, 0 events in "},
		{"an event among others", "no\n{\"event_id\":\"a\"}\n\nno", 0, "", "4 lines, 1 event in "},
	} {
		t.Run(in.rule, func(t *testing.T) {
			_, stderr := command(t, in.status, strings.NewReader(in.text), "send", "--events", "-", "--stack", stack)
			if !strings.HasSuffix(stderr, in.said) {
				t.Errorf("send: got %s, want %s", stderr, in.said)
			}
			args := []string{"local", "--events", "-", "--template", s.template, "--project", s.root, "--out",
				t.TempDir()}
			stdout, stderr := command(t, in.status, strings.NewReader(in.text), args...)
			if !strings.HasSuffix(stderr, in.said) || !strings.HasPrefix(stdout, in.lines) {
				t.Errorf("local: got %s%s, want %s and %s", stdout, stderr, in.said, in.lines)
			}
		})
	}
	t.Run("going on after all lines is no empty input", func(t *testing.T) {
		state := filepath.Join(t.TempDir(), "state")
		for range 2 {
			if _, stderr := command(t, 0, strings.NewReader("{}\n"), "send", "--events", "-", "--stack", stack,
				"--state", state); stderr != "" {
				t.Errorf("got %s", stderr)
			}
		}
	})
}

// sourceData is the copy of the records that the lake stream received.
func sourceData(t *testing.T, out string) string {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(out, "s3", "*", "source-data", "*", "*", "*", "*", "*"))
	if err != nil {
		t.Fatal(err)
	}
	var all strings.Builder
	for _, path := range slices.Sorted(slices.Values(paths)) {
		file, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close()
		unpacked, err := gzip.NewReader(file)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.Copy(&all, unpacked); err != nil {
			t.Fatal(err)
		}
	}
	return all.String()
}

// The same file gives the same copy by send and by local: a line each record. That the README's producers do so, too,
// is in verify/readme.py.
func TestSourceDataIsTheSame(t *testing.T) {
	long := `{"event_id":"` + strings.Repeat("x", 1024000-len(`{"event_id":""}`)) + `"}` // has no room for a newline
	for _, c := range []struct{ rule, text, want string }{
		{"lines", "{\"event_id\":\"a\"}\n{\"event_id\":\"b\"}\n", "{\"event_id\":\"a\"}\n{\"event_id\":\"b\"}\n"},
		{"the last without a newline", "{\"event_id\":\"a\"}\n{\"event_id\":\"b\"}",
			"{\"event_id\":\"a\"}\n{\"event_id\":\"b\"}\n"},
		{"carriage returns", "{\"event_id\":\"a\"}\r\n{\"event_id\":\"b\"}\r\n",
			"{\"event_id\":\"a\"}\n{\"event_id\":\"b\"}\n"},
		{"blank lines", "\n{\"event_id\":\"a\"}\n\n \t\n\r\n{\"event_id\":\"b\"}\n\n",
			"{\"event_id\":\"a\"}\n{\"event_id\":\"b\"}\n"},
		{"a bad line", "{\"event_id\":\"a\"}\nno\n{\"event_id\":\"b\"}\n",
			"{\"event_id\":\"a\"}\nno\n{\"event_id\":\"b\"}\n"},
		{"a record of the largest size", long + "\n{\"event_id\":\"b\"}\n", long + "{\"event_id\":\"b\"}\n"},
		{"gzip and a byte order mark", gzipped("\ufeff{\"event_id\":\"a\"}\r\n{\"event_id\":\"b\"}\n", 6),
			"{\"event_id\":\"a\"}\n{\"event_id\":\"b\"}\n"},
		{"the shop", shopLines(t, 500), shopLines(t, 500)},
	} {
		t.Run(c.rule, func(t *testing.T) {
			p, served := serveStack(t)
			useEndpoint(t, served.url)
			path := writeInput(t, c.text)
			command(t, 0, nil, "send", "--events", path, "--stack", stackName(t))
			if err := p.Flush(t.Context()); err != nil {
				t.Fatal(err)
			}
			s, out := buildStack(t), t.TempDir()
			command(t, 0, nil, "local", "--events", path, "--template", s.template, "--project", s.root, "--out", out,
				"--check")
			bySend, byLocal := sourceData(t, served.out), sourceData(t, out)
			// Calls that are on their way at once may arrive in any order.
			sorted := func(text string) []string { return slices.Sorted(strings.SplitSeq(text, `{"event_id"`)) }
			if !slices.Equal(sorted(bySend), sorted(c.want)) || byLocal != c.want {
				t.Errorf("send %.300q, local %.300q, want %.300q", bySend, byLocal, c.want)
			}
		})
	}
}
