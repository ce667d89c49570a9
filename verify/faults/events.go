package main

import (
	"bufio"
	"fmt"
	"io"
	"regexp"
	"strings"
)

var leadingID = regexp.MustCompile(`^\{"event_id":"[^"]*",`)

// shopEvents returns the shop's events without brace and id at their beginning.
func shopEvents(data []byte) []string {
	var shop []string
	for line := range strings.Lines(string(data)) {
		shop = append(shop, leadingID.ReplaceAllString(strings.TrimSuffix(line, "\n"), ""))
	}
	return shop
}

// writeEvents writes records made of the shop's events, one a line, each with its own event_id. Of every 100, 91 are
// good; the others are records with which a pipeline has to cope.
func writeEvents(w io.Writer, shop []string, events int) error {
	buffered := bufio.NewWriter(w)
	for i := range events {
		if _, err := fmt.Fprintln(buffered, makeRecord(shop[i%len(shop)], i)); err != nil {
			return err
		}
	}
	return buffered.Flush()
}

// makeRecord returns the record with number i.
func makeRecord(event string, i int) string {
	id := fmt.Sprintf(`{"event_id":"e-%08d",`, i)
	switch i % 100 {
	case 7: // breaks off
		return id + `"event_type":"vi`
	case 17: // dropped by rule
		return id + `"event_type":"heartbeat"}`
	case 27: // two in one record, which only the lake accepts
		return id + event + id + event
	case 37: // a repeated key inside an object, which neither store accepts: set aside
		return id + `"x":{"a":1,"a":2}}`
	case 47: // malformed fields
		return id + `"amount":"much","category_id":1.5}`
	case 57: // not JSON
		return id + `"amount":NaN}`
	case 67: // an array
		return "[" + id + `"in":"an array"}]`
	case 77: // a repeated key
		return id + fmt.Sprintf(`"event_id":"twice-%d",`, i) + event
	case 87: // spaces and escapes
		return id + `"note":"€ \u20ac \\", ` + event
	}
	return id + event
}
