package firehose

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"time"
	"unicode/utf8"
)

// The pause before a bulk request is sent again doubles from the first to the longest. "Exponential back-off" is all
// that the Developer Guide says.
const (
	firstPause   = time.Second
	longestPause = time.Minute
)

// longestMessage bounds what an error record quotes of an answer, in bytes.
const longestMessage = 4 << 10

// unanswered is the code for a domain that gives no answer, or one that cannot be read.
const unanswered = "OS.ServiceException"

// appendAction appends the line that says where the document goes. An id makes a retry overwrite the document that an
// earlier try may have written.
func (d *toSearch) appendAction(dst []byte, doc document) []byte {
	dst = append(append(dst, `{"index":{"_index":"`...), doc.index...)
	if d.place.DocumentID != "NO_DOCUMENT_ID" {
		dst = d.appendID(append(dst, `","_id":"`...), doc.number)
	}
	return append(dst, "\"}}\n"...)
}

// sendBuffer delivers the buffer. Documents that a later try may get in are resent until the retry duration, which
// includes the first try, is over; then they go to the error output like documents that OpenSearch rejects for good.
func (d *toSearch) sendBuffer(now int64) error {
	if len(d.documents) == 0 {
		return nil
	}
	now = max(now, d.free)
	deadline := now + int64(d.place.RetryDuration)
	body, pending := d.body, d.documents
	for attempt := 1; ; attempt++ {
		var err error
		if pending, err = d.sendOnce(now, attempt, body, pending); err != nil {
			return err
		}
		if len(pending) == 0 {
			break
		}
		if now >= deadline {
			if err := d.rejectDocuments(now, attempt, pending); err != nil {
				return err
			}
			break
		}
		pause := min(pauseAfter(attempt), time.Duration(deadline-now))
		if err := d.stream.passTime(pause); err != nil {
			return err
		}
		now += int64(pause)
		body = make([]byte, 0, len(body))
		for _, doc := range pending {
			body = append(body, d.body[doc.start:doc.end]...)
		}
	}
	d.free = now
	d.level.flushes.Add(1)
	d.body, d.documents, d.bytes = d.body[:0], d.documents[:0], 0
	return nil
}

// pauseAfter is the pause after the n-th try (1, 2, …).
func pauseAfter(n int) time.Duration { return min(firstPause<<min(n-1, 10), longestPause) }

// passTime lets time of the model pass.
func (s *Stream) passTime(d time.Duration) error {
	if s.o.Pause == nil {
		return s.ctx.Err()
	}
	return s.o.Pause(s.ctx, d)
}

// rejectDocuments writes documents to the error output, each with why it is not in the index.
func (d *toSearch) rejectDocuments(now int64, attempts int, documents []document) error {
	for _, doc := range documents {
		source := bytes.TrimSuffix(d.body[doc.source:doc.end], []byte("\n"))
		if err := d.rejectDocument(now, attempts, doc.number, doc.arrival, doc.index, source, doc.why); err != nil {
			return err
		}
	}
	return nil
}

// sendOnce sends one request and returns the documents to be sent again.
func (d *toSearch) sendOnce(now int64, attempt int, body []byte, sent []document) ([]document, error) {
	status, answer, err := d.stream.o.Search.Bulk(d.stream.ctx, time.Unix(0, now).UTC(), body)
	if d.stream.ctx.Err() != nil {
		return nil, d.stream.ctx.Err()
	}
	if err == nil && status/100 == 2 {
		var items []bulkItem
		if items, err = bulkItems(answer, len(sent)); err == nil {
			return d.sortResults(now, attempt, sent, items)
		}
	}
	all := &rejection{unanswered, ""}
	if err != nil {
		all.message = err.Error()
	} else {
		all = &rejection{strconv.Itoa(status), clipText(answer)}
	}
	for i := range sent {
		sent[i].why = all
	}
	if err != nil || mayPass(status) {
		return sent, nil
	}
	return nil, d.rejectDocuments(now, attempt, sent)
}

// sortResults sorts the documents by their results: indexed, to be resent, or rejected.
func (d *toSearch) sortResults(now int64, attempt int, sent []document, items []bulkItem) ([]document, error) {
	again := sent[:0]
	taken := map[string]int64{}
	for i, doc := range sent {
		if items == nil || items[i].Status/100 == 2 {
			taken[doc.index]++
			continue
		}
		doc.why = &rejection{strconv.Itoa(items[i].Status), clipText(items[i].Error)}
		if mayPass(items[i].Status) {
			again = append(again, doc)
		} else if err := d.rejectDocuments(now, attempt, []document{doc}); err != nil {
			return nil, err
		}
	}
	d.countIndexed(taken)
	return again, nil
}

// countIndexed counts the documents that are in the index, by index.
func (d *toSearch) countIndexed(taken map[string]int64) {
	d.stream.indicesMu.Lock()
	defer d.stream.indicesMu.Unlock()
	for index, n := range taken {
		d.stream.delivered.Add(n)
		d.stream.indices[index] += n
	}
}

// mayPass reports whether a status may be another one later: which ones Firehose sends again is not documented. It
// gives a missing role mapping (403) the whole retry duration, as others have seen.
func mayPass(status int) bool {
	switch status {
	case http.StatusUnauthorized, http.StatusForbidden, http.StatusRequestTimeout, http.StatusTooManyRequests:
		return true
	}
	return status >= 500
}

// bulkItem is the result of one document.
type bulkItem struct {
	Status int
	Error  json.RawMessage
}

// bulkItems reads the answer to a bulk request of n documents; nil when it took them all.
func bulkItems(answer []byte, n int) ([]bulkItem, error) {
	var got struct {
		Errors *bool
		Items  []struct{ Index bulkItem }
	}
	if err := json.Unmarshal(answer, &got); err != nil {
		return nil, fmt.Errorf("reading answer to a bulk request: %w", err)
	}
	switch {
	case got.Errors == nil:
		return nil, fmt.Errorf("reading answer to a bulk request: it has no \"errors\" (got %s)", clipText(answer))
	case len(got.Items) == 0 && !*got.Errors:
		return nil, nil
	case len(got.Items) != n:
		return nil, fmt.Errorf("reading answer to a bulk request: must have %d items (got %d)", n, len(got.Items))
	case !*got.Errors:
		return nil, nil
	}
	items := make([]bulkItem, n)
	for i, item := range got.Items {
		items[i] = item.Index
	}
	return items, nil
}

// clipText is the beginning of a text, for a message.
func clipText(text []byte) string {
	text = bytes.TrimSpace(text)
	if len(text) > longestMessage {
		text = text[:longestMessage]
		for len(text) > 0 && !utf8.Valid(text) {
			text = text[:len(text)-1]
		}
	}
	return string(bytes.ToValidUTF8(text, []byte("�")))
}
