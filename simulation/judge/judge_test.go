package judge

import (
	"encoding/base64"
	"fmt"
	"testing"
	"time"
)

var start = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

func at(minutes int) time.Time { return start.Add(time.Duration(minutes) * time.Minute) }

func eventOf(token string) string {
	return fmt.Sprintf(`{"event_id":%q,"product":%q}`, token, Product(token))
}

// newFacts are the facts of a run that kept every promise: both streams accepted e-1; the lake has it; in search it
// failed, and was replayed.
func newFacts() *Facts {
	f := &Facts{Lines: []Line{{Text: []byte(eventOf("e-1")), Tokens: []string{"e-1"}}}}
	send := &Run{Name: "send-1", Began: at(0), Ended: at(1), Reported: true, State: "send.state",
		Records: map[string]int64{lake: 1, search: 1}, Sent: SendReport{Lines: 1}}
	replay := &Run{Name: "replay-1", Replay: true, Began: at(5), Ended: at(20), Reported: true, State: "replay.state",
		Records: map[string]int64{search: 1},
		Letters: LetterReport{Acted: true, Queue: true, All: true, Total: 1, Done: 1}}
	f.Runs = []*Run{send, replay}
	for _, stream := range []string{lake, search} {
		a := f.AddAccept(stream, []byte(eventOf("e-1")), send, at(0), at(0))
		a.Known, a.Whole = true, true
	}
	a := f.AddAccept(search, []byte(eventOf("e-1")), replay, at(6), at(6))
	a.Known, a.Whole = true, true
	data := base64.StdEncoding.EncodeToString([]byte(eventOf("e-1")))
	f.Objects = []*Object{
		{Key: "transformed-data/a", Version: "v1", Content: []byte(eventOf("e-1") + "\n"), At: at(2)},
		{Key: "error-data/search/a", Version: "v2", At: at(2),
			Content: fmt.Appendf(nil, "{\"rawData\":%q,\"arrivalTimestamp\":%d}\n", data, at(0).UnixMilli())}}
	f.Documents = []*Document{{ID: "1", Source: []byte(eventOf("e-1"))}}
	f.Messages = []*Message{{ID: "m-1", Sent: at(3), Deleted: true,
		Body: fmt.Sprintf(`{"kind":"record","id":"l-1","stream":"search","pointer":{"key":"error-data/search/a",`+
			`"versionId":"v2","offset":0},"rawData":%q}`, data),
		Receipts: []*Receipt{{At: at(5), By: "replay-1", Known: true}}, Deletions: []Deletion{{At: at(7), By: "replay-1"}}}}
	replay.There, replay.Confirmed = f.Messages, f.Messages
	return f
}

// Each promise, broken in the facts, is noticed; the facts themselves break none.
func TestJudge(t *testing.T) {
	for _, c := range []struct {
		name, rule string
		change     func(f *Facts)
	}{
		{"nothing", "", func(*Facts) {}},
		{"the simulation's own", "rest", func(f *Facts) { f.Fail("rest", "it goes on") }},
		{"a record in no store", "conservation", func(f *Facts) { f.Documents = nil }},
		{"a record in the queue alone", "drained", func(f *Facts) {
			f.Documents, f.Messages[0].Deleted = nil, false
		}},
		{"an event that nobody sent", "content", func(f *Facts) {
			f.Documents = append(f.Documents, &Document{ID: "2", Source: []byte(eventOf("e-2"))})
		}},
		{"an event with another's content", "content", func(f *Facts) {
			f.Documents[0].Source = []byte(`{"event_id":"e-1","product":"x"}`)
		}},
		{"a dropped event in a store", "content", func(f *Facts) { f.Lines[0].Dropped = true }},
		{"deleted before it was accepted", "deletion", func(f *Facts) { f.Accepts[2].At = at(8) }},
		{"two ids of one record", "identity", func(f *Facts) {
			m := *f.Messages[0]
			m.Body = fmt.Sprintf(`{"kind":"record","id":"l-2",%s`, m.Body[len(`{"kind":"record","id":"l-1",`):])
			f.Messages = append(f.Messages, &m)
		}},
		{"a state that is rejected", "state", func(f *Facts) {
			f.Runs = append(f.Runs, &Run{Name: "send-2", Began: at(9), StateRejected: "not JSON"})
		}},
		{"a state that two runs use at once", "state", func(f *Facts) {
			f.Runs[0].State = "send.state"
			f.Runs = append(f.Runs, &Run{Name: "send-2", Began: f.Runs[0].Ended.Add(-1), State: "send.state"})
		}},
		{"a state in use, left alone", "", func(f *Facts) {
			f.Runs[0].State = "send.state"
			f.Runs = append(f.Runs, &Run{Name: "send-2", Began: f.Runs[0].Ended.Add(-1), State: "send.state", StateInUse: true})
		}},
		{"a state that no run uses, said to be in use", "state", func(f *Facts) {
			f.Runs = append(f.Runs, &Run{Name: "send-2", Began: at(9), State: "send.state", StateInUse: true})
		}},
		{"a line sent again in spite of the state", "state", func(f *Facts) {
			again := &Run{Name: "send-2", Began: at(9), State: "send.state"}
			f.Runs = append(f.Runs, again)
			f.AddAccept(lake, []byte(eventOf("e-1")), again, at(9), at(9))
		}},
		{"a record reported that was not accepted", "report", func(f *Facts) { f.Runs[1].Records[search] = 2 }},
		{"a dead letter counted twice", "report", func(f *Facts) { f.Runs[1].Letters.Total = 2 }},
		{"a dead letter reported as deleted", "report", func(f *Facts) { f.Runs[1].Confirmed = nil }},
		{"a dead letter that did not arrive", "report", func(f *Facts) {
			f.Messages[0].Receipts[0].Known = false
			f.Runs[1].Letters.Total, f.Runs[1].Letters.Done = 0, 0
		}},
		{"an input that is not done", "report", func(f *Facts) { f.Runs[0].Sent.Lines = 0 }},
		{"a canary that saw nothing", "canary", func(f *Facts) {
			f.Runs[1].Letters.Watched, f.Runs[1].Letters.WatchEnded = true, at(15)
			failed := *f.Objects[1]
			failed.Key, failed.At = "error-data/search/b", at(8)
			failed.Content = fmt.Appendf(nil, "{\"rawData\":%q,\"arrivalTimestamp\":%d}\n",
				base64.StdEncoding.EncodeToString([]byte(eventOf("e-1"))), at(6).UnixMilli())
			f.Objects = append(f.Objects, &failed)
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := newFacts()
			c.change(f)
			violations := Judge(f)
			found := c.rule == "" && len(violations) == 0
			for _, v := range violations {
				found = found || v.Rule == c.rule
			}
			if !found {
				t.Errorf("got %v, want %q", violations, c.rule)
			}
		})
	}
}

func TestTokens(t *testing.T) {
	got := Tokens([]byte(`{"event_id":"a","x":1}{"event_id":"b"`))
	if fmt.Sprint(got) != "[a b]" || Tokens([]byte(`{"event_id":"c`)) != nil {
		t.Errorf("got %v", got)
	}
}
