package kinesis

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"
)

// Limits of a stream (API reference; Developer Guide, "Quotas and limits").
const (
	MaxRecordBytes  = 1 << 20 // of data and partition key
	MaxBatchRecords = 500
	MaxBatchBytes   = 10 << 20 // of one PutRecords, partition keys included
	MaxKeyLength    = 256      // characters of a partition key
	// ShardRecords and ShardBytes are the quota of a shard for one second.
	ShardRecords = 1000
	ShardBytes   = 1 << 20
	// FirstShards is how many shards a stream on demand starts with.
	FirstShards = 4
)

// Throttled is the error code of a record, or of a call of PutRecord, whose shard is throttled.
const Throttled = "ProvisionedThroughputExceededException"

// ErrResponseLost says that records were accepted, but that the producer does not learn it.
var ErrResponseLost = errors.New("the response was lost")

// Options describe a stream.
type Options struct {
	Name, ARN string
	AccountID string
	Retention time.Duration
	Created   time.Time
	Encrypted bool
	// Throttle enforces the limits of each shard.
	Throttle bool
	// Keep keeps records that every reader has read until they are older than Retention, or their shard has more than
	// KeepBytes of them: for GetRecords.
	Keep      bool
	KeepBytes int // default 64 MiB
}

// Record is a record as a producer puts it.
type Record struct {
	PartitionKey string
	// Hash, when set, chooses the shard in place of the partition key's.
	Hash *Hash
	Data []byte
}

// Arrived is a record in the stream.
type Arrived struct {
	Record
	Number  int64 // among all records of the stream, from 0
	Arrival int64 // nanoseconds since 1970
	Sub     int   // place in an aggregate, else 0
}

// Result is the answer for one record: its shard and number, or an error code.
type Result struct {
	Shard     ShardID
	Number    int64
	ErrorCode string
	Message   string
}

// Stream is a data stream. Its methods may be called concurrently.
type Stream struct {
	o Options

	mu      sync.Mutex
	shards  []*shard // by id
	open    []*shard // by their ranges
	number  int64
	latest  int64
	readers []*Reader
}

// New makes a stream with FirstShards shards.
func New(o Options) *Stream {
	if o.KeepBytes == 0 {
		o.KeepBytes = 64 << 20
	}
	s := &Stream{o: o, latest: o.Created.UnixNano()}
	begin := Hash{}
	for _, end := range evenRanges(FirstShards) {
		s.addShard(-1, begin, end)
		begin = end.next()
	}
	return s
}

func (s *Stream) addShard(parent ShardID, first, last Hash) *shard {
	added := &shard{id: ShardID(len(s.shards)), parent: parent, first: first, last: last, begin: s.number,
		allowed: allowance{at: s.latest, records: ShardRecords, bytes: ShardBytes}}
	s.shards = append(s.shards, added)
	at, _ := slices.BinarySearchFunc(s.open, first, compareStart)
	s.open = slices.Insert(s.open, at, added)
	return added
}

func compareStart(s *shard, h Hash) int {
	switch {
	case s.first == h:
		return 0
	case s.first.less(h):
		return -1
	}
	return 1
}

// shardOf returns the open shard of a hash: their ranges cover all hashes.
func (s *Stream) shardOf(h Hash) *shard {
	at, found := slices.BinarySearchFunc(s.open, h, compareStart)
	if found {
		return s.open[at]
	}
	return s.open[at-1]
}

// Put puts one record that arrives at a time. A record above the limit is rejected by the caller: a request with one
// fails as a whole. Times that go backwards count as the latest one given. The memory of the data stays the caller's.
func (s *Stream) Put(r Record, at time.Time) Result {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.latest = max(s.latest, at.UnixNano())
	hash := r.Hash
	if hash == nil {
		h := HashOf(r.PartitionKey)
		hash = &h
	}
	to := s.shardOf(*hash)
	if s.o.Throttle && !to.allowed.take(s.latest, len(r.Data)+len(r.PartitionKey)) {
		return s.throttled(to)
	}
	to.addRecord(Arrived{Record: r, Number: s.number, Arrival: s.latest})
	s.number++
	return Result{Shard: to.id, Number: s.number - 1}
}

// Refuse returns the answer of a shard that is throttled for a record.
func (s *Stream) Refuse(r Record) Result {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.throttled(s.shardOf(HashOf(r.PartitionKey)))
}

func (s *Stream) throttled(at *shard) Result {
	return Result{Shard: at.id, ErrorCode: Throttled, Message: fmt.Sprintf("Rate exceeded for shard %s in stream %s "+
		"under account %s.", at.id, s.o.Name, s.o.AccountID)}
}

// Split replaces an open shard by two, each with half of its range; false when its range is a single hash. Readers read
// the shard to its end before its children.
func (s *Stream) Split(id ShardID) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if int(id) < 0 || int(id) >= len(s.shards) {
		return false
	}
	parent := s.shards[id]
	if parent.closed || parent.first == parent.last {
		return false
	}
	parent.closed, parent.end = true, max(parent.begin, s.number-1)
	s.open = slices.DeleteFunc(s.open, func(o *shard) bool { return o == parent })
	half := middle(parent.first, parent.last)
	s.addShard(id, parent.first, half)
	s.addShard(id, half.next(), parent.last)
	return true
}

// OpenShards returns the ids of the shards that take records.
func (s *Stream) OpenShards() []ShardID {
	s.mu.Lock()
	defer s.mu.Unlock()
	ids := make([]ShardID, len(s.open))
	for i, o := range s.open {
		ids[i] = o.id
	}
	slices.Sort(ids)
	return ids
}

// Count returns how many records the stream has taken.
func (s *Stream) Count() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.number
}

// trim forgets the records that nobody can read any more.
func (s *Stream) trim() {
	for _, shard := range s.shards {
		if s.o.Keep {
			shard.dropOld(s.latest-int64(s.o.Retention), s.o.KeepBytes)
			continue
		}
		oldest := shard.count()
		for _, r := range s.readers {
			oldest = min(oldest, r.position(shard)-Rewindable)
		}
		shard.dropBefore(oldest)
	}
}
