// Package sqs serves the SQS API on loopback: standard queues, kept in memory, spoken to in the AWS JSON 1.0 protocol
// as current SDKs and the AWS CLI do. The query protocol of older clients is answered with an error that says so.
//
// The limits are SQS's: ten entries and 1 MiB a batch, 1 MiB a message with its attributes, characters that XML 1.0
// knows, ten message attributes, 120,000 messages in flight. The errors have the API's names and messages, and in a
// batch an entry fails alone where it does there.
//
// Not modelled: permissions (any credentials will do), encryption, retention, redrive, FIFO queues, and the
// reordering and duplication that SQS reserves for itself: messages come once and in order of sending, unless their
// visibility timeout passes.
package sqs
