// Package endpoint serves the APIs of the local model on one address: Firehose, S3, SQS, and the part of CloudFormation
// that names the stack's outputs.
package endpoint
