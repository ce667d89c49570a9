package eventid

import (
	"bytes"
	"encoding/json"
)

// Find returns the event_id of the first event in a record, or "". It reads token by token, so that the id of a record
// that breaks off after it is still found; of a repeated key the last counts. It does not read all of a large record,
// which would take as much memory again.
func Find(record []byte) string {
	d := json.NewDecoder(bytes.NewReader(record[:min(len(record), 64<<10)]))
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
		if key != "event_id" {
			continue
		}
		if id = ""; len(value) <= 256 && value[0] != '{' && value[0] != '[' && value[0] != 'n' {
			// A number's text is its id, as the transform makes it.
			if json.Unmarshal(value, &id) != nil {
				id = string(value)
			}
		}
	}
	return id
}
