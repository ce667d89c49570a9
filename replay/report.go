package replay

import (
	"bytes"
	"cmp"
	"maps"
	"slices"
	"sync"
	"time"

	"firehose-pipeline/deadletter"
	"firehose-pipeline/errorobject"
	"firehose-pipeline/event"
	"firehose-pipeline/producer"
)

// Report counts dead letters and records, and their outcomes.
type Report struct {
	// From is the source: the queue, error objects or source data.
	From string `json:"from"`
	// Acted says that records were replayed; otherwise the report is a preview.
	Acted bool `json:"acted"`
	// Letters are the dead letters of the queue by outcome, each counted once; Repeated are messages whose dead
	// letter had been received before.
	Letters  map[Outcome]int64 `json:"letters,omitempty"`
	Repeated int64             `json:"repeated,omitempty"`
	// Waiting is how many messages the queue said to have before (SQS counts approximately); More says that not all
	// were looked at.
	Waiting int64 `json:"waiting,omitempty"`
	More    bool  `json:"more,omitempty"`
	// Lost is how many dead letters were perhaps not seen: SQS accepted them in flight for an answer that did not
	// arrive.
	Lost int64 `json:"lost,omitempty"`
	// Objects are the objects read.
	Objects int64 `json:"objects,omitempty"`
	// Records of dead letters and objects, by outcome.
	Records map[Outcome]int64 `json:"records"`
	Groups  []*Group          `json:"groups"`
	// Put counts the accepted pieces: records are split, so that it is more than the replayed records.
	Put map[event.Stream]*Put `json:"put,omitempty"`
	// Watched says that error output was watched afterwards, and CameBack how many of the records replayed were in it.
	Watched  bool  `json:"watched,omitempty"`
	CameBack int64 `json:"cameBack,omitempty"`
	// Undeleted are dead letters whose record was replayed but which SQS would not delete: they come back.
	Undeleted int64 `json:"undeleted,omitempty"`
	// UnreadableBytes are bytes of source data outside any object, at the places named.
	UnreadableBytes int64    `json:"unreadableBytes,omitempty"`
	Unreadable      []string `json:"unreadable,omitempty"`
	Interrupted     bool     `json:"interrupted,omitempty"`
	ElapsedSeconds  float64  `json:"elapsedSeconds"`
}

// Put counts the records that a stream accepted.
type Put struct {
	Records int64 `json:"records"`
	Bytes   int64 `json:"bytes"`
	// Counts are of the calls.
	producer.Counts `json:"firehose"`
}

// Group is all with the same stream, stage, reason and kind.
type Group struct {
	Stream event.Stream      `json:"stream"`
	Stage  errorobject.Stage `json:"stage"`
	Reason deadletter.Reason `json:"reason"`
	Kind   deadletter.Kind   `json:"kind,omitempty"`
	// Letters are the dead letters, Records their records by outcome.
	Letters int64             `json:"letters,omitempty"`
	Records map[Outcome]int64 `json:"records"`
	First   *time.Time        `json:"first,omitempty"` // arrival
	Last    *time.Time        `json:"last,omitempty"`
	Sample  *Sample           `json:"sample,omitempty"`
}

// Sample is one record of a group.
type Sample struct {
	EventID string `json:"eventId,omitempty"`
	Code    string `json:"errorCode,omitempty"`
	Text    string `json:"errorMessage,omitempty"`
	Key     string `json:"key,omitempty"`
	// ReasonOffset is the byte of the record at which the transform rejected it; absent when it did not.
	ReasonOffset *int `json:"reasonOffset,omitempty"`
	// Start are the first bytes of the record, at most [sampleBytes].
	Start []byte `json:"rawDataStart,omitempty"`
}

// sampleBytes is how much of a record a sample shows.
const sampleBytes = 16

type groupKey struct {
	stream event.Stream
	stage  errorobject.Stage
	reason deadletter.Reason
	kind   deadletter.Kind
}

// tally gathers a report. It is safe for concurrent use.
type tally struct {
	mu     sync.Mutex
	report Report
	groups map[groupKey]*Group

	// naming keeps the messages about pointers that are not followed in the order of their count, rejected.
	naming   sync.Mutex
	rejected int
}

func (t *tally) resetReport(from string, acted bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.report = Report{From: from, Acted: acted, Letters: map[Outcome]int64{}, Records: map[Outcome]int64{},
		Put: map[event.Stream]*Put{}}
	t.groups = map[groupKey]*Group{}
	t.rejected = 0
}

func (t *tally) changeReport(do func(*Report)) {
	t.mu.Lock()
	defer t.mu.Unlock()
	do(&t.report)
}

func (t *tally) groupOf(k groupKey) *Group {
	g := t.groups[k]
	if g == nil {
		g = &Group{Stream: k.stream, Stage: k.stage, Reason: k.reason, Kind: k.kind, Records: map[Outcome]int64{}}
		t.groups[k] = g
	}
	return g
}

// addRecords counts records of a group.
func (t *tally) addRecords(k groupKey, outcome Outcome, n int64, arrival time.Time, sample Sample) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.report.Records[outcome] += n
	if outcome == Filtered {
		return
	}
	g := t.groupOf(k)
	g.Records[outcome] += n
	g.addSample(arrival, sample)
}

func (g *Group) addSample(arrival time.Time, sample Sample) {
	if !arrival.IsZero() {
		arrival = arrival.UTC()
		if g.First == nil || arrival.Before(*g.First) {
			g.First = &arrival
		}
		if g.Last == nil || arrival.After(*g.Last) {
			g.Last = &arrival
		}
	}
	if g.Sample == nil {
		sample.Start = bytes.Clone(sample.Start[:min(len(sample.Start), sampleBytes)])
		g.Sample = &sample
	}
}

func (t *tally) addRecord(r *Record, kind deadletter.Kind) {
	t.addRecords(groupKey{r.Stream, r.Stage, r.Reason, kind}, r.outcome, 1, r.Arrival,
		Sample{EventID: r.EventID, Code: r.Code, Text: r.Text, Key: r.Key, ReasonOffset: r.ReasonOffset, Start: r.Data})
}

// addLetter counts a dead letter.
func (t *tally) addLetter(k groupKey, outcome Outcome) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.report.Letters[outcome]++
	if outcome != Filtered {
		t.groupOf(k).Letters++
	}
}

// addPut counts a piece that a stream accepted.
func (t *tally) addPut(stream event.Stream, bytes int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	p := t.report.Put[stream]
	if p == nil {
		p = &Put{}
		t.report.Put[stream] = p
	}
	p.Records++
	p.Bytes += int64(bytes)
}

// endReport completes the report.
func (r *Replay) endReport(began time.Time, interrupted bool) Report {
	if r.Journal.hasForgotten() {
		r.logf("more than %d records were replayed: "+
			"later ones are not recognised when they fail again or when a dead letter has them", maxDigests)
	}
	t := &r.tally
	t.mu.Lock()
	defer t.mu.Unlock()
	t.report.Groups = slices.SortedFunc(maps.Values(t.groups), func(a, b *Group) int {
		return cmp.Or(cmp.Compare(a.Stream, b.Stream), cmp.Compare(a.Stage, b.Stage), cmp.Compare(a.Reason, b.Reason),
			cmp.Compare(a.Kind, b.Kind))
	})
	for stream, put := range t.report.Put {
		put.Counts = r.Streams[stream].Counts()
	}
	t.report.Interrupted = interrupted
	t.report.ElapsedSeconds = r.currentClock().Now().Sub(began).Seconds()
	return t.report
}

// Left is how many dead letters or records that match were not replayed.
func (r *Report) Left() int64 {
	counts := r.Letters
	if r.From != FromQueue {
		counts = r.Records
	}
	left := r.Undeleted
	if r.Acted {
		left += r.Lost
	}
	for outcome, n := range counts {
		if !outcome.Done() && outcome != Filtered && outcome != Matching {
			left += n
		}
	}
	return left
}

// Sources of a report.
const (
	FromQueue  = "queue"
	FromErrors = "errors"
	FromSource = "source"
)
