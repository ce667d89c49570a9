package simulation

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"firehose-pipeline/simulation/judge"
)

// searchIndex is the search domain: documents by their ids.
type searchIndex struct {
	w         *world
	documents map[string]*judge.Document
}

// bulk does one bulk request.
func (x *searchIndex) bulk(c *call, body []byte) (status int, answer []byte) {
	if x.w.chaotic && within(x.w.plan.SearchDown, time.Since(x.w.start)) {
		return http.StatusServiceUnavailable, []byte(`{"error":"the domain is down"}`)
	}
	var items []map[string]any
	failed := false
	for rest := body; len(rest) > 0; {
		var action, source []byte
		action, rest, _ = bytes.Cut(rest, []byte("\n"))
		source, rest, _ = bytes.Cut(rest, []byte("\n"))
		status, reason := x.index(c, action, source)
		item := map[string]any{"status": status}
		if status >= 300 {
			failed = true
			item["error"] = map[string]string{"reason": reason}
		}
		items = append(items, map[string]any{"index": item})
	}
	answer, err := json.Marshal(map[string]any{"took": 1, "errors": failed, "items": items})
	if err != nil {
		panic(err) // text and numbers
	}
	return http.StatusOK, answer
}

// index stores one document.
func (x *searchIndex) index(c *call, action, source []byte) (status int, reason string) {
	var to struct {
		Index struct {
			ID string `json:"_id"`
		} `json:"index"`
	}
	if err := json.Unmarshal(action, &to); err != nil {
		x.w.facts.Fail("harness", "action %s: %v", action, err)
	}
	switch {
	case c.fault == partial && c.chance.hits(5000):
		return http.StatusTooManyRequests, "rejected execution"
	case bytes.Contains(source, []byte(poison)) && x.w.chaotic:
		return http.StatusBadRequest, "mapper_parsing_exception: failed to parse field [price]"
	}
	id := to.Index.ID
	if id == "" {
		id = fmt.Sprintf("auto-%d", len(x.documents))
	}
	if d := x.documents[id]; d != nil {
		d.Source = bytes.Clone(source)
		return http.StatusOK, ""
	}
	d := &judge.Document{ID: id, Source: bytes.Clone(source)}
	x.documents[id] = d
	x.w.facts.Documents = append(x.w.facts.Documents, d)
	return http.StatusCreated, ""
}
