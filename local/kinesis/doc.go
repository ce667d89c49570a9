// Package kinesis is a Kinesis data stream on demand: shards that keep the order of their records, limits of each
// shard, retention, and readers that read every shard from LATEST on.
//
// Records are in memory: until every reader has read them, and with [Options.Keep] for as long as the stream's
// retention.
package kinesis
