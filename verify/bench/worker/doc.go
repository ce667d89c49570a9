// Command worker runs one contender of `make bench` without the Runtime API. It reads commands from its standard
// input, one a line, and answers each with one line; verify/bench/baselines/python/worker.py is the same in Python.
//
//	answer REQUEST ANSWER  writes the answer to the request in the file REQUEST to the file ANSWER; prints ok
//	run REQUEST N          answers it N times; prints the CPU time in nanoseconds and the allocations of all N together
//
// Its arguments are the contender's name and, for the transform, perhaps the file of an event schema.
//
// For the transform a file may have several requests, one a line, which count as one.
package main
