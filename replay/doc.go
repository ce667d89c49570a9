// Package replay replays failed records into the stream whose destination lacks them.
//
// The records come from the dead-letter queue (reader.go), from error objects (errorobjects.go) or from the lake's copy
// of the records as received (source.go). [Filter] selects. A record of several objects is split, so that its good ones
// are accepted (split.go). The [Journal] remembers replayed records: by place and bytes, so that nothing is replayed
// twice, and by content, so that a record that fails again is recognised (digest.go). A canary watches the error output
// for such records (canary.go).
//
// A message of the queue goes through reader.go (receive), classify.go (what to do with it), put.go (send) and
// delete.go; visibility.go keeps the messages in flight meanwhile.
package replay
