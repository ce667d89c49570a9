// Package api serves the API of Kinesis Data Streams for one data stream: puts, descriptions of the stream and reading.
// Clients speak AWS JSON 1.1 (AWS CLI, boto3, the SDK for Go) or the same calls in CBOR (the SDK for Java).
//
// Limits and errors are those of the API reference. Rights and signatures are not checked.
// https://docs.aws.amazon.com/kinesis/latest/APIReference/Welcome.html
package api
