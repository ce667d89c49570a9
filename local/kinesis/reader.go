package kinesis

// Rewindable is how many of the records that it has read a reader can read again, in each shard.
const Rewindable = 500

// Reader reads all shards of a stream, each in the order of its records. A shard that was closed is read to its end
// before the shards that replaced it. It is used by one goroutine at a time.
type Reader struct {
	stream *Stream
	next   []int64 // by shard, as the next one
	far    []int64 // the furthest place up to which it has ever read
	got    []Arrived
}

// NewReader makes a reader that begins at LATEST: with the first record put from now on.
// https://docs.aws.amazon.com/firehose/latest/dev/writing-with-kinesis-streams.html
func (s *Stream) NewReader() *Reader {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := &Reader{stream: s}
	for _, shard := range s.shards {
		r.next, r.far = append(r.next, shard.count()), append(r.far, shard.count())
	}
	s.readers = append(s.readers, r)
	return r
}

// position is the place in a shard up to which the reader has read; a shard made later is read from its start.
func (r *Reader) position(s *shard) int64 {
	if int(s.id) < len(r.next) {
		return r.next[s.id]
	}
	return 0
}

// Read calls do with all records of each shard that the reader has not read yet, as far as there are any; the first of
// them, again, it has read before. The records are valid during the call. Records that were trimmed before are skipped,
// as with GetRecords; their number is returned.
func (r *Reader) Read(do func(shard ShardID, records []Arrived, again int) error) (trimmed int64, err error) {
	for id := ShardID(0); ; id++ {
		more, missed, again := r.readShard(id)
		if !more {
			return trimmed, nil
		}
		trimmed += missed
		if len(r.got) > 0 {
			if err := do(id, r.got, again); err != nil {
				return trimmed, err
			}
		}
	}
}

// readShard puts the next records of a shard into r.got; false when there is no such shard. A shard's id is larger than
// its parent's.
func (r *Reader) readShard(id ShardID) (more bool, missed int64, again int) {
	s := r.stream
	s.mu.Lock()
	defer s.mu.Unlock()
	if int(id) == len(s.shards) {
		s.trim()
		return false, 0, 0
	}
	if int(id) == len(r.next) {
		r.next, r.far = append(r.next, 0), append(r.far, 0)
	}
	shard := s.shards[id]
	if missed = shard.before - r.next[id]; missed > 0 {
		r.next[id] = shard.before
	} else {
		missed = 0
	}
	r.got = append(r.got[:0], shard.records[r.next[id]-shard.before:]...)
	again = int(max(0, r.far[id]-r.next[id]))
	r.next[id], r.far[id] = shard.count(), shard.count()
	return true, missed, again
}

// Rewind lets the reader read the last n records of a shard again, as far as the stream still has them: a reader that
// starts anew goes on after the last place that it noted. It returns how many there are.
func (r *Reader) Rewind(id ShardID, n int64) int64 {
	s := r.stream
	s.mu.Lock()
	defer s.mu.Unlock()
	if int(id) >= len(r.next) {
		return 0
	}
	n = min(n, r.next[id]-s.shards[id].before)
	r.next[id] -= n
	return n
}
