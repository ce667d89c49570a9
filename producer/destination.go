package producer

import (
	"context"
	"encoding/hex"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/service/firehose"
	"github.com/aws/aws-sdk-go-v2/service/firehose/types"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	kinesistypes "github.com/aws/aws-sdk-go-v2/service/kinesis/types"
	smithymiddleware "github.com/aws/smithy-go/middleware"

	"firehose-pipeline/contract"
	"firehose-pipeline/event"
)

// FirehosePutter puts records to a delivery stream. Its client must not retry by itself: [Stream] does, and counts.
type FirehosePutter interface {
	PutRecordBatch(context.Context, *firehose.PutRecordBatchInput,
		...func(*firehose.Options)) (*firehose.PutRecordBatchOutput, error)
}

// KinesisPutter puts records to a data stream. Its client must not retry by itself either.
type KinesisPutter interface {
	PutRecords(context.Context, *kinesis.PutRecordsInput, ...func(*kinesis.Options)) (*kinesis.PutRecordsOutput, error)
}

// recordResult is the answer for one record: nil for one that was accepted.
type recordResult struct{ code, message *string }

// putOnce makes one call with records, and returns a result for each and the service's own time, zero when it says none.
func (s *Stream) putOnce(ctx context.Context, records [][]byte) ([]recordResult, time.Time, error) {
	if s.Kinesis != nil {
		return s.putToKinesis(ctx, records)
	}
	input := &firehose.PutRecordBatchInput{DeliveryStreamName: &s.Name, Records: make([]types.Record, len(records))}
	for i, record := range records {
		input.Records[i].Data = record
	}
	output, err := s.Client.PutRecordBatch(ctx, input)
	if err != nil {
		return nil, time.Time{}, err
	}
	results := make([]recordResult, len(output.RequestResponses))
	for i, r := range output.RequestResponses {
		results[i] = recordResult{r.ErrorCode, r.ErrorMessage}
	}
	return results, serverTime(output.ResultMetadata), nil
}

func (s *Stream) putToKinesis(ctx context.Context, records [][]byte) ([]recordResult, time.Time, error) {
	input := &kinesis.PutRecordsInput{StreamName: &s.Name,
		Records: make([]kinesistypes.PutRecordsRequestEntry, len(records))}
	keyOf := s.Key
	if keyOf == nil {
		keyOf = PartitionKey
	}
	for i, record := range records {
		key := keyOf(record)
		input.Records[i] = kinesistypes.PutRecordsRequestEntry{Data: record, PartitionKey: &key}
	}
	output, err := s.Kinesis.PutRecords(ctx, input)
	if err != nil {
		return nil, time.Time{}, err
	}
	results := make([]recordResult, len(output.Records))
	for i, r := range output.Records {
		results[i] = recordResult{r.ErrorCode, r.ErrorMessage}
	}
	return results, serverTime(output.ResultMetadata), nil
}

func serverTime(metadata smithymiddleware.Metadata) time.Time {
	at, _ := middleware.GetServerTime(metadata)
	return at
}

// PartitionKey returns a partition key for a record: a hash of its content, 16 hexadecimal digits. Records spread over
// all shards, and one that is sent again goes to the same shard.
func PartitionKey(record []byte) string {
	h := fnv.New64a()
	h.Write(record)
	return hex.EncodeToString(h.Sum(nil))
}

// ReplayKey returns the function that makes partition keys of records for one store only: the transform of the other
// store drops them. The random rest spreads them over all shards.
func ReplayKey(store event.Stream) func([]byte) string {
	begin := contract.ReplayKey(string(store))
	return func([]byte) string { return fmt.Sprintf("%s%016x", begin, rand.Uint64()) }
}

// billedBytes returns the bytes that a record is billed as.
func (s *Stream) billedBytes(record []byte) int64 {
	if s.Kinesis != nil {
		return max(1, (int64(len(record))+KinesisBilledBytes-1)/KinesisBilledBytes) * KinesisBilledBytes
	}
	return Billed(len(record))
}

// KinesisBilledBytes: a data stream on demand rounds each record up to it when it bills the data written (Kinesis
// Data Streams pricing: 1 KB). The delivery streams that read it bill as for records put to them.
const KinesisBilledBytes = 1 << 10
