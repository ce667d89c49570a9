package replay

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"firehose-pipeline/event"
	"firehose-pipeline/internal/filelock"
)

func TestJournal(t *testing.T) {
	place := func(from, to int64) Place { return Place{Bucket: "b", Key: "k", VersionID: "v", Offset: from, End: to} }
	t.Run("places that touch, or have a newline between them, are one", func(t *testing.T) {
		j := NewJournal(shop)
		for _, p := range []Place{place(20, 30), place(0, 9), place(40, 50), place(10, 19), place(31, 39)} {
			if err := j.addRecords([]*Record{{Place: p, read: true, Data: []byte{}}}, nil, start); err != nil {
				t.Fatal(err)
			}
		}
		if got := j.read[place(0, 0).objectOf()]; len(got) != 1 || got[0] != (span{0, 50}) {
			t.Errorf("got %v", got)
		}
		for p, want := range map[Place]bool{place(0, 50): true, place(5, 7): true, place(45, 51): false,
			place(50, 60): false, {Bucket: "b", Key: "k", VersionID: "w", End: 5}: false,
			{Bucket: "b", Key: "l", VersionID: "v", End: 5}: false} {
			if j.wasRead(p) != want {
				t.Errorf("%v: got %v", p, !want)
			}
		}
	})
	t.Run("a line that a dying process did not finish is taken off", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "state")
		j := openJournal(t, path)
		if err := j.addRecords([]*Record{{Place: place(0, 9), read: true, Data: []byte{}}}, []uint64{7},
			start); err != nil {
			t.Fatal(err)
		}
		closeJournal(t, j)
		whole, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, append(slices.Clone(whole), whole[len(whole)/2:len(whole)-3]...),
			0o644); err != nil {
			t.Fatal(err)
		}
		j = openJournal(t, path)
		if back, now := j.cameBack(7, start); !j.wasRead(place(0, 9)) || !back || now {
			t.Error("it has forgotten")
		}
		if err := j.addRecords([]*Record{{Place: place(10, 19), read: true, Data: []byte{}}}, nil, start); err != nil {
			t.Fatal(err)
		}
		closeJournal(t, j)
		j = openJournal(t, path)
		if !j.wasRead(place(0, 19)) {
			t.Error("it has forgotten")
		}
		closeJournal(t, j)
	})
	t.Run("another file is refused, and left as it is", func(t *testing.T) {
		for text, want := range map[string]string{
			"{}\n":            "must be a file of this command, version 1 (got version 0)",
			"{\"version\":2}": "must be a state file of this command: its first line has the version",
			"hello\n":         "line 1: invalid character",
			"{\"version\":1}\n{\"digests\":[\"x\"]}\n": "line 2: strconv.ParseUint",
		} {
			path := filepath.Join(t.TempDir(), "state")
			if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
			_, err := OpenJournal(path, shop)
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%q: got %v, want %s", text, err, want)
			}
			if got, _ := os.ReadFile(path); string(got) != text {
				t.Errorf("%q became %q", text, got)
			}
		}
	})
}

func TestFailedAgain(t *testing.T) {
	// again is the error object of a record that was replayed at the start and failed again.
	again := func(t *testing.T, name string, arrival time.Time, record string) *errorObject {
		return newErrorObject(t, event.Search, name, arrival, functionEr, record)
	}
	const record = `{"event_id":"a","amount":"5"}`
	t.Run("what comes back in the same run stays", func(t *testing.T) {
		w := newWorld()
		w.workers = 1
		w.queue.send(again(t, "a", yesterday, record).letters...)
		w.search.call = func(context.Context) error { // it fails again at once
			w.queue.send(again(t, "b", time.Now().Add(time.Minute), record).letters...)
			return nil
		}
		w.clock.now = time.Now()
		report := w.run(t)
		wantLetters(t, report, map[Outcome]int64{Replayed: 1, FailedAgain: 1})
		wantTaken(t, w.search, record)
		w.wantQueue(t, 1)
		if report.Left() != 1 {
			t.Errorf("got %+v", report)
		}
	})
	t.Run("what comes back later is known by the state, whatever the transform has made of it, and put back when that is wanted", func(t *testing.T) {
		w := newWorld()
		state := filepath.Join(t.TempDir(), "state")
		w.Journal = openJournal(t, state)
		w.queue.send(again(t, "a", yesterday, record).letters...)
		w.run(t)
		closeJournal(t, w.Journal)

		p := newProcessor(t, event.Search)
		p.SetTime(start)
		out, _ := p.Append(nil, []byte(record), 1<<20)
		w.Journal = openJournal(t, state)
		later := time.Now().Add(time.Hour)
		w.queue.send(again(t, "b", later, string(out)).letters...)
		// The same event, received before anything was replayed: somebody sent it twice.
		w.queue.send(again(t, "c", yesterday, record).letters...)
		wantLetters(t, w.run(t), map[Outcome]int64{Replayed: 1, FailedAgain: 1})
		w.Again = true
		closeJournal(t, w.Journal)
		w.Journal = openJournal(t, state)
		wantLetters(t, w.run(t), map[Outcome]int64{Replayed: 1})
		wantTaken(t, w.search, record, record, string(out))
		w.wantQueue(t, 0)
		closeJournal(t, w.Journal)
	})
	t.Run("the streams do not answer for each other", func(t *testing.T) {
		w := newWorld()
		w.queue.send(again(t, "a", yesterday, record).letters...)
		w.run(t)
		w.queue.send(newErrorObject(t, event.Lake, "b", time.Now().Add(time.Hour), functionEr, record).letters...)
		wantLetters(t, w.run(t), map[Outcome]int64{Replayed: 1})
	})
	t.Run("a canary that fails again ends the run before the rest", func(t *testing.T) {
		for _, fails := range []bool{true, false} {
			w := newWorld()
			w.clock.now = time.Now()
			w.Canary, w.Watch = 3, 7*time.Minute
			records := ids(50)
			w.queue.send(newErrorObject(t, event.Search, "a", yesterday, functionEr, records...).letters...)
			looked := 0
			w.clock.paused = func(time.Duration) {
				if looked++; looked == 3 && fails {
					o := newErrorObject(t, event.Search, "b", w.clock.Now(), functionEr, w.search.got()[1])
					w.objects.put(o.source.Key, o.content, w.clock.Now())
				}
			}
			report, err := w.FromQueue(t.Context(), t.Context())
			var cause *CauseError
			if fails {
				if !errors.As(err, &cause) || cause.Put != 3 || cause.CameBack != 1 ||
					err.Error() != "the cause looks unfixed: of 3 records replayed first, 1 failed again; nothing else was replayed" {
					t.Errorf("got %v", err)
				}
				w.wantQueue(t, 47)
				continue
			}
			if err != nil || !report.Watched || report.CameBack != 0 || looked < 28 {
				t.Errorf("got %+v, %v, looked %d times", report, err, looked)
			}
			wantTaken(t, w.search, records...)
			w.wantQueue(t, 0)
		}
	})
	t.Run("the error output is watched after the last record when that is wanted", func(t *testing.T) {
		w := newWorld()
		w.clock.now = time.Now()
		w.WatchEnd = true
		w.queue.send(newErrorObject(t, event.Search, "a", yesterday, functionEr, ids(5)...).letters...)
		failed := false
		w.clock.paused = func(time.Duration) {
			if failed {
				return
			}
			failed = true
			o := newErrorObject(t, event.Search, "b", w.clock.Now(), functionEr, ids(2)...)
			w.objects.put(o.source.Key, o.content, w.clock.Now())
		}
		if report := w.run(t); !report.Watched || report.CameBack != 2 {
			t.Errorf("got %+v", report)
		}
	})
}

// A piece counts as failed again when its record arrived no earlier than 5 s before an equal one was put last.
func TestCameBackTimes(t *testing.T) {
	j := NewJournal(shop)
	for _, at := range []time.Time{start.Add(-time.Hour), start} {
		if err := j.addRecords(nil, []uint64{7}, at); err != nil {
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

func TestStateIsTheOwners(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state")
	closeJournal(t, openJournal(t, path))
	wantMode(t, path, 0o600)
}

// A state file of an earlier version has places without the record of each. It counts for a dead letter when all of the
// dead letter's record was replayed.
func TestEarlierState(t *testing.T) {
	o, letters := samePlace(t)
	next := o.letters[1]
	// earlier takes from a state file what earlier versions did not write.
	earlier := func(t *testing.T, path string) {
		t.Helper()
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		text = regexp.MustCompile(`,"(records":\[[^]]*\]|read":true)`).ReplaceAll(text, nil)
		if bytes.Contains(text, []byte("records")) || bytes.Contains(text, []byte("read")) {
			t.Fatalf("got %s", text)
		}
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	t.Run("the same record is known, inline, truncated or in the object", func(t *testing.T) {
		for _, prefix := range []bool{false, true} {
			w := newWorld()
			w.objects.put(o.source.Key, o.content, yesterday)
			state := filepath.Join(t.TempDir(), "state")
			w.Journal = openJournal(t, state)
			if prefix {
				w.fromErrors(t, "error-data/lake/")
			} else {
				w.queue.send(o.letters...)
				w.run(t)
			}
			closeJournal(t, w.Journal)
			earlier(t, state)
			w.Journal = openJournal(t, state)
			m := o.records[1]
			m.Truncate()
			w.queue.send(o.letters[0], encode(t, m))
			wantLetters(t, w.run(t), map[Outcome]int64{AlreadyReplayed: 2})
			if report := w.fromErrors(t, "error-data/lake/"); report.Records[AlreadyReplayed] != 2 {
				t.Errorf("got %+v", report)
			}
			wantTaken(t, w.lake, trueRecord, `{"event_id":"next"}`)
			w.wantQueue(t, 0)
			closeJournal(t, w.Journal)
		}
	})
	t.Run("another record at the place is put back, inline, truncated or in the object", func(t *testing.T) {
		truncated := o.records[0]
		truncated.Truncate()
		for name, letter := range map[string]string{
			"inline": letters["true"], "truncated": encode(t, truncated), "object": o.more(t, 0), "prefix": "",
		} {
			w := newWorld()
			w.objects.put(o.source.Key, o.content, yesterday)
			state := filepath.Join(t.TempDir(), "state")
			w.Journal = openJournal(t, state)
			w.queue.send(letters["another id"])
			w.run(t)
			closeJournal(t, w.Journal)
			earlier(t, state)
			w.Journal = openJournal(t, state)
			if name == "prefix" {
				w.fromErrors(t, "error-data/lake/")
			} else {
				w.queue.send(letter)
				w.Act = false
				wantLetters(t, w.run(t), map[Outcome]int64{Matching: 1})
				w.Act = true
				wantLetters(t, w.run(t), map[Outcome]int64{Replayed: 1})
			}
			if !slices.Contains(w.lake.got(), trueRecord) {
				t.Errorf("%s: took %q", name, w.lake.got())
			}
			closeJournal(t, w.Journal)
		}
	})
	t.Run("a place without any record never deletes a letter", func(t *testing.T) {
		state := filepath.Join(t.TempDir(), "state")
		text := fmt.Sprintf(`{"version":1}
{"bucket":"bucket","key":%q,"versionId":"v1","ranges":[[0,1000000]]}
`, o.source.Key)
		if err := os.WriteFile(state, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		w := newWorld()
		w.Journal = openJournal(t, state)
		w.queue.send(letters["true"], next)
		wantLetters(t, w.run(t), map[Outcome]int64{Replayed: 2})
		closeJournal(t, w.Journal)
	})
	t.Run("source data is known by its places", func(t *testing.T) {
		w := newWorld()
		w.objects.put(sourceKey(yesterday), []byte(`{"n":1}{"n":2}`), yesterday)
		state := filepath.Join(t.TempDir(), "state")
		for run := range 2 {
			w.Journal = openJournal(t, state)
			if _, err := w.FromSource(t.Context(), t.Context(), "source-data/", event.Lake); err != nil {
				t.Fatal(err)
			}
			closeJournal(t, w.Journal)
			if run == 0 {
				earlier(t, state)
			}
		}
		wantTaken(t, w.lake, `{"n":1}`, `{"n":2}`)
	})
}

// Dead letters of one record under two ids, worked on at the same time, are replayed once.
func TestSameRecordAtOnce(t *testing.T) {
	w := newWorld()
	o := newErrorObject(t, event.Lake, "a", yesterday, functionEr, ids(40)...)
	for i := range o.records {
		for copy := range 3 {
			m := o.records[i]
			m.ID = fmt.Sprintf("%s-%d", m.ID, copy)
			w.queue.send(encode(t, m))
		}
	}
	w.lake.call = func(context.Context) error { time.Sleep(time.Millisecond); return nil }
	for range 3 {
		w.run(t)
	}
	wantTaken(t, w.lake, ids(40)...)
	w.wantQueue(t, 0)
}

// Only who holds a record gives it back: else a third would put it a second time.
func TestRelease(t *testing.T) {
	j := NewJournal(shop)
	record := func() *Record {
		return &Record{Place: Place{Bucket: "b", Key: "k", End: 9}, Stream: event.Lake, Data: []byte(trueRecord)}
	}
	first, second, third := record(), record(), record()
	if mine, done := j.claimRecord(first); !mine || done {
		t.Fatal("the first does not have it")
	}
	if mine, _ := j.claimRecord(second); mine {
		t.Fatal("the second has it, too")
	}
	j.releaseRecord(second)
	if mine, _ := j.claimRecord(third); mine {
		t.Error("the third has it, too")
	}
	j.releaseRecord(first)
	if mine, _ := j.claimRecord(third); !mine {
		t.Error("nobody has it")
	}
}

func TestBrokenRecordsInState(t *testing.T) {
	for records, want := range map[string]string{
		`["x"]`:                        `line 2: records: must be 32 hexadecimal digits (got "x")`,
		`["0123456789abcdef","00"]`:    `line 2: records: must be 32 hexadecimal digits (got "0123456789abcdef")`,
		`["\u001b[2J"]`:                `line 2: records: must be 32 hexadecimal digits (got "\x1b[2J")`,
		`["0123456789abcdef01234567z"`: `line 2: `,
	} {
		path := filepath.Join(t.TempDir(), "state")
		if err := os.WriteFile(path, []byte("{\"version\":1}\n{\"records\":"+records+"}\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := OpenJournal(path, shop); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %s", records, err, want)
		}
	}
}

// A state that another run uses is left as it is: two runs that append to one file would tear each other's lines.
func TestJournalInUse(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state")
	first := openJournal(t, path)
	if _, err := OpenJournal(path, shop); !errors.Is(err, filelock.ErrInUse) || !strings.Contains(err.Error(), path) {
		t.Errorf("got %v", err)
	}
	closeJournal(t, first)
	closeJournal(t, openJournal(t, path))
}
