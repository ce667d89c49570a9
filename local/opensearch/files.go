package opensearch

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/maphash"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// Files plays OpenSearch with a file for each index, one document a line. It rejects the documents that OpenSearch
// rejects with the mapping that the indices have.
type Files struct {
	dir string

	mu        sync.Mutex
	checker   *Checker
	documents map[string]int64 // by index
	lines     []byte           // of the request that is under way

	// Hashes of the ids of the latest documents, in two halves of which the older one is forgotten; nil: of none.
	ids, older  map[uint64]struct{}
	seed        maphash.Seed
	overwritten int64
}

// NewFiles plays an OpenSearch whose indices are <dir>/<index>.ndjson and have this mapping. The folder must exist.
func NewFiles(dir string, mapping *Mapping) *Files {
	return &Files{dir: dir, checker: mapping.NewChecker(), documents: map[string]int64{}}
}

// Overwrite makes a document that comes again, with the id that it had, take the place of the one before, as in
// OpenSearch. A stream sends the same content again, and before any other documents: of one request of 100 MB at most.
// So the document is known by its id among those of late, and nothing is written.
func (f *Files) Overwrite() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.seed, f.ids = maphash.MakeSeed(), map[uint64]struct{}{}
}

// Overwritten returns how many documents have taken the place of one before.
func (f *Files) Overwritten() int64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.overwritten
}

// Documents returns the number of documents by index.
func (f *Files) Documents() map[string]int64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	return maps.Clone(f.documents)
}

// keptIDs is how many ids are kept at least: of 100 MB of documents of 200 bytes, a request's.
const keptIDs = 500_000

// isKnown reports whether a document with this id is there already, and keeps the id.
func (f *Files) isKnown(id []byte) bool {
	if f.ids == nil || len(id) == 0 {
		return false
	}
	hash := maphash.Bytes(f.seed, id)
	_, again := f.ids[hash]
	if !again {
		_, again = f.older[hash]
	}
	if again {
		f.overwritten++
		return true
	}
	if len(f.ids) == keptIDs {
		f.ids, f.older = map[uint64]struct{}{}, f.ids
	}
	f.ids[hash] = struct{}{}
	return false
}

const (
	allTaken = `{"took":0,"errors":false,"items":[]}`
	taken    = `{"index":{"status":201}}`
)

// rejected is a document of a bulk request that is not accepted.
type rejected struct {
	number int // in the request, from 0
	why    *Rejection
}

// Bulk adds the documents of a bulk request of "index" actions.
func (f *Files) Bulk(_ context.Context, _ time.Time, body []byte) (status int, answer []byte, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	documents := f.lines[:0] // for one index, until another comes
	defer func() { f.lines = documents }()
	var index string
	var refused []rejected
	count := 0
	for len(body) > 0 {
		action, rest, ok := bytes.Cut(body, []byte("\n"))
		source, after, hasSource := bytes.Cut(rest, []byte("\n"))
		if !ok || !hasSource {
			return 0, nil, errors.New("reading bulk request: the last line does not end")
		}
		body = after
		name, id, err := placeOf(action)
		if err != nil {
			return 0, nil, err
		}
		if string(name) != index {
			if err := f.writeDocuments(index, documents); err != nil {
				return 0, nil, err
			}
			index, documents = string(name), documents[:0]
		}
		if why := f.checker.Check(string(id), source); why != nil {
			refused = append(refused, rejected{count, why})
		} else if !f.isKnown(id) {
			documents = append(append(documents, source...), '\n')
			f.documents[index]++
		}
		count++
	}
	if err := f.writeDocuments(index, documents); err != nil {
		return 0, nil, err
	}
	answer, err = itemResponse(count, refused)
	return http.StatusOK, answer, err
}

// itemResponse is the answer to a request of n documents of which some were rejected.
func itemResponse(n int, refused []rejected) ([]byte, error) {
	if len(refused) == 0 {
		return []byte(allTaken), nil
	}
	answer := []byte(`{"took":0,"errors":true,"items":[`)
	for i := range n {
		if i > 0 {
			answer = append(answer, ',')
		}
		if len(refused) == 0 || refused[0].number != i {
			answer = append(answer, taken...)
			continue
		}
		why, err := json.Marshal(refused[0].why)
		if err != nil {
			return nil, fmt.Errorf("answering bulk request: %w", err)
		}
		answer = append(append(append(answer, `{"index":{"status":400,"error":`...), why...), "}}"...)
		refused = refused[1:]
	}
	return append(answer, "]}"...), nil
}

// placeOf reads the index and the id, if there is one, of an action, in the form in which the model's streams write it.
func placeOf(action []byte) (index, id []byte, err error) {
	text, ok := bytes.CutPrefix(action, []byte(`{"index":{"_index":"`))
	name, rest, end := bytes.Cut(text, []byte(`"`))
	if !ok || !end || len(name) == 0 || bytes.ContainsAny(name, `/\`) || name[0] == '.' {
		return nil, nil, fmt.Errorf("reading bulk request: must index into a file (got %q)", action)
	}
	if text, ok := bytes.CutPrefix(rest, []byte(`,"_id":"`)); ok {
		id, _, _ = bytes.Cut(text, []byte(`"`))
	}
	return name, id, nil
}

// writeDocuments adds whole lines at once.
func (f *Files) writeDocuments(index string, documents []byte) error {
	if len(documents) == 0 {
		return nil
	}
	file, err := os.OpenFile(filepath.Join(f.dir, index+".ndjson"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return fmt.Errorf("writing documents: %w", err)
	}
	_, err = file.Write(documents)
	return errors.Join(err, file.Close())
}
