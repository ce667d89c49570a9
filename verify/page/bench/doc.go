// Command bench measures the CPU time of a run of 100,000 events with its page, as a ratio to a run without: medians of
// runs in turn, each with all its processes.
package main
