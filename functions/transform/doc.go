// Package transform is the Lambda function that Firehose calls with a batch of records: it answers for each record
// whether it goes on, changed as package event says, is dropped, or failed.
//
// The request is read in one pass by hand, and the answer is written straight into one buffer: with encoding/json and
// aws-lambda-go's event types most of the time would go there.
package transform
