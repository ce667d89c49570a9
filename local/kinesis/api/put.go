package api

import (
	"context"
	"fmt"
	"strings"
	"unicode/utf8"

	"firehose-pipeline/local/awsjson"
	"firehose-pipeline/local/kinesis"
)

// streamRef names the stream: by name, by ARN or both.
type streamRef struct {
	StreamName *string
	StreamARN  *string
}

// checkStream reports an error when the reference is to no stream of this endpoint.
func (a *API) checkStream(ref streamRef) *awsjson.Error {
	o := a.Stream.Options()
	if ref.StreamName == nil && ref.StreamARN == nil {
		return awsjson.SenderFault("InvalidArgumentException", "StreamName or StreamARN must be given")
	}
	if ref.StreamName != nil && *ref.StreamName != o.Name {
		if n := *ref.StreamName; n == "" || len(n) > 128 || strings.Trim(n, nameCharacters) != "" {
			return violation(n, "streamName", "Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+")
		}
		return a.notFound(*ref.StreamName)
	}
	if ref.StreamARN != nil && *ref.StreamARN != o.ARN {
		return a.notFound(*ref.StreamARN)
	}
	return nil
}

const nameCharacters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-"

func (a *API) notFound(name string) *awsjson.Error {
	return awsjson.SenderFault("ResourceNotFoundException", "Stream %s under account %s not found.", name,
		a.Stream.Options().AccountID)
}

// violation is a constraint of the service model that a value does not meet.
func violation(value, path, constraint string) *awsjson.Error {
	return awsjson.SenderFault("ValidationException",
		"1 validation error detected: Value '%s' at '%s' failed to satisfy constraint: %s", value, path, constraint)
}

func missing(path string) *awsjson.Error {
	return awsjson.SenderFault("ValidationException", "1 validation error detected: Value null at '%s' failed to satisfy "+
		"constraint: Member must not be null", path)
}

type putEntry struct {
	Data            *[]byte
	PartitionKey    *string
	ExplicitHashKey *string
}

// toRecord checks an entry. A partition key is required, because records are distributed by it.
func (e putEntry) toRecord(path string) (r kinesis.Record, failed *awsjson.Error) {
	switch {
	case e.Data == nil:
		return r, missing(path + "data")
	case e.PartitionKey == nil:
		return r, missing(path + "partitionKey")
	case *e.PartitionKey == "":
		return r, violation("", path+"partitionKey", "Member must have length greater than or equal to 1")
	case utf8.RuneCountInString(*e.PartitionKey) > kinesis.MaxKeyLength:
		return r, violation(*e.PartitionKey, path+"partitionKey",
			fmt.Sprintf("Member must have length less than or equal to %d", kinesis.MaxKeyLength))
	case len(*e.Data)+len(*e.PartitionKey) > kinesis.MaxRecordBytes:
		// The model of the API allows 10 MiB; the text of the error for a stream's own limit is not documented.
		return r, awsjson.SenderFault("InvalidArgumentException", "%sdata and partition key: must be at most %d bytes (got %d)",
			path, kinesis.MaxRecordBytes, len(*e.Data)+len(*e.PartitionKey))
	}
	r = kinesis.Record{PartitionKey: *e.PartitionKey, Data: *e.Data}
	if e.ExplicitHashKey != nil {
		h, err := kinesis.ParseHash(*e.ExplicitHashKey)
		if err != nil {
			return r, awsjson.SenderFault("InvalidArgumentException", "%s%v", path, err)
		}
		r.Hash = &h
	}
	return r, nil
}

type putRecordOutput struct {
	ShardId, SequenceNumber, EncryptionType string
}

func (a *API) encryption() string {
	if a.Stream.Options().Encrypted {
		return "KMS"
	}
	return "NONE"
}

func (a *API) putRecord(ctx context.Context, decode decoder) (any, *awsjson.Error) {
	var in struct {
		streamRef
		putEntry
		SequenceNumberForOrdering *string // records are in the order of their puts in any case
	}
	if failed := decode(&in); failed != nil {
		return nil, failed
	}
	record, failed := in.toRecord("")
	if failed == nil {
		failed = a.checkStream(in.streamRef)
	}
	if failed != nil {
		return nil, failed
	}
	results, failed := a.putAll(ctx, []kinesis.Record{record})
	if failed != nil {
		return nil, failed
	}
	r := results[0]
	if r.ErrorCode != "" {
		return nil, awsjson.SenderFault(r.ErrorCode, "%s", r.Message)
	}
	return putRecordOutput{r.Shard.String(), sequence(r.Number), a.encryption()}, nil
}

func sequence(number int64) string { return string(kinesis.AppendSequence(nil, number)) }

type putRecordsOutput struct {
	FailedRecordCount int
	EncryptionType    string
	Records           []putResult
}

type putResult struct {
	SequenceNumber string `json:",omitempty"`
	ShardId        string `json:",omitempty"`
	ErrorCode      string `json:",omitempty"`
	ErrorMessage   string `json:",omitempty"`
}

func (a *API) putRecords(ctx context.Context, decode decoder) (any, *awsjson.Error) {
	var in struct {
		streamRef
		Records []putEntry
	}
	if failed := decode(&in); failed != nil {
		return nil, failed
	}
	switch n := len(in.Records); {
	case in.Records == nil:
		return nil, missing("records")
	case n == 0:
		return nil, violation("[]", "records", "Member must have length greater than or equal to 1")
	case n > kinesis.MaxBatchRecords:
		return nil, violation(fmt.Sprintf("[%d records]", n), "records",
			fmt.Sprintf("Member must have length less than or equal to %d", kinesis.MaxBatchRecords))
	}
	records := make([]kinesis.Record, len(in.Records))
	size := 0
	for i, entry := range in.Records {
		var failed *awsjson.Error
		if records[i], failed = entry.toRecord(fmt.Sprintf("records.%d.member.", i+1)); failed != nil {
			return nil, failed
		}
		size += len(records[i].Data) + len(records[i].PartitionKey)
	}
	if size > kinesis.MaxBatchBytes {
		return nil, awsjson.SenderFault("InvalidArgumentException", "Records size exceeds 10 MB limit")
	}
	if failed := a.checkStream(in.streamRef); failed != nil {
		return nil, failed
	}
	results, failed := a.putAll(ctx, records)
	if failed != nil {
		return nil, failed
	}
	out := putRecordsOutput{EncryptionType: a.encryption(), Records: make([]putResult, len(results))}
	for i, r := range results {
		if r.ErrorCode != "" {
			out.FailedRecordCount++
			out.Records[i] = putResult{ErrorCode: r.ErrorCode, ErrorMessage: r.Message}
			continue
		}
		out.Records[i] = putResult{SequenceNumber: sequence(r.Number), ShardId: r.Shard.String()}
	}
	return out, nil
}
