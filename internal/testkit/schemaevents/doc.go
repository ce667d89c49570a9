// Package schemaevents makes random event schemas, and random events for them: good ones, ones of wrong types, and ones
// with keys and values that stores treat specially. They depend on the seed alone.
package schemaevents
