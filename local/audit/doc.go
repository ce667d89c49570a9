// Package audit checks that every record put to a stream ended where it had to: in the store, in the dead-letter queue, or nowhere
// when a rule drops it.
//
// [Expectations] notes what each record has to become, as fingerprints, while the run puts records. [Check] compares these with
// the content of the folder of results.
package audit
