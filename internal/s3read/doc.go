// Package s3read reads an object of S3 over connections that break, stall or end early: the SDK retries only the
// request, not the reading of the answer.
package s3read
