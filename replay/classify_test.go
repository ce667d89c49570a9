package replay

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"firehose-pipeline/deadletter"
	"firehose-pipeline/errorobject"
	"firehose-pipeline/event"
	"firehose-pipeline/producer"
)

func TestClassify(t *testing.T) {
	t.Run("filters select by stream, stage, reason and time", func(t *testing.T) {
		older := yesterday.Add(-24 * time.Hour)
		for _, c := range []struct {
			rule   string
			filter Filter
			want   int
		}{
			{"all", Filter{}, 6},
			{"stream", Filter{Streams: []event.Stream{event.Search}}, 2},
			{"stage", Filter{Stages: []errorobject.Stage{errorobject.Transform}}, 6},
			{"other stage", Filter{Stages: []errorobject.Stage{errorobject.Conversion}}, 0},
			{"reason", Filter{Reasons: []deadletter.Reason{deadletter.FunctionTimeout}}, 1},
			{"from", Filter{From: yesterday}, 3},
			{"to", Filter{To: yesterday}, 3},
			{"from and to", Filter{From: older, To: older.Add(time.Millisecond)}, 3},
		} {
			t.Run(c.rule, func(t *testing.T) {
				w := newWorld()
				w.Filter = c.filter
				w.queue.send(newErrorObject(t, event.Lake, "a", older, functionEr, ids(3)...).letters...)
				w.queue.send(newErrorObject(t, event.Search, "b", yesterday, functionEr, ids(2)...).letters...)
				w.queue.send(newErrorObject(t, event.Lake, "c", yesterday, "Lambda.FunctionTimedOut",
					`{"event_id":"f"}`).letters...)
				report := w.run(t)
				if report.Letters[Replayed] != int64(c.want) || report.Letters[Filtered] != int64(6-c.want) ||
					report.Left() != 0 {
					t.Errorf("got %v, want %d", report.Letters, c.want)
				}
				w.wantQueue(t, 6-c.want)
			})
		}
	})
	t.Run("what the check refuses stays, unless it is wanted", func(t *testing.T) {
		for _, refused := range []bool{false, true} {
			w := newWorld()
			w.ReplayRejected = refused
			w.queue.send(newErrorObject(t, event.Search, "a", yesterday, "Lambda.ProcessingFailedStatus",
				`{"event_id":`, " ").letters...)
			report := w.run(t)
			if refused {
				wantTaken(t, w.search, `{"event_id":`, " ")
				w.wantQueue(t, 0)
			} else {
				wantLetters(t, report, map[Outcome]int64{Refused: 2})
				wantTaken(t, w.search)
				w.wantQueue(t, 2)
			}
		}
	})
	t.Run("what the index has in a newer version stays, unless it is asked for by its reason", func(t *testing.T) {
		for _, asked := range []bool{false, true} {
			w := newWorld()
			m := newErrorObject(t, event.Search, "a", yesterday, "409", "{}").records[0]
			m.Stage, m.Reason = errorobject.Search, deadletter.SearchConflict
			w.queue.send(encode(t, m))
			if asked {
				w.Filter.Reasons = []deadletter.Reason{deadletter.SearchConflict}
				wantLetters(t, w.run(t), map[Outcome]int64{Replayed: 1})
			} else {
				wantLetters(t, w.run(t), map[Outcome]int64{InStore: 1})
				w.wantQueue(t, 1)
			}
		}
	})
	t.Run("a record that the transform has made too large stays", func(t *testing.T) {
		w := newWorld()
		m := newErrorObject(t, event.Search, "a", yesterday, functionEr, "{}").records[0]
		m.RawData, m.Truncated = nil, true
		document, err := errorobject.AppendDocument(nil,
			errorobject.SearchFailed{RawData: []byte(`{"a":"` + strings.Repeat("x", 1024000) + `"}`), ErrorCode: "503"})
		if err != nil {
			t.Fatal(err)
		}
		w.objects.put(m.Pointer.Key, document, yesterday)
		m.Pointer.Length = int64(len(document)) - 1
		w.queue.send(encode(t, m))
		wantLetters(t, w.run(t), map[Outcome]int64{TooLarge: 1})
		w.wantQueue(t, 1)
	})
	t.Run("a letter without its record is followed to the object, over broken connections, zipped or not",
		func(t *testing.T) {
			for _, zipped := range []bool{false, true} {
				w := newWorld()
				o := newErrorObject(t, event.Lake, "a", yesterday, functionEr, ids(40)...)
				content := o.content
				if zipped {
					content = zip(t, content)
				}
				w.objects.put(o.source.Key, content, yesterday)
				w.objects.breaks = 100
				for _, i := range []int{0, 20, 39} {
					m := o.records[i]
					m.Truncate()
					if zipped {
						m.Pointer.Encoding = "gzip"
					}
					w.queue.send(encode(t, m))
				}
				gone := newErrorObject(t, event.Lake, "gone", yesterday, functionEr, "{}").records[0]
				gone.Truncate()
				w.queue.send(encode(t, gone))
				wantLetters(t, w.run(t), map[Outcome]int64{Replayed: 3, ObjectMissing: 1})
				wantTaken(t, w.lake, ids(40)[0], ids(40)[20], ids(40)[39])
				w.wantQueue(t, 1)
				if zipped {
					continue
				}
				for _, asked := range []int{1, 2} {
					if want := fmt.Sprintf("bytes=%d-",
						o.records[asked*20-asked/2].Pointer.Offset); !slices.Contains(w.objects.gets, want) {
						t.Errorf("did not ask for %s: %q", want, w.objects.gets)
					}
				}
			}
		})
	t.Run("a letter without a record, of no stream, and a message that is no letter stay", func(t *testing.T) {
		w := newWorld()
		delete(w.Streams, event.Search)
		m := newErrorObject(t, event.Lake, "a", yesterday, functionEr, "{}").records[0]
		m.RawData, m.Reason = nil, deadletter.RawDataUnreadable
		w.queue.send(encode(t, m), "hello")
		w.queue.send(newErrorObject(t, event.Search, "b", yesterday, functionEr, "{}").letters...)
		report := w.run(t)
		wantLetters(t, report, map[Outcome]int64{NoData: 1, NoStream: 1, NoLetter: 1})
		w.wantQueue(t, 3)
	})
}

// more is the dead letter for the records from one on.
func (o *errorObject) more(t *testing.T, from int) string {
	t.Helper()
	begin, counts := o.records[from].Pointer.Offset, map[deadletter.Reason]int64{}
	for _, m := range o.records[from:] {
		counts[m.Reason]++
	}
	return encode(t, deadletter.ForPart(o.source, deadletter.MoreRecords, begin, int64(len(o.content))-1-begin, false,
		counts))
}

// invocation is the dead letter that Lambda writes when the error handler failed on the object.
func (o *errorObject) invocation(t *testing.T) string {
	t.Helper()
	body, err := json.Marshal(map[string]any{"version": "1.0", "timestamp": "2026-01-31T12:00:00Z",
		"requestContext": map[string]any{"requestId": "r-1"},
		"requestPayload": map[string]any{"Records": []any{map[string]any{"s3": map[string]any{"bucket": map[string]any{"name": "bucket"},
			"object": map[string]any{"key": strings.ReplaceAll(o.source.Key, "=", "%3D"), "versionId": "v1"}}}}}})
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

func TestObjectLetters(t *testing.T) {
	mixed := append(ids(1200), `{"event_id":`) // the last one is rejected
	object := func(t *testing.T, w *world) *errorObject {
		t.Helper()
		o := newErrorObject(t, event.Lake, "a", yesterday, functionEr, mixed...)
		w.objects.put(o.source.Key, o.content, yesterday)
		return o
	}
	t.Run("the records that a letter stands for are read from the object, the refused ones too", func(t *testing.T) {
		w := newWorld()
		o := object(t, w)
		w.queue.send(o.letters[:100]...)
		w.queue.send(o.more(t, 100))
		report := w.run(t)
		wantLetters(t, report, map[Outcome]int64{Replayed: 101})
		wantTaken(t, w.lake, mixed...)
		w.wantQueue(t, 0)
		if report.Records[Replayed] != 1201 {
			t.Errorf("got %+v", report)
		}
	})
	t.Run("a look counts them by reason without reading the object", func(t *testing.T) {
		w := newWorld()
		o := object(t, w)
		w.Act, w.objects.contents = false, nil
		w.queue.send(o.more(t, 1))
		report := w.run(t)
		if report.Records[Matching] != 1200 || report.Letters[Matching] != 1 {
			t.Errorf("got %+v", report)
		}
	})
	t.Run("a failed invocation and letters that it had sent before put each record back once", func(t *testing.T) {
		w := newWorld()
		o := object(t, w)
		w.queue.send(o.letters[:500]...)
		w.queue.send(o.invocation(t), o.more(t, 1000))
		w.workers = 1
		wantLetters(t, w.run(t), map[Outcome]int64{Replayed: 501, AlreadyReplayed: 1})
		wantTaken(t, w.lake, mixed...)
		w.wantQueue(t, 0)
	})
	t.Run("of which only some match need a state, and are done with the rest of them", func(t *testing.T) {
		w := newWorld()
		o := object(t, w)
		// Two reasons in one object.
		o.source.Stage = errorobject.Transform
		letter := deadletter.ForPart(o.source, deadletter.MoreRecords, 0, 0, false,
			map[deadletter.Reason]int64{deadletter.FunctionError: 1200, "InvalidJson": 1})
		w.queue.send(encode(t, letter))
		w.Filter.Reasons = []deadletter.Reason{deadletter.FunctionError}
		wantLetters(t, w.run(t), map[Outcome]int64{NeedsState: 1})
		wantTaken(t, w.lake)
		w.wantQueue(t, 1)

		state := filepath.Join(t.TempDir(), "state")
		w.Journal = openJournal(t, state)
		w.Filter = Filter{Reasons: []deadletter.Reason{deadletter.FunctionError}, To: yesterday}
		wantLetters(t, w.run(t), map[Outcome]int64{Filtered: 1})
		w.Filter = Filter{Reasons: []deadletter.Reason{deadletter.FunctionError}}
		wantLetters(t, w.run(t), map[Outcome]int64{Replayed: 1})
		closeJournal(t, w.Journal)
		wantTaken(t, w.lake, mixed...)
		w.wantQueue(t, 0)
	})
	t.Run("one that was interrupted goes on where it was", func(t *testing.T) {
		w := newWorld()
		o := object(t, w)
		w.queue.send(o.more(t, 0))
		state := filepath.Join(t.TempDir(), "state")
		for run := range 5 {
			w.Journal = openJournal(t, state)
			soft, interrupt := context.WithCancel(t.Context())
			w.lake.call = func(context.Context) error { interrupt(); return nil }
			report, err := w.FromQueue(soft, t.Context())
			interrupt()
			if err != nil {
				t.Fatal(err)
			}
			closeJournal(t, w.Journal)
			if report.Letters[Replayed]+report.Letters[AlreadyReplayed] == 1 {
				break
			}
			wantLetters(t, report, map[Outcome]int64{Open: 1})
			w.wantQueue(t, 1)
			if run == 4 {
				t.Error("never done")
			}
		}
		wantTaken(t, w.lake, mixed...)
		w.wantQueue(t, 0)
	})
	t.Run("that tell of more than there is stay", func(t *testing.T) {
		w := newWorld()
		o := object(t, w)
		w.objects.put(o.source.Key, o.content[:o.records[700].Pointer.Offset], yesterday) // another object by now
		w.queue.send(o.more(t, 100))
		empty := newErrorObject(t, event.Lake, "empty", yesterday, functionEr, "{}")
		w.objects.put(empty.source.Key, nil, yesterday)
		w.queue.send(empty.invocation(t))
		wantLetters(t, w.run(t), map[Outcome]int64{Partly: 1, NoData: 1})
		wantTaken(t, w.lake, mixed[100:700]...)
		w.wantQueue(t, 2)
	})
	t.Run("of an invocation stay when a part of the object cannot be read: it has no letter of its own",
		func(t *testing.T) {
			w := newWorld()
			o := object(t, w)
			w.objects.put(o.source.Key, append(slices.Clone(o.content), `{"rawData":"torn`...), yesterday)
			w.queue.send(o.invocation(t))
			wantLetters(t, w.run(t), map[Outcome]int64{Partly: 1})
			wantTaken(t, w.lake, mixed...)
			w.wantQueue(t, 1)
		})
	t.Run("about unreadable parts, foreign and missing objects stay", func(t *testing.T) {
		w := newWorld()
		o := newErrorObject(t, event.Lake, "none", yesterday, functionEr, "{}")
		w.queue.send(encode(t, deadletter.ForPart(o.source, deadletter.Unreadable, 0, 10, false,
			map[deadletter.Reason]int64{deadletter.Unreadable: 1})),
			encode(t, deadletter.ForPart(o.source, deadletter.ForeignObject, 0, 0, false, nil)),
			encode(t, deadletter.ForPart(o.source, deadletter.ObjectMissing, 0, 0, false, nil)), o.invocation(t),
			encode(t, deadletter.ForPart(o.source, deadletter.MoreRecords, 0, 0, false,
				map[deadletter.Reason]int64{deadletter.FunctionError: 3})))
		wantLetters(t, w.run(t), map[Outcome]int64{NotReplayable: 2, ObjectMissing: 3})
		w.wantQueue(t, 5)
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
		{"both streams", Filter{}, []event.Stream{event.Lake, event.Search},
			map[Outcome]int64{Matching: 6, ObjectMissing: 1}},
		{"a stack without search", Filter{}, []event.Stream{event.Lake},
			map[Outcome]int64{Matching: 3, NoStream: 3, ObjectMissing: 1}},
		{"no stream", Filter{}, nil, map[Outcome]int64{NoStream: 6, ObjectMissing: 1}},
		{"the letters for many records, by their own reason",
			Filter{Reasons: []deadletter.Reason{deadletter.MoreRecords}},
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
			// the object that is gone has no records, and a dead letter about it no count
			for _, counts := range []map[Outcome]int64{look, done} {
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
