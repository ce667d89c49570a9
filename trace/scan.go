package trace

import (
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"sync"
)

const (
	// readers is how many objects are read at once.
	readers = 4
	// maxListed bounds the objects that are listed under one prefix: 100 requests.
	maxListed = 100_000
)

// scan reads the objects of a window under prefixes, the newest first.
type scan struct {
	bucket     Bucket
	maxObjects int64 // to read; 0: all
	progress   func(int64)
	// read returns the hits of one object.
	read func(ctx context.Context, q *Query, key string, size int64) ([]Hit, error)
}

// listed is an object to read.
type listed struct {
	key  string
	size int64
}

var errEnough = errors.New("enough listed")

// list returns the objects under a prefix whose keys are of hours of the window. complete: there are no others.
func (s *scan) list(ctx context.Context, w Window, prefix string) (objects []listed, complete bool, err error) {
	first, last := w.hours()
	after, end := "", ""
	if !first.IsZero() {
		after = prefix + first.Format(hourFormat)
	}
	if !last.IsZero() {
		end = prefix + last.Format(hourFormat) + "\uffff"
	}
	err = s.bucket.List(ctx, prefix, after, func(key string, size int64) error {
		if end != "" && key > end {
			return errEnough
		}
		if len(objects) == maxListed {
			return io.ErrShortBuffer
		}
		objects = append(objects, listed{key, size})
		return nil
	})
	switch {
	case errors.Is(err, errEnough):
		return objects, true, nil
	case errors.Is(err, io.ErrShortBuffer):
		return objects, false, nil
	}
	return objects, true, err
}

// run reads the objects under the prefixes and fills in the place.
func (s *scan) run(ctx context.Context, q *Query, p *Place, prefixes ...string) error {
	var objects []listed
	p.Means, p.Complete = "objects", true
	for _, prefix := range prefixes {
		some, complete, err := s.list(ctx, q.Window, prefix)
		if err != nil {
			return err
		}
		p.Complete = p.Complete && complete
		objects = append(objects, some...)
	}
	p.Total = int64(len(objects))
	slices.SortStableFunc(objects, func(a, b listed) int { return strings.Compare(hourOf(b.key), hourOf(a.key)) })
	if s.maxObjects > 0 && p.Total > s.maxObjects {
		objects, p.Complete = objects[:s.maxObjects], false
	}
	err := s.readAll(ctx, q, p, objects)
	if !p.Complete && err == nil {
		p.Why = describeLimit(p.Looked, p.Total, "objects", "narrow --since and --until, or raise --max-objects")
	}
	return err
}

// hourOf is the part of a key from the hour on, by which the newest objects come first.
func hourOf(key string) string {
	if at := strings.Index(key, "year="); at >= 0 {
		return key[at:]
	}
	return ""
}

// readAll reads the objects, several at once. The first error ends it.
func (s *scan) readAll(ctx context.Context, q *Query, p *Place, objects []listed) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	var (
		working sync.WaitGroup
		mu      sync.Mutex
		failed  error
		hits    []Hit
	)
	next := make(chan listed)
	for range readers {
		working.Go(func() {
			for o := range next {
				found, err := s.read(ctx, q, o.key, o.size)
				if isMissing(err) {
					err = nil
				}
				mu.Lock()
				p.Looked++
				hits = append(hits, found...)
				if err != nil && failed == nil {
					failed = err
					stop()
				}
				mu.Unlock()
				if s.progress != nil {
					s.progress(1)
				}
			}
		})
	}
	for _, o := range objects {
		select {
		case next <- o:
		case <-ctx.Done():
		}
	}
	close(next)
	working.Wait()
	slices.SortFunc(hits, compareHits)
	p.add(hits...)
	return failed
}

func compareHits(a, b Hit) int {
	if c := strings.Compare(a.Object, b.Object); c != 0 {
		return c
	}
	if a.Offset != nil && b.Offset != nil && *a.Offset != *b.Offset {
		return int(min(max(*a.Offset-*b.Offset, -1), 1))
	}
	return int(min(max(a.Row-b.Row, -1), 1))
}
