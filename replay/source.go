package replay

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"regexp"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"firehose-pipeline/errorobject"
	"firehose-pipeline/event"
	"firehose-pipeline/internal/plural"
	"firehose-pipeline/internal/unzip"
)

// objectTime finds the time in the name of an object that Firehose wrote.
var objectTime = regexp.MustCompile(`-(\d{4}-\d\d-\d\d-\d\d-\d\d-\d\d)-[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}[^/]*$`)

// maxUnreadable is how many places without an event are named.
const maxUnreadable = 100

// FromSource reads the lake's records as they were received, from objects under a prefix, and puts their events to a
// stream, one a record. Objects do not record each arrival time, so every object that may hold a record of the range is
// read, and events up to one buffer interval outside it come along. Bytes that are not an event are reported, not sent:
// they already have a dead letter.
func (r *Replay) FromSource(soft, hard context.Context, prefix string, into event.Stream) (Report, error) {
	return r.fromObjects(soft, hard, FromSource, prefix, func(o types.Object, b *recordBatch) error {
		key := aws.ToString(o.Key)
		first, ok := oldestArrival(key)
		if !ok {
			r.logf("%s: not an object that Firehose wrote: its name has no time", key)
			return nil
		}
		if !r.Filter.To.IsZero() && !first.Before(r.Filter.To) {
			return nil
		}
		return r.readSource(soft, hard, key, into, b)
	})
}

func (r *Replay) readSource(soft, hard context.Context, key string, into event.Stream, b *recordBatch) (err error) {
	content, err := r.openObject(hard, Place{Bucket: r.Bucket, Key: key}, 0)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, content.Close()) }()
	plain, err := unzip.Reader(content)
	if err != nil {
		return fmt.Errorf("reading %s: %w", objectURI(r.Bucket, key), err)
	}
	pieces := newPieceReader(plain)
	for {
		if err := r.goOn(soft); err != nil {
			return err
		}
		p, err := pieces.nextPiece()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return fmt.Errorf("reading %s: %w", objectURI(r.Bucket, key), err)
		}
		if p.refused != "" {
			r.tally.changeReport(func(t *Report) {
				t.UnreadableBytes += int64(len(p.data))
				if len(t.Unreadable) < maxUnreadable {
					t.Unreadable = append(t.Unreadable, fmt.Sprintf(
						plural.Of(int64(len(p.data)), "%s: %d byte{|s} at byte %d: %s"), key, len(p.data), p.offset,
						p.refused))
				}
			})
			continue
		}
		record := &Record{Stream: into, Stage: errorobject.Stage(FromSource), anonymous: true, read: true}
		record.Bucket, record.Key, record.VersionID = r.Bucket, key, content.VersionID()
		record.Into = into
		record.Offset, record.End = p.offset, p.offset+int64(len(p.data))
		record.Data = bytes.Clone(p.data)
		record.pieces = []piece{{data: record.Data}}
		switch {
		case r.Journal.isDone(record):
			record.outcome = AlreadyReplayed
		case !r.hasStream(into):
			record.outcome = NoStream
		}
		if err := b.addRecord(record); err != nil {
			return err
		}
	}
}
