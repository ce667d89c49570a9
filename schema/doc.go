// Package schema reads the event schema: a JSON Schema (2020-12) file that declares the fields of an event, with a few
// keywords of its own (x-enrich, x-protect, x-column, x-event-id, x-event-type, x-unenforced). The columns of the lake,
// the mapping of the search index and the rules of the transform come from it.
//
// The package knows neither AWS nor the CDK. It runs at the start of a Lambda function, so it depends on little and
// parses a schema of some kilobytes in well under a millisecond. docs/event-schema.md is the reference.
package schema
