package replay

import (
	"fmt"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"firehose-pipeline/deadletter"
	"firehose-pipeline/event"
)

const trueRecord, falseRecord = `{"event_id":"true"}`, `{"event_id":"false"}`

// samePlace are the dead letter of a record, and others that name its place: all but the first could be sent by anybody
// who may send to the queue.
func samePlace(t *testing.T) (o *errorObject, letters map[string]string) {
	t.Helper()
	o = newErrorObject(t, event.Lake, "a", yesterday, functionEr, trueRecord, `{"event_id":"next"}`)
	forged := func(change func(*deadletter.Message)) string {
		m := o.records[0]
		pointer := *m.Pointer
		m.Pointer, m.RawData = &pointer, []byte(falseRecord)
		change(&m)
		return encode(t, m)
	}
	return o, map[string]string{
		"true":          o.letters[0],
		"another id":    forged(func(m *deadletter.Message) { m.ID = "forged" }),
		"the same id":   forged(func(m *deadletter.Message) {}),
		"a longer part": forged(func(m *deadletter.Message) { m.ID, m.Pointer.Length = "forged", 1_000_000 }),
		"other stream": forged(func(m *deadletter.Message) {
			m.ID, m.Stream, m.RawData = "forged", event.Search, []byte(trueRecord)
		}),
		"other place":             forged(func(m *deadletter.Message) { m.Pointer.Offset += 1_000 }),
		"other object":            forged(func(m *deadletter.Message) { m.Pointer.Key += "x" }),
		"a length below nothing":  forged(func(m *deadletter.Message) { m.ID, m.Pointer.Length = "forged", -1_000 }),
		"an offset below nothing": forged(func(m *deadletter.Message) { m.Pointer.Offset = -1_000 }),
	}
}

// A place counts as replayed for another dead letter only if the same record was replayed.
func TestSamePlaceOtherContent(t *testing.T) {
	o, letters := samePlace(t)
	for name, forged := range letters {
		if name == "true" {
			continue
		}
		lake, search := []string{trueRecord, falseRecord}, []string(nil)
		if name == "other stream" {
			lake, search = []string{trueRecord}, []string{trueRecord}
		}
		for order, pair := range map[string][]string{
			"true first": {letters["true"], forged}, "true last": {forged, letters["true"]},
		} {
			t.Run(fmt.Sprintf("%s, %s, one run", name, order), func(t *testing.T) {
				w := newWorld()
				w.queue.send(pair...)
				wantLetters(t, w.run(t), map[Outcome]int64{Replayed: 2})
				wantTaken(t, w.lake, lake...)
				wantTaken(t, w.search, search...)
				w.wantQueue(t, 0)
			})
			t.Run(fmt.Sprintf("%s, %s, a canary of one", name, order), func(t *testing.T) {
				w := newWorld()
				w.clock.now, w.Canary, w.workers = time.Now(), 1, 1
				w.queue.send(pair...)
				report := w.run(t)
				wantLetters(t, report, map[Outcome]int64{Replayed: 2})
				wantTaken(t, w.lake, lake...)
				wantTaken(t, w.search, search...)
				w.wantQueue(t, 0)
				if report.Repeated != 0 {
					t.Errorf("got %+v", report)
				}
			})
			t.Run(fmt.Sprintf("%s, %s, two runs", name, order), func(t *testing.T) {
				w := newWorld()
				state := filepath.Join(t.TempDir(), "state")
				for _, letter := range pair {
					w.queue.send(letter)
					w.Journal = openJournal(t, state)
					w.Act = false
					wantLetters(t, w.run(t), map[Outcome]int64{Matching: 1})
					w.Act = true
					wantLetters(t, w.run(t), map[Outcome]int64{Replayed: 1})
					w.wantQueue(t, 0)
					closeJournal(t, w.Journal)
				}
				// Whatever is delivered once more is known.
				w.queue.send(slices.Concat(pair, pair)...)
				w.Journal = openJournal(t, state)
				wantLetters(t, w.run(t), map[Outcome]int64{AlreadyReplayed: 2})
				closeJournal(t, w.Journal)
				wantTaken(t, w.lake, lake...)
				wantTaken(t, w.search, search...)
				w.wantQueue(t, 0)
			})
			t.Run(fmt.Sprintf("%s, %s, promise", name, order), func(t *testing.T) {
				w := newWorld()
				w.Act = false
				w.queue.send(slices.Concat(pair, pair)...)
				if report := w.run(t); report.Letters[Matching] != 2 || report.Repeated != 2 {
					t.Errorf("got %+v", report)
				}
				w.wantQueue(t, 4)
			})
		}
	}
	t.Run("the letter without its record is followed to the object", func(t *testing.T) {
		for name, forged := range letters {
			if name == "true" {
				continue
			}
			w := newWorld()
			w.objects.put(o.source.Key, o.content, yesterday)
			w.Journal = openJournal(t, filepath.Join(t.TempDir(), "state"))
			m := o.records[0]
			m.Truncate()
			w.queue.send(forged)
			w.run(t)
			w.queue.send(encode(t, m))
			w.Act = false
			wantLetters(t, w.run(t), map[Outcome]int64{Matching: 1})
			w.Act = true
			wantLetters(t, w.run(t), map[Outcome]int64{Replayed: 1})
			w.queue.send(encode(t, m), o.letters[0], forged) // delivered once more
			w.Act = false
			wantLetters(t, w.run(t), map[Outcome]int64{AlreadyReplayed: 3})
			w.Act = true
			wantLetters(t, w.run(t), map[Outcome]int64{AlreadyReplayed: 3})
			w.wantQueue(t, 0)
			if n := len(w.lake.got()) + len(w.search.got()); n != 2 {
				t.Errorf("%s: took %q and %q", name, w.lake.got(), w.search.got())
			}
			closeJournal(t, w.Journal)
		}
	})
	t.Run("the letter for many records, and a prefix, have the record of the object", func(t *testing.T) {
		for name, forged := range letters {
			for _, prefix := range []bool{false, true} {
				w := newWorld()
				w.objects.put(o.source.Key, o.content, yesterday)
				w.queue.send(forged)
				w.run(t)
				if prefix {
					w.fromErrors(t, "error-data/lake/")
				} else {
					w.queue.send(o.more(t, 0))
					w.run(t)
				}
				want := []string{trueRecord, `{"event_id":"next"}`}
				if name != "true" && name != "other stream" {
					want = append(want, falseRecord)
				}
				wantTaken(t, w.lake, want...)
				w.wantQueue(t, 0)
			}
		}
	})
	t.Run("a letter that comes after its object was read goes back when it has another record", func(t *testing.T) {
		for name, letter := range letters {
			w := newWorld()
			w.objects.put(o.source.Key, o.content, yesterday)
			w.fromErrors(t, "error-data/lake/")
			w.queue.send(letter)
			want := Replayed
			if name == "true" {
				want = AlreadyReplayed
			}
			wantLetters(t, w.run(t), map[Outcome]int64{want: 1})
		}
	})
}

// A dead letter without its record is for the one document that its pointer leads to, and marks no more than that.
func TestTruncatedMarksItsDocument(t *testing.T) {
	for _, c := range []struct {
		rule         string
		from, length int64 // of the pointer, from the first document on
		want         Outcome
		taken        int
	}{
		{"its document", 0, 0, Replayed, 1},
		{"all of the object", 0, 1_000_000, Replayed, 1},
		{"the midst of a document", 1, 1_000_000, NoData, 0},
	} {
		t.Run(c.rule, func(t *testing.T) {
			w := newWorld()
			records := ids(5)
			o := newErrorObject(t, event.Lake, "a", yesterday, functionEr, records...)
			w.objects.put(o.source.Key, o.content, yesterday)
			m := o.records[0]
			pointer := *m.Pointer
			m.Pointer, m.ID = &pointer, "forged"
			m.Truncate()
			m.Pointer.Offset, m.Pointer.Length = c.from, c.length
			w.queue.send(encode(t, m))
			wantLetters(t, w.run(t), map[Outcome]int64{c.want: 1})
			wantTaken(t, w.lake, records[:c.taken]...)
			w.queue.send(o.letters[c.taken:]...)
			w.run(t)
			wantTaken(t, w.lake, records...)
		})
	}
}

// Dead letters for other records are others, whatever their id.
func TestSameIDOtherObject(t *testing.T) {
	w := newWorld()
	a := newErrorObject(t, event.Lake, "a", yesterday, functionEr, `{"event_id":"a"}`)
	b := newErrorObject(t, event.Lake, "b", yesterday, functionEr, `{"event_id":"b"}`)
	w.objects.put(a.source.Key, a.content, yesterday)
	w.objects.put(b.source.Key, b.content, yesterday)
	part := deadletter.ForPart(b.source, deadletter.MoreRecords, 0, 0, false,
		map[deadletter.Reason]int64{deadletter.FunctionError: 1})
	part.ID = deadletter.ForPart(a.source, deadletter.MoreRecords, 0, 0, false, nil).ID
	w.queue.send(encode(t, part), a.more(t, 0), a.invocation(t), b.invocation(t)) // the invocations have one request id
	w.workers = 1
	wantLetters(t, w.run(t), map[Outcome]int64{Replayed: 2, AlreadyReplayed: 2})
	wantTaken(t, w.lake, `{"event_id":"a"}`, `{"event_id":"b"}`)
	w.wantQueue(t, 0)
}

// A dead letter is another one than a foreign message of the same id.
func TestLetterNamedAfterMessage(t *testing.T) {
	w := newWorld()
	m := newErrorObject(t, event.Lake, "a", yesterday, functionEr, trueRecord).records[0]
	m.ID = "m-0"
	w.queue.send("hello", encode(t, m))
	wantLetters(t, w.run(t), map[Outcome]int64{NoLetter: 1, Replayed: 1})
	w.wantQueue(t, 1)
}
