// Package producer puts events to the delivery streams: within Firehose's limits, at a pace, until Firehose has taken each.
//
// [Stream] puts records to one stream and resends those that it did not take (stream.go, backoff.go, pace.go). [Send] puts the
// lines of an input to every stream (send.go), cut into chunks (lines.go), packed for the lake stream if wanted (pack.go), and
// keeps track of what each stream has confirmed (state.go), so that a run that was stopped can go on.
package producer
