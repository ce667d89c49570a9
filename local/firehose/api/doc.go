// Package api serves the part of the Firehose API that producers use, over HTTP, in front of something that takes the
// records: PutRecord, PutRecordBatch, DescribeDeliveryStream and ListDeliveryStreams in the AWS JSON 1.1 protocol, so
// that SDKs and the AWS CLI work with an endpoint URL.
//
// Limits, constraints, error names and HTTP statuses are those of the API reference and the service model that SDKs
// ship (2015-08-04). Where that leaves a text open, it is the one seen in public issues; see the comment at each.
//
// Not modelled: signatures and permissions (any credentials will do), the operations that change a stream, the quota of
// five control plane calls a second, KMS faults.
package api
