// Package producer puts events to the delivery streams: within Firehose's limits, at a pace, until Firehose has
// accepted each.
//
// [Stream] puts records to one stream and resends those that it did not accept (stream.go, pace.go). [Send] puts the
// lines of an input to every stream (send.go), cut into chunks (lines.go), packed for the lake stream if wanted
// (pack.go), and keeps track of what each stream has confirmed (state.go), so that a stopped run can resume.
package producer
