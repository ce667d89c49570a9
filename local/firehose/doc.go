// Package firehose is a model of one delivery stream of Amazon Data Firehose: the service's treatment of a record
// between a producer's put and the destination, as its documentation and published probes say (docs/local.md has the
// table).
//
// Time is the caller's: records carry their arrival time, and buffers are flushed when the time that the caller gives
// passes. The same records at the same times give the same objects, whatever the speed, the number of invocations at
// once and the order in which they end: results are delivered in the order of the records.
package firehose
