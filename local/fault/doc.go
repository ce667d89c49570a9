// Package fault injects failures that happen on AWS into a run of the local model: their names and parameters, when
// each happens, and how it reaches the transform, the search domain, S3, SQS and the error handler.
//
// Whether something fails is decided by a hash of the seed, the fault and the thing that may fail, not by a random
// generator: the same seed, events, rate and settings have the same failures, in whatever order the machine works.
package fault
