// Command ingestion measures the CPU time that a local run needs for each event with ingestion kinesis, against direct.
//
//	go run ./verify/ingestion
//
// The two take turns on the same events, so that other load of the machine meets both. It prints the ratio of each
// round and their median, and fails above the limit.
package main
