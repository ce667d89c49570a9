// Package infer writes an event schema from events. [Objects] reads events out of a file, an [Inference] counts by
// field which types their values have, and [Inference.Result] decides: the text of a schema file for package schema,
// and a [Report] of shares, doubts and hints.
//
// Types are chosen so that the transform, with the schema, finds nothing malformed in the same events: where values do
// not agree on a type, the field gets none, and stays in the event without a column. No value of an event is written
// into the schema.
//
// Memory is bounded, whatever the input: see limits.go.
package infer
