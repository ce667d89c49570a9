package fault

import "firehose-pipeline/local/kinesis"

// DataStream makes puts to a data stream, and its readers, go wrong.
type DataStream struct {
	*Faults
	puts, records, seconds int64
	reads                  map[string]int64
}

// NewDataStream returns the faults of a data stream. Its methods are called by one goroutine at a time.
func NewDataStream(f *Faults) *DataStream { return &DataStream{Faults: f, reads: map[string]int64{}} }

// ThrottleRecord reports whether a record is throttled.
func (d *DataStream) ThrottleRecord() bool {
	if !d.On(KinesisThrottled) {
		return false
	}
	d.records++
	return d.Hit(KinesisThrottled, "", d.records, d.First(KinesisThrottled))
}

// LoseResponse reports whether the response to a put is lost.
func (d *DataStream) LoseResponse() bool {
	if !d.On(KinesisLost) {
		return false
	}
	d.puts++
	return d.Hit(KinesisLost, "", d.puts, d.First(KinesisLost))
}

// Rewind returns how many records a reader, named by its stream, reads again in a shard after a read; 0 for none.
func (d *DataStream) Rewind(reader string, shard kinesis.ShardID) int64 {
	if !d.On(KinesisReread) {
		return 0
	}
	key := reader + shard.String()
	d.reads[key]++
	if !d.Hit(KinesisReread, key, d.reads[key], d.reads[key] == 1 && shard == 0) {
		return 0
	}
	return int64(1 + d.Hash(KinesisReread, key, -d.reads[key])%kinesis.Rewindable)
}

// mostShards is how many open shards resharding leads to at most.
const mostShards = 16

// SplitShard returns the open shard that is split after a second of the model; false for none.
func (d *DataStream) SplitShard(open []kinesis.ShardID) (kinesis.ShardID, bool) {
	if !d.On(KinesisReshard) || len(open) >= mostShards {
		return 0, false
	}
	d.seconds++
	if !d.Hit(KinesisReshard, "", d.seconds, d.First(KinesisReshard)) {
		return 0, false
	}
	return open[d.Hash(KinesisReshard, "shard", d.seconds)%uint64(len(open))], true
}
