package api

import (
	"context"
	"fmt"

	"firehose-pipeline/internal/jsonscan"
	"firehose-pipeline/local/awsjson"
	"firehose-pipeline/local/firehose"
)

const (
	directPut          = "DirectPut"
	kinesisSource      = "KinesisStreamAsSource"
	serviceUnavailable = "ServiceUnavailableException"
	internalFailure    = "InternalFailure"
	// boto/boto3#2804, awslabs/amazon-kinesis-agent#29
	slowDown             = "Slow down."
	notPermittedOnSource = "This operation is not permitted on %s delivery stream type." // aws/aws-cli#7010
)

type putRecordOutput struct {
	RecordID  string `json:"RecordId"`
	Encrypted bool
}

func (a *API) putRecord(ctx context.Context, body []byte) (any, *awsjson.Error) {
	in, failed := decodeObject(body)
	if failed != nil {
		return nil, failed
	}
	var name *string
	if failed := member(in, "DeliveryStreamName", &name); failed != nil {
		return nil, failed
	}
	var problems violations
	problems.streamName(name, "deliveryStreamName")
	var data []byte
	if m := in.findMember("Record"); m == nil {
		problems.addMissing("record")
	} else {
		if data, _, failed = in.decodeData(m.Start); failed != nil {
			return nil, failed
		}
		problems.checkData(data, "record.data")
	}
	if failed := problems.toError(); failed != nil {
		return nil, failed
	}
	s, results, failed := a.putRecords(ctx, *name, [][]byte{data})
	if failed != nil {
		return nil, failed
	}
	if r := results[0]; r.ErrorCode != "" {
		return nil, awsjson.ServiceFault(r.ErrorCode, r.ErrorMessage)
	}
	return putRecordOutput{results[0].RecordID, s.Encrypted}, nil
}

type putRecordBatchOutput struct {
	FailedPutCount   int
	Encrypted        bool
	RequestResponses []batchResponse
}

type batchResponse struct {
	RecordID     string `json:"RecordId,omitempty"`
	ErrorCode    string `json:",omitempty"`
	ErrorMessage string `json:",omitempty"`
}

func (a *API) putRecordBatch(ctx context.Context, body []byte) (any, *awsjson.Error) {
	in, failed := decodeObject(body)
	if failed != nil {
		return nil, failed
	}
	var name *string
	if failed := member(in, "DeliveryStreamName", &name); failed != nil {
		return nil, failed
	}
	var problems violations
	problems.streamName(name, "deliveryStreamName")
	var data [][]byte
	if m := in.findMember("Records"); m == nil {
		problems.addMissing("records")
	} else if m.Kind != jsonscan.Array {
		return nil, awsjson.SenderFault("SerializationException", "Records: must be an array")
	} else {
		var count int
		if data, count, failed = parseRecords(body, m, &problems); failed != nil {
			return nil, failed
		}
		// AWS prints the whole list as the value.
		if count < 1 {
			problems.addQuoted("[]", "records", "Member must have length greater than or equal to 1")
		} else if count > firehose.MaxBatchRecords {
			problems.addQuoted(fmt.Sprintf("[%d records]", count), "records",
				fmt.Sprintf("Member must have length less than or equal to %d", firehose.MaxBatchRecords))
		}
	}
	if failed := problems.toError(); failed != nil {
		return nil, failed
	}
	size := 0
	for _, record := range data {
		size += len(record)
	}
	if size > firehose.MaxBatchBytes {
		return nil, awsjson.SenderFault("InvalidArgumentException", "Records size exceeds 4 MB limit") // osquery/osquery#3568
	}
	s, results, failed := a.putRecords(ctx, *name, data)
	if failed != nil {
		return nil, failed
	}
	out := putRecordBatchOutput{Encrypted: s.Encrypted, RequestResponses: make([]batchResponse, len(results))}
	for i, r := range results {
		out.RequestResponses[i] = batchResponse(r)
		if r.ErrorCode != "" {
			out.FailedPutCount++
		}
	}
	return out, nil
}

// putRecords forwards the records within the quota, in order, and returns a result for each record.
func (a *API) putRecords(ctx context.Context, name string, records [][]byte) (*stream, []Result, *awsjson.Error) {
	s, failed := a.findStream(name)
	if failed != nil {
		return nil, nil, failed
	}
	if s.Type != directPut {
		return nil, nil, awsjson.SenderFault("InvalidArgumentException", notPermittedOnSource, s.Type)
	}
	taken, ok := s.throttle.takeTokens(records)
	if !ok {
		return nil, nil, awsjson.ServiceFault(serviceUnavailable, slowDown)
	}
	results, err := a.options.Put(ctx, name, records[:taken])
	if err != nil {
		return nil, nil, awsjson.ServiceFault(internalFailure, err.Error())
	}
	if len(results) != taken {
		return nil, nil, awsjson.ServiceFault(internalFailure, fmt.Sprintf("%d results for %d records", len(results), taken))
	}
	for range records[taken:] {
		results = append(results, Result{ErrorCode: serviceUnavailable, ErrorMessage: slowDown})
	}
	return s, results, nil
}
