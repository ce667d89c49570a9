// Package functiontest runs the functions' real binaries, built for this machine as they are built for the stack,
// through Lambda's Runtime API.
package functiontest
