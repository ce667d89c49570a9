package firehose

import (
	"sync/atomic"
	"time"
)

// Progress is a sample of a running stream. Taking one waits for nothing, so that a stream that is busy can be watched.
type Progress struct {
	Counts
	// Transformed are the records that have left the processor, whatever its answer; of a stream without one, those on
	// their way to the destination.
	Transformed int64
	// Invocations of the processor's function have ended, FailedInvocations of them with an error of the function.
	Invocations, FailedInvocations int64
	// Buffers are in the order in which a record meets them.
	Buffers []Buffer
}

// Buffer is the fill level of one buffer, as of the last batch or tick.
type Buffer struct {
	Name     string // "transform", "delivery", "backup", or the type of an error output
	Records  int64
	Bytes    int64 // of the records as received
	Limit    int64 // in bytes, at which it is delivered
	Interval time.Duration
	Age      time.Duration // of the first record in it, in the model's time; 0 when it is empty
	Flushes  int64         // how often it has been delivered
}

// level is where a buffer's owner publishes its fill level: once for each batch or tick, not for each record.
type level struct {
	name     string
	limit    int64
	interval time.Duration

	records, bytes, opened, flushes atomic.Int64
}

// addLevel makes the level of one more buffer. It is called before the stream starts.
func (s *Stream) addLevel(name string, limit int64, interval time.Duration) *level {
	l := &level{name: name, limit: limit, interval: interval}
	s.levels = append(s.levels, l)
	return l
}

func (l *level) publish(records, bytes, opened int64) {
	l.records.Store(records)
	l.bytes.Store(bytes)
	l.opened.Store(opened)
}

func (l *level) sample(now int64) Buffer {
	b := Buffer{Name: l.name, Records: l.records.Load(), Bytes: l.bytes.Load(), Limit: l.limit, Interval: l.interval,
		Flushes: l.flushes.Load()}
	if b.Records > 0 {
		b.Age = max(0, time.Duration(now-l.opened.Load()))
	}
	return b
}

// publishOpen publishes the time and the processor's open buffer, of several shards the fullest. The caller holds the
// lock.
func (s *Stream) publishOpen() {
	s.now.Store(s.latest)
	if s.processing == nil {
		return
	}
	var fullest *batch
	for _, b := range s.open {
		if b != nil && (fullest == nil || len(b.data) > len(fullest.data)) {
			fullest = b
		}
	}
	if fullest == nil {
		s.processing.publish(0, 0, 0)
		return
	}
	s.processing.publish(int64(fullest.len()), int64(len(fullest.data)), fullest.opened)
}

func (o *output) publishLevel() {
	if obj := o.open; obj != nil && obj.records > 0 {
		o.level.publish(obj.records, obj.bytes, obj.opened)
		return
	}
	o.level.publish(0, 0, 0)
}

func (f *failing) publishLevels() {
	for _, o := range f.outputs {
		o.publishLevel()
	}
}

func (d *toS3) publishLevels() {
	d.out.publishLevel()
	d.failing.publishLevels()
}

func (d *backingUp) publishLevels() { d.out.publishLevel() }

func (d *toSearch) publishLevels() {
	d.level.publish(int64(len(d.documents)), d.bytes, d.opened)
	d.failing.publishLevels()
}

// Progress samples the stream.
func (s *Stream) Progress() Progress {
	p := Progress{Transformed: s.transformed.Load(), Invocations: s.invocations.Load(),
		FailedInvocations: s.failedInvocations.Load()}
	now := s.now.Load()
	for _, l := range s.levels {
		p.Buffers = append(p.Buffers, l.sample(now))
	}
	p.Counts = s.Counts() // last: a record is received before it is in a buffer
	return p
}
