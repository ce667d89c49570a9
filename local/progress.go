package local

import (
	"slices"
	"strings"
	"sync/atomic"

	"firehose-pipeline/contract"
	"firehose-pipeline/event"
	"firehose-pipeline/local/fault"
	"firehose-pipeline/local/firehose"
	"firehose-pipeline/local/sqs"
	"firehose-pipeline/local/template"
)

// Progress is a sample of a run: counters that the parts keep anyway. Nothing is done for it until it is asked for, and
// asking stops no part.
type Progress struct {
	Streams []StreamProgress
	Objects map[Area]Objects
	// Indices has the number of documents by index; those of a real server are counted at a Flush.
	Indices map[string]int64
	Handler HandlerProgress
	Queue   sqs.Depth
	Letters []LetterCount
	Faults  map[fault.Name]int64 // see Report
}

// StreamProgress is a sample of one stream.
type StreamProgress struct {
	Kind event.Stream
	Name string
	firehose.Progress
}

// HandlerProgress is a sample of the error handler.
type HandlerProgress struct {
	Waiting int64 `json:"waiting"` // notifications of error objects
	Running bool  `json:"running"`
	Handled int64 `json:"handled"` // notifications, failed ones included
	Failed  int64 `json:"failed"`  // given up after the last retry
	Retried int64 `json:"retried"`
}

// Area is a part of the bucket.
type Area string

// The areas of the bucket.
const (
	AreaLake   Area = "lake"
	AreaSource Area = "source" // records as received
	AreaErrors Area = "errors"
	AreaOther  Area = "other"
)

// Objects counts objects, with each overwritten one.
type Objects struct {
	Count int64 `json:"count"`
	Bytes int64 `json:"bytes"`
}

// areaCounts counts the objects as they are created.
type areaCounts map[Area]*struct{ count, bytes atomic.Int64 }

func newAreaCounts() areaCounts {
	c := areaCounts{}
	for _, area := range []Area{AreaLake, AreaSource, AreaErrors, AreaOther} {
		c[area] = &struct{ count, bytes atomic.Int64 }{}
	}
	return c
}

func (c areaCounts) sample() map[Area]Objects {
	all := map[Area]Objects{}
	for area, n := range c {
		if objects := (Objects{n.count.Load(), n.bytes.Load()}); objects.Count > 0 {
			all[area] = objects
		}
	}
	return all
}

func (p *Pipeline) countObject(key string, size int64) {
	area := AreaOther
	for candidate, prefixes := range p.prefixes {
		for _, prefix := range prefixes {
			if strings.HasPrefix(key, prefix) {
				area = candidate
			}
		}
	}
	p.areas[area].count.Add(1)
	p.areas[area].bytes.Add(size)
}

// Prefixes returns the beginnings of the keys of each area of the bucket.
func (p *Pipeline) Prefixes() map[Area][]string { return p.prefixes }

func (p *Pipeline) findPrefixes() map[Area][]string {
	all := map[Area][]string{}
	add := func(area Area, prefix string) {
		if prefix = template.LiteralPrefix(prefix); prefix != "" && !slices.Contains(all[area], prefix) {
			all[area] = append(all[area], prefix)
		}
	}
	for _, s := range p.config.Streams {
		if s.S3 != nil {
			add(AreaLake, s.S3.Prefix)
			if s.S3.Backup != nil {
				add(AreaSource, s.S3.Backup.Prefix)
			}
		}
		if s.Search != nil && s.Search.BackupAll {
			add(AreaSource, s.Search.S3.Prefix)
		}
	}
	add(AreaErrors, contract.ErrorPrefix)
	return all
}

// Progress samples the run. It may be called at any time, also while a Flush is under way.
func (p *Pipeline) Progress() Progress {
	r := Progress{Objects: p.areas.sample(), Indices: p.countDocuments(), Handler: p.notifier.sample(),
		Letters: p.letters.sample(), Faults: p.faults.Counts()}
	for _, s := range p.streams {
		r.Streams = append(r.Streams, StreamProgress{s.info.Kind, s.info.Name, s.Progress()})
	}
	r.Queue, _ = p.queue.Depth(p.config.Queue.Name) // the queue exists from the start
	return r
}
