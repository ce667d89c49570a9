// Package simulation runs the delivery path in one process and on simulated time: the real producer, transform, error
// handler and replay, on Firehose (the local model), Lambda, S3 with notifications, SQS and a search domain. A seed
// decides everything that chance decides elsewhere: the order of calls, which call fails and how, when a process dies,
// what the operator does.
//
// Each run is a bubble of testing/synctest. Every call of a service waits in scheduler.go until all goroutines are
// blocked; then the scheduler lets one call take effect, and its caller go on. plan.go has what a seed decides before a
// run, faults.go the faults and where they can come about, run.go the phases: with faults, without, and until the queue
// has been replayed. Package judge then checks the promises. reduce.go shortens a history that breaks one, campaign.go
// runs many seeds in a process for each processor.
//
// It is test code, in ordinary files: `make simulate` runs its test binary.
package simulation
