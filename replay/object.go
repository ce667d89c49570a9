package replay

import (
	"context"
	"errors"
	"fmt"
	"io"

	"firehose-pipeline/deadletter"
	"firehose-pipeline/errorobject"
	"firehose-pipeline/internal/s3read"
)

// openObject requests an object from an offset on.
func (r *Replay) openObject(ctx context.Context, p Place, offset int64) (*s3read.Body, error) {
	place := s3read.Place{Bucket: p.Bucket, Key: p.Key, VersionID: p.VersionID, Offset: offset}
	body, err := s3read.Open(ctx, r.Objects, place, r.currentClock().Pause)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", objectURI(p.Bucket, p.Key), err)
	}
	return body, nil
}

// eachDocument calls do with each failed record in a range of an error object; end 0 is the object's. Data is valid
// during the call. Unreadable parts are skipped, and counted.
func (r *Replay) eachDocument(ctx context.Context, source errorobject.Source, encoding string, from, end int64,
	do func(*Record) error) (unreadable int64, err error) {
	p := Place{Bucket: source.Bucket, Key: source.Key, VersionID: source.VersionID}
	start := from
	if encoding == "gzip" {
		start = 0 // offsets are of the unzipped content
	}
	content, err := r.openObject(ctx, p, start)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, content.Close()) }()
	p.VersionID = content.VersionID() // which dead letters name
	reader := errorobject.NewReader(content)
	for {
		failure, err := reader.Next()
		var broken *errorobject.UnreadableError
		switch {
		case err == io.EOF:
			return unreadable, nil
		case errors.As(err, &broken):
			if end > 0 && start+broken.Offset >= end {
				return unreadable, nil
			}
			unreadable++
			continue
		case err != nil:
			return unreadable, err
		}
		if at := start + failure.Offset; end > 0 && at >= end {
			return unreadable, nil
		} else if at < from {
			continue
		}
		letter := deadletter.ForRecord(source, failure, r.EventID)
		record := &Record{Place: p, Stream: letter.Stream, Stage: letter.Stage, Reason: letter.Reason,
			Arrival: failure.ArrivalTime,
			EventID: letter.EventID, Code: letter.ErrorCode, Text: letter.ErrorMessage,
			ReasonOffset: letter.ReasonOffset, Data: failure.RawData, read: true}
		record.Offset, record.End = start+failure.Offset, start+failure.Offset+failure.Length
		if record.Arrival.IsZero() {
			record.Arrival = failure.FailedTime
		}
		if err := do(record); err != nil {
			return unreadable, err
		}
	}
}
