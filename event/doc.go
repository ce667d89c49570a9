// Package event says what an event is: its fields and their types (schema.go), what the transform adds to it (rules.go)
// and how one event is checked, conformed and written (the rest). The Glue columns of the lake, the mapping of the
// search index and the transform's own rules all come from here, so a field is declared once.
//
// The package knows neither AWS nor the CDK.
package event
