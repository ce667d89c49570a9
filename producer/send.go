package producer

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"sync"

	"firehose-pipeline/event"
	"firehose-pipeline/internal/clock"
)

const (
	// inFlight is how many chunks of a stream are on their way at most: a crash may send them twice.
	inFlight = 4
	// backlog bounds the bytes of lines that are in memory because a stream lags.
	backlog = 64 << 20
	// overhead is the least cost of a chunk besides its bytes.
	overhead = 64 << 10
)

// DataStream is the kind of a data stream in reports and in the state: it takes the place of both streams.
const DataStream event.Stream = "data"

// Options say where lines go, and how.
type Options struct {
	Lake, Search *Stream // one may be nil
	// DataStream, in place of both, feeds the two delivery streams: each line goes to it once, as one record without a
	// newline, which the lake's transform adds.
	DataStream *Stream
	// LakeOnly says that the data stream feeds no search stream, so that a line may have several objects.
	LakeOnly bool
	// Pack puts several events into one record of the lake stream.
	Pack bool
	// Rate is events a second; 0 means unlimited.
	Rate float64
	// RejectInvalid rejects lines that are not an event instead of sending them.
	RejectInvalid bool
	// State is the progress to resume from and to update; nil keeps none.
	State *State
	// Rejects gets the lines that were not accepted; nil keeps none.
	Rejects *Rejects
	// Event is called for each line that is an event, one at a time, before it is put; nil: it is not called. The memory
	// of the line is used again.
	Event func(line []byte)
	// Invalid is called for each line that is not an event, one at a time.
	Invalid func(Invalid)
	// Progress is called with the number of bytes of input done.
	Progress func(int64)

	clock clock.Clock // nil is the machine's
}

// Invalid is a line that the transform will reject, or that was not sent at all.
type Invalid struct {
	Line     int64
	Err      error
	Rejected bool // it was not sent
	// LakeAccepts says that the lake stream accepts the line, which has several objects, although search does not.
	LakeAccepts bool
}

// Report says what became of an input.
type Report struct {
	// Lines are those that every stream is done with in this run. Blank ones are not sent; Invalid ones are not events,
	// and were sent all the same; Rejected ones were not sent.
	Lines    int64 `json:"lines"`
	Blank    int64 `json:"blank"`
	Invalid  int64 `json:"invalid"`
	Rejected int64 `json:"rejected"`
	// ResumedAfter is the line after which this run began.
	ResumedAfter   int64           `json:"resumedAfterLine,omitempty"`
	Streams        []*StreamReport `json:"streams"`
	Interrupted    bool            `json:"interrupted,omitempty"`
	ElapsedSeconds float64         `json:"elapsedSeconds"`
}

// StreamReport says what became of the lines in one stream.
type StreamReport struct {
	Kind event.Stream `json:"stream"`
	Name string       `json:"name"`
	// Events are the lines that the stream accepted, NotTaken those that it did not.
	Events      int64 `json:"events"`
	NotAccepted int64 `json:"notTaken"`
	Counts
	// Unpacked is the bytes billed if each record had one event.
	Unpacked int64 `json:"unpackedBilledBytes,omitempty"`
	// Confirmed is the line up to which the stream is done with the input.
	Confirmed int64 `json:"confirmedLine"`
}

// sending is one run.
type sending struct {
	o     Options
	lanes []*lane
	stop  context.CancelFunc // no new chunks are begun

	reporting sync.Mutex // one line is reported at a time

	mu     sync.Mutex
	report Report
	room   int64 // of the backlog
	freed  chan struct{}
	failed []error
}

// lane puts chunks to one stream, several at a time, and confirms them in their order.
type lane struct {
	sending *sending
	kind    event.Stream
	stream  *Stream
	pack    bool
	before  confirmed // by earlier runs
	queue   chan *chunk
	window  chan struct{}

	mu     sync.Mutex
	next   int            // the first chunk not confirmed
	at     Position       // before it
	done   map[int]*chunk // those done beyond it
	report StreamReport
}

// Send puts every line of the input to every stream. It returns when all is confirmed, or when soft is done and every
// chunk begun is confirmed, or at once when hard is done. The report is true in any case.
func Send(soft, hard context.Context, input io.Reader, o Options) (Report, error) {
	o.clock = clock.OrSystem(o.clock)
	began := o.clock.Now()
	s := &sending{o: o, room: backlog, freed: make(chan struct{})}
	for _, target := range []struct {
		kind   event.Stream
		stream *Stream
	}{{event.Lake, o.Lake}, {event.Search, o.Search}, {DataStream, o.DataStream}} {
		if target.stream == nil {
			continue
		}
		l := &lane{sending: s, kind: target.kind, stream: target.stream, pack: o.Pack && target.kind == event.Lake,
			before: o.State.confirmedBy(target.kind),
			queue:  make(chan *chunk, backlog/overhead+1), window: make(chan struct{}, inFlight),
			done: map[int]*chunk{}}
		l.report.Kind, l.report.Name, l.report.Confirmed = l.kind, l.stream.Name, l.before.Line
		s.lanes = append(s.lanes, l)
	}
	err := s.runLanes(soft, hard, input)
	for _, l := range s.lanes {
		l.report.Counts = l.stream.Counts()
		if !l.pack {
			l.report.Unpacked = 0
		}
		s.report.Streams = append(s.report.Streams, &l.report)
	}
	s.report.Interrupted = soft.Err() != nil
	s.report.ElapsedSeconds = o.clock.Now().Sub(began).Seconds()
	return s.report, err
}

func (s *sending) runLanes(soft, hard context.Context, input io.Reader) error {
	if len(s.lanes) == 0 {
		return errors.New("sending events: no stream")
	}
	ctx, stop := context.WithCancel(soft)
	defer stop()
	s.stop = stop

	r := newLineReader(input, s.o.State != nil)
	r.long = s.rejectLong
	start := s.lanes[0].before.Position
	for _, l := range s.lanes {
		if l.before.Offset < start.Offset {
			start = l.before.Position
		}
	}
	if err := r.skipTo(start); err != nil {
		return err
	}
	s.report.ResumedAfter = start.Line
	s.reportProgress(start.Offset)
	if s.o.Rate > 0 {
		r.most = int(max(1, min(float64(r.most), s.o.Rate*burst)))
	}

	var running sync.WaitGroup
	for _, l := range s.lanes {
		running.Go(func() { l.putChunks(ctx, hard) })
	}
	err := s.readChunks(ctx, r)
	for _, l := range s.lanes {
		close(l.queue)
	}
	running.Wait()
	return errors.Join(append(s.failed, err)...)
}

// readChunks hands chunks to the lanes until the input ends or ctx does.
func (s *sending) readChunks(ctx context.Context, r *lineReader) error {
	type result struct {
		chunk *chunk
		err   error
	}
	// Reading blocks, on a terminal or pipe for ever: in a goroutine of its own an interruption does not wait for it.
	results := make(chan result)
	go func() {
		for {
			c, err := r.nextChunk()
			select {
			case results <- result{c, err}:
			case <-ctx.Done():
				return
			}
			if err != nil {
				return
			}
		}
	}()
	pace := NewPace(s.o.Rate, 0)
	pace.clock, pace.last = s.o.clock, s.o.clock.Now()
	for {
		select {
		case <-ctx.Done():
			return nil
		case got := <-results:
			if got.chunk != nil && len(got.chunk.lines) > 0 {
				if err := s.checkLines(got.chunk); err != nil {
					s.stop()
					return err
				}
				if pace.Wait(ctx, len(got.chunk.lines), 0) != nil || !s.reserveRoom(ctx, got.chunk) {
					return nil
				}
				got.chunk.pending = len(s.lanes)
				for _, l := range s.lanes {
					l.queue <- got.chunk // has room for all that the backlog has
				}
			}
			switch {
			case got.err == io.EOF:
				return nil
			case got.err != nil:
				return fmt.Errorf("reading the events: %w", got.err)
			}
		}
	}
}

// checkLines decides which lines of a chunk are sent.
func (s *sending) checkLines(c *chunk) error {
	check := event.Lake
	for _, l := range s.lanes {
		if l.kind == event.Search || l.kind == DataStream && !s.o.LakeOnly {
			check = event.Search // which takes less
		}
	}
	for i := range c.lines {
		l := &c.lines[i]
		if !l.send {
			continue
		}
		if len(bytes.TrimSpace(l.text)) == 0 {
			l.send = false
			c.blank++
			continue
		}
		refused := event.Check(check, l.text)
		if refused == nil {
			if s.o.Event != nil {
				s.o.Event(l.text)
			}
			continue
		}
		l.alone = refused.Reason != event.TrailingData
		if s.o.RejectInvalid {
			l.send = false
			c.rejected++
			if err := s.o.Rejects.addLine("", l.text); err != nil {
				return err
			}
		} else {
			c.invalid++
		}
		several := refused.Reason == event.TrailingData && event.Check(event.Lake, l.text) == nil
		s.reportInvalid(Invalid{Line: l.number, Err: refused, Rejected: s.o.RejectInvalid, LakeAccepts: several})
	}
	return nil
}

// rejectLong takes a line that is too long for a record.
func (s *sending) rejectLong(number int64) (io.WriteCloser, error) {
	err := fmt.Errorf("longer than %d bytes, Firehose's limit for a record", MaxRecordBytes)
	s.reportInvalid(Invalid{Line: number, Err: err, Rejected: true})
	return s.o.Rejects.beginLine()
}

func (s *sending) reportInvalid(i Invalid) {
	s.reporting.Lock()
	defer s.reporting.Unlock()
	if s.o.Invalid != nil {
		s.o.Invalid(i)
	}
}

func (s *sending) reportProgress(n int64) {
	if s.o.Progress != nil {
		s.o.Progress(n)
	}
}

func (c *chunk) memoryCost() int64 { return int64(cap(c.bytes)) + overhead }

// reserveRoom waits until there is room for the chunk.
func (s *sending) reserveRoom(ctx context.Context, c *chunk) bool {
	for {
		s.mu.Lock()
		if s.room >= c.memoryCost() {
			s.room -= c.memoryCost()
			s.mu.Unlock()
			return true
		}
		freed := s.freed
		s.mu.Unlock()
		select {
		case <-freed:
		case <-ctx.Done():
			return false
		}
	}
}

// releaseChunk counts a chunk that a lane is done with, and frees it when every lane is.
func (s *sending) releaseChunk(c *chunk) {
	s.mu.Lock()
	c.pending--
	if c.pending > 0 {
		s.mu.Unlock()
		return
	}
	s.report.Lines += c.tally.lines
	s.report.Blank += c.blank
	s.report.Invalid += c.invalid
	s.report.Rejected += c.rejected
	s.room += c.memoryCost()
	close(s.freed)
	s.freed = make(chan struct{})
	s.mu.Unlock()
	s.reportProgress(c.read)
}

// addFailure notes an error that ends the run. Chunks on their way are still confirmed.
func (s *sending) addFailure(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.failed = append(s.failed, err)
	s.stop()
}

// putChunks puts the chunks of the queue until it is closed, soft is done or the run fails.
func (l *lane) putChunks(soft, hard context.Context) {
	var putting sync.WaitGroup
	defer putting.Wait()
	for {
		select {
		case l.window <- struct{}{}: // confirm takes it out, unless putting fails
		case <-soft.Done():
			return
		}
		select { // two that are ready are taken in any order: an interruption goes first
		case <-soft.Done():
			return
		default:
		}
		select {
		case <-soft.Done():
			return
		case c, more := <-l.queue:
			if !more {
				return
			}
			putting.Go(func() {
				err := l.putChunk(hard, c)
				if err == nil {
					err = l.confirmChunk(c)
				}
				if err != nil {
					l.sending.addFailure(err)
				}
			})
		}
	}
}

// putChunk puts a chunk: the lines that an earlier run has not.
func (l *lane) putChunk(ctx context.Context, c *chunk) error {
	var lines []*line
	for i := range c.lines {
		if line := &c.lines[i]; line.send && !l.before.coversOffset(line.offset) {
			lines = append(lines, line)
		}
	}
	records, events := l.makeRecords(lines)
	for batch := range Batches(records, MaxBatchBytes) {
		answer, err := l.stream.Put(ctx, batch)
		l.countAccepted(answer, lines, events[:len(batch)])
		var some *NotAcceptedError
		switch {
		case errors.As(err, &some):
			if err := l.rejectLines(some, lines, events[:len(batch)]); err != nil {
				return err
			}
		case err != nil:
			return err
		}
		for _, n := range events[:len(batch)] {
			lines = lines[n:]
		}
		events = events[len(batch):]
	}
	return nil
}

// makeRecords makes the stream's records of the lines, and says how many lines each has.
func (l *lane) makeRecords(lines []*line) (records [][]byte, events []int) {
	p := &packer{}
	for _, line := range lines {
		switch {
		case l.kind != event.Lake: // exactly one object a record, and nothing else
			p.records, p.events = append(p.records, line.text), append(p.events, 1)
		default:
			p.addEvent(line.text, line.alone || !l.pack)
		}
	}
	p.closeRecord()
	return p.records, p.events
}

// countAccepted counts the lines that Firehose accepted, and the bytes billed if each were alone. The lines begin with
// the batch's.
func (l *lane) countAccepted(answer Answer, lines []*line, events []int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i, taken := range answer.Accepted {
		if taken {
			l.report.Events += int64(events[i])
			for _, line := range lines[:events[i]] {
				l.report.Unpacked += Billed(min(len(line.text)+1, MaxRecordBytes))
			}
		}
		lines = lines[events[i]:]
	}
}

// rejectLines keeps the lines of the records that the stream does not accept.
func (l *lane) rejectLines(some *NotAcceptedError, lines []*line, events []int) error {
	missing := some.Records
	for i, n := range events {
		if len(missing) > 0 && missing[0] == i {
			missing = missing[1:]
			for _, line := range lines[:n] {
				l.sending.reportInvalid(Invalid{Line: line.number, Err: some, Rejected: true})
				if err := l.sending.o.Rejects.addLine(l.kind, line.text); err != nil {
					return err
				}
			}
			l.mu.Lock()
			l.report.NotAccepted += int64(n)
			l.mu.Unlock()
		}
		lines = lines[n:]
	}
	return nil
}

// confirmChunk writes down a chunk that is done, and admits as many more chunks as are now confirmed without a gap.
func (l *lane) confirmChunk(c *chunk) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.done[c.number] = c
	var passed []*chunk
	for l.done[l.next] != nil {
		passed = append(passed, l.done[l.next])
		delete(l.done, l.next)
		l.next++
	}
	if len(passed) > 0 {
		l.at = passed[len(passed)-1].end
	}
	now := confirmed{Name: l.stream.Name, Position: l.at}
	if l.at.Offset < l.before.Offset { // it passes chunks confirmed in an earlier run
		now.Position = l.before.Position
	}
	for _, ahead := range l.before.Ahead {
		if ahead.To > now.Offset {
			now.Ahead = append(now.Ahead, ahead)
		}
	}
	for _, number := range slices.Sorted(maps.Keys(l.done)) {
		end := l.done[number].end.Offset
		now.Ahead = append(now.Ahead, span{end - l.done[number].read, end})
	}
	if err := l.sending.o.State.confirmPosition(l.kind, now); err != nil {
		return err
	}
	l.report.Confirmed = now.Line
	for _, c := range passed {
		l.sending.releaseChunk(c)
		<-l.window
	}
	return nil
}
