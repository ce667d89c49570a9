// Package results owns the folder of results of a local run: where everything is in it, the lock that keeps two runs
// apart, and the mark of results that are not complete.
package results
