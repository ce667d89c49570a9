package trace

import (
	"context"
	"errors"
	"fmt"
	"io"

	"firehose-pipeline/event"
	"firehose-pipeline/internal/unzip"
	"firehose-pipeline/replay"
)

// Copies are records as received, under source-data/ or search-backup/.
type Copies struct {
	Bucket Bucket
	Prefix string
	Stream event.Stream
	// Off is the reason when there is no object under the prefix at all.
	Off        string
	MaxObjects int64
	Progress   func(int64)
}

// Look implements [Looker].
func (c Copies) Look(ctx context.Context, q *Query, p *Place) error {
	some := false
	err := c.Bucket.List(ctx, c.Prefix, "", func(string, int64) error { some = true; return errEnough })
	if err != nil && !errors.Is(err, errEnough) {
		return err
	}
	if !some {
		return &DeniedError{c.Off}
	}
	s := scan{bucket: c.Bucket, maxObjects: c.MaxObjects, progress: c.Progress, read: c.readObject}
	return s.run(ctx, q, p, c.Prefix)
}

func (c Copies) readObject(ctx context.Context, q *Query, key string, _ int64) (hits []Hit, err error) {
	content, err := c.Bucket.Open(ctx, key)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, content.Close()) }()
	plain, err := unzip.Reader(content)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", c.Bucket.Address(key), err)
	}
	events := replay.NewEventReader(plain)
	for {
		sent, offset, err := events.Next()
		if err == io.EOF {
			return hits, nil
		}
		if err != nil {
			return hits, fmt.Errorf("reading %s: %w", c.Bucket.Address(key), err)
		}
		if !q.ID.matches(sent) {
			continue
		}
		h := Hit{Object: c.Bucket.Address(key), Row: events.Line(offset), Offset: &offset, Stream: c.Stream,
			EventType: q.ID.typeOf(sent)}
		h.setTime(timeOfObject(key), "objectBegan")
		hits = append(hits, h)
	}
}
