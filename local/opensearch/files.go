// Package opensearch is the search domain of the local model: files of documents in place of a server, or a real server.
package opensearch

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"

	"firehose-pipeline/jsonscan"
)

// Files plays OpenSearch with a file for each index, one document a line. It knows no mapping: it refuses only what OpenSearch
// refuses whatever the mapping, a key that comes twice (of which it sees those of the top level).
type Files struct {
	dir string

	mu      sync.Mutex
	scanner *jsonscan.Scanner
}

// NewFiles plays an OpenSearch whose indices are <dir>/<index>.ndjson. The folder must exist.
func NewFiles(dir string) *Files {
	return &Files{dir: dir, scanner: jsonscan.NewScanner(jsonscan.NewNames())}
}

const (
	allTaken    = `{"took":0,"errors":false,"items":[]}`
	taken       = `{"index":{"status":201}}`
	repeatedKey = `{"index":{"status":400,"error":{"type":"mapper_parsing_exception","reason":"failed to parse",` +
		`"caused_by":{"type":"json_parse_exception","reason":"Duplicate field"}}}}`
)

// Bulk adds the documents of a bulk request of "index" actions.
func (f *Files) Bulk(_ context.Context, _ time.Time, body []byte) (status int, answer []byte, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	var documents []byte // for one index, until another comes
	var index string
	var refused []int
	count := 0
	for len(body) > 0 {
		action, rest, ok := bytes.Cut(body, []byte("\n"))
		source, after, hasSource := bytes.Cut(rest, []byte("\n"))
		if !ok || !hasSource {
			return 0, nil, errors.New("reading bulk request: the last line does not end")
		}
		body = after
		name, err := indexOf(action)
		if err != nil {
			return 0, nil, err
		}
		if name != index {
			if err := f.write(index, documents); err != nil {
				return 0, nil, err
			}
			index, documents = name, documents[:0]
		}
		if _, problem := f.scanner.Object(source, 0); problem != jsonscan.None || f.scanner.Repeats {
			refused = append(refused, count)
		} else {
			documents = append(append(documents, source...), '\n')
		}
		count++
	}
	if err := f.write(index, documents); err != nil {
		return 0, nil, err
	}
	return http.StatusOK, itemised(count, refused), nil
}

// itemised is the answer to a request of n documents of which some were refused.
func itemised(n int, refused []int) []byte {
	if len(refused) == 0 {
		return []byte(allTaken)
	}
	answer := []byte(`{"took":0,"errors":true,"items":[`)
	for i := range n {
		if i > 0 {
			answer = append(answer, ',')
		}
		if len(refused) > 0 && refused[0] == i {
			answer, refused = append(answer, repeatedKey...), refused[1:]
		} else {
			answer = append(answer, taken...)
		}
	}
	return append(answer, "]}"...)
}

// indexOf reads the index of an action, in the form in which the model's streams write it.
func indexOf(action []byte) (string, error) {
	text, ok := bytes.CutPrefix(action, []byte(`{"index":{"_index":"`))
	name, _, end := bytes.Cut(text, []byte(`"`))
	if !ok || !end || len(name) == 0 || bytes.ContainsAny(name, `/\`) || name[0] == '.' {
		return "", fmt.Errorf("reading bulk request: must index into a file (got %q)", action)
	}
	return string(name), nil
}

// write adds whole lines at once.
func (f *Files) write(index string, documents []byte) error {
	if len(documents) == 0 {
		return nil
	}
	file, err := os.OpenFile(filepath.Join(f.dir, index+".ndjson"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		return fmt.Errorf("writing documents: %w", err)
	}
	_, err = file.Write(documents)
	return errors.Join(err, file.Close())
}
