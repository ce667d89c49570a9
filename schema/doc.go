// Package schema reads the event schema: a JSON Schema (2020-12) file that declares the fields of an event, their types and
// bounds, the fields that the transform adds (x-enrich) and the protection of personal data (x-protect). From it come the
// columns of the lake ([Schema.Columns]), the mapping of the search index ([Schema.IndexProperties]) and the rules that the
// transform applies (package event).
//
// The package knows neither AWS nor the CDK, and links little: the functions parse the file when they start.
package schema
