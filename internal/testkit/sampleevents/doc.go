// Package sampleevents makes the batches that tests and benchmarks send to the transform. The same call gives the same
// batch on every machine.
//
// Only tests and benchmarks import it.
package sampleevents
