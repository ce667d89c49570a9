package replay

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"firehose-pipeline/deadletter"
	"firehose-pipeline/errorobject"
	"firehose-pipeline/event"
	"firehose-pipeline/producer"
)

// pointing are letters of each kind that replay follows, all with one pointer.
func pointing(t *testing.T, p deadletter.Pointer) map[string]string {
	t.Helper()
	record := deadletter.Message{Version: 1, Kind: deadletter.Record, ID: "r", Stream: event.Lake, Stage: errorobject.Transform,
		Reason: deadletter.FunctionError, Truncated: true, Pointer: &p}
	object := deadletter.Message{Version: 1, Kind: deadletter.Object, ID: "o", Stream: event.Lake, Stage: errorobject.Transform,
		Reason: deadletter.MoreRecords, Pointer: &p, Counts: map[deadletter.Reason]int64{deadletter.FunctionError: 1}}
	invocation, err := json.Marshal(map[string]any{"version": "1.0", "requestContext": map[string]any{"requestId": "i"},
		"requestPayload": map[string]any{"Records": []any{map[string]any{"s3": map[string]any{"bucket": map[string]any{"name": p.Bucket},
			"object": map[string]any{"key": strings.NewReplacer("%", "%25", "+", "%2B").Replace(p.Key)}}}}}})
	if err != nil {
		t.Fatal(err)
	}
	return map[string]string{"record": encode(t, record), "object": encode(t, object), "invocation": string(invocation)}
}

// Letters lead replay to the stack's error objects, and nowhere else.
func TestPointers(t *testing.T) {
	const folder = "error-data/lake/processing-failed/"
	for _, c := range []struct {
		rule        string
		bucket, key string
		kinds       string // of the letters for which it is one; all by default
		from, count int64
		want        Outcome
		said        string
	}{
		{rule: "another bucket", bucket: "attacker", key: folder + "x", want: ForeignPointer, said: "the bucket must be bucket"},
		{rule: "a bucket that begins alike", bucket: "bucket2", key: folder + "x", want: ForeignPointer},
		{rule: "the bucket in upper case", bucket: "BUCKET", key: folder + "x", want: ForeignPointer},
		{rule: "an access point", bucket: "arn:aws:s3:eu-west-1:111122223333:accesspoint/bucket", key: folder + "x", want: ForeignPointer},
		{rule: "no bucket", key: folder + "x", want: ForeignPointer},
		{rule: "beside the error prefix", bucket: "bucket", key: "private/export", want: ForeignPointer,
			said: "the key must begin with error-data/lake/ or error-data/search/"},
		{rule: "a prefix that begins alike", bucket: "bucket", key: "error-data2/lake/processing-failed/x", want: ForeignPointer},
		{rule: "the error prefix further on", bucket: "bucket", key: "private/" + folder + "x", want: ForeignPointer},
		{rule: "a slash before it", bucket: "bucket", key: "/" + folder + "x", want: ForeignPointer},
		{rule: "no stream", bucket: "bucket", key: "error-data/x", want: ForeignPointer},
		{rule: "another stream", bucket: "bucket", key: "error-data/other/processing-failed/x", want: ForeignPointer},
		{rule: "up from it", bucket: "bucket", key: folder + "../../../private/export", want: ForeignPointer},
		{rule: "a dot", bucket: "bucket", key: folder + "./x", want: ForeignPointer},
		{rule: "an empty segment", bucket: "bucket", key: folder + "/x", want: ForeignPointer},
		{rule: "percent signs are no path", bucket: "bucket", key: folder + "%2e%2e/x", want: ObjectMissing},
		{rule: "an object of the stack", bucket: "bucket", key: folder + "x", want: ObjectMissing},
		{rule: "the other stream's objects", bucket: "bucket", key: "error-data/search/processing-failed/x", kinds: "record", want: ForeignPointer,
			said: "must lead to an error object of the letter's stream (got search)"},
		{rule: "before the object", bucket: "bucket", key: folder + "x", kinds: "record object", from: -1, want: ForeignPointer,
			said: "must be a range of bytes (got -1 and 0)"},
		{rule: "a length below nothing", bucket: "bucket", key: folder + "x", kinds: "record object", count: -1, want: ForeignPointer},
		{rule: "an end beyond all numbers", bucket: "bucket", key: folder + "x", kinds: "record object", from: math.MaxInt64, want: ForeignPointer},
	} {
		for kind, letter := range pointing(t, deadletter.Pointer{Bucket: c.bucket, Key: c.key, Offset: c.from, Length: c.count}) {
			if c.kinds != "" && !strings.Contains(c.kinds, kind) {
				continue
			}
			for _, act := range []bool{true, false} {
				t.Run(fmt.Sprintf("%s, %s, act %v", c.rule, kind, act), func(t *testing.T) {
					w := newWorld()
					w.Act = act
					if c.want == ForeignPointer { // there is something to be had
						secret, err := errorobject.AppendDocument(nil, errorobject.ProcessingFailed{RawData: []byte(`{"secret":1}`)})
						if err != nil {
							t.Fatal(err)
						}
						w.objects.put(c.key, secret, yesterday)
					}
					w.queue.send(letter)
					want := c.want
					if !act && want == ObjectMissing { // a look does not read
						want = Matching
					}
					report := w.run(t)
					wantLetters(t, report, map[Outcome]int64{want: 1})
					w.wantQueue(t, 1)
					wantTaken(t, w.lake)
					wantTaken(t, w.search)
					if len(w.objects.gets) > 0 {
						t.Errorf("read %q", w.objects.gets)
					}
					if c.want != ForeignPointer {
						return
					}
					if len(w.said) != 1 || !strings.Contains(w.said[0], c.said) || !strings.HasPrefix(w.said[0], "letter ") {
						t.Errorf("said %q, want %q", w.said, c.said)
					}
					if act && report.Left() != 1 {
						t.Errorf("%d left, want 1", report.Left())
					}
				})
			}
		}
	}
	t.Run("without a known bucket none is followed, and letters with their record go back", func(t *testing.T) {
		w := newWorld()
		w.Bucket = ""
		o := newErrorObject(t, event.Lake, "a", yesterday, functionEr, ids(3)...)
		w.objects.put(o.source.Key, o.content, yesterday)
		w.queue.send(o.letters[0], o.more(t, 1), o.invocation(t))
		wantLetters(t, w.run(t), map[Outcome]int64{Replayed: 1, NeedsBucket: 2})
		w.wantQueue(t, 2)
		if len(w.objects.gets) > 0 || len(w.said) != 2 || !strings.HasSuffix(w.said[0], "which is not known (--bucket, --stack or --outputs)") {
			t.Errorf("read %q, said %q", w.objects.gets, w.said)
		}
	})
	t.Run("one foreign object of an invocation is enough", func(t *testing.T) {
		w := newWorld()
		o := newErrorObject(t, event.Lake, "a", yesterday, functionEr, ids(3)...)
		w.objects.put(o.source.Key, o.content, yesterday)
		letter := strings.Replace(o.invocation(t), `"Records":[`, `"Records":[{"s3":{"bucket":{"name":"attacker"},"object":{"key":"x"}}},`, 1)
		w.queue.send(letter)
		wantLetters(t, w.run(t), map[Outcome]int64{ForeignPointer: 1})
		wantTaken(t, w.lake)
	})
	t.Run("only the first are named, without their control characters", func(t *testing.T) {
		w := newWorld()
		for i := range 30 {
			w.queue.send(strings.Replace(pointing(t, deadletter.Pointer{Bucket: "b\x1b[2J\nfaked", Key: "k\u202e"})["object"], `"id":"o"`,
				fmt.Sprintf(`"id":"o-%d"`, i), 1))
		}
		wantLetters(t, w.run(t), map[Outcome]int64{ForeignPointer: 30})
		if len(w.said) != mostNamed+1 {
			t.Errorf("said %q", w.said)
		}
		for _, line := range w.said[:mostNamed] {
			if !strings.Contains(line, `pointer s3://b\u001b[2J\u000afaked/k\u202e: the bucket must be bucket`) {
				t.Errorf("said %q", line)
			}
		}
	})
}

// A look promises what acting does.
func TestLookPromises(t *testing.T) {
	letters := func(t *testing.T, w *world) {
		t.Helper()
		lake := newErrorObject(t, event.Lake, "a", yesterday, functionEr, ids(5)...)
		search := newErrorObject(t, event.Search, "b", yesterday, functionEr, ids(7)...)
		for _, o := range []*errorObject{lake, search} {
			w.objects.put(o.source.Key, o.content, yesterday)
			w.queue.send(o.letters[0], o.more(t, 2))
			m := o.records[1]
			m.Truncate()
			w.queue.send(encode(t, m))
		}
		gone := newErrorObject(t, event.Lake, "gone", yesterday, functionEr, "{}")
		w.queue.send(encode(t, deadletter.ForPart(gone.source, deadletter.ObjectMissing, 0, 0, false, nil)))
	}
	acted := func(counts map[Outcome]int64) map[Outcome]int64 {
		counts = maps.Clone(counts)
		if n, ok := counts[Matching]; ok {
			delete(counts, Matching)
			counts[Replayed] = n
		}
		return counts
	}
	for _, c := range []struct {
		rule    string
		filter  Filter
		streams []event.Stream
		want    map[Outcome]int64
	}{
		{"both streams", Filter{}, []event.Stream{event.Lake, event.Search}, map[Outcome]int64{Matching: 6, ObjectMissing: 1}},
		{"a stack without search", Filter{}, []event.Stream{event.Lake}, map[Outcome]int64{Matching: 3, NoStream: 3, ObjectMissing: 1}},
		{"no stream", Filter{}, nil, map[Outcome]int64{NoStream: 6, ObjectMissing: 1}},
		{"the letters for many records, by their own reason", Filter{Reasons: []deadletter.Reason{deadletter.MoreRecords}},
			[]event.Stream{event.Lake, event.Search}, map[Outcome]int64{Matching: 2, Filtered: 4, ObjectMissing: 1}},
	} {
		t.Run(c.rule, func(t *testing.T) {
			reports := map[bool]Report{}
			for _, act := range []bool{false, true} {
				w := newWorld()
				w.Act, w.Filter, w.Streams = act, c.filter, map[event.Stream]*producer.Stream{}
				for _, stream := range c.streams {
					w.Streams[stream] = newWorld().Streams[stream]
				}
				letters(t, w)
				reports[act] = w.run(t)
			}
			wantLetters(t, reports[false], c.want)
			wantLetters(t, reports[true], acted(c.want))
			look, done := reports[false].Records, reports[true].Records
			for _, counts := range []map[Outcome]int64{look, done} { // the object that is gone has no records, and a letter about it no count
				delete(counts, ObjectMissing)
			}
			if !maps.Equal(acted(look), done) {
				t.Errorf("the look counts the records %v, acting %v", look, done)
			}
		})
	}
	t.Run("without a word on the streams a look supposes that they are there", func(t *testing.T) {
		w := newWorld()
		w.Act, w.Streams = false, nil
		letters(t, w)
		wantLetters(t, w.run(t), map[Outcome]int64{Matching: 6, ObjectMissing: 1})
	})
	t.Run("source data", func(t *testing.T) {
		for _, act := range []bool{false, true} {
			w := newWorld()
			w.Act = act
			delete(w.Streams, event.Search)
			w.objects.put(sourceKey(yesterday), []byte(`{"a":1}`), yesterday)
			report, err := w.FromSource(t.Context(), t.Context(), "source-data/", event.Search)
			if err != nil || !maps.Equal(report.Records, map[Outcome]int64{NoStream: 1}) {
				t.Errorf("act %v: got %+v, %v", act, report, err)
			}
		}
	})
}

// A run with a canary reads the queue twice and counts each letter once.
func TestCanaryCountsOnce(t *testing.T) {
	world := func(t *testing.T) *world {
		t.Helper()
		w := newWorld()
		w.clock.now = time.Now()
		w.Canary, w.Filter = 3, Filter{Streams: []event.Stream{event.Lake}}
		w.queue.send(newErrorObject(t, event.Search, "b", yesterday, functionEr, ids(20)...).letters...)             // not selected
		w.queue.send(newErrorObject(t, event.Lake, "c", yesterday, "Lambda.ProcessingFailedStatus", "x").letters...) // refused
		w.queue.send("hello")
		w.queue.send(newErrorObject(t, event.Lake, "a", yesterday, functionEr, ids(40)...).letters...)
		o := newErrorObject(t, event.Lake, "none", yesterday, functionEr, "{}")
		w.queue.send(encode(t, deadletter.ForPart(o.source, deadletter.Unreadable, 0, 10, false, map[deadletter.Reason]int64{deadletter.Unreadable: 1})))
		return w
	}
	all := map[Outcome]int64{Replayed: 40, Filtered: 20, Refused: 1, NoLetter: 1, NotReplayable: 1}
	t.Run("letters, records and groups", func(t *testing.T) {
		w := world(t)
		report := w.run(t)
		wantLetters(t, report, all)
		if report.Repeated != 0 || report.More || report.Waiting != 63 {
			t.Errorf("got %+v", report)
		}
		if want := (map[Outcome]int64{Replayed: 40, Filtered: 20, Refused: 1, NotReplayable: 1}); !maps.Equal(report.Records, want) {
			t.Errorf("records %v, want %v", report.Records, want)
		}
		var letters int64
		for _, g := range report.Groups {
			letters += g.Letters
		}
		if letters != 43 { // all but those that were not selected
			t.Errorf("%d letters in groups, want 43", letters)
		}
		w.wantQueue(t, 23)
	})
	t.Run("with no more letters than the canary has", func(t *testing.T) {
		w := newWorld()
		w.clock.now, w.Canary = time.Now(), 5
		w.queue.send(newErrorObject(t, event.Lake, "a", yesterday, functionEr, ids(5)...).letters...)
		report := w.run(t)
		wantLetters(t, report, map[Outcome]int64{Replayed: 5})
		if report.More {
			t.Errorf("got %+v", report)
		}
	})
	t.Run("a canary that fails is no reason to say that there is more", func(t *testing.T) {
		w := world(t)
		w.clock.paused = func(time.Duration) {
			o := newErrorObject(t, event.Lake, "again", w.clock.Now(), functionEr, w.lake.got()[0])
			w.objects.put(o.source.Key, o.content, w.clock.Now())
		}
		report, err := w.FromQueue(t.Context(), t.Context())
		if err == nil || report.More || report.Letters[Replayed] < 3 {
			t.Errorf("got %+v, %v", report, err)
		}
	})
	t.Run("a limit is one, in either reading", func(t *testing.T) {
		for _, limit := range []int64{2, 3, 10} {
			w := world(t)
			w.Limit = limit
			report := w.run(t)
			if report.Letters[Replayed] != limit || !report.More {
				t.Errorf("limit %d: got %+v", limit, report)
			}
		}
	})
	t.Run("messages that repeat a letter are counted and deleted, whichever reading has them", func(t *testing.T) {
		w := newWorld()
		w.clock.now, w.Canary, w.workers = time.Now(), 1, 1
		o := newErrorObject(t, event.Lake, "a", yesterday, functionEr, ids(4)...)
		w.queue.send(o.letters[0])
		w.queue.send(o.letters...)
		report := w.run(t)
		wantLetters(t, report, map[Outcome]int64{Replayed: 4})
		wantTaken(t, w.lake, ids(4)...)
		if report.Repeated != 1 {
			t.Errorf("got %+v", report)
		}
		w.wantQueue(t, 0)
	})
	t.Run("a letter that could not be deleted at first is counted once", func(t *testing.T) {
		w := newWorld()
		w.clock.now, w.Canary, w.workers = time.Now(), 2, 1
		w.queue.send(newErrorObject(t, event.Lake, "a", yesterday, functionEr, ids(4)...).letters...)
		w.queue.undeletable = func(try int) bool { return try <= maxTries }
		w.clock.paused = func(d time.Duration) {
			if d == looks {
				w.queue.appear()
			}
		}
		report := w.run(t)
		wantLetters(t, report, map[Outcome]int64{Replayed: 4})
		wantTaken(t, w.lake, ids(4)...)
		if report.Records[Replayed] != 4 || report.Records[AlreadyReplayed] != 0 || report.Undeleted != 0 || report.Left() != 0 {
			t.Errorf("got %+v", report)
		}
		w.wantQueue(t, 0)
	})
}

// Error objects that were there before anything was put back are no sign of a cause unfixed, whatever the clocks say.
func TestWatchKnowsOlderObjects(t *testing.T) {
	ahead := time.Now().Add(3 * time.Hour) // a clock of the stack that is ahead of this machine's
	w := newWorld()
	w.clock.now, w.WatchEnd = time.Now(), true
	o := newErrorObject(t, event.Search, "a", ahead, functionEr, ids(2)...)
	w.objects.put(o.source.Key, o.content, ahead)
	w.queue.send(o.letters...)
	w.Journal = openJournal(t, filepath.Join(t.TempDir(), "state"))
	report := w.run(t)
	if report.Letters[Replayed] != 2 || !report.Watched || report.CameBack != 0 {
		t.Errorf("got %+v", report)
	}
	closeJournal(t, w.Journal)
}

// Error objects that came after the put are read, also when this machine's clock is ahead of the stack's.
func TestWatchReadsNewerObjects(t *testing.T) {
	w := newWorld()
	w.clock.now, w.WatchEnd = time.Now().Add(10*time.Minute), true
	w.queue.send(newErrorObject(t, event.Search, "a", yesterday, functionEr, ids(2)...).letters...)
	w.clock.paused = func(time.Duration) {
		o := newErrorObject(t, event.Search, "b", time.Now(), functionEr, ids(1)...)
		w.objects.put(o.source.Key, o.content, time.Now())
	}
	if report := w.run(t); !report.Watched || report.CameBack != 1 {
		t.Errorf("got %+v", report)
	}
}

// A piece counts as failed again when its record arrived no earlier than 5 s before an equal one was put last.
func TestCameBackTimes(t *testing.T) {
	j := NewJournal()
	for _, at := range []time.Time{start.Add(-time.Hour), start} {
		if err := j.add(nil, []uint64{7}, at); err != nil {
			t.Fatal(err)
		}
	}
	for arrival, want := range map[time.Time]bool{
		start.Add(-skew): true, start: true, start.Add(time.Hour): true,
		start.Add(-skew - time.Millisecond): false, start.Add(-30 * time.Minute): false, {}: false,
	} {
		if got, _ := j.cameBack(7, arrival); got != want {
			t.Errorf("%v: got %v", arrival, got)
		}
	}
	if got, _ := j.cameBack(8, start); got {
		t.Error("another digest counts")
	}
}

func TestSamples(t *testing.T) {
	w := newWorld()
	w.Act = false
	w.queue.send(newErrorObject(t, event.Lake, "a", yesterday, "Lambda.ProcessingFailedStatus", "\x1f\x8bno event but gzip").letters...)
	w.queue.send(newErrorObject(t, event.Search, "b", yesterday, functionEr, `{"a":1}`).letters...)
	report := w.run(t)
	if s := report.Groups[0].Sample; s.ReasonOffset == nil || *s.ReasonOffset != 0 || string(s.Start) != "\x1f\x8bno event but g" {
		t.Errorf("got %+v", s)
	}
	if s := report.Groups[1].Sample; s.ReasonOffset != nil || string(s.Start) != `{"a":1}` {
		t.Errorf("got %+v", s)
	}
}

func TestStateIsTheOwners(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state")
	closeJournal(t, openJournal(t, path))
	wantMode(t, path, 0o600)
}
