package kinesis

import (
	"slices"
	"time"
)

// Shard describes a shard.
type Shard struct {
	ID, Parent  ShardID // Parent is -1 for none
	First, Last Hash
	// Begin and End are the numbers in its first sequence number and, once it is closed, in its last one.
	Begin, End int64
	Closed     bool
}

// Shards returns all shards that the stream ever had, by id.
func (s *Stream) Shards() []Shard {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make([]Shard, len(s.shards))
	for i, o := range s.shards {
		all[i] = Shard{o.id, o.parent, o.first, o.last, o.begin, o.end, o.closed}
	}
	return all
}

// Options returns the stream's options.
func (s *Stream) Options() Options { return s.o }

// Place is where reading begins.
type Place string

// The places, as Kinesis names them.
const (
	AtSequence    Place = "AT_SEQUENCE_NUMBER"
	AfterSequence Place = "AFTER_SEQUENCE_NUMBER"
	TrimHorizon   Place = "TRIM_HORIZON"
	Latest        Place = "LATEST"
	AtTime        Place = "AT_TIMESTAMP"
)

// Find returns the position in a shard of a place; number is the one in a sequence number. It is false when there is no
// such shard or place.
func (s *Stream) Find(id ShardID, place Place, number int64, at time.Time) (position int64, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if id < 0 || int(id) >= len(s.shards) {
		return 0, false
	}
	shard := s.shards[id]
	behind := func(r func(Arrived) int64, wanted int64) int64 {
		n, _ := slices.BinarySearchFunc(shard.records, wanted, func(have Arrived, want int64) int {
			if r(have) < want {
				return -1
			}
			return 1
		})
		return shard.before + int64(n)
	}
	switch place {
	case AtSequence:
		return behind(func(r Arrived) int64 { return r.Number }, number), true
	case AfterSequence:
		return behind(func(r Arrived) int64 { return r.Number }, number+1), true
	case AtTime:
		return behind(func(r Arrived) int64 { return r.Arrival }, at.UnixNano()), true
	case TrimHorizon:
		return shard.before, true
	case Latest:
		return shard.count(), true
	}
	return 0, false
}

// Limits of GetRecords.
const (
	MaxPageRecords = 10_000
	maxPageBytes   = 10 << 20
)

// Page is the answer to GetRecords.
type Page struct {
	Records []Arrived
	Next    int64
	Ended   bool          // the shard is closed, and all of its records have been read
	Behind  time.Duration // from the last record to the newest one of the shard
}

// Get returns records of a shard from a position on; false when there is no such shard.
func (s *Stream) Get(id ShardID, position int64, limit int) (p Page, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if id < 0 || int(id) >= len(s.shards) {
		return Page{}, false
	}
	shard := s.shards[id]
	position = max(position, shard.before)
	bytes := 0
	for at := position - shard.before; at < int64(len(shard.records)) && len(p.Records) < limit; at++ {
		r := shard.records[at]
		if bytes += len(r.Data); bytes > maxPageBytes && len(p.Records) > 0 {
			break
		}
		p.Records = append(p.Records, r)
	}
	p.Next = position + int64(len(p.Records))
	p.Ended = shard.closed && p.Next == shard.count()
	if p.Next < shard.count() && len(p.Records) > 0 {
		newest := shard.records[len(shard.records)-1].Arrival
		p.Behind = time.Duration(newest - p.Records[len(p.Records)-1].Arrival)
	}
	return p, true
}
