package trace

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/parquet-go/parquet-go"

	"firehose-pipeline/contract"
	"firehose-pipeline/internal/parquetrows"
)

// LakeObjects are the objects of the lake, read one by one: Parquet, or JSON. Only Athena reads ORC.
type LakeObjects struct {
	Bucket     Bucket
	MaxObjects int64
	Progress   func(int64)
}

// maxParquet bounds an object that is read as a whole, in bytes: Firehose's largest buffer is 128 MiB.
const maxParquet = 256 << 20

// Look implements [Looker].
func (l LakeObjects) Look(ctx context.Context, q *Query, p *Place) error {
	if q.ID.Hashed {
		return errHashed
	}
	if !q.ID.isStorable() {
		p.Means, p.Complete = "objects", true
		return nil
	}
	s := scan{bucket: l.Bucket, maxObjects: l.MaxObjects, progress: l.Progress, read: l.readObject}
	return s.run(ctx, q, p, contract.DataPrefix)
}

// errHashed: the id in the stores is an HMAC, whose key only the transform may read.
var errHashed = &DeniedError{"the event schema hashes the event's id (x-protect): the stores do not have it"}

func (l LakeObjects) readObject(ctx context.Context, q *Query, key string, size int64) (hits []Hit, err error) {
	address := l.Bucket.Address(key)
	switch {
	case strings.HasSuffix(key, ".orc"):
		return nil, &DeniedError{"the lake's objects are ORC, which only Athena reads: name its workgroup (output " +
			"AthenaWorkGroup, --work-group)"}
	case !strings.HasSuffix(key, ".parquet"):
		copies := Copies{Bucket: l.Bucket}
		hits, err := copies.readObject(ctx, q, key, size)
		return hits, err
	case size > maxParquet:
		return nil, fmt.Errorf("%s: must have at most %d bytes (got %d)", address, maxParquet, size)
	}
	content, err := l.Bucket.Open(ctx, key)
	if err != nil {
		return nil, err
	}
	data, err := io.ReadAll(io.LimitReader(content, maxParquet))
	if err = errors.Join(err, content.Close()); err != nil {
		return nil, fmt.Errorf("reading %s: %w", address, err)
	}
	file, err := parquet.OpenFile(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", address, err)
	}
	found, err := parquetrows.Find(file, q.ID.Columns, []string{q.ID.Text}, MaxHits)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", address, err)
	}
	for _, row := range found {
		h := Hit{Object: address, Row: row.Number}
		if processed, ok := row.Values[q.ID.ProcessedAt].(string); ok {
			h.setTime(parseTime(processed), "processed")
		}
		if h.Time == nil {
			h.setTime(timeOfObject(key), "objectBegan")
		}
		hits = append(hits, h)
	}
	return hits, nil
}
