package trace

import (
	"context"
	"errors"
	"fmt"

	"firehose-pipeline/contract"
	"firehose-pipeline/deadletter"
	"firehose-pipeline/errorobject"
	"firehose-pipeline/event"
	"firehose-pipeline/internal/printable"
)

// Failures are the error objects of the streams.
type Failures struct {
	Bucket     Bucket
	BucketName string
	Streams    []event.Stream
	MaxObjects int64
	Progress   func(int64)
}

// Look implements [Looker].
func (f Failures) Look(ctx context.Context, q *Query, p *Place) error {
	var prefixes []string
	for _, stream := range f.Streams {
		types := []string{contract.ProcessingFailed, contract.ConversionFailed}
		if stream == event.Search {
			types = []string{contract.ProcessingFailed, contract.SearchFailed}
		}
		for _, kind := range types {
			prefixes = append(prefixes, contract.ErrorPrefix+string(stream)+"/"+kind+"/")
		}
	}
	s := scan{bucket: f.Bucket, maxObjects: f.MaxObjects, progress: f.Progress, read: f.readObject}
	return s.run(ctx, q, p, prefixes...)
}

func (f Failures) readObject(ctx context.Context, q *Query, key string, _ int64) (hits []Hit, err error) {
	source, ok := errorobject.NewSource(contract.ErrorPrefix, f.BucketName, key, "")
	if !ok {
		return nil, nil
	}
	content, err := f.Bucket.Open(ctx, key)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, content.Close()) }()
	for failure, err := range errorobject.NewReader(content).Readable() {
		if err != nil {
			return hits, fmt.Errorf("reading %s: %w", f.Bucket.Address(key), err)
		}
		sent := q.ID.findIn(failure.RawData)
		if sent == nil {
			continue
		}
		m := deadletter.ForRecord(source, failure, q.ID.Keys)
		h := hitOf(&m)
		offset := failure.Offset
		h.Object, h.Offset, h.key, h.at = f.Bucket.Address(key), &offset, key, offset
		h.received, h.EventType = failure.ArrivalTime, q.ID.typeOf(sent)
		hits = append(hits, h)
	}
	return hits, nil
}

// hitOf is the hit of a dead letter for one record.
func hitOf(m *deadletter.Message) Hit {
	h := Hit{Stream: m.Stream, Stage: m.Stage, Reason: m.Reason, Explanation: m.Reason.Explain(), ErrorCode: m.ErrorCode,
		ErrorText: m.ErrorMessage, Index: m.Index, Document: m.DocumentID}
	if m.ReasonOffset != nil {
		h.Explanation += fmt.Sprintf(" (at byte %d)", *m.ReasonOffset)
	}
	h.received = parseTime(m.ArrivalTime)
	if failed := parseTime(m.FailedTime); !failed.IsZero() {
		h.setTime(failed, "failed")
	} else {
		h.setTime(h.received, "received")
	}
	h.ErrorText = shorten(h.ErrorText)
	return h
}

// maxQuoted bounds the quoted text of an error, in characters.
const maxQuoted = 300

func shorten(text string) string {
	characters := []rune(printable.Text(text))
	if len(characters) <= maxQuoted {
		return string(characters)
	}
	return string(characters[:maxQuoted-1]) + "…"
}
