package main

import (
	"context"
	"errors"

	"firehose-pipeline/local"
	"firehose-pipeline/local/kinesis"
	"firehose-pipeline/producer"
)

// putToDataStream puts a batch to the data stream, once for all delivery streams, as a producer does: it resends the
// records that were throttled, and all of a call whose response was lost. It returns the records that were rejected for
// good, by their places in the batch.
func (l *localCommand) putToDataStream(ctx context.Context, p *local.Pipeline, b *batch) (map[int]local.PutResult,
	error) {
	refused := map[int]local.PutResult{}
	records, left := make([]kinesis.Record, len(b.records)), make([]int, len(b.records))
	for i, record := range b.records {
		records[i], left[i] = kinesis.Record{PartitionKey: producer.PartitionKey(record), Data: record}, i
	}
	for len(left) > 0 {
		results, err := p.PutEvents(ctx, records)
		if errors.Is(err, kinesis.ErrResponseLost) {
			continue
		}
		if err != nil {
			return nil, err
		}
		again := 0
		for i, r := range results {
			switch r.ErrorCode {
			case "":
			case kinesis.Throttled:
				records[again], left[again] = records[i], left[i]
				again++
			default:
				refused[left[i]] = local.PutResult{ErrorCode: r.ErrorCode, ErrorMessage: r.Message}
			}
		}
		records, left = records[:again], left[:again]
	}
	return refused, nil
}

// putToStreams puts a batch to each delivery stream, as a producer has to without a data stream.
func (l *localCommand) putToStreams(ctx context.Context, p *local.Pipeline, b *batch) (map[int]local.PutResult, error) {
	refused := map[int]local.PutResult{}
	for _, stream := range p.Streams() {
		if len(b.records) == 0 {
			break
		}
		results, err := p.Put(ctx, stream.Name, b.recordsFor(stream.Kind))
		if err != nil {
			return nil, err
		}
		for i, r := range results {
			if r.ErrorCode != "" {
				refused[i] = r
			}
		}
	}
	return refused, nil
}
