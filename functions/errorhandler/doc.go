// Package errorhandler is the Lambda function that turns Firehose's error objects into dead letters: an S3 notification
// comes in, the object is read as a stream, and each failed record leaves as one SQS message that names the reason
// (formats: package deadletter).
//
// Nothing is lost: whatever the handler cannot do, or not in time, fails the invocation after the other objects of the
// event have been done; Lambda tries it twice more and then puts the event itself into the same queue (on-failure
// destination). A second run, also after one that died half way, sends the same dead letters with the same ids.
package errorhandler
