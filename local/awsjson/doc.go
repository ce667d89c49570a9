// Package awsjson serves requests of AWS JSON 1.1, the protocol of Firehose's and Kinesis' APIs: which operation a
// request is for, its body, and the answer.
package awsjson
