package event

import (
	"bytes"
	"hash"
	"math"
	"strconv"
	"unicode/utf8"

	"firehose-pipeline/internal/jsonscan"
)

// Event is one event as the rules see it: its declared fields in their declared type. Text and the like are valid only
// while the rule runs.
type Event struct {
	layout      *Layout
	record      []byte
	scan        *jsonscan.Scanner // the event's members
	fields      []value           // by FieldID
	processedAt string
	partial     bool
	// reprocessed: an earlier pass already wrote this rule's field. Fields which that pass moved to malformed count as
	// sent, so that a second pass gives the same result.
	reprocessed bool
	// processed is the index of the member that an earlier pass wrote first, -1 when there was none.
	processed    int
	ownMalformed jsonscan.Kind     // kind of the event's own malformed, 0 for none
	earlier      *jsonscan.Scanner // members of the event's own malformed when that is an object
	decoded      []byte            // memory for strings that were written with escapes
	mac          hash.Hash         // of values with x-protect hash
	mask         bool              // redact instead of hashing
}

// state is what became of a declared field.
type state uint8

const (
	absent          state = iota
	null                  // null, and stays
	conformed             // has its declared type
	malformed             // moved to the malformed object
	malformedBefore       // in the event's own malformed object
)

// value is a declared field of the event.
type value struct {
	state  state
	empty  bool    // "", null, false, 0, {} or [] as it came
	text   []byte  // conformed: the string's meaning, or the number, true or false as JSON
	number float64 // conformed Double
}

// Sent reports whether the event was sent with the field, whatever its value.
func (e *Event) Sent(f FieldID) bool {
	s := e.fields[f].state
	return s != absent && s != malformedBefore || e.IsMalformed(f)
}

// IsNull reports whether the field was sent as null.
func (e *Event) IsNull(f FieldID) bool { return e.fields[f].state == null }

// IsMalformed reports whether the field was sent in another type, which cannot be converted, or out of its bounds.
func (e *Event) IsMalformed(f FieldID) bool {
	s := e.fields[f].state
	return s == malformed || s == malformedBefore && e.reprocessed
}

// IsEmpty reports whether the field was sent as "", null, false, 0, {} or [].
func (e *Event) IsEmpty(f FieldID) bool { return e.fields[f].empty && e.Sent(f) }

// Present reports whether the field has a value: it was sent, is neither null nor malformed, nor a blank string.
func (e *Event) Present(f FieldID) bool {
	v := &e.fields[f]
	return v.state == conformed && len(v.text) > 0 &&
		(v.text[0]-'!' < utf8.RuneSelf-'!' || len(bytes.TrimSpace(v.text)) > 0)
}

// Text returns the meaning of a string or timestamp field, and the JSON text of a number or boolean. An object or array
// gives its JSON, nothing when it is empty. The text is empty when the field was not sent, is null or malformed.
func (e *Event) Text(f FieldID) []byte { return e.fields[f].text }

// Number returns the value of a double field, rounded to a float64 as the stores do; false when it did not come, is
// null or malformed.
func (e *Event) Number(f FieldID) (float64, bool) {
	v := &e.fields[f]
	return v.number, v.state == conformed
}

// ProcessedAt returns the time of the transform's run, the same for all events of an invocation.
func (e *Event) ProcessedAt() string { return e.processedAt }

// IsPartial reports whether the event has a malformed object that is not empty.
func (e *Event) IsPartial() bool { return e.partial }

// PreviousText returns the string that an earlier pass of the transform gave to the field of the rule that runs, of
// which name is the name; empty when there was no such pass, or it gave none.
func (e *Event) PreviousText(name string) string {
	if m := e.previous(name); m != nil && m.Kind == jsonscan.String {
		return string(e.content(m))
	}
	return ""
}

// previousFlag is PreviousText for a boolean: the kind of the value, 0 when there was none.
func (e *Event) previousFlag(name string) jsonscan.Kind {
	if m := e.previous(name); m != nil {
		return m.Kind
	}
	return 0
}

// previous returns the member that an earlier pass wrote for the rule that runs, nil for none.
func (e *Event) previous(name string) *jsonscan.Member {
	if !e.reprocessed {
		return nil
	}
	at := e.layout.names.Index(name)
	if at < 0 || e.scan.Found[at] < 0 {
		return nil
	}
	return &e.scan.Members[e.scan.Found[at]]
}

// startRule notes which rule runs next. The transform writes processed_timestamp first of all its fields, so that what
// comes after it was added by the transform, and what comes before was sent by a producer.
func (e *Event) startRule(rule int) {
	e.reprocessed = e.processed >= 0 && e.scan.Found[e.layout.firstRule+rule] >= e.processed
}

// loadMoved sets v to what is known of a field that an earlier pass may have moved to malformed.
func (e *Event) loadMoved(v *value, f int) {
	*v = value{}
	at := e.earlier.Found[e.layout.movedName(FieldID(f))]
	if at < 0 || !keepsOwn(&e.earlier.Members[at]) {
		return
	}
	v.state = malformedBefore
	if m := &e.earlier.Members[at]; m.Kind == jsonscan.String {
		switch string(e.content(m)) {
		case "", "{}", "[]", "false", "0":
			v.empty = true
		}
	}
}

// appendText appends s as a JSON string.
func appendText(dst []byte, s string) []byte {
	start := len(dst)
	dst = append(dst, '"')
	dst = append(dst, s...)
	dst = append(dst, '"')
	for i := range len(s) {
		if c := s[i]; c < ' ' || c == '"' || c == '\\' {
			return quoteEscaped(dst[:start], []byte(s))
		}
	}
	return dst
}

// appendNumber appends x with at most two decimals; NaN and infinity, which JSON cannot say, add nothing.
func appendNumber(dst []byte, x float64) []byte {
	if !isFinite(x) {
		return dst
	}
	if math.Abs(x) > 1e15 { // has no decimals to speak of, and its hundredths may not fit an int64
		return strconv.AppendFloat(dst, x, 'f', 0, 64)
	}
	hundredths := int64(math.Round(x * 100))
	if hundredths < 0 {
		dst = append(dst, '-')
		hundredths = -hundredths
	}
	dst = strconv.AppendInt(dst, hundredths/100, 10)
	if rest := byte(hundredths % 100); rest > 0 {
		dst = append(dst, '.', '0'+rest/10)
		if rest%10 > 0 {
			dst = append(dst, '0'+rest%10)
		}
	}
	return dst
}

func isFinite(x float64) bool { return !math.IsNaN(x) && !math.IsInf(x, 0) }

// quoteEscaped appends UTF-8 text as a JSON string.
func quoteEscaped(dst, text []byte) []byte {
	dst = append(dst, '"')
	for _, c := range text {
		switch {
		case c == '"' || c == '\\':
			dst = append(dst, '\\', c)
		case c < ' ':
			const hex = "0123456789abcdef"
			dst = append(dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		default:
			dst = append(dst, c)
		}
	}
	return append(dst, '"')
}
