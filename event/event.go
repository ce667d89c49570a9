package event

import (
	"bytes"
	"fmt"
	"math"
	"strconv"
	"unicode/utf8"

	"firehose-pipeline/internal/jsonscan"
)

// Event is one event as the rules see it: its declared fields in their declared type. Text and the like are valid only
// while the rule runs.
type Event struct {
	record      []byte
	names       *jsonscan.Names
	scan        *jsonscan.Scanner // the event's members
	fields      []value           // by FieldID
	processedAt string
	partial     bool
	// had: the event has been through the transform before and got the field of the rule that runs now. What that pass
	// moved to malformed then counts as having come, so that the event comes out the same.
	had bool
	// processed is the index of the member that an earlier pass began with, -1 when there was none.
	processed int
	own       jsonscan.Kind     // kind of the event's own malformed, 0 for none
	before    *jsonscan.Scanner // members of the event's own malformed when that is an object
	decoded   []byte            // memory for strings that were written with escapes
}

// FieldID names a declared field: its index in [Fields].
type FieldID int

// field returns the id of a declared field, for the variables of rules.go. An unknown name is a programming error that
// stops the program when it starts, and so every test.
func field(name string) FieldID {
	for f := range Fields {
		if Fields[f].Name == name {
			return FieldID(f)
		}
	}
	panic(fmt.Sprintf("event: no declared field %q", name))
}

// state is what became of a declared field.
type state uint8

const (
	absent          state = iota
	null                  // came as null and stays
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

// Came reports whether the event came with the field, whatever its value.
func (e *Event) Came(f FieldID) bool {
	s := e.fields[f].state
	return s != absent && s != malformedBefore || e.IsMalformed(f)
}

// IsNull reports whether the field came as null.
func (e *Event) IsNull(f FieldID) bool { return e.fields[f].state == null }

// IsMalformed reports whether the field came in a type that cannot be converted to the declared one.
func (e *Event) IsMalformed(f FieldID) bool {
	s := e.fields[f].state
	return s == malformed || s == malformedBefore && e.had
}

// IsEmpty reports whether the field came as "", null, false, 0, {} or [].
func (e *Event) IsEmpty(f FieldID) bool { return e.fields[f].empty && e.Came(f) }

// Present reports whether the field says something: it came, is neither null nor malformed, and no blank string.
func (e *Event) Present(f FieldID) bool {
	v := &e.fields[f]
	return v.state == conformed && len(v.text) > 0 && (v.text[0]-'!' < utf8.RuneSelf-'!' || len(bytes.TrimSpace(v.text)) > 0)
}

// Text returns the meaning of a string or timestamp field, and the JSON text of a number or boolean. It is empty when the
// field did not come, is null or malformed.
func (e *Event) Text(f FieldID) []byte { return e.fields[f].text }

// Number returns the value of a double field, rounded to a float64 as the stores do; false when it did not come, is null or
// malformed.
func (e *Event) Number(f FieldID) (float64, bool) {
	v := &e.fields[f]
	return v.number, v.state == conformed
}

// ProcessedAt returns the time of the transform's run, the same for all events of an invocation.
func (e *Event) ProcessedAt() string { return e.processedAt }

// IsPartial reports whether the event has a malformed object that is not empty.
func (e *Event) IsPartial() bool { return e.partial }

// Before returns the string that an earlier pass of the transform gave to the field of the rule that runs, of which name is
// the name; empty when there was no such pass, or it gave none.
func (e *Event) Before(name string) string {
	if !e.had {
		return ""
	}
	at := e.names.Index(name)
	if at < 0 || e.scan.Found[at] < 0 {
		return ""
	}
	m := &e.scan.Members[e.scan.Found[at]]
	if m.Kind != jsonscan.String {
		return ""
	}
	return string(e.content(m))
}

// runs notes which rule runs next. The transform writes processed_timestamp first of all its fields, so that what comes
// after it was added by the transform, and what comes before was sent by a producer.
func (e *Event) runs(rule int) {
	e.had = e.processed >= 0 && e.scan.Found[firstRule+rule] >= e.processed
}

// malformedBefore sets v to what is known of a field that may have been moved to malformed by an earlier pass.
func (e *Event) malformedBefore(v *value, f int) {
	*v = value{}
	at := e.before.Found[f]
	if at < 0 || !keepsOwn(&e.before.Members[at]) {
		return
	}
	v.state = malformedBefore
	if m := &e.before.Members[at]; m.Kind == jsonscan.String {
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
