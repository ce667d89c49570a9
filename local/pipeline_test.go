package local_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"firehose-pipeline/deadletter"
	"firehose-pipeline/internal/functionbuild"
	"firehose-pipeline/internal/testkit/shopschema"
	"firehose-pipeline/local"
	"firehose-pipeline/local/opensearch"
)

// binaries are the functions, built once for this machine.
var binaries = map[string]string{}

func TestMain(m *testing.M) {
	if out := os.Getenv(victim); out != "" {
		if err := runUntilKilled(out); err != nil {
			fmt.Fprintln(os.Stderr, err)
		}
		os.Exit(1)
	}
	os.Exit(run(m))
}

// victim makes the test's own binary a run to be killed; its value is the folder, the functions follow.
const victim = "PIPELINE_TEST_KILLED_IN"

// runUntilKilled puts records, delivers some of them, says so, and puts more for ever.
func runUntilKilled(out string) error {
	text, err := os.ReadFile("template/testdata/json.template.json")
	if err != nil {
		return err
	}
	p, err := local.Open(context.Background(),
		local.Options{Template: text, EventSchema: shopschema.JSON, StackName: "kinesis-firehose-pipeline-dev", Out: out, Start: start,
			Functions: map[string]string{"transform": os.Getenv("TRANSFORM"), "errorhandler": os.Getenv("ERRORHANDLER")}})
	if err != nil {
		return err
	}
	records := [][]byte{[]byte(`{"event_id":"killed"}`), []byte("no")}
	for n := 0; ; n++ {
		for _, s := range p.Streams() {
			if _, err := p.Put(context.Background(), s.Name, records); err != nil {
				return err
			}
		}
		if n == 1000 {
			if err := p.Flush(context.Background()); err != nil {
				return err
			}
			fmt.Println("flushed")
		}
	}
}

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "functions")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	for _, name := range []string{"transform", "errorhandler"} {
		out := filepath.Join(dir, name)
		if err := functionbuild.Build(context.Background(), "..", name, out,
			functionbuild.Target{OS: runtime.GOOS, Arch: runtime.GOARCH}); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		if err := shopschema.Write(out); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		binaries[name] = filepath.Join(out, "bootstrap")
	}
	return m.Run()
}

var start = time.Date(2026, 9, 21, 10, 59, 0, 0, time.UTC)

// options of a run of one of the templates of local/template/testdata.
func options(t testing.TB, template string) local.Options {
	t.Helper()
	text, err := os.ReadFile("template/testdata/" + template + ".template.json")
	if err != nil {
		t.Fatal(err)
	}
	return local.Options{Template: text, EventSchema: shopschema.JSON, StackName: "kinesis-firehose-pipeline-dev", Functions: binaries,
		Out: filepath.Join(t.TempDir(), "out"), Start: start, Rate: 10, Check: true, Invocations: 2}
}

// world is a run.
type world struct {
	testing.TB
	*local.Pipeline
	out string
}

func open(t testing.TB, o local.Options) *world {
	t.Helper()
	p, err := local.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
	return &world{t, p, o.Out}
}

// put puts the records to every stream.
func (w *world) put(records ...string) {
	w.Helper()
	for chunk := range slices.Chunk(records, 100) {
		list := make([][]byte, len(chunk))
		for i, r := range chunk {
			list[i] = []byte(r)
		}
		for _, s := range w.Streams() {
			results, err := w.Put(w.Context(), s.Name, list)
			if err != nil {
				w.Fatal(err)
			}
			for i, r := range results {
				if r.ErrorCode != "" || len(r.RecordID) != 56 {
					w.Errorf("putting %.50q to %s: got %+v", chunk[i], s.Name, r)
				}
			}
		}
	}
}

func (w *world) flush() local.Report {
	w.Helper()
	if err := w.Flush(w.Context()); err != nil {
		w.Fatal(err)
	}
	return w.Report()
}

// check returns the findings, one a line, without the parts that differ from run to run.
func (w *world) check() []string {
	w.Helper()
	report, err := w.Check(w.Context())
	if err != nil {
		w.Fatal(err)
	}
	var lines []string
	for _, f := range report.Findings {
		f.Place = ""
		lines = append(lines, f.String())
	}
	return lines
}

func (w *world) clean() {
	w.Helper()
	if findings := w.check(); len(findings) > 0 {
		w.Errorf("%d findings:\n%s", len(findings), strings.Join(findings[:min(20, len(findings))], "\n"))
	}
}

// files returns the files of the results by their paths in the folder.
func (w *world) files() map[string]string {
	w.Helper()
	files := map[string]string{}
	err := filepath.WalkDir(w.out, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		name, err := filepath.Rel(w.out, path)
		if err != nil {
			return err
		}
		if strings.HasPrefix(name, ".") || strings.HasPrefix(name, "s3/.") {
			return nil
		}
		content, err := os.ReadFile(path)
		files[filepath.ToSlash(name)] = string(content)
		return err
	})
	if err != nil {
		w.Fatal(err)
	}
	return files
}

// find returns the one file whose path contains the text.
func (w *world) find(text string) (path, content string) {
	w.Helper()
	for _, name := range slices.Sorted(maps.Keys(w.files())) {
		if strings.Contains(name, text) {
			return filepath.Join(w.out, name), w.files()[name]
		}
	}
	w.Fatalf("no file %s among %q", text, slices.Sorted(maps.Keys(w.files())))
	return "", ""
}

func (w *world) letters() []*deadletter.Message {
	w.Helper()
	_, content := w.find("dead-letter-queue.ndjson")
	var letters []*deadletter.Message
	for line := range strings.Lines(content) {
		m, err := deadletter.Parse([]byte(line))
		if err != nil {
			w.Fatal(err)
		}
		letters = append(letters, m)
	}
	return letters
}

// shopEvents are real events, one JSON object each.
func shopEvents(t testing.TB) []string {
	t.Helper()
	content, err := os.ReadFile("../testdata/store-events.ndjson")
	if err != nil {
		t.Fatal(err)
	}
	return strings.Split(strings.TrimSpace(string(content)), "\n")
}

// spoiled are records that one stream or both cannot deliver, or drop.
var spoiled = []string{
	`not json`, ``, `{"event_id":"cut","event_type":"vi`, `[{"event_id":"array"}]`, `"text"`, `12`, `null`,
	"\xef\xbb\xbf{\"event_id\":\"bom\"}", "{\"event_id\":\"\xff\"}", `{"event_id":NaN}`, "{\"event_id\":\"a\nb\"}",
	"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff", "x\x9c\xab\xae\x05\x00\x01\x75\x00\xf9", // gzip, zlib
	`{"event_id":"tail"} x`, `{"event_id":"deep","x":` + strings.Repeat("[", 1001) + strings.Repeat("]", 1001) + `}`,
	`{"event_id":"nested twice","x":{"a":1,"a":2}}`,             // partial; without the transform a conversion failure
	`{"event_id":"one"}{"event_id":"two"}`,                      // only the lake takes two
	`{"event_id":"beat","event_type":"heartbeat"}`,              // dropped
	`{"event_id":"half dropped","event_type":"heartbeat"}{}`,    // one of two dropped
	`{"event_id":"wrong types","amount":"x","category_id":1.5}`, // partial
	`{ "event_id" : "spaced",` + "\n" + ` "amount" : 1E400 }`,
	`{"event_id":"twice","event_id":"last"}`, `{}`,
	`{"event_id":"long","text":"` + strings.Repeat("y", 900_000) + `"}`,
}

func balanced(t testing.TB, c local.Counts, received int64) {
	t.Helper()
	if c.Received != received || c.Delivered+c.Dropped+c.Failed != received {
		t.Errorf("counts: got %+v, want %d received and the others together", c, received)
	}
}

func TestRun(t *testing.T) {
	t.Run("every record is delivered, dropped or a dead letter with its reason", func(t *testing.T) {
		w := open(t, options(t, "dev"))
		events := append(shopEvents(t), spoiled...)
		w.put(events...)
		report := w.flush()
		balanced(t, report.Streams.Lake.Counts, int64(len(events)))
		balanced(t, report.Streams.Search.Counts, int64(len(events)))
		letters := w.letters()
		if failed := report.Streams.Lake.Failed + report.Streams.Search.Failed; report.DeadLetter.Messages != failed ||
			len(letters) != int(failed) {
			t.Errorf("dead letters: got %d and %d in the file, want %d", report.DeadLetter.Messages, len(letters),
				failed)
		}
		reasons := map[string]int{}
		for _, m := range letters {
			reasons[string(m.Stream)+" "+string(m.Reason)]++
		}
		want := map[string]int{
			"lake EmptyRecord": 1, "lake InvalidJson": 3 + 1, "lake UnexpectedEnd": 1, "lake NotAnObject": 4,
			"lake ByteOrderMark": 1, "lake Compressed": 2, "lake InvalidUtf8": 1, "lake TooDeep": 1,
			"search EmptyRecord": 1, "search InvalidJson": 3, "search UnexpectedEnd": 1, "search NotAnObject": 4,
			"search ByteOrderMark": 1, "search Compressed": 2, "search InvalidUtf8": 1, "search TooDeep": 1,
			"search TrailingData": 3,
		}
		if !reflect.DeepEqual(reasons, want) {
			t.Errorf("reasons\n got %v\nwant %v", reasons, want)
		}
		if got := report.Streams.Search.Indices; got["realtime-events-2026-09-21"] != report.Streams.Search.Delivered {
			t.Errorf("indices: got %v, want %d documents", got, report.Streams.Search.Delivered)
		}
		if report.Events != int64(len(events)) || report.Streams.Lake.Objects != 1 || report.ElapsedSeconds <= 0 {
			t.Errorf("report: got %+v", report)
		}
		w.clean()
	})
	for _, name := range []string{"json", "plain", "untransformed", "small"} {
		t.Run("the template of other settings runs too: "+name, func(t *testing.T) {
			w := open(t, options(t, name))
			events := append(shopEvents(t)[:200], spoiled...)
			w.put(events...)
			report := w.flush()
			balanced(t, report.Streams.Lake.Counts, int64(len(events)))
			if report.Streams.Search != nil {
				balanced(t, report.Streams.Search.Counts, int64(len(events)))
			}
			w.clean()
		})
	}
	t.Run("without the transform, what OpenSearch rejects whatever an event is like is a dead letter each",
		func(t *testing.T) {
			w := open(t, options(t, "untransformed"))
			rejected := map[string]string{ // part of OpenSearch's reason by the event
				`{"event_id":"r-1","_id":"x"}`: "Field [_id] is a metadata field",
				`{"event_id":"r-2","amount":9.5,"amount.currency":"EUR"}`: "Existing mapping for [amount] must be of " +
					"type object but found [double]",
				`{"event_id":"r-3","detail":{"a":1,"a":2}}`:  "Duplicate field 'a'",
				`{"event_id":"r-4","a..b":1}`:                "[a..b]",
				`{"event_id":"r-5","brand":{"name":"acme"}}`: "failed to parse field [brand] of type [keyword]",
			}
			w.put(slices.Sorted(maps.Keys(rejected))...)
			w.put(`{"event_id":"kept","amount":"x","detail":{"_id":1},"a.b":2}`)
			if got := w.flush().Streams.Search; got.Delivered != 1 || got.Failed != 5 {
				t.Errorf("counts: got %+v", got)
			}
			found := 0
			for _, m := range w.letters() {
				if m.Stream != "search" {
					continue
				}
				found++
				if reason := rejected[string(m.RawData)]; m.Reason != deadletter.SearchRejected || m.ErrorCode != "400" ||
					m.Attempts != 1 ||
					reason == "" || !strings.Contains(m.ErrorMessage, reason) {
					t.Errorf("letter: got %+v", m)
				}
			}
			if found != len(rejected) {
				t.Errorf("letters: got %d", found)
			}
			w.clean()
		})
	t.Run("orc is refused", func(t *testing.T) {
		if _, err := local.Open(t.Context(), options(t, "orc")); err == nil ||
			!strings.Contains(err.Error(), "orc is not modelled: run with dataFormat parquet or json") {
			t.Errorf("error: got %v", err)
		}
	})
	t.Run("records can be put again after a flush", func(t *testing.T) {
		w := open(t, options(t, "dev"))
		events := shopEvents(t)
		w.put(events[:100]...)
		w.flush()
		w.put(events[100:200]...)
		report := w.flush()
		balanced(t, report.Streams.Lake.Counts, 200)
		if report.Streams.Lake.Objects != 2 {
			t.Errorf("objects: got %d, want 2", report.Streams.Lake.Objects)
		}
		w.clean()
	})
	t.Run("a thousand failures of an object have letters, the others a count", func(t *testing.T) {
		w := open(t, options(t, "dev"))
		var events []string
		for i := range 1500 {
			events = append(events, fmt.Sprintf(`{"event_id":"%d"`, i))
		}
		w.put(events...)
		report := w.flush()
		if report.Streams.Lake.Failed != 1500 || report.DeadLetter.Messages >= 3000 {
			t.Errorf("report: got %+v", report)
		}
		w.clean()
	})
	t.Run("a record above 1,000 KiB is refused alone", func(t *testing.T) {
		w := open(t, options(t, "dev"))
		results, err := w.Put(t.Context(), w.Streams()[0].Name,
			[][]byte{[]byte(`{}`), bytes.Repeat([]byte(" "), 1000<<10+1), []byte(`{}`)})
		if err != nil {
			t.Fatal(err)
		}
		if results[0].RecordID == "" || results[1].ErrorCode != "ValidationException" || results[1].RecordID != "" ||
			results[2].RecordID == "" {
			t.Errorf("got %+v", results)
		}
		balanced(t, w.flush().Streams.Lake.Counts, 2)
		w.clean()
	})
	t.Run("a stream of another name is an error", func(t *testing.T) {
		w := open(t, options(t, "dev"))
		if _, err := w.Put(t.Context(), "other", nil); err == nil ||
			!strings.Contains(err.Error(), `no stream "other"`) {
			t.Errorf("got %v", err)
		}
	})
}

func TestFunctionsThatFail(t *testing.T) {
	broken, err := exec.LookPath("false")
	if err != nil {
		t.Skip(err)
	}
	with := func(role string) local.Options {
		o := options(t, "dev")
		o.Functions = maps.Clone(binaries)
		o.Functions[role] = broken
		return o
	}
	t.Run("a transform that fails sends every record to the dead letters", func(t *testing.T) {
		w := open(t, with("transform"))
		w.put(shopEvents(t)[:10]...)
		report := w.flush()
		if report.Streams.Lake.Failed != 10 || report.Streams.Search.Failed != 10 || report.DeadLetter.Messages != 20 {
			t.Errorf("got %+v", report)
		}
		for _, m := range w.letters() {
			if m.Reason != deadletter.FunctionError || m.Attempts != 4 {
				t.Errorf("letter: got %s after %d attempts", m.Reason, m.Attempts)
			}
		}
		w.clean()
	})
	t.Run("an error handler that fails three times leaves a record of the invocation", func(t *testing.T) {
		w := open(t, with("errorhandler"))
		w.put("no", "nor")
		w.flush()
		letters := w.letters()
		if len(letters) != 2 {
			t.Fatalf("got %d letters, want one an object", len(letters))
		}
		for _, m := range letters {
			if m.Kind != deadletter.Invocation || m.Attempts != 3 || len(m.Objects) != 1 {
				t.Errorf("got %+v", m)
			}
		}
		w.clean()
	})
}

func TestTime(t *testing.T) {
	run := func(t *testing.T, speed float64) map[string]string {
		o := options(t, "json")
		o.Speed = speed
		w := open(t, o)
		w.put(append(shopEvents(t)[:300:300], "no", "nor")...)
		w.flush()
		w.clean()
		return w.files()
	}
	paths := func(files map[string]string) string { return strings.Join(slices.Sorted(maps.Keys(files)), "\n") }
	t.Run("the speed changes nothing", func(t *testing.T) {
		asFastAsPossible, paced := run(t, 0), run(t, 1000)
		if paths(asFastAsPossible) != paths(paced) {
			t.Errorf("files\n%s\nand\n%s", paths(asFastAsPossible), paths(paced))
		}
		for name, content := range asFastAsPossible {
			// What went through the transform has the time of that.
			if strings.Contains(name, "/source-data/") && content != paced[name] {
				t.Errorf("%s: other content", name)
			}
		}
		// 30 seconds of arrivals from 10:59 on: buffers of one minute.
		if !strings.Contains(paths(paced), "hour=10/") {
			t.Errorf("files: got\n%s", paths(paced))
		}
	})
	t.Run("records arrive by the rate, and index and prefix follow", func(t *testing.T) {
		o := options(t, "json")
		o.Rate = 1 // one a second: half of them after eleven
		w := open(t, o)
		w.put(shopEvents(t)[:120]...)
		got := w.flush().Streams.Search.Indices
		if want := map[string]int64{"realtime-events-2026-09-21-10": 60,
			"realtime-events-2026-09-21-11": 60}; !reflect.DeepEqual(got, want) {
			t.Errorf("indices: got %v, want %v", got, want)
		}
		if now := w.Now(); !now.Equal(start.Add(119 * time.Second)) {
			t.Errorf("now: got %s", now)
		}
	})
	t.Run("a run that serves delivers by itself when time has passed", func(t *testing.T) {
		o := options(t, "dev")
		o.Serve, o.Speed = true, 10_000
		w := open(t, o)
		w.put(shopEvents(t)[0], "no")
		wait := time.NewTicker(time.Millisecond)
		defer wait.Stop()
		for deadline := time.Now().Add(30 * time.Second); ; <-wait.C {
			report := w.Report()
			if report.Streams.Lake.Delivered == 1 && report.Streams.Search.Delivered == 1 &&
				report.DeadLetter.Messages == 2 {
				break
			}
			if time.Now().After(deadline) {
				t.Fatalf("nothing was delivered: %+v", report)
			}
		}
		w.flush()
		w.clean()
	})
}

func TestFolder(t *testing.T) {
	entries := func(t *testing.T, dir string) string {
		list, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, entry := range list {
			names = append(names, entry.Name())
		}
		return strings.Join(names, " ")
	}
	t.Run("a folder with other content is refused, and left as it is", func(t *testing.T) {
		o := options(t, "dev")
		o.Out = t.TempDir()
		if err := os.WriteFile(filepath.Join(o.Out, "mine"), nil, 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := local.Open(t.Context(), o); err == nil ||
			!strings.Contains(err.Error(), "must be empty or hold the results of an earlier run") {
			t.Errorf("error: got %v", err)
		}
		if got := entries(t, o.Out); got != "mine" {
			t.Errorf("folder: got %s", got)
		}
	})
	t.Run("a run that was flushed is complete", func(t *testing.T) {
		w := open(t, options(t, "dev"))
		w.put("{}")
		if got := entries(t, w.out); !strings.Contains(got, "INCOMPLETE") {
			t.Errorf("during the run: got %s", got)
		}
		w.flush()
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		if got := entries(t, w.out); got != ".pipeline-local logs opensearch s3 sqs" {
			t.Errorf("folder: got %s", got)
		}
	})
	t.Run("results, which have the events in them, are the owner's alone", func(t *testing.T) {
		w := open(t, options(t, "dev"))
		w.put("{}", "no event")
		w.flush()
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		err := filepath.WalkDir(w.out, func(path string, entry fs.DirEntry, err error) error {
			if err != nil || path == w.out {
				return err
			}
			info, err := entry.Info()
			if err == nil && info.Mode().Perm()&0o077 != 0 {
				t.Errorf("%s has the mode %v", path, info.Mode())
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	})
	t.Run("one that was not is marked, leaves nothing half-written, and the next starts clean", func(t *testing.T) {
		o := options(t, "dev")
		w := open(t, o)
		w.put(shopEvents(t)...)
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		files := w.files()
		if _, ok := files["INCOMPLETE"]; !ok {
			t.Errorf("files: got %q", slices.Sorted(maps.Keys(files)))
		}
		for name := range files {
			if strings.HasPrefix(name, "s3/") {
				t.Errorf("object that was not flushed: %s", name)
			}
		}
		next := open(t, o)
		next.put("{}")
		balanced(t, next.flush().Streams.Search.Counts, 1)
		_, documents := next.find("opensearch/")
		if n := strings.Count(documents, "\n"); n != 1 {
			t.Errorf("documents: got %d, want 1", n)
		}
		next.clean()
	})
	t.Run("after one that was killed the next starts clean", func(t *testing.T) {
		o := options(t, "json")
		child := exec.Command(os.Args[0])
		child.Env = append(os.Environ(), victim+"="+o.Out, "TRANSFORM="+binaries["transform"],
			"ERRORHANDLER="+binaries["errorhandler"])
		child.Stderr = t.Output()
		output, err := child.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := child.Start(); err != nil {
			t.Fatal(err)
		}
		_, err = bufio.NewReader(output).ReadString('\n')
		if killed := child.Process.Kill(); err != nil || killed != nil {
			t.Fatal(err, killed)
		}
		if err := child.Wait(); err == nil {
			t.Fatal("the run ended by itself")
		}
		if got := entries(t, o.Out); !strings.Contains(got, "INCOMPLETE") {
			t.Errorf("folder: got %s", got)
		}
		w := open(t, o)
		w.put(shopEvents(t)[:10]...)
		balanced(t, w.flush().Streams.Search.Counts, 10)
		w.clean()
		for name, content := range w.files() {
			if strings.Contains(content, "killed") {
				t.Errorf("%s is of the run before", name)
			}
		}
	})
	t.Run("two runs cannot share a folder", func(t *testing.T) {
		o := options(t, "dev")
		open(t, o)
		if _, err := local.Open(t.Context(), o); err == nil || !strings.Contains(err.Error(), "another run uses it") {
			t.Errorf("error: got %v", err)
		}
	})
	t.Run("a run that is canceled ends", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		p, err := local.Open(ctx, options(t, "dev"))
		if err != nil {
			t.Fatal(err)
		}
		cancel()
		if err := p.Flush(t.Context()); err == nil {
			// The streams may have been idle; a put then shows it.
			_, err = p.Put(ctx, p.Streams()[0].Name, [][]byte{[]byte("{}")})
			if err == nil {
				t.Error("put: got no error")
			}
		}
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
}

// CloudWatch Logs has a group for each function.
func TestLogs(t *testing.T) {
	o := options(t, "dev")
	p, err := local.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	if _, err := p.Put(t.Context(), p.Streams()[0].Name,
		[][]byte{[]byte(`{"event_id":"e-1"}`), []byte(`[]`)}); err != nil {
		t.Fatal(err)
	}
	if err := p.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := p.Close(); err != nil { // a line may still be on its way from its process
		t.Fatal(err)
	}
	for group, want := range map[string]string{"transform-lake": `"Records":2`, "error-handler": `"DeadLetters":1`} {
		text, err := os.ReadFile(filepath.Join(o.Out, "logs/aws/lambda/kinesis-firehose-pipeline-dev-"+group+".log"))
		if err != nil || strings.Count(string(text), want) != 1 {
			t.Errorf("log of %s: got %s, %v", group, text, err)
		}
	}
}

func TestOptions(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*local.Options)
		want   string
	}{
		{"no folder", func(o *local.Options) { o.Out = "" }, "out: must be set"},
		{"a negative speed", func(o *local.Options) { o.Speed = -1 }, "speed: must not be negative (got -1)"},
		{"too many invocations", func(o *local.Options) { o.Invocations = 6 }, "invocations: must be 1 to 5 (got 6)"},
		{"a negative rate", func(o *local.Options) { o.Rate = -1 }, "rate: must be above 0 (got -1)"},
		{"no template", func(o *local.Options) { o.Template = nil }, "reading template"},
		{"no binary", func(o *local.Options) { o.Functions = nil }, "no binary of errorhandler"},
		{"a real OpenSearch for a stack that has no search setup", func(o *local.Options) {
			o.OpenSearch = &opensearch.Options{URL: "https://127.0.0.1:1"}
			o.Template = bytes.ReplaceAll(o.Template, []byte("Custom::SearchSetup"), []byte("Custom::Other"))
		}, "opensearch: the stack has no search domain"},
		{"a real OpenSearch by a wrong address", func(o *local.Options) {
			o.OpenSearch = &opensearch.Options{URL: "http://search.example.com/path"}
		}, `"http://search.example.com/path" is not https`},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := options(t, "dev")
			c.change(&o)
			if _, err := local.Open(t.Context(), o); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error: got %v, want %q", err, c.want)
			}
		})
	}
}
