package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/firehose"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/parquet-go/parquet-go"

	"firehose-pipeline/deadletter"
	"firehose-pipeline/errorobject"
	"firehose-pipeline/event"
	"firehose-pipeline/internal/testkit/shopschema"
	"firehose-pipeline/local"
	"firehose-pipeline/local/results"
	"firehose-pipeline/producer"
	"firehose-pipeline/replay"
)

// breakable is the transform with a switch: broken, every process of it ends at once, so that each invocation fails.
type breakable struct{ path, mark string }

func newBreakable(t *testing.T, transform string) *breakable {
	t.Helper()
	dir := t.TempDir()
	b := &breakable{filepath.Join(dir, "bootstrap"), filepath.Join(dir, "broken")}
	script := fmt.Sprintf("#!/bin/sh\nif [ -e '%s' ]; then exit 1; fi\nexec '%s'\n", b.mark, transform)
	if err := errors.Join(os.WriteFile(b.path, []byte(script), 0o755), shopschema.Write(dir)); err != nil {
		t.Fatal(err)
	}
	return b
}

func (b *breakable) broken(t *testing.T, broken bool) {
	t.Helper()
	var err error
	if broken {
		err = os.WriteFile(b.mark, nil, 0o644)
	} else {
		err = os.Remove(b.mark)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// serveBroken serves the stack with a transform that is broken.
func serveBroken(t *testing.T) (*breakable, *local.Pipeline, clients) {
	t.Helper()
	functions := maps.Clone(buildStack(t).functions)
	b := newBreakable(t, functions["transform"])
	functions["transform"] = b.path
	b.broken(t, true)
	p, c := serveFunctions(t, functions)
	return b, p, c
}

// numbered writes a file of n events, whose event_id is e-<number>.
func numbered(t *testing.T, n int) string {
	t.Helper()
	var text bytes.Buffer
	for i := range n {
		fmt.Fprintf(&text, `{"event_id":"e-%05d","event_type":"view","user_id":"%d","amount":%d.5,"timestamp":"2026-01-31T12:00:00Z","note":"%s"}`+"\n", i, i%97, i, strings.Repeat("x", i%300))
	}
	path := filepath.Join(t.TempDir(), "events.ndjson")
	if err := os.WriteFile(path, text.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// stored are the event ids in the lake and in the indices, each as often as it is there.
func stored(t *testing.T, out string) (lake, search map[string]int) {
	t.Helper()
	lake, search = map[string]int{}, map[string]int{}
	for _, path := range parquetFiles(t, out) {
		rows, err := parquet.ReadFile[struct {
			EventID *string `parquet:"event_id,optional"`
		}](path)
		if err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		for _, row := range rows {
			if row.EventID == nil {
				t.Fatalf("%s: a row without event_id", path)
			}
			lake[*row.EventID]++
		}
	}
	paths, err := listFiles(filepath.Join(out, results.IndicesDir))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(bytes.NewReader(text))
		lines.Buffer(nil, 2<<20)
		for lines.Scan() {
			var document struct {
				EventID string `json:"event_id"`
			}
			if err := json.Unmarshal(lines.Bytes(), &document); err != nil {
				t.Fatalf("%s: %v", path, err)
			}
			search[document.EventID]++
		}
	}
	return lake, search
}

// wantOnce checks that each of n events is in both stores, once, or up to as often as it may be.
func wantOnce(t *testing.T, out string, n, mayBeTwice int) {
	t.Helper()
	lake, search := stored(t, out)
	for store, ids := range map[string]map[string]int{"the lake": lake, "the index": search} {
		missing, twice := 0, 0
		for i := range n {
			switch times := ids[fmt.Sprintf("e-%05d", i)]; {
			case times == 0:
				missing++
			case times > 1:
				twice += times - 1
			}
		}
		if missing > 0 || twice > mayBeTwice || len(ids) != n {
			t.Errorf("%s has %d ids of %d, %d missing, %d more than once (may be %d)", store, len(ids), n, missing,
				twice, mayBeTwice)
		}
	}
}

// waitingLetters are the messages in sight and out of it.
func waitingLetters(t *testing.T, c clients, queue string) (visible, hidden string) {
	t.Helper()
	out, err := c.sqs.GetQueueAttributes(t.Context(),
		&sqs.GetQueueAttributesInput{QueueUrl: &queue, AttributeNames: []sqstypes.QueueAttributeName{"All"}})
	if err != nil {
		t.Fatal(err)
	}
	return out.Attributes["ApproximateNumberOfMessages"], out.Attributes["ApproximateNumberOfMessagesNotVisible"]
}

func wantLetters(t *testing.T, c clients, queue, want string) {
	t.Helper()
	if visible, hidden := waitingLetters(t, c, queue); visible != want || hidden != "0" {
		t.Errorf("%s letters in sight and %s out of it, want %s and 0", visible, hidden, want)
	}
}

func flushed(t *testing.T, p *local.Pipeline) {
	t.Helper()
	if err := p.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func replayed(t *testing.T, status int, args ...string) (report replay.Report, stderr string) {
	t.Helper()
	stdout, stderr := command(t, status, nil, append([]string{"replay", "--format", "json"}, args...)...)
	if err := json.Unmarshal([]byte(stdout), &report); err != nil {
		t.Fatalf("%v: %s%s", err, stdout, stderr)
	}
	return report, stderr
}

// unlimited spares tests the pace; Firehose's quota stays.
var unlimited = []string{"--rate", "0", "--byte-rate", "0"}

// After a broken transform every record is in the queue; after a fix and `pipeline replay --yes` lake and index hold
// every event once, and the queue is empty.
func TestReplayBrokenTransform(t *testing.T) {
	const events = 2400
	transform, p, c := serveBroken(t)
	useEndpoint(t, c.url)
	stack := stackName(t)
	command(t, 0, nil, "send", "--events", numbered(t, events), "--stack", stack)
	flushed(t, p)
	// An error object has a letter for each of its first 1,000 records, and one for the rest of them.
	wantLetters(t, c, p.DeadLetterQueueURL(), "2002")

	report, stderr := replayed(t, 0, "--stack", stack)
	want := map[replay.Outcome]int64{replay.Matching: 2002}
	if !maps.Equal(report.Letters, want) || report.Records[replay.Matching] != 2*events || report.Acted ||
		report.Waiting != 2002 || stderr != "" {
		t.Errorf("a look shows %+v %s", report, stderr)
	}
	for _, g := range report.Groups {
		more := g.Reason == deadletter.MoreRecords && g.Letters == 1 && len(g.Records) == 0
		if g.Reason != deadletter.FunctionError && !more || g.Stage != errorobject.Transform {
			t.Errorf("got %+v", g)
		}
	}
	wantLetters(t, c, p.DeadLetterQueueURL(), "2002")
	if lake, search := stored(t, c.out); len(lake)+len(search) > 0 {
		t.Fatalf("%d and %d events are stored", len(lake), len(search))
	}

	// Too early: everything fails again, and is known.
	state := filepath.Join(t.TempDir(), "state")
	report, _ = replayed(t, 0, "--stack", stack, "--reason", "FunctionError", "--limit", "20", "--state", state,
		"--yes")
	if report.Letters[replay.Replayed] != 20 || report.Records[replay.Replayed] < 20 {
		t.Errorf("put back %+v", report.Letters)
	}
	flushed(t, p)
	before := report.Records[replay.Replayed]
	transform.broken(t, false)
	report, _ = replayed(t, exitFailed, append(unlimited, "--stack", stack, "--state", state, "--yes")...)
	if report.Records[replay.FailedAgain] != before || report.Records[replay.Replayed] != 2*events-before {
		t.Errorf("put back %+v, want %d to have failed again", report.Records, before)
	}
	flushed(t, p)
	stdout, _ := command(t, 0, nil, "replay", "--stack", stack, "--state", state)
	if !strings.Contains(stdout, "failed again: they were replayed before: the cause looks unfixed. --again replays "+
		"them all the same\n") ||
		!strings.HasSuffix(stdout, "warning: the same records failed again: the cause looks unfixed\n") {
		t.Errorf("got %s", stdout)
	}

	// After the fix.
	report, _ = replayed(t, 0, append(unlimited, "--stack", stack, "--state", state, "--again", "--yes")...)
	if report.Records[replay.Replayed] != before {
		t.Errorf("put back %+v, want %d", report.Records, before)
	}
	flushed(t, p)
	wantOnce(t, c.out, events, 0)
	wantLetters(t, c, p.DeadLetterQueueURL(), "0")
	wantClean(t, p)
}

// wantClean checks that each record put is accounted for, the letters among them that a replay deleted.
func wantClean(t *testing.T, p *local.Pipeline) {
	t.Helper()
	report, err := p.Check(t.Context())
	if err != nil || !report.Clean() {
		t.Errorf("the check says %+v, %v", report, err)
	}
}

// interrupting ends a context at one of the calls to Firehose.
type interrupting struct {
	producer.FirehosePutter
	calls atomic.Int64
	at    int64
	end   context.CancelFunc
}

func (i *interrupting) PutRecordBatch(ctx context.Context, in *firehose.PutRecordBatchInput,
	o ...func(*firehose.Options)) (*firehose.PutRecordBatchOutput, error) {
	out, err := i.FirehosePutter.PutRecordBatch(ctx, in, o...)
	if i.calls.Add(1) == i.at {
		i.end()
	}
	return out, err
}

// Interrupted at any point and resumed, replay ends the same.
func TestReplayInterrupted(t *testing.T) {
	const events = 2400
	for _, kind := range []string{"by Ctrl-C", "at once"} {
		t.Run(kind, func(t *testing.T) {
			transform, p, c := serveBroken(t)
			useEndpoint(t, c.url)
			command(t, 0, nil, "send", "--events", numbered(t, events), "--stack", stackName(t))
			flushed(t, p)
			transform.broken(t, false)

			state := filepath.Join(t.TempDir(), "state")
			interruptions, left := 0, "1"
			for run := 0; left != "0"; run++ {
				if run == 40 {
					t.Fatalf("%s letters left after %d runs", left, run)
				}
				ctx, end := context.WithCancel(t.Context())
				putter := &interrupting{FirehosePutter: c.firehose, at: 1 + rand.Int64N(8), end: end}
				r := &replay.Replay{Queue: c.sqs, QueueURL: p.DeadLetterQueueURL(), Objects: c.s3,
					Bucket: p.BucketName(), ErrorPrefix: "error-data/", Act: true,
					Visibility: 2 * time.Second, Wait: 3, Streams: map[event.Stream]*producer.Stream{}, Logf: t.Logf}
				for _, s := range p.Streams() {
					r.Streams[s.Kind] = &producer.Stream{Name: s.Name, Client: putter}
				}
				var err error
				if r.Journal, err = replay.OpenJournal(state, nil); err != nil {
					t.Fatal(err)
				}
				hard := t.Context()
				if kind == "at once" {
					hard = ctx
				}
				report, err := r.FromQueue(ctx, hard)
				if err != nil && hard.Err() == nil {
					t.Fatal(err)
				}
				if report.Interrupted {
					interruptions++
				}
				if err := r.Journal.Close(); err != nil {
					t.Fatal(err)
				}
				end()
				visible, hidden := waitingLetters(t, c, p.DeadLetterQueueURL())
				if kind == "by Ctrl-C" && hidden != "0" {
					t.Fatalf("%s letters are out of sight after run %d", hidden, run)
				}
				left = visible
				if visible == "0" { // the messages of a call that was cut off become visible again
					left = hidden
				}
			}
			if interruptions < 2 {
				t.Errorf("interrupted %d times", interruptions)
			}
			flushed(t, p)
			mayBeTwice := 0
			if kind == "at once" { // the batches in flight: eight, of a hundred dead letters or of an object's 500 records
				mayBeTwice = interruptions * 8 * producer.MaxBatchRecords
			}
			wantOnce(t, c.out, events, mayBeTwice)
			wantLetters(t, c, p.DeadLetterQueueURL(), "0")
			wantClean(t, p)
			lake, search := stored(t, c.out)
			t.Logf("%d interruptions; %d rows and %d documents for %d events", interruptions, sum(lake), sum(search),
				events)
		})
	}
}

func sum(counts map[string]int) (n int) {
	for _, c := range counts {
		n += c
	}
	return n
}

// A record of several objects is split: its good ones go through, the bad one alone fails again.
func TestReplaySplits(t *testing.T) {
	p, c := serveStack(t)
	useEndpoint(t, c.url)
	stack := stackName(t)
	good := strings.Split(strings.TrimSpace(string(mustRead(t, numbered(t, 3)))), "\n")
	bad := `{"event_id":"bad","amount":`
	for _, s := range p.Streams() {
		records := [][]byte{[]byte(good[0] + "\n" + bad + "\n" + good[1] + good[2] + "\n")}
		if _, err := p.Put(t.Context(), s.Name, records); err != nil {
			t.Fatal(err)
		}
	}
	flushed(t, p)
	wantLetters(t, c, p.DeadLetterQueueURL(), "2")
	report, _ := replayed(t, 0, "--stack", stack, "--yes")
	if report.Letters[replay.Replayed] != 2 || report.Put[event.Lake].Records != 4 ||
		report.Put[event.Search].Records != 4 {
		t.Errorf("got %+v", report)
	}
	flushed(t, p)
	wantOnce(t, c.out, 3, 0)

	// Only the bad ones are left, which the check rejects.
	report, _ = replayed(t, exitFailed, "--stack", stack, "--yes")
	if want := (map[replay.Outcome]int64{replay.Refused: 2}); !maps.Equal(report.Letters, want) ||
		!slices.ContainsFunc(report.Groups, func(g *replay.Group) bool { return g.Reason == deadletter.Reason(event.UnexpectedEnd) }) {
		t.Errorf("got %+v", report)
	}
	wantLetters(t, c, p.DeadLetterQueueURL(), "2")
}

// The look promises what --yes does, with the streams and the bucket that the flags name.
func TestReplayLookPromises(t *testing.T) {
	p, c := serveStack(t)
	useEndpoint(t, c.url)
	queue, lake := p.DeadLetterQueueURL(), ""
	for _, s := range p.Streams() {
		if s.Kind == event.Lake {
			lake = s.Name
		}
		if _, err := p.Put(t.Context(), s.Name, [][]byte{[]byte(`{"event_id":"a"}{"event_id":`)}); err != nil {
			t.Fatal(err)
		}
	}
	flushed(t, p)
	wantLetters(t, c, queue, "2")
	object := `{"version":1,"kind":"object","id":"o","stream":"lake","stage":"transform","reason":"MoreRecords","counts":{"FunctionError":3},` +
		`"pointer":{"bucket":"` + p.BucketName() + `","key":"error-data/lake/processing-failed/x","offset":0}}`
	if _, err := c.sqs.SendMessage(t.Context(),
		&sqs.SendMessageInput{QueueUrl: &queue, MessageBody: &object}); err != nil {
		t.Fatal(err)
	}
	args := []string{"--queue-url", queue, "--lake-stream", lake}
	stdout, stderr := command(t, 0, nil, append([]string{"replay"}, args...)...)
	if !strings.Contains(stdout, "\n1 dead letter without a bucket: ") ||
		!strings.Contains(stdout, "set --bucket, --stack or --outputs\n") ||
		!strings.Contains(stderr, "dead letter o is not replayed: pointer s3://") {
		t.Errorf("got %s%s", stdout, stderr)
	}
	report, _ := replayed(t, 0, args...)
	if want := (map[replay.Outcome]int64{replay.Matching: 1, replay.NoStream: 1,
		replay.NeedsBucket: 1}); !maps.Equal(report.Letters, want) {
		t.Errorf("the look has %v, want %v", report.Letters, want)
	}
	report, _ = replayed(t, exitFailed, append(args, "--yes")...)
	if want := (map[replay.Outcome]int64{replay.Replayed: 1, replay.NoStream: 1,
		replay.NeedsBucket: 1}); !maps.Equal(report.Letters, want) {
		t.Errorf("acting has %v, want %v", report.Letters, want)
	}
	wantLetters(t, c, queue, "2")
	report, _ = replayed(t, exitFailed, append(args, "--bucket", p.BucketName(), "--yes")...)
	if want := (map[replay.Outcome]int64{replay.ObjectMissing: 1, replay.NoStream: 1}); !maps.Equal(report.Letters,
		want) {
		t.Errorf("with a bucket acting has %v, want %v", report.Letters, want)
	}
}

// A canary that finds nothing says nothing of more letters.
func TestReplayCanary(t *testing.T) {
	p, c := serveStack(t)
	useEndpoint(t, c.url)
	queue := p.DeadLetterQueueURL()
	for _, s := range p.Streams() {
		records := [][]byte{[]byte("x")} // stays, and is counted once
		for i := range 4 {
			records = append(records, fmt.Appendf(nil, `{"event_id":"e-%d"} x%[1]d`, i))
		}
		if _, err := p.Put(t.Context(), s.Name, records); err != nil {
			t.Fatal(err)
		}
	}
	flushed(t, p)
	wantLetters(t, c, queue, "10")
	args := []string{"--stack", stackName(t), "--canary", "2", "--watch", "10ms", "--yes"}
	stdout, _ := command(t, exitFailed, nil, append([]string{"replay", "--stream", "search"}, args...)...)
	if !strings.HasPrefix(stdout, "10 dead letters in the dead-letter queue, in ") ||
		strings.Contains(stdout, "more") ||
		!strings.Contains(stdout, "\n4 dead letters replayed\n1 dead letter refused: ") ||
		!strings.Contains(stdout, "\n5 dead letters not selected\n") {
		t.Errorf("got %s", stdout)
	}
	stdout, _ = command(t, exitFailed, nil, append([]string{"replay", "--stream", "lake", "--format", "json"},
		args...)...)
	var report map[string]any
	if err := json.Unmarshal([]byte(stdout), &report); err != nil {
		t.Fatal(err)
	}
	if want := map[string]any{"filtered": 1.0, "refused": 1.0, "replayed": 4.0}; report["more"] != nil ||
		report["waiting"] != 6.0 ||
		!maps.Equal(report["letters"].(map[string]any), want) {
		t.Errorf("got %s", stdout)
	}
}

// Error objects replayed by their prefix, then the queue with the same state: every event once, and the queue is empty.
func TestReplayByPrefix(t *testing.T) {
	const events = 1100
	transform, p, c := serveBroken(t)
	useEndpoint(t, c.url)
	stack := stackName(t)
	command(t, 0, nil, "send", "--events", numbered(t, events), "--stack", stack)
	flushed(t, p)
	state := filepath.Join(t.TempDir(), "state")

	// Still broken, a canary says so, and nothing else is replayed.
	flushing := make(chan struct{})
	done := make(chan struct{})
	go func() { // the streams' buffers, which are minutes
		defer close(done)
		for {
			select {
			case <-flushing:
				return
			default:
				if err := p.Flush(context.Background()); err != nil {
					t.Error(err)
					return
				}
			}
		}
	}()
	stdout, stderr := command(t, exitFailed, nil,
		append([]string{"replay"}, append(unlimited, "--stack", stack, "--state", state, "--canary", "5", "--watch",
			"10s", "--yes")...)...)
	close(flushing)
	<-done
	if !strings.Contains(stderr, "the cause looks unfixed: of ") ||
		!strings.Contains(stdout, "\n5 dead letters replayed\n") {
		t.Errorf("got %s%s", stdout, stderr)
	}

	flushed(t, p)
	transform.broken(t, false)
	report, _ := replayed(t, 0, append(unlimited, "--stack", stack, "--state", state, "--prefix", "error-data/",
		"--again", "--yes")...)
	// Those of the canary are there twice: replayed from their letters before, and where they failed again.
	if report.Records[replay.Replayed] != 2*events || report.Records[replay.AlreadyReplayed] < 5 {
		t.Errorf("got %+v", report.Records)
	}
	flushed(t, p)
	report, _ = replayed(t, 0, append(unlimited, "--stack", stack, "--state", state, "--yes")...)
	if report.Records[replay.Replayed] != 0 || report.Records[replay.AlreadyReplayed] == 0 {
		t.Errorf("got %+v", report.Records)
	}
	flushed(t, p)
	wantOnce(t, c.out, events, 0)
	wantLetters(t, c, p.DeadLetterQueueURL(), "0")
}

// Events that only the lake has got go to search from the copies of the lake's records as received.
func TestReplaySource(t *testing.T) {
	p, c := serveStack(t)
	useEndpoint(t, c.url)
	const events = 700
	path := numbered(t, events)
	for _, s := range p.Streams() {
		if s.Kind == event.Lake {
			command(t, 0, nil, "send", "--events", path, "--pack", "--lake-stream", s.Name)
			// As other producers put events: without a newline, and some of them broken.
			if _, err := p.Put(t.Context(), s.Name, [][]byte{[]byte(`{"event_id":"broken`)}); err != nil {
				t.Fatal(err)
			}
		}
	}
	flushed(t, p)
	report, _ := replayed(t, 0, "--stack", stackName(t), "--source", "source-data/", "--from", "1h", "--into", "search")
	if report.Records[replay.Matching] != events || report.UnreadableBytes != 19 {
		t.Errorf("got %+v", report)
	}
	report, _ = replayed(t, 0, append(unlimited, "--stack", stackName(t), "--source", "source-data/", "--from", "1h",
		"--into", "search", "--yes")...)
	if report.Records[replay.Replayed] != events {
		t.Errorf("got %+v", report)
	}
	flushed(t, p)
	wantOnce(t, c.out, events, 0)
}

// Ctrl-C ends the command with a report; the same command does the rest.
func TestReplayCtrlC(t *testing.T) {
	const events = 900
	transform, p, c := serveBroken(t)
	useEndpoint(t, c.url)
	stack := stackName(t)
	command(t, 0, nil, "send", "--events", numbered(t, events), "--stack", stack)
	flushed(t, p)
	transform.broken(t, false)
	before, _ := received(p)
	stop := make(chan struct{})
	watching := make(chan struct{})
	go func() { // until the lake stream gets records again
		defer close(watching)
		for {
			select {
			case <-stop:
				return
			default:
				if now, _ := received(p); now > before {
					if err := interruptSelf(); err != nil {
						t.Error(err)
					}
					return
				}
			}
		}
	}()
	stdout, stderr := command(t, exitInterrupted, nil, "replay", "--stack", stack, "--rate", "200", "--yes")
	close(stop)
	<-watching
	if !strings.HasSuffix(stderr, "interrupted: the same command does the rest\n") ||
		!strings.Contains(stdout, " dead letters replayed\n") {
		t.Errorf("got %s%s", stdout, stderr)
	}
	if _, hidden := waitingLetters(t, c, p.DeadLetterQueueURL()); hidden != "0" {
		t.Errorf("%s letters are out of sight", hidden)
	}
	command(t, 0, nil, append([]string{"replay", "--stack", stack, "--yes"}, unlimited...)...)
	flushed(t, p)
	wantOnce(t, c.out, events, 0)
	wantLetters(t, c, p.DeadLetterQueueURL(), "0")
}

func mustRead(t *testing.T, path string) []byte {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestReplayText(t *testing.T) {
	at := func(hour int) *time.Time { t := time.Date(2026, 1, 31, hour, 0, 0, 0, time.UTC); return &t }
	looked := replay.Report{From: replay.FromQueue, Waiting: 53_211, More: true, Repeated: 2,
		Letters: map[replay.Outcome]int64{replay.Matching: 9_000, replay.Refused: 3, replay.FailedAgain: 1,
			replay.ForeignPointer: 1, replay.NeedsBucket: 2, replay.Filtered: 996},
		Records: map[replay.Outcome]int64{replay.Matching: 22_000, replay.FailedAgain: 1},
		Groups: []*replay.Group{
			{Stream: event.Lake, Stage: errorobject.Transform, Reason: deadletter.FunctionError, Kind: deadletter.Record,
				Letters: 8_999,
				Records: map[replay.Outcome]int64{replay.Matching: 8_998, replay.FailedAgain: 1}, First: at(1),
				Last:   at(2),
				Sample: &replay.Sample{EventID: "e-1", Code: "Lambda.FunctionError", Text: "it failed"}},
			{Stream: event.Lake, Stage: errorobject.Transform, Reason: deadletter.FunctionError, Kind: deadletter.Object,
				Records: map[replay.Outcome]int64{replay.Matching: 13_002},
				Sample:  &replay.Sample{Key: "error-data/lake/x"}},
			{Stream: event.Lake, Stage: errorobject.Transform, Reason: deadletter.MoreRecords, Kind: deadletter.Object,
				Letters: 2},
			{Stream: event.Lake, Stage: errorobject.Transform, Reason: "InvalidJson", Kind: deadletter.Record,
				Letters: 3,
				Records: map[replay.Outcome]int64{replay.Refused: 3}, First: at(3), Last: at(3),
				Sample: &replay.Sample{Code: "Lambda.ProcessingFailedStatus",
					Text:         "ProcessingFailed status set for record",
					ReasonOffset: aws.Int(0), Start: []byte("\x1f\x8bno event but g")}},
			{Stream: "\x1b[31mlake\nfaked", Stage: "\u009b1m", Reason: "\u202eevil\t", Kind: deadletter.Object,
				Letters: 1,
				Records: map[replay.Outcome]int64{replay.ForeignPointer: 1},
				Sample: &replay.Sample{EventID: "\x1b]0;t\x07\r\n9 letters put back", Code: "\x7f",
					Text: "\u2066"}},
		}}
	acted := replay.Report{From: replay.FromQueue, Acted: true, Waiting: 12, ElapsedSeconds: 3.5, Undeleted: 1,
		Watched: true, CameBack: 2,
		Letters: map[replay.Outcome]int64{replay.Replayed: 10, replay.AlreadyReplayed: 1, replay.NotTaken: 1},
		Records: map[replay.Outcome]int64{replay.Replayed: 10, replay.AlreadyReplayed: 1, replay.NotTaken: 1},
		Put: map[event.Stream]*replay.Put{event.Search: {Records: 11, Bytes: 123_456,
			Counts: producer.Counts{Calls: 2, Throttled: 1, Unanswered: 5}}}}
	source := replay.Report{From: replay.FromSource, Acted: true, Objects: 3, ElapsedSeconds: 1, UnreadableBytes: 7,
		Watched:    true,
		Unreadable: []string{"source-data/x.gz: 7 bytes at byte 23: InvalidJson"},
		Records:    map[replay.Outcome]int64{replay.Replayed: 2_000},
		Put: map[event.Stream]*replay.Put{event.Lake: {Records: 2_000, Bytes: 1_234_567,
			Counts: producer.Counts{Calls: 4}}}}
	r := &replayCommand{}
	golden(t, "replay-look.txt", r.reportText(&looked))
	golden(t, "replay-acted.txt", r.reportText(&acted))
	golden(t, "replay-source.txt", r.reportText(&source))
	for report, want := range map[*replay.Report]int64{&looked: 7, &acted: 2, &source: 0} {
		if got := report.Left(); got != want {
			t.Errorf("%s: %d left, want %d", report.From, got, want)
		}
	}
}

// Each text of the report for one and for several letters.
func TestReplayTextNumber(t *testing.T) {
	r := &replayCommand{}
	for name, n := range map[string]int64{"one": 1, "several": 2_000} {
		report := replay.Report{From: replay.FromQueue, Acted: true, Repeated: n, Undeleted: n, Lost: n,
			UnreadableBytes: n,
			CameBack:        0, Letters: map[replay.Outcome]int64{}, Records: map[replay.Outcome]int64{replay.FailedAgain: n},
			Groups: []*replay.Group{{Stream: event.Lake, Stage: errorobject.Transform, Reason: deadletter.MoreRecords,
				Kind: deadletter.Object, Letters: n, Records: map[replay.Outcome]int64{replay.NeedsState: n}}}}
		for _, o := range outcomeTexts {
			report.Letters[o.outcome] = n
		}
		text := r.reportText(&report)
		golden(t, "replay-"+name+".txt", text)
		if strings.ContainsAny(text, "{|}") {
			t.Errorf("%s: got %s", name, text)
		}
	}
}

func TestReplayHelp(t *testing.T) {
	help := strings.Join(strings.Fields(replayHelp), " ")
	for _, want := range []string{
		fmt.Sprintf("become visible again (within %.0f minutes when it is killed)", held.Minutes()),
		fmt.Sprintf("its dead letters are hidden for %.0f minutes", visibility.Minutes()),
	} {
		if !strings.Contains(help, want) {
			t.Errorf("no %q in the help", want)
		}
	}
}

// A prefix without objects is said, with the place where objects are.
func TestReplayOfNoObjects(t *testing.T) {
	_, c := serveStack(t)
	useEndpoint(t, c.url)
	stack := stackName(t)
	for want, args := range map[string][]string{
		"nope/: no object matches. Error objects are under error-data/lake/ and error-data/search/\n": {"--prefix",
			"nope/"},
		"nope/: no object matches. Records as received are under source-data/\n": {"--source",
			"nope/", "--from", "1h"},
		"": nil,
	} {
		_, stderr := replayed(t, 0, append(args, "--stack", stack)...)
		if stderr != want {
			t.Errorf("%q: got %q, want %q", args, stderr, want)
		}
	}
}
