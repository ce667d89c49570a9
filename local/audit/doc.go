// Package audit checks that every record put to a stream ended where it had to: in the store, in the dead-letter
// queue, or nowhere when a rule drops it.
//
// [Expectations] notes the expected outcome of each record, as fingerprints, while the run puts records. [Check]
// compares them with the content of the folder of results.
package audit
