package local

import (
	"firehose-pipeline/event"
	"firehose-pipeline/local/fault"
)

// Report has the outcome of the records. Its JSON is the one that `pipeline local --format json` prints.
type Report struct {
	Events         int64        `json:"events"` // the most that any stream received, or the data stream
	Streams        StreamCounts `json:"streams"`
	DataStream     *DataStream  `json:"dataStream,omitempty"` // nil when records are put to the streams themselves
	DeadLetter     DeadLetter   `json:"deadLetter"`
	ElapsedSeconds float64      `json:"elapsedSeconds"`
	// Faults says how often each fault of Options.Faults has occurred; nil without any.
	Faults map[fault.Name]int64 `json:"faults,omitempty"`
}

// DataStream is the data stream that feeds the delivery streams.
type DataStream struct {
	Records int64 `json:"records"` // that it has accepted
	Shards  int   `json:"shards"`  // that take records now
	Reread  int64 `json:"reread"`  // that a delivery stream has read again
}

// StreamCounts are the streams of the stack; Search is nil when there is none.
type StreamCounts struct {
	Lake   LakeCounts    `json:"lake"`
	Search *SearchCounts `json:"search,omitempty"`
}

// Counts are of records: once everything is flushed, Received = Delivered + Dropped + Failed + Discarded.
type Counts struct {
	Received  int64 `json:"received"`
	Delivered int64 `json:"delivered"`
	Dropped   int64 `json:"dropped"`
	Failed    int64 `json:"failed"`
	// Discarded are records that S3 has rejected for the 24 hours that Firehose keeps them, Uncopied those whose copy
	// it has.
	Discarded int64 `json:"discarded,omitempty"`
	Uncopied  int64 `json:"uncopied,omitempty"`
	// Elsewhere are records that were replayed for the other store, through the data stream that feeds both. They are
	// among Dropped, but for those whose invocation failed.
	Elsewhere int64 `json:"elsewhere,omitempty"`
}

// LakeCounts are of the lake stream. Objects are the delivered ones, without backup and errors.
type LakeCounts struct {
	Counts
	Objects int64 `json:"objects"`
}

// SearchCounts are of the search stream. Indices has the number of documents by index; those of a real server are
// counted at a Flush.
type SearchCounts struct {
	Counts
	Indices map[string]int64 `json:"indices"`
}

// DeadLetter is the dead-letter queue.
type DeadLetter struct {
	Messages int64 `json:"messages"` // now in the queue
}

// countElsewhere counts the records of a stream that were replays for the other store.
func (p *Pipeline) countElsewhere(s *stream) int64 {
	if p.data == nil {
		return 0
	}
	p.data.mu.Lock()
	defer p.data.mu.Unlock()
	for _, r := range p.data.readers {
		if r.stream == s {
			return r.elsewhere
		}
	}
	return 0
}

// Report counts the outcomes of the records so far, and after a Flush of all of them.
func (p *Pipeline) Report() Report {
	var r Report
	for _, s := range p.streams {
		c := s.Counts()
		counts := Counts{Received: c.Received, Delivered: c.Delivered, Dropped: c.Dropped, Failed: c.Failed,
			Discarded: c.Discarded, Uncopied: c.Uncopied, Elsewhere: p.countElsewhere(s)}
		r.Events = max(r.Events, c.Received)
		switch s.info.Kind {
		case event.Lake:
			r.Streams.Lake = LakeCounts{counts, c.Objects}
		case event.Search:
			r.Streams.Search = &SearchCounts{counts, p.countDocuments()}
		}
	}
	if d := p.data; d != nil {
		d.mu.Lock()
		r.DataStream = &DataStream{Records: d.Count(), Shards: len(d.OpenShards())}
		for _, reader := range d.readers {
			r.DataStream.Reread += reader.reread
		}
		d.mu.Unlock()
		r.Events = r.DataStream.Records
	}
	if messages, err := p.queue.Messages(p.config.Queue.Name); err == nil { // the queue exists from the start
		r.DeadLetter.Messages = int64(len(messages))
	}
	r.Faults = p.faults.Counts()
	p.mu.Lock()
	defer p.mu.Unlock()
	r.ElapsedSeconds = p.elapsed.Seconds()
	return r
}
