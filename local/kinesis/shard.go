package kinesis

import (
	"fmt"
	"strconv"
	"time"
)

// ShardID is the number of a shard, from 0 in the order in which they were made.
type ShardID int

// String returns the id as Kinesis writes it.
func (id ShardID) String() string { return fmt.Sprintf("shardId-%012d", int(id)) }

// ParseShardID reads an id.
func ParseShardID(text string) (ShardID, bool) {
	if len(text) != len("shardId-")+12 {
		return 0, false
	}
	n, err := strconv.ParseUint(text[len("shardId-"):], 10, 31)
	return ShardID(n), err == nil && ShardID(n).String() == text
}

// SequenceDigits is the length of every sequence number.
const SequenceDigits = 56

// AppendSequence appends the sequence number of a record, by the number that the record has among all of its stream.
// Numbers of later records are larger.
func AppendSequence(dst []byte, number int64) []byte {
	var digits [SequenceDigits]byte
	digits[0], digits[1] = '4', '9'
	for i := SequenceDigits - 1; i > 1; i-- {
		digits[i] = '0' + byte(number%10)
		number /= 10
	}
	return append(dst, digits[:]...)
}

// ParseSequence returns the number in a sequence number.
func ParseSequence(text string) (int64, bool) {
	if len(text) != SequenceDigits || text[:2] != "49" {
		return 0, false
	}
	n := int64(0)
	for _, c := range []byte(text[2:]) {
		if c < '0' || c > '9' || n > 1<<58 {
			return 0, false
		}
		n = 10*n + int64(c-'0')
	}
	return n, true
}

// shard is one shard, with the records that it still has.
type shard struct {
	id          ShardID
	parent      ShardID // -1 for none
	first, last Hash
	begin, end  int64 // numbers in its first sequence number and, once closed, in its last one
	closed      bool

	before  int64 // records that it does not have any more
	records []Arrived
	slab    []byte // memory for the next records' data
	bytes   int
	allowed allowance
}

// count is how many records the shard ever had.
func (s *shard) count() int64 { return s.before + int64(len(s.records)) }

const slabBytes = 64 << 10

func (s *shard) addRecord(r Arrived) {
	if n := len(r.Data); cap(s.slab)-len(s.slab) < n {
		s.slab = make([]byte, 0, max(n, slabBytes))
	}
	from := len(s.slab)
	s.slab = append(s.slab, r.Data...)
	r.Data = s.slab[from:len(s.slab):len(s.slab)]
	s.bytes += len(r.Data)
	s.records = append(s.records, r)
}

// dropBefore forgets the records before a position.
func (s *shard) dropBefore(position int64) {
	n := int(min(position-s.before, int64(len(s.records))))
	if n <= 0 {
		return
	}
	for i := range s.records[:n] {
		s.bytes -= len(s.records[i].Data)
	}
	s.before += int64(n)
	kept := copy(s.records, s.records[n:])
	clear(s.records[kept:]) // so that their memory can go
	s.records = s.records[:kept]
}

// dropOld forgets the records that arrived before a time, and those over the memory that a shard may have.
func (s *shard) dropOld(at int64, most int) {
	n, bytes := 0, s.bytes
	for n < len(s.records) && (s.records[n].Arrival < at || bytes > most) {
		bytes -= len(s.records[n].Data)
		n++
	}
	if n > 0 {
		s.dropBefore(s.before + int64(n))
	}
}

// allowance bounds the records that a shard takes in one second: a bucket for records and one for bytes. How much of
// a burst Kinesis lets through is not documented; assumed here is one second's worth.
type allowance struct {
	at             int64
	records, bytes float64
}

// take reports whether the shard takes a record of so many bytes.
func (a *allowance) take(now int64, bytes int) bool {
	elapsed := time.Duration(now - a.at).Seconds()
	a.at = now
	a.records = min(ShardRecords, a.records+elapsed*ShardRecords)
	a.bytes = min(ShardBytes, a.bytes+elapsed*ShardBytes)
	if a.records < 1 || a.bytes < float64(bytes) {
		return false
	}
	a.records--
	a.bytes -= float64(bytes)
	return true
}
