package api

import (
	"context"
	"encoding/base64"
	"fmt"
	"time"

	"firehose-pipeline/local/awsjson"
	"firehose-pipeline/local/kinesis"
)

// iteratorLife is how long an iterator is valid (API reference, GetShardIterator).
const iteratorLife = 5 * time.Minute

func (a *API) now() time.Time {
	if a.Now == nil {
		return time.Now()
	}
	return a.Now()
}

// iterator is a place in a shard, and when it was made.
func (a *API) iterator(shard kinesis.ShardID, position int64) string {
	return base64.StdEncoding.EncodeToString(fmt.Appendf(nil, "%d %d %d", shard, position, a.now().UnixMilli()))
}

func (a *API) parseIterator(text string) (shard kinesis.ShardID, position int64, failed *awsjson.Error) {
	plain, err := base64.StdEncoding.DecodeString(text)
	var made int64
	if err == nil {
		_, err = fmt.Sscanf(string(plain), "%d %d %d", &shard, &position, &made)
	}
	if err != nil {
		return 0, 0, awsjson.SenderFault("InvalidArgumentException", "Invalid ShardIterator.")
	}
	if a.now().Sub(time.UnixMilli(made)) > iteratorLife {
		return 0, 0, awsjson.SenderFault("ExpiredIteratorException", "Iterator expired: it was made over 5 minutes ago.")
	}
	return shard, position, nil
}

func (a *API) getShardIterator(_ context.Context, decode decoder) (any, *awsjson.Error) {
	var in struct {
		streamRef
		ShardId                *string
		ShardIteratorType      *string
		StartingSequenceNumber *string
		Timestamp              *requestTime
	}
	if failed := decode(&in); failed != nil {
		return nil, failed
	}
	if failed := a.checkStream(in.streamRef); failed != nil {
		return nil, failed
	}
	switch {
	case in.ShardId == nil:
		return nil, missing("shardId")
	case in.ShardIteratorType == nil:
		return nil, missing("shardIteratorType")
	}
	place := kinesis.Place(*in.ShardIteratorType)
	var number int64
	var at time.Time
	switch place {
	case kinesis.AtSequence, kinesis.AfterSequence:
		if in.StartingSequenceNumber == nil {
			return nil, awsjson.SenderFault("InvalidArgumentException", "StartingSequenceNumber must be given with %s", place)
		}
		var ok bool
		if number, ok = kinesis.ParseSequence(*in.StartingSequenceNumber); !ok {
			return nil, awsjson.SenderFault("InvalidArgumentException", "StartingSequenceNumber: must be one of this stream (got "+
				"%s)", *in.StartingSequenceNumber)
		}
	case kinesis.AtTime:
		if in.Timestamp == nil {
			return nil, awsjson.SenderFault("InvalidArgumentException", "Timestamp must be given with %s", place)
		}
		at = time.Time(*in.Timestamp)
	case kinesis.TrimHorizon, kinesis.Latest:
	default:
		return nil, violation(string(place), "shardIteratorType", "Member must satisfy enum value set: "+
			"[AFTER_SEQUENCE_NUMBER, LATEST, AT_TIMESTAMP, AT_SEQUENCE_NUMBER, TRIM_HORIZON]")
	}
	shard, ok := kinesis.ParseShardID(*in.ShardId)
	position, found := int64(0), false
	if ok {
		position, found = a.Stream.Find(shard, place, number, at)
	}
	if !found {
		return nil, awsjson.SenderFault("ResourceNotFoundException", "Shard %s in stream %s under account %s does not exist",
			*in.ShardId, a.Stream.Options().Name, a.Stream.Options().AccountID)
	}
	return struct{ ShardIterator string }{a.iterator(shard, position)}, nil
}

type recordOutput struct {
	SequenceNumber              string
	ApproximateArrivalTimestamp timestamp
	Data                        []byte
	PartitionKey                string
	EncryptionType              string
}

func (a *API) getRecords(_ context.Context, decode decoder) (any, *awsjson.Error) {
	var in struct {
		ShardIterator *string
		Limit         *int
	}
	if failed := decode(&in); failed != nil {
		return nil, failed
	}
	if in.ShardIterator == nil {
		return nil, missing("shardIterator")
	}
	limit := kinesis.MaxPageRecords
	if in.Limit != nil {
		var failed *awsjson.Error
		if limit, failed = checkLimit(in.Limit, kinesis.MaxPageRecords); failed != nil {
			return nil, failed
		}
	}
	shard, position, failed := a.parseIterator(*in.ShardIterator)
	if failed != nil {
		return nil, failed
	}
	page, ok := a.Stream.Get(shard, position, limit)
	if !ok {
		return nil, awsjson.SenderFault("InvalidArgumentException", "Invalid ShardIterator.")
	}
	out := struct {
		Records            []recordOutput
		NextShardIterator  *string
		MillisBehindLatest int64
		ChildShards        []childShard `json:",omitempty"`
	}{Records: []recordOutput{}, MillisBehindLatest: page.Behind.Milliseconds()}
	for _, r := range page.Records {
		out.Records = append(out.Records, recordOutput{sequence(r.Number), timestamp(time.Unix(0, r.Arrival)), r.Data,
			r.PartitionKey, a.encryption()})
	}
	if page.Ended {
		out.ChildShards = a.childrenOf(shard)
		return out, nil
	}
	next := a.iterator(shard, page.Next)
	out.NextShardIterator = &next
	return out, nil
}

type childShard struct {
	ShardId      string
	ParentShards []string
	HashKeyRange hashKeyRange
}

func (a *API) childrenOf(parent kinesis.ShardID) (children []childShard) {
	for _, s := range a.Stream.Shards() {
		if s.Parent == parent {
			children = append(children, childShard{s.ID.String(), []string{parent.String()},
				hashKeyRange{s.First.String(), s.Last.String()}})
		}
	}
	return children
}
