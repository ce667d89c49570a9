package api

import (
	"context"

	"firehose-pipeline/local/awsjson"
	"firehose-pipeline/local/kinesis"
)

type hashKeyRange struct{ StartingHashKey, EndingHashKey string }

type sequenceRange struct {
	StartingSequenceNumber string
	EndingSequenceNumber   string `json:",omitempty"`
}

type shardOutput struct {
	ShardId             string
	ParentShardId       string `json:",omitempty"`
	HashKeyRange        hashKeyRange
	SequenceNumberRange sequenceRange
}

func describeShard(s kinesis.Shard) shardOutput {
	out := shardOutput{ShardId: s.ID.String(), HashKeyRange: hashKeyRange{s.First.String(), s.Last.String()},
		SequenceNumberRange: sequenceRange{StartingSequenceNumber: sequence(s.Begin)}}
	if s.Parent >= 0 {
		out.ParentShardId = s.Parent.String()
	}
	if s.Closed {
		out.SequenceNumberRange.EndingSequenceNumber = sequence(s.End)
	}
	return out
}

// shardsAfter returns the shards behind an id, at most so many, and whether there are more.
func (a *API) shardsAfter(after *string, most int, keep func(kinesis.Shard) bool) ([]shardOutput, bool, *awsjson.Error) {
	first := kinesis.ShardID(-1)
	if after != nil {
		id, ok := kinesis.ParseShardID(*after)
		if !ok {
			return nil, false, awsjson.SenderFault("InvalidArgumentException", "shard id: must be that of a shard (got %s)",
				*after)
		}
		first = id
	}
	shards := []shardOutput{}
	for _, s := range a.Stream.Shards() {
		if s.ID <= first || keep != nil && !keep(s) {
			continue
		}
		if len(shards) == most {
			return shards, true, nil
		}
		shards = append(shards, describeShard(s))
	}
	return shards, false, nil
}

// checkLimit checks how many shards are asked for.
func checkLimit(limit *int, most int) (int, *awsjson.Error) {
	switch {
	case limit == nil:
		return min(most, 1000), nil
	case *limit < 1 || *limit > most:
		return 0, awsjson.SenderFault("ValidationException", "1 validation error detected: Value '%d' at 'limit' failed to "+
			"satisfy constraint: Member must have value from 1 to %d", *limit, most)
	}
	return *limit, nil
}

type streamMode struct{ StreamMode string }

type metrics struct{ ShardLevelMetrics []string }

// description has the members that DescribeStream and DescribeStreamSummary share.
type description struct {
	StreamName              string
	StreamARN               string
	StreamStatus            string
	StreamModeDetails       streamMode
	RetentionPeriodHours    int
	StreamCreationTimestamp timestamp
	EnhancedMonitoring      []metrics
	EncryptionType          string
}

func (a *API) description() description {
	o := a.Stream.Options()
	return description{StreamName: o.Name, StreamARN: o.ARN, StreamStatus: "ACTIVE",
		StreamModeDetails: streamMode{"ON_DEMAND"}, RetentionPeriodHours: int(o.Retention.Hours()),
		StreamCreationTimestamp: timestamp(o.Created), EnhancedMonitoring: []metrics{{[]string{}}},
		EncryptionType: a.encryption()}
}

func (a *API) describeStream(_ context.Context, decode decoder) (any, *awsjson.Error) {
	var in struct {
		streamRef
		Limit                 *int
		ExclusiveStartShardId *string
	}
	if failed := decode(&in); failed != nil {
		return nil, failed
	}
	most, failed := checkLimit(in.Limit, 10_000)
	if failed == nil {
		failed = a.checkStream(in.streamRef)
	}
	if failed != nil {
		return nil, failed
	}
	shards, more, failed := a.shardsAfter(in.ExclusiveStartShardId, most, nil)
	if failed != nil {
		return nil, failed
	}
	return struct{ StreamDescription any }{struct {
		description
		Shards        []shardOutput
		HasMoreShards bool
	}{a.description(), shards, more}}, nil
}

func (a *API) describeSummary(_ context.Context, decode decoder) (any, *awsjson.Error) {
	var in streamRef
	if failed := decode(&in); failed != nil {
		return nil, failed
	}
	if failed := a.checkStream(in); failed != nil {
		return nil, failed
	}
	return struct{ StreamDescriptionSummary any }{struct {
		description
		OpenShardCount, ConsumerCount, MaxRecordSizeInKiB int
	}{a.description(), len(a.Stream.OpenShards()), 0, kinesis.MaxRecordBytes >> 10}}, nil
}

func (a *API) listShards(_ context.Context, decode decoder) (any, *awsjson.Error) {
	var in struct {
		streamRef
		NextToken             *string
		ExclusiveStartShardId *string
		MaxResults            *int
		ShardFilter           *struct {
			Type    string
			ShardId *string
		}
	}
	if failed := decode(&in); failed != nil {
		return nil, failed
	}
	most, failed := checkLimit(in.MaxResults, 10_000)
	if failed != nil {
		return nil, failed
	}
	after := in.ExclusiveStartShardId
	switch {
	case in.NextToken != nil && (in.StreamName != nil || after != nil):
		return nil, awsjson.SenderFault("InvalidArgumentException",
			"NextToken must not be given with StreamName or ExclusiveStartShardId")
	case in.NextToken != nil:
		after = in.NextToken // here the id of the last shard
	default:
		if failed := a.checkStream(in.streamRef); failed != nil {
			return nil, failed
		}
	}
	var keep func(kinesis.Shard) bool
	if f := in.ShardFilter; f != nil {
		switch f.Type {
		case "AT_LATEST":
			keep = func(s kinesis.Shard) bool { return !s.Closed }
		case "AFTER_SHARD_ID":
			if after = f.ShardId; after == nil {
				return nil, missing("shardFilter.shardId")
			}
		case "FROM_TRIM_HORIZON", "AT_TRIM_HORIZON", "FROM_TIMESTAMP", "AT_TIMESTAMP":
			// all: a run is shorter than any retention
		default:
			return nil, violation(f.Type, "shardFilter.type", "Member must satisfy enum value set: [AFTER_SHARD_ID, "+
				"AT_TRIM_HORIZON, FROM_TRIM_HORIZON, AT_LATEST, AT_TIMESTAMP, FROM_TIMESTAMP]")
		}
	}
	shards, more, failed := a.shardsAfter(after, most, keep)
	if failed != nil {
		return nil, failed
	}
	out := struct {
		Shards    []shardOutput
		NextToken string `json:",omitempty"`
	}{Shards: shards}
	if more {
		out.NextToken = shards[len(shards)-1].ShardId
	}
	return out, nil
}

func (a *API) listStreams(_ context.Context, decode decoder) (any, *awsjson.Error) {
	var in struct{ ExclusiveStartStreamName *string }
	if failed := decode(&in); failed != nil {
		return nil, failed
	}
	type summary struct {
		StreamName, StreamARN, StreamStatus string
		StreamModeDetails                   streamMode
		StreamCreationTimestamp             timestamp
	}
	out := struct {
		StreamNames     []string
		HasMoreStreams  bool
		StreamSummaries []summary
	}{StreamNames: []string{}, StreamSummaries: []summary{}}
	if d := a.description(); in.ExclusiveStartStreamName == nil || *in.ExclusiveStartStreamName < d.StreamName {
		out.StreamNames = append(out.StreamNames, d.StreamName)
		out.StreamSummaries = append(out.StreamSummaries, summary{d.StreamName, d.StreamARN, d.StreamStatus,
			d.StreamModeDetails, d.StreamCreationTimestamp})
	}
	return out, nil
}
