package fault

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"firehose-pipeline/local/firehose"
)

// Search injects faults before the domain of search streams.
type Search struct {
	*Faults
	next firehose.Search

	mu       sync.Mutex
	requests int64
	until    map[Name]time.Time // when a fault that lasts is over
}

// NewSearch puts the faults before the domain of search streams.
func NewSearch(f *Faults, next firehose.Search) *Search {
	return &Search{Faults: f, next: next, until: map[Name]time.Time{}}
}

var errNoAnswer = errors.New("dial tcp: connection refused (fault search-down)")
var errLost = errors.New("read tcp: connection reset by peer (fault search-lost)")

// Bulk sends a request on, or does not. A fault that lasts begins with the first request that no other one befalls, so
// that alone or together each has its time.
func (s *Search) Bulk(ctx context.Context, at time.Time, body []byte) (int, []byte, error) {
	s.mu.Lock()
	s.requests++
	n := s.requests
	down, forbidden := s.isLasting(SearchDown, at), s.isLasting(SearchForbidden, at)
	s.mu.Unlock()
	switch {
	case down:
		return s.failDown()
	case forbidden:
		return s.failForbidden()
	case s.Hit(SearchLost, "", n, s.First(SearchLost)): // the domain is up, only its response is lost
		if status, answer, err := s.next.Bulk(ctx, at, body); err != nil || status/100 != 2 {
			return status, answer, err
		}
		return 0, nil, errLost
	case s.beginsNow(SearchDown, at):
		return s.failDown()
	case s.beginsNow(SearchForbidden, at):
		return s.failForbidden()
	case s.Hit(SearchThrottled, "", n, s.First(SearchThrottled)):
		return http.StatusTooManyRequests, []byte(`{"error":"429 Too Many Requests /_bulk (fault search-429)"}`), nil
	case s.On(SearchDocuments):
		return s.rejectSome(ctx, at, body, n)
	}
	return s.next.Bulk(ctx, at, body)
}

func (s *Search) failDown() (int, []byte, error) {
	s.Fired(SearchDown, 1)
	return 0, nil, errNoAnswer
}

func (s *Search) failForbidden() (int, []byte, error) {
	s.Fired(SearchForbidden, 1)
	return http.StatusForbidden, []byte(`{"error":{"root_cause":[{"type":"security_exception"}],"type":"security_exception","reason":"no permissions for [indices:data/write/bulk] (fault search-403)"},"status":403}`), nil
}

func (s *Search) isLasting(name Name, at time.Time) bool {
	until, begun := s.until[name]
	return begun && at.Before(until)
}

func (s *Search) beginsNow(name Name, at time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, begun := s.until[name]; begun || !s.On(name) {
		return false
	}
	s.until[name] = at.Add(s.Window(name))
	return true
}

const (
	tooMany = `{"index":{"status":429,"error":{"type":"rejected_execution_exception","reason":"rejected execution of coordinating operation (fault search-429-documents)"}}}`
	indexed = `{"index":{"status":201}}`
)

// rejectSome forwards the documents of a request that are not rejected, and answers for all of them.
func (s *Search) rejectSome(ctx context.Context, at time.Time, body []byte, n int64) (int, []byte, error) {
	var refused []bool
	var passed []byte
	count := 0
	for rest := body; len(rest) > 0; {
		action, after, _ := bytes.Cut(rest, []byte("\n"))
		source, after, _ := bytes.Cut(after, []byte("\n"))
		hit := s.Hit(SearchDocuments, "", n<<20+int64(len(refused)), s.First(SearchDocuments))
		if refused = append(refused, hit); hit {
			count++
		} else {
			passed = append(append(append(append(passed, action...), '\n'), source...), '\n')
		}
		rest = after
	}
	if count == 0 {
		return s.next.Bulk(ctx, at, body)
	}
	var got struct{ Items []json.RawMessage }
	if count < len(refused) {
		status, answer, err := s.next.Bulk(ctx, at, passed)
		if err != nil || status/100 != 2 {
			return status, answer, err
		}
		if err := json.Unmarshal(answer, &got); err != nil {
			return 0, nil, fmt.Errorf("reading answer to a bulk request: %w", err)
		}
	}
	items := make([][]byte, len(refused))
	for i, hit := range refused {
		switch {
		case hit:
			items[i] = []byte(tooMany)
		case len(got.Items) > 0:
			items[i], got.Items = got.Items[0], got.Items[1:]
		default: // files list no items when they have taken all
			items[i] = []byte(indexed)
		}
	}
	return http.StatusOK, append(append([]byte(`{"took":0,"errors":true,"items":[`), bytes.Join(items, []byte{','})...),
		"]}"...), nil
}
