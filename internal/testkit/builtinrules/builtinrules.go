package builtinrules

import (
	"encoding/json"
	"slices"
	"strings"
)

// Rules are the fields that the shipped rules add. A change here changes the expectations of the tests, too.
var Rules = []string{
	"processed_timestamp", "processing_status", "user_category", "amount_category", "amount_tier", "event_category",
	"data_quality_score",
}

// Added are the names of rules that are not shipped.
type Added []string

// Beyond returns the names of those rules that are not shipped.
func Beyond[R any](rules []R, name func(R) string) Added {
	var added Added
	for _, r := range rules {
		if !slices.Contains(Rules, name(r)) {
			added = append(added, name(r))
		}
	}
	return added
}

// CutFrom returns the output, one object a line, without the members that added rules wrote. Every other byte stays.
// Members before processed_timestamp, the first field that the transform writes, are the event's own and stay, too, and
// so does a line that is not an object.
func (a Added) CutFrom(output string) string {
	if len(a) == 0 {
		return output
	}
	var kept strings.Builder
	for line := range strings.Lines(output) {
		kept.WriteString(a.cutFromObject(line))
	}
	return kept.String()
}

func (a Added) cutFromObject(line string) string {
	d := json.NewDecoder(strings.NewReader(line))
	if token, err := d.Token(); err != nil || token != json.Delim('{') {
		return line
	}
	var kept strings.Builder
	from := 0               // the part written to kept, or cut, ends here
	left := slices.Clone(a) // a field that came twice would be a fault for the test to see
	enriched := false
	for d.More() {
		start := int(d.InputOffset()) // the comma before the member
		key, err := d.Token()
		if err != nil {
			return line
		}
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			return line
		}
		if key == Rules[0] {
			enriched = true
		} else if at := slices.Index(left, key.(string)); enriched && at >= 0 {
			left = slices.Delete(left, at, at+1)
			kept.WriteString(line[from:start])
			from = int(d.InputOffset())
		}
	}
	kept.WriteString(line[from:])
	return kept.String()
}
