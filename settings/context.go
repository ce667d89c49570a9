package settings

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
)

// entry is one member of a JSON object. The order and the repeated keys, which a map would hide, are kept.
type entry struct {
	key string
	raw json.RawMessage
}

// decodeObject decodes a JSON object. Nothing at all is an empty one: the app then runs without the command line.
func decodeObject(text []byte) ([]entry, error) {
	if len(bytes.TrimSpace(text)) == 0 {
		return nil, nil
	}
	var whole json.RawMessage
	if err := json.Unmarshal(text, &whole); err != nil {
		var syntax *json.SyntaxError
		if errors.As(err, &syntax) {
			return nil, fmt.Errorf("must be JSON (%s at byte %d)", printable(syntax.Error()), syntax.Offset)
		}
		return nil, fmt.Errorf("must be JSON (%s)", printable(err.Error()))
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	if token, err := decoder.Token(); err != nil || token != json.Delim('{') {
		return nil, fmt.Errorf("must be a JSON object (got %s)", showValue(whole))
	}
	var entries []entry
	for decoder.More() {
		key, err := decoder.Token()
		if err != nil {
			return nil, fmt.Errorf("reading a key: %w", err)
		}
		var raw json.RawMessage
		if err := decoder.Decode(&raw); err != nil {
			return nil, fmt.Errorf("reading the value of %v: %w", key, err)
		}
		entries = append(entries, entry{key.(string), raw}) // a key is a string in valid JSON
	}
	if _, err := decoder.Token(); err != nil && err != io.EOF {
		return nil, fmt.Errorf("reading the end: %w", err)
	}
	return entries, nil
}

// isForeignKey reports whether a key of the context belongs to the CDK: its flags hold an @, values that its command
// line injects or looks up hold a colon, and it keeps two choices of its own in cdk.context.json (cdk acknowledge, cdk
// cli-telemetry).
func isForeignKey(key string) bool {
	return strings.ContainsAny(key, ":@") || key == "acknowledged-issue-numbers" || key == "cli-telemetry"
}
