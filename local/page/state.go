package page

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"firehose-pipeline/deadletter"
	"firehose-pipeline/event"
	"firehose-pipeline/internal/printable"
	"firehose-pipeline/local"
	"firehose-pipeline/local/fault"
	"firehose-pipeline/local/sqs"
)

// Phase is what a run is doing.
type Phase string

// The phases of a run.
const (
	Running    Phase = "running"
	Delivering Phase = "delivering" // everything that is still buffered
	Ended      Phase = "ended"
)

// state is a sample of the run, in the form that the page gets. All texts are printable.
type state struct {
	Run     runState                     `json:"run"`
	Streams []streamState                `json:"streams"`
	Objects map[local.Area]local.Objects `json:"objects"`
	Indices []indexState                 `json:"indices"`
	Handler local.HandlerProgress        `json:"handler"`
	Queue   sqs.Depth                    `json:"queue"`
	Deleted int64                        `json:"deleted"` // messages, by consumers
	Letters []letterState                `json:"letters"`
	Faults  map[fault.Name]int64         `json:"faults,omitempty"`
	Replay  *ReplayState                 `json:"replay,omitempty"`
}

type runState struct {
	Stack   string  `json:"stack"`
	Phase   Phase   `json:"phase"`
	Mode    string  `json:"mode"` // "served" or "file"
	Started string  `json:"started"`
	Seconds float64 `json:"seconds"` // since then; at the end, all
	Out     string  `json:"out"`
	Speed   float64 `json:"speed"`
	// CanReplay says that the run serves the APIs that a replay needs.
	CanReplay bool `json:"canReplay"`
}

type streamState struct {
	Kind        event.Stream  `json:"kind"`
	Name        string        `json:"name"`
	Received    int64         `json:"received"`
	Transformed int64         `json:"transformed"`
	Delivered   int64         `json:"delivered"`
	Dropped     int64         `json:"dropped"`
	Failed      int64         `json:"failed"`
	Lost        int64         `json:"lost"` // after S3 had rejected them for 24 hours
	Invocations int64         `json:"invocations"`
	FailedCalls int64         `json:"failedCalls"`
	HasFunction bool          `json:"hasFunction"`
	Format      string        `json:"format"` // Parquet, JSON or OpenSearch
	Buffers     []bufferState `json:"buffers"`
}

type bufferState struct {
	Name     string  `json:"name"`
	Records  int64   `json:"records"`
	Bytes    int64   `json:"bytes"`
	Limit    int64   `json:"limit"`
	Interval float64 `json:"interval"` // seconds of the model, as Age
	Age      float64 `json:"age"`
	Flushes  int64   `json:"flushes"`
}

type indexState struct {
	Name      string `json:"name"`
	Documents int64  `json:"documents"`
}

type letterState struct {
	local.LetterCount
	Explanation string `json:"explanation"`
}

// sampleInterval is how often the run is sampled at most, whatever the number of browsers.
const sampleInterval = 250 * time.Millisecond

// sampler samples the run when somebody asks, and knows whether anything has changed.
type sampler struct {
	run    *Run
	replay *replayer

	mu      sync.Mutex
	at      time.Time
	asked   time.Time // when a browser asked last
	final   bool      // a browser knows the end
	phase   Phase
	ended   time.Time
	encoded []byte
	tag     string
}

// read returns the latest state as JSON, and a tag that changes with it.
func (s *sampler) read() (encoded []byte, tag string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.encoded != nil && time.Since(s.at) < sampleInterval {
		return s.encoded, s.tag, nil
	}
	s.at = time.Now()
	// The time is left out of the comparison: the page's own clock shows it.
	sample := s.sample()
	seconds := sample.Run.Seconds
	sample.Run.Seconds = 0
	timeless, err := json.Marshal(sample)
	if err != nil {
		return nil, "", fmt.Errorf("encoding the state: %w", err)
	}
	sum := sha256.Sum256(timeless)
	if tag := `"` + hex.EncodeToString(sum[:8]) + `"`; tag != s.tag {
		sample.Run.Seconds = seconds
		if s.encoded, err = json.Marshal(sample); err != nil {
			return nil, "", fmt.Errorf("encoding the state: %w", err)
		}
		s.tag = tag
	}
	return s.encoded, s.tag, nil
}

// noteReader notes that a browser has read the state.
func (s *sampler) noteReader() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked = time.Now()
	s.final = s.phase == Ended && !s.at.IsZero()
}

// sample takes a sample. The caller holds the lock.
func (s *sampler) sample() state {
	p := s.run.Pipeline
	progress := p.Progress()
	all := state{Objects: progress.Objects, Handler: progress.Handler, Queue: progress.Queue, Faults: progress.Faults,
		Streams: []streamState{}, Indices: []indexState{}, Letters: []letterState{}, Replay: s.replay.state()}
	all.Run = runState{Stack: show(p.StackName(), maxValue), Phase: s.phase, Mode: "file",
		Started: s.run.Started.UTC().Format(time.RFC3339), Out: show(p.Out(), maxValue), Speed: s.run.Speed,
		CanReplay: s.run.Replay != nil && s.phase == Running}
	if s.run.Served {
		all.Run.Mode = "served"
	}
	end := time.Now()
	if s.phase == Ended {
		end = s.ended
	}
	all.Run.Seconds = end.Sub(s.run.Started).Seconds()
	infos := p.Streams()
	for i, stream := range progress.Streams {
		all.Streams = append(all.Streams, streamOf(stream, infos[i]))
	}
	for _, name := range slices.Sorted(maps.Keys(progress.Indices)) {
		all.Indices = append(all.Indices, indexState{show(name, maxValue), progress.Indices[name]})
	}
	for _, count := range progress.Letters {
		all.Deleted += count.Deleted
		all.Letters = append(all.Letters, letterOf(count))
	}
	return all
}

func streamOf(s local.StreamProgress, info local.StreamInfo) streamState {
	all := streamState{Kind: s.Kind, Name: show(s.Name, maxValue), Received: s.Received, Transformed: s.Transformed,
		Delivered: s.Delivered, Dropped: s.Dropped, Failed: s.Failed, Lost: s.Discarded + s.Uncopied,
		Invocations: s.Invocations, FailedCalls: s.FailedInvocations, HasFunction: info.Config.Transform != nil,
		Format: "OpenSearch"}
	if info.Config.S3 != nil {
		all.Format = "JSON"
		if info.Config.S3.Conversion != nil {
			all.Format = "Parquet"
		}
	}
	for _, b := range s.Buffers {
		all.Buffers = append(all.Buffers, bufferState{b.Name, b.Records, b.Bytes, b.Limit, b.Interval.Seconds(),
			b.Age.Truncate(time.Millisecond).Seconds(), b.Flushes})
	}
	return all
}

func letterOf(count local.LetterCount) letterState {
	explanation := explain(count.Reason)
	// A client may send messages with any attributes.
	count.Stream, count.Stage = event.Stream(show(string(count.Stream), 40)), shown(count.Stage, 40)
	count.Reason, count.Kind = deadletter.Reason(show(string(count.Reason), 80)), shown(count.Kind, 40)
	return letterState{count, explanation}
}

// The longest texts that the page shows, in bytes: of a value in a table, and of a record.
const (
	maxValue  = 400
	maxRecord = 4000
)

// show returns a text of data on one line: printable, and at most so many bytes of it.
func show(text string, most int) string { return printable.Clip(text, most) }

func shown[T ~string](text T, most int) T { return T(show(string(text), most)) }
