package firehose

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"firehose-pipeline/local/kinesis"
	"firehose-pipeline/local/lambda"
	"firehose-pipeline/local/template"
)

// Limits of the producers' API, in bytes before base64 and in records (API reference, PutRecord and PutRecordBatch).
const (
	MaxRecordBytes  = 1000 << 10
	MaxBatchRecords = 500
	MaxBatchBytes   = 4 << 20
)

// MaxInvocations is how many invocations a stream has outstanding at most for each shard (Developer Guide, quotas).
const MaxInvocations = 5

// Options describe a stream and the world around it. Invoke is needed only with a processor and Search only with a
// search destination; Invocations, Refuse, Discarded and Pause are never.
type Options struct {
	Stream template.Stream
	// Invocations is how many may run at once, 1 to MaxInvocations, default 1.
	Invocations int
	// Seed makes the names of objects and the ids of records differ between runs; the rest of a name comes from the
	// records.
	Seed string
	// Invoke runs the processor's function once.
	Invoke func(ctx context.Context, request []byte) (lambda.Result, error)
	// Recycle, when set, takes back the memory of a Payload, for answers to come.
	Recycle func(payload []byte)
	// Store stores an object; it must show only once body has ended.
	Store func(bucket, key string, headers map[string]string, body io.Reader) error
	// Search is where a search destination delivers to.
	Search Search
	// Refuse, when set, is asked before an object is stored, with the time of the model: an error is S3's rejection,
	// after which it is tried again. Calls may be concurrent.
	Refuse func(at time.Time) error
	// Discarded, when set, is called for an object that S3 has rejected for too long. Calls may be concurrent.
	Discarded func(Discarded)
	// Pause waits while a destination that takes nothing is given some of the model's time; nil goes on at once.
	Pause func(ctx context.Context, d time.Duration) error
}

// Counts are the outcomes of the records so far.
type Counts struct {
	Received, Delivered, Dropped, Failed int64
	Objects                              int64            // delivered to S3, without backup and errors
	Indices                              map[string]int64 // documents by index
	// Records that S3 has rejected for too long: of the delivery and the error output, and of the copy of all records.
	Discarded, Uncopied int64
}

// Discarded is an object that S3 has rejected for as long as Firehose keeps records.
type Discarded struct {
	Output  string // "delivery", "backup" or the error type
	Records []Range
}

// Range is records by their numbers, which count the records put from 0.
type Range struct{ First, Last int64 }

// Stream is a running delivery stream. Its methods may be called concurrently; records are in the order of the calls.
type Stream struct {
	o      Options
	cancel context.CancelFunc
	ctx    context.Context

	mu         sync.Mutex // Put, Tick, Flush
	open       []*batch   // by shard, one without a Kinesis source; nil where none is open
	shardNames []string
	sequence   int64
	latest     int64 // the latest time given, in nanoseconds
	ids        recordIDs
	closed     bool

	work    chan *batch
	ordered chan item
	backup  chan item // nil without backup
	running sync.WaitGroup
	batches chan *batch // that can be used again

	failOnce sync.Once
	failed   chan struct{}
	err      error

	received, delivered, dropped, lost, objects atomic.Int64
	discarded, uncopied                         atomic.Int64
	transformed, invocations, failedInvocations atomic.Int64
	indicesMu                                   sync.Mutex
	indices                                     map[string]int64

	now        atomic.Int64 // the latest time given, as of the last Put, Tick or Flush
	processing *level       // of the open batch; nil without a processor
	levels     []*level
}

// item is one element of the queue to the delivering goroutines: a batch, or a tick.
type item struct {
	batch *batch
	at    int64
	flush bool            // everything, whatever the time
	done  *sync.WaitGroup // of a flush
}

// New starts a stream. It ends with Close, which delivers nothing that Flush has not, or when ctx is done.
func New(ctx context.Context, o Options) (*Stream, error) {
	o.Invocations = min(max(o.Invocations, 1), MaxInvocations)
	s := &Stream{
		o: o, failed: make(chan struct{}), indices: map[string]int64{},
		ids: newRecordIDs(o.Stream.ARN, o.Seed),
		// Enough batches in flight to keep every invocation busy while one is being delivered.
		ordered: make(chan item, o.Invocations+1),
		work:    make(chan *batch, o.Invocations+2),
		batches: make(chan *batch, 2*o.Invocations+4), // all that there can be, with one shard
		open:    make([]*batch, 1),
	}
	s.ctx, s.cancel = context.WithCancel(ctx)
	if p := o.Stream.Transform; p != nil {
		s.processing = s.addLevel("transform", int64(p.BufferBytes), p.Interval)
	}
	delivery, backup, err := s.openDestinations()
	if err != nil {
		s.cancel()
		return nil, fmt.Errorf("starting stream %s: %w", o.Stream.Name, err)
	}
	if o.Stream.Transform != nil {
		for range o.Invocations {
			s.running.Go(s.invokeFunction)
		}
	}
	s.running.Go(func() { s.consumeItems(s.ordered, delivery) })
	if backup != nil {
		s.backup = make(chan item, o.Invocations+1)
		s.running.Go(func() { s.consumeItems(s.backup, backup) })
	}
	return s, nil
}

// Put takes records, record i of them arriving at at(i), and returns the id of the first one; the others' follow it. It
// waits while the stream is busy. Times that go backwards count as the latest one given. The memory of the records
// stays the caller's.
func (s *Stream) Put(records [][]byte, at func(i int) time.Time) (first RecordID, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.checkUsable(); err != nil {
		return RecordID{}, err
	}
	defer s.publishOpen()
	now := s.latest
	first = RecordID{s.ids, s.sequence}
	for i, record := range records {
		now = s.advanceClock(at(i))
		if len(record) > MaxRecordBytes {
			return first, fmt.Errorf("putting record: must be at most %d bytes (got %d)", MaxRecordBytes, len(record))
		}
		if err := s.addRecord(0, now, arrived{Record: kinesis.Record{Data: record}, Arrival: now}); err != nil {
			return first, err
		}
	}
	if p := s.o.Stream.Transform; p != nil && p.Interval == 0 {
		return first, s.sendBatch(0, now)
	}
	return first, nil
}

// arrived is a record with its place in a data stream.
type arrived = kinesis.Arrived

// Read takes records of one shard of the stream's source, at the time at which they were read, and returns the number
// of the first one, counting from 0 all that were read; the others' follow it. Shards are counted from 0; each has a
// buffer of its own. Otherwise it is as [Stream.Put].
func (s *Stream) Read(shard kinesis.ShardID, records []kinesis.Arrived, at time.Time) (first int64, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	first = s.sequence
	if err := s.checkUsable(); err != nil {
		return first, err
	}
	now := s.advanceClock(at)
	defer s.publishOpen()
	if err := s.sendDue(now); err != nil {
		return first, err
	}
	for len(s.open) <= int(shard) {
		s.open = append(s.open, nil)
	}
	for _, record := range records {
		if err := s.addRecord(int(shard), now, record); err != nil {
			return first, err
		}
	}
	if p := s.o.Stream.Transform; p != nil && p.Interval == 0 {
		return first, s.sendBatch(int(shard), now)
	}
	return first, nil
}

// sendDue sends the processor's buffers whose interval is over, the oldest first.
func (s *Stream) sendDue(now int64) error {
	p := s.o.Stream.Transform
	for {
		oldest := -1
		for shard, b := range s.open {
			if b != nil && (oldest < 0 || b.opened < s.open[oldest].opened) {
				oldest = shard
			}
		}
		if oldest < 0 {
			return nil
		}
		due := now // without a processor the batches mean nothing
		if p != nil {
			if due = s.open[oldest].opened + int64(p.Interval); due > now {
				return nil
			}
		}
		if err := s.sendBatch(oldest, due); err != nil {
			return err
		}
	}
}

// advanceClock moves time on and returns it.
func (s *Stream) advanceClock(at time.Time) int64 {
	s.latest = max(s.latest, at.UnixNano())
	return s.latest
}

// chunk is the size of batches of a stream without a processor, where they mean nothing.
const chunk = 256 << 10

// addRecord puts a record into the processor's buffer of its shard. A buffer is sent when the next record would take it
// past its size, so that a batch is larger than that only when it is one record.
func (s *Stream) addRecord(shard int, now int64, record arrived) error {
	limit := chunk
	b := s.open[shard]
	if p := s.o.Stream.Transform; p != nil {
		limit = p.BufferBytes
		if b != nil && p.Interval > 0 && now >= b.opened+int64(p.Interval) {
			if err := s.sendBatch(shard, b.opened+int64(p.Interval)); err != nil {
				return err
			}
			b = nil
		}
	}
	source := ""
	request := requestBytes(len(record.Data))
	if s.o.Stream.Source != nil {
		source = s.shardName(shard)
		request += metadataBytes(record.PartitionKey, source)
	}
	if b != nil && (len(b.data)+len(record.Data) > limit || b.request+request > lambda.RequestLimit) {
		if err := s.sendBatch(shard, now); err != nil {
			return err
		}
		b = nil
	}
	if b == nil {
		select {
		case b = <-s.batches:
		default:
			b = &batch{data: make([]byte, 0, limit)}
		}
		b.startBatch(now, source, s.o.Stream)
		s.open[shard] = b
	}
	b.addRecord(s.sequence, record.Arrival, record.Data)
	if source != "" {
		b.addOrigin(origin{record.PartitionKey, record.Number, record.Sub})
	}
	s.sequence++
	s.received.Add(1)
	if len(b.data) >= limit {
		return s.sendBatch(shard, now)
	}
	return nil
}

// shardName returns the id of a shard as Kinesis writes it.
func (s *Stream) shardName(shard int) string {
	for len(s.shardNames) <= shard {
		s.shardNames = append(s.shardNames, kinesis.ShardID(len(s.shardNames)).String())
	}
	return s.shardNames[shard]
}

// sendBatch closes the open batch of a shard.
func (s *Stream) sendBatch(shard int, at int64) error {
	b := s.open[shard]
	if b == nil {
		return nil
	}
	s.open[shard] = nil
	b.closed = at
	b.users.Store(1)
	if s.backup != nil {
		b.users.Add(1)
	}
	if s.o.Stream.Transform != nil {
		b.done = make(chan struct{})
	}
	if err := s.passItem(item{batch: b, at: at}); err != nil {
		return err
	}
	if b.done != nil {
		s.work <- b // has room for all that ordered holds
	}
	return nil
}

// passItem passes an item on to delivery and backup.
func (s *Stream) passItem(i item) error {
	for _, c := range []chan item{s.ordered, s.backup} {
		if c == nil {
			continue
		}
		select {
		case c <- i:
		case <-s.failed:
			return s.err
		}
	}
	return nil
}

// Tick says that time has passed: buffers whose interval is over are delivered.
func (s *Stream) Tick(at time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.checkUsable(); err != nil {
		return err
	}
	now := s.advanceClock(at)
	defer s.publishOpen()
	if err := s.sendDue(now); err != nil {
		return err
	}
	return s.passItem(item{at: now})
}

// Flush delivers all that has been put, as if every interval were over, and waits for it.
func (s *Stream) Flush(at time.Time) error {
	done, err := s.flushBuffers(at)
	if err != nil {
		return err
	}
	finished := make(chan struct{})
	go func() {
		done.Wait()
		close(finished)
	}()
	select {
	case <-finished:
	case <-s.failed:
	}
	select {
	case <-s.failed:
		return s.err
	default:
		s.forgetBatches()
		return nil
	}
}

// forgetBatches leaves the memory of batches to the garbage collector: after a flush little may follow.
func (s *Stream) forgetBatches() {
	for {
		select {
		case <-s.batches:
		default:
			return
		}
	}
}

func (s *Stream) flushBuffers(at time.Time) (*sync.WaitGroup, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.checkUsable(); err != nil {
		return nil, err
	}
	now := s.advanceClock(at)
	defer s.publishOpen()
	for shard := range s.open {
		if err := s.sendBatch(shard, now); err != nil {
			return nil, err
		}
	}
	done := &sync.WaitGroup{}
	done.Add(1)
	if s.backup != nil {
		done.Add(1)
	}
	return done, s.passItem(item{at: now, flush: true, done: done})
}

var errClosed = errors.New("stream is closed")

func (s *Stream) checkUsable() error {
	select {
	case <-s.failed:
		return s.err
	default:
	}
	if s.closed {
		return errClosed
	}
	return nil
}

// failWith keeps the first error that is not about a record: it ends the stream.
func (s *Stream) failWith(err error) {
	s.failOnce.Do(func() {
		s.err = fmt.Errorf("delivering stream %s: %w", s.o.Stream.Name, err)
		close(s.failed)
		s.cancel()
	})
}

// Close ends the stream. Records that have not been flushed are discarded, and nothing of them is left in a store.
func (s *Stream) Close() {
	s.mu.Lock()
	if !s.closed {
		s.closed = true
		s.failWith(errClosed)
		close(s.work)
		close(s.ordered)
		if s.backup != nil {
			close(s.backup)
		}
	}
	s.mu.Unlock()
	s.running.Wait()
}

// Counts returns the outcomes of the records so far.
func (s *Stream) Counts() Counts {
	c := Counts{Received: s.received.Load(), Delivered: s.delivered.Load(), Dropped: s.dropped.Load(),
		Failed: s.lost.Load(), Objects: s.objects.Load(), Indices: map[string]int64{},
		Discarded: s.discarded.Load(), Uncopied: s.uncopied.Load()}
	s.indicesMu.Lock()
	defer s.indicesMu.Unlock()
	for index, n := range s.indices {
		c.Indices[index] = n
	}
	return c
}

// IDPrefix begins the ids of this stream's documents in a search index, and of no other stream's or run's.
func (s *Stream) IDPrefix() string { return s.ids.prefix }

// Number returns the number of the record that has this id, counting the records put from 0; false when the id is none
// of this stream's. A document's id counts as its record's.
func (s *Stream) Number(id string) (int64, bool) {
	return s.ids.numberOf([]byte(strings.TrimSuffix(id, documentSuffix)))
}

// destination gets batches in order, their invocation done.
type destination interface {
	// deliverBatch takes a batch. Time has passed up to the batch's.
	deliverBatch(b *batch) error
	// advanceTo delivers the buffers that are due at this time.
	advanceTo(at int64) error
	// flushBuffers delivers everything.
	flushBuffers(at int64) error
	// discardBuffered discards the buffers.
	discardBuffered()
	// publishLevels publishes the fill levels of the buffers.
	publishLevels()
}

// consumeItems delivers items in order. After a failure it only empties the channel, so that nobody waits for it.
func (s *Stream) consumeItems(items <-chan item, d destination) {
	defer d.discardBuffered()
	for i := range items {
		if err := s.handleItem(i, d); err != nil {
			s.failWith(err)
		}
		d.publishLevels()
		if i.batch != nil {
			s.releaseBatch(i.batch)
		}
		if i.done != nil {
			i.done.Done()
		}
	}
}

func (s *Stream) handleItem(i item, d destination) error {
	select {
	case <-s.failed:
		return nil
	default:
	}
	switch {
	case i.batch != nil:
		if i.batch.done != nil {
			select {
			case <-i.batch.done:
			case <-s.failed:
				return nil
			}
		}
		return d.deliverBatch(i.batch)
	case i.flush:
		return d.flushBuffers(i.at)
	}
	return d.advanceTo(i.at)
}

// releaseBatch gives a batch's memory back once delivery and backup have done with it.
func (s *Stream) releaseBatch(b *batch) {
	if b.users.Add(-1) == 0 && !s.hasFailed() {
		if b.answer != nil && s.o.Recycle != nil {
			s.o.Recycle(b.answer)
		}
		b.answer = nil
		select {
		case s.batches <- b:
		default:
		}
	}
}

func (s *Stream) hasFailed() bool {
	select {
	case <-s.failed:
		return true
	default:
		return false
	}
}

// RecordID is the id of a record: of the form that Firehose's have for the transform, 56 digits.
type RecordID struct {
	ids    recordIDs
	number int64
}

// Add returns the id of the n-th record after this one.
func (id RecordID) Add(n int) RecordID { return RecordID{id.ids, id.number + int64(n)} }

// Number counts the records that the stream has accepted, from 0.
func (id RecordID) Number() int64 { return id.number }

func (id RecordID) String() string { return string(id.AppendTo(nil)) }

// AppendTo appends the id's RecordIDBytes bytes.
func (id RecordID) AppendTo(dst []byte) []byte { return id.ids.appendID(dst, id.number) }

// RecordIDBytes is the length of every id.
const RecordIDBytes = idPrefix + idNumber

const (
	idPrefix = 36
	idNumber = 20
)

// recordIDs are the ids of one stream: a prefix of its own, then the number of the record. The prefix is another one in
// each run, as ids on AWS never repeat: a document of one run does not overwrite one of another.
type recordIDs struct{ prefix string }

func newRecordIDs(streamARN, seed string) recordIDs {
	var b strings.Builder
	b.WriteString("49")
	for b.Len() < idPrefix {
		for _, c := range digestOf("record ids", streamARN, seed, b.Len()) {
			b.WriteByte('0' + c%10)
		}
	}
	return recordIDs{b.String()[:idPrefix]}
}

func (r recordIDs) appendID(dst []byte, number int64) []byte {
	dst = append(dst, r.prefix...)
	var digits [idNumber]byte
	for i := len(digits) - 1; i >= 0; i-- {
		digits[i] = '0' + byte(number%10)
		number /= 10
	}
	return append(dst, digits[:]...)
}

// numberOf returns the number in an id, false when it is none of this stream's.
func (r recordIDs) numberOf(id []byte) (int64, bool) {
	if len(id) != idPrefix+idNumber || string(id[:idPrefix]) != r.prefix {
		return 0, false
	}
	var n int64
	for _, c := range id[idPrefix:] {
		if c < '0' || c > '9' || n > 1<<58 {
			return 0, false
		}
		n = 10*n + int64(c-'0')
	}
	return n, true
}
