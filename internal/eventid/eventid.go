package eventid

import (
	"bytes"
	"encoding/json"
	"strings"

	"firehose-pipeline/internal/jsonpointer"
)

// Path is the keys that lead to the id in an event: one for a field of the event, more for one inside structs, none
// when events have no id.
type Path []string

// ParsePath returns the path of a JSON Pointer (RFC 6901).
func ParsePath(pointer string) Path {
	rest, ok := strings.CutPrefix(pointer, "/")
	if !ok {
		return nil
	}
	var path Path
	for part := range strings.SplitSeq(rest, "/") {
		path = append(path, jsonpointer.Unescape(part))
	}
	return path
}

// Bounds of [Find], in bytes: so much of a record is read, and so long may an id be.
const (
	maxRead = 64 << 10
	maxID   = 256
)

// Find returns the id of the first event in a record, or "". It reads token by token, so that the id of a record
// that breaks off after it is still found; of a repeated key the last counts. It does not read all of a large record,
// which would take as much memory again.
func Find(record []byte, path Path) string {
	return find(record[:min(len(record), maxRead)], path, maxID)
}

// FindAnywhere is [Find] without its bounds.
func FindAnywhere(record []byte, path Path) string { return find(record, path, len(record)) }

func find(record []byte, path Path, longest int) string {
	if len(path) == 0 {
		return ""
	}
	d := json.NewDecoder(bytes.NewReader(record))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return ""
	}
	id := ""
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return id
		}
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			return id
		}
		if key != path[0] {
			continue
		}
		if len(path) > 1 {
			id = find(value, path[1:], longest)
			continue
		}
		if id = ""; len(value) <= longest && value[0] != '{' && value[0] != '[' && value[0] != 'n' {
			// A number's text is its id, as the transform makes it.
			if json.Unmarshal(value, &id) != nil {
				id = string(value)
			}
		}
	}
	return id
}
