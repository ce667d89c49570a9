package trace

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// SearchRequest asks the search domain for the event.
type SearchRequest struct {
	Endpoint     string // https, or http on loopback
	IndexPattern string
	HTTP         *http.Client
	// Sign signs a request with its body.
	Sign func(ctx context.Context, r *http.Request, body []byte) error
}

const (
	// searchTime bounds the request: an endpoint in a VPC does not answer from outside of it.
	searchTime = 20 * time.Second
	// maxAnswer bounds the answer that is read, in bytes: [MaxHits] documents with one field each.
	maxAnswer = 1 << 20
)

// searchAnswer is an answer of _msearch to one search.
type searchAnswer struct {
	Responses []struct {
		Hits struct {
			Total struct{ Value int64 }
			Hits  []struct {
				Index  string                     `json:"_index"`
				ID     string                     `json:"_id"`
				Source map[string]json.RawMessage `json:"_source"`
			}
		}
		TimedOut bool                          `json:"timed_out"`
		Shards   struct{ Total, Failed int64 } `json:"_shards"`
		Error    *struct{ Type, Reason string }
	}
}

// Look implements [Looker].
func (s SearchRequest) Look(ctx context.Context, q *Query, p *Place) error {
	p.Means = "request"
	if q.ID.Hashed {
		return errHashed
	}
	if !q.ID.isStorable() {
		p.Complete = true
		return nil
	}
	body, err := s.body(q)
	if err != nil {
		return err
	}
	answer, err := s.send(ctx, body)
	if err != nil {
		return err
	}
	if len(answer.Responses) != 1 {
		return fmt.Errorf("the search domain answered %d searches of 1", len(answer.Responses))
	}
	found := answer.Responses[0]
	if found.Error != nil {
		err := fmt.Errorf("the search domain answered %s: %s", shorten(found.Error.Type), shorten(found.Error.Reason))
		if found.Error.Type == "security_exception" {
			return &DeniedError{err.Error()}
		}
		return err
	}
	p.Complete = !found.TimedOut && found.Shards.Failed == 0
	if !p.Complete {
		p.Why = fmt.Sprintf("%d of %d shards did not answer", found.Shards.Failed, found.Shards.Total)
	}
	for _, hit := range found.Hits.Hits {
		h := Hit{Index: hit.Index, Document: hit.ID}
		var processed string
		if json.Unmarshal(hit.Source[q.ID.ProcessedAt], &processed) == nil {
			h.setTime(parseTime(processed), "processed")
		}
		p.add(h)
	}
	p.MoreHits += max(0, found.Hits.Total.Value-int64(len(found.Hits.Hits)))
	return nil
}

// body is the request's body: the id is a value in JSON, never part of an address or of a query language.
// https://docs.opensearch.org/latest/api-reference/multi-search/
func (s SearchRequest) body(q *Query) ([]byte, error) {
	header := map[string]any{"index": s.IndexPattern, "ignore_unavailable": true}
	fields := []string{}
	if q.ID.ProcessedAt != "" {
		fields = append(fields, q.ID.ProcessedAt)
	}
	field := strings.Join(q.ID.Keys, ".")
	search := map[string]any{"size": MaxHits, "_source": fields, "timeout": "10s", "track_total_hits": 1000,
		"query": map[string]any{"term": map[string]any{field: map[string]any{"value": q.ID.Text}}}}
	var body bytes.Buffer
	lines := json.NewEncoder(&body)
	if err := errors.Join(lines.Encode(header), lines.Encode(search)); err != nil {
		return nil, fmt.Errorf("writing the search: %w", err)
	}
	return body.Bytes(), nil
}

func (s SearchRequest) send(ctx context.Context, body []byte) (*searchAnswer, error) {
	ctx, stop := context.WithTimeout(ctx, searchTime)
	defer stop()
	address, err := url.JoinPath(s.Endpoint, "_msearch")
	if err != nil {
		return nil, fmt.Errorf("the search domain's endpoint: %w", err)
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("the search domain's endpoint: %w", err)
	}
	r.Header.Set("Content-Type", "application/x-ndjson")
	if err := s.Sign(ctx, r, body); err != nil {
		return nil, err
	}
	response, err := s.HTTP.Do(r)
	var network net.Error
	switch {
	case errors.As(err, &network) && network.Timeout():
		return nil, &DeniedError{fmt.Sprintf("the search domain did not answer within %v: a domain in a VPC is reached "+
			"from inside only", searchTime)}
	case err != nil:
		return nil, fmt.Errorf("asking the search domain: %w", err)
	}
	text, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	if err = errors.Join(err, response.Body.Close()); err != nil {
		return nil, fmt.Errorf("asking the search domain: %w", err)
	}
	switch response.StatusCode {
	case http.StatusOK:
	case http.StatusUnauthorized, http.StatusForbidden:
		return nil, &DeniedError{fmt.Sprintf("no rights: the search domain answered %d: use a role of "+
			"openSearchReaderRoleArns or openSearchAdminRoleArns", response.StatusCode)}
	default:
		return nil, fmt.Errorf("the search domain answered %d: %s", response.StatusCode, shorten(string(text)))
	}
	var answer searchAnswer
	if err := json.Unmarshal(text, &answer); err != nil {
		return nil, fmt.Errorf("reading the search domain's answer: %w", err)
	}
	return &answer, nil
}
