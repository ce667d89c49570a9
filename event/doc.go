// Package event checks one event, conforms it to the event schema (package schema), protects personal data in it, adds
// fields to it and writes it. The transform function, the error handler, the local model and replay all use it.
//
// The package knows neither AWS nor the CDK.
package event
