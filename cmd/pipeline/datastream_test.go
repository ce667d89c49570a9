package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"firehose-pipeline/contract"
	"firehose-pipeline/event"
	"firehose-pipeline/internal/testkit/shopschema"
	"firehose-pipeline/local"
	"firehose-pipeline/local/results"
	"firehose-pipeline/producer"
	"firehose-pipeline/replay"
)

// serveDataStream serves a stack with ingestion kinesis, with a transform that can be broken for one of the streams.
func serveDataStream(t *testing.T, broken event.Stream) (*breakable, *local.Pipeline, clients) {
	t.Helper()
	text, err := os.ReadFile("../../local/template/testdata/kinesis.template.json")
	if err != nil {
		t.Fatal(err)
	}
	functions := maps.Clone(buildStack(t).functions)
	dir := t.TempDir()
	b := &breakable{filepath.Join(dir, "bootstrap"), filepath.Join(dir, "broken")}
	script := fmt.Sprintf("#!/bin/sh\nif [ -e '%s' ] && [ \"$STREAM\" = %s ]; then exit 1; fi\nexec '%s'\n", b.mark,
		broken, functions["transform"])
	if err := errors.Join(os.WriteFile(b.path, []byte(script), 0o755), shopschema.Write(dir)); err != nil {
		t.Fatal(err)
	}
	functions["transform"] = b.path
	p, c := serveTemplate(t, text, "kinesis-firehose-pipeline-dev", functions)
	return b, p, c
}

// sizesOf has the size of each file of a store.
func sizesOf(t *testing.T, out string, store event.Stream) map[string]int64 {
	t.Helper()
	root := filepath.Join(out, results.IndicesDir)
	if store == event.Lake {
		root = filepath.Join(out, results.ObjectsDir)
	}
	sizes := map[string]int64{}
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil || entry.IsDir() || store == event.Lake && !strings.Contains(path, contract.DataPrefix) {
			return err
		}
		info, err := entry.Info()
		sizes[path] = info.Size()
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return sizes
}

// A replay through the data stream reaches both transforms; the store that has the records already stays as it is.
func TestReplayThroughADataStreamReachesOneStore(t *testing.T) {
	const events = 2000
	for _, broken := range []event.Stream{event.Lake, event.Search} {
		t.Run(string(broken), func(t *testing.T) {
			transform, p, c := serveDataStream(t, broken)
			useEndpoint(t, c.url)
			stack := "kinesis-firehose-pipeline-dev"
			transform.broken(t, true)
			stdout, _ := command(t, 0, nil, "send", "--events", numbered(t, events), "--stack", stack, "--format", "json")
			var sent producer.Report
			if err := json.Unmarshal([]byte(stdout), &sent); err != nil || len(sent.Streams) != 1 ||
				sent.Streams[0].Kind != producer.DataStream || sent.Streams[0].Events != events {
				t.Fatalf("must put each event once, to the data stream (got %s, %v)", stdout, err)
			}
			flushed(t, p)
			lake, search := stored(t, c.out)
			if has := map[event.Stream]int{event.Lake: len(lake), event.Search: len(search)}; has[broken] != 0 ||
				has[broken.Other()] != events {
				t.Fatalf("must have every event in the %s alone (got %v)", broken.Other(), has)
			}
			before := sizesOf(t, c.out, broken.Other())

			transform.broken(t, false)
			report, _ := replayed(t, 0, append(unlimited, "--stack", stack, "--yes")...)
			if report.Records[replay.Replayed] != events || report.Put[broken].Records != events {
				t.Errorf("must replay %d records into the %s (got %+v)", events, broken, report)
			}
			flushed(t, p)
			wantOnce(t, c.out, events, 0)
			if after := sizesOf(t, c.out, broken.Other()); !maps.Equal(before, after) {
				t.Errorf("the %s must stay as it was\n(before %v,\nafter %v)", broken.Other(), before, after)
			}
			wantLetters(t, c, p.DeadLetterQueueURL(), "0")
			wantClean(t, p)
			counts := map[event.Stream]local.Counts{event.Lake: p.Report().Streams.Lake.Counts,
				event.Search: p.Report().Streams.Search.Counts}
			if got := counts[broken.Other()]; got.Elsewhere != events || got.Dropped != events || got.Failed != 0 {
				t.Errorf("%s: must drop %d replays (got %+v)", broken.Other(), events, got)
			}
			if got := counts[broken]; got.Elsewhere != 0 || got.Dropped != 0 {
				t.Errorf("%s: must drop nothing (got %+v)", broken, got)
			}
			// Spread: a hot shard would throttle the replay.
			if n := len(p.DataStream().OpenShards()); n != 4 {
				t.Fatalf("shards: got %d", n)
			}
		})
	}
}

// A state file goes on with the ingestion that it was written for only.
func TestSendStateOfAnotherIngestion(t *testing.T) {
	_, _, c := serveDataStream(t, event.Lake)
	useEndpoint(t, c.url)
	path := numbered(t, 10)
	state := filepath.Join(t.TempDir(), "state")
	command(t, 0, nil, "send", "--events", path, "--stack", "kinesis-firehose-pipeline-dev", "--state", state)
	_, stderr := command(t, exitFailed, nil, "send", "--events", path, "--lake-stream", "l", "--search-stream", "s",
		"--state", state)
	if !strings.Contains(stderr, "belongs to the data stream kinesis-firehose-pipeline-dev-DataStream, and the events "+
		"go to the lake stream l and the search stream s") {
		t.Errorf("got %s", stderr)
	}
	direct := filepath.Join(t.TempDir(), "state")
	text := `{"version":1,"streams":{"lake":{"name":"l","line":1,"offset":3,"sha256":"x"}}}`
	if err := os.WriteFile(direct, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	_, stderr = command(t, exitFailed, nil, "send", "--events", path, "--data-stream", "d", "--state", direct)
	if !strings.Contains(stderr, "belongs to the lake stream l, and the events go to the data stream d") {
		t.Errorf("got %s", stderr)
	}
}

func TestSendToADataStreamUsage(t *testing.T) {
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"--data-stream", "d", "--lake-stream", "l"},
			"--data-stream: must not be used with --lake-stream and --search-stream: it feeds both"},
		{[]string{"--data-stream", "d", "--pack"},
			"--pack: must not be used with a data stream: search accepts one event a record"},
	} {
		useEndpoint(t, "http://127.0.0.1:9")
		_, stderr := command(t, exitUsage, nil, append([]string{"send", "--events", numbered(t, 1)}, c.args...)...)
		if !strings.Contains(stderr, c.want) {
			t.Errorf("%v: got %s, want %s", c.args, stderr, c.want)
		}
	}
}
