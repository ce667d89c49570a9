package s3

import (
	"io/fs"
	"os"
	"slices"
	"strings"
	"time"
)

// Object is the latest version of an object.
type Object struct {
	Key      string
	Size     int64
	Modified time.Time
}

// Objects returns at most limit objects under a prefix, those behind a key, in the order of the keys; more when the
// list goes on.
func (s *Server) Objects(bucket, prefix, after string, limit int) (objects []Object, more bool, err error) {
	s.store.mu.RLock()
	defer s.store.mu.RUnlock()
	b, err := s.store.findBucket(bucket)
	if err != nil {
		return nil, false, err
	}
	i, found := slices.BinarySearch(b.keys, max(prefix, after))
	if found && b.keys[i] == after {
		i++
	}
	for ; i < len(b.keys) && strings.HasPrefix(b.keys[i], prefix); i++ {
		v := b.latestOf(b.keys[i])
		if v == nil {
			continue
		}
		if len(objects) == limit {
			return objects, true, nil
		}
		objects = append(objects, Object{b.keys[i], v.size, v.modified})
	}
	return objects, false, nil
}

// Open opens the latest version of an object.
func (s *Server) Open(bucket, key string) (*os.File, error) {
	s.store.mu.RLock()
	defer s.store.mu.RUnlock()
	b, err := s.store.findBucket(bucket)
	if err != nil {
		return nil, err
	}
	v := b.latestOf(key)
	if v == nil {
		return nil, &fs.PathError{Op: "open", Path: key, Err: fs.ErrNotExist}
	}
	return s.store.root.Open(v.file)
}
