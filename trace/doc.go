// Package trace finds one event in a deployed stack or in the results of a local run: in the lake, the search index,
// the dead-letter queue, the error objects and the copies of records as received. It changes nothing.
package trace
