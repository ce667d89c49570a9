// Package lambda runs a Lambda function's real binary on this machine, as Lambda does: each execution environment is a
// separate process that fetches its events from the Lambda Runtime API, here served on loopback.
//
// Modelled, after the Lambda Developer Guide and the behaviour of the managed service:
//
//   - environments are reused while warm and take one event at a time; up to [Config.Concurrency] exist at once, and
//     an invocation beyond that waits (Lambda would throttle it with 429);
//   - the init phase ends with the runtime's first request for an event and may take 10 seconds; when it fails,
//     Lambda runs it once more as part of the first invocation, within the function's timeout;
//   - an invocation ends when the runtime asks for the next event, not when it has answered;
//   - a timeout, a crash and an excess of memory end the process, are reported in Lambda's words, and make the next
//     invocation a cold start; an error that the handler returns does not;
//   - on request an invocation goes wrong in one of these ways, on the real process: see [Fault];
//   - 6 MB at most for the event and for the answer: an answer beyond is rejected with 413 (aws-lambda-go then
//     exits);
//   - the process sees the environment variables that Lambda sets and those of the function, and nothing of the
//     caller's.
//
// Not modelled: CPU in proportion to memory, freezing between invocations, the recycling of idle environments,
// extensions, response streaming, and a read-only file system. GOMEMLIMIT and GOMAXPROCS are not set, as on Lambda.
// Memory is watched on Linux only: the resident set of the function's process is sampled every 10 ms while it works, so
// that a process can be over its limit for that long before it is killed.
package lambda
