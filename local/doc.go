// Package local runs the whole pipeline on one machine: the delivery streams of the template, the functions' real
// binaries, S3 and its notifications, and the dead-letter queue.
package local
