package event

import (
	"bytes"
	"math"
	"strconv"

	"firehose-pipeline/internal/jsonscan"
)

// how says how a member of the event is written.
type how uint8

const (
	asSent    how = iota
	removed       // not at all
	quoted        // the value as sent, in quotes
	unquoted      // another text in its place: what the string meant
	rewritten     // another string in its place
)

// edit says how a member is written; text is for unquoted and, without its quotes, for rewritten.
type edit struct {
	how  how
	text []byte
}

// conform brings a member to the declared type. It sets v to what the field is for the rules and says how the member is
// written; when v is malformed, the member is to be moved.
//
//	declared    kept                          converted                            all else is malformed
//	String      string                        number, true, false: put in quotes
//	Double      number finite as a float64    string that, trimmed, is such a number: quotes removed
//	BigInt      integer of 64 bits            string that is one: quotes removed
//	Boolean     true, false                   "true", "false": quotes removed
//	Timestamp   string in RFC 3339        the forms of appendTimestamp: rewritten
//
// A number of more than [jsonscan.MaxDigits] digits is malformed as Double: no reader on the JVM takes it. Integers are those written without fraction and exponent: 1.0 and 1e3 are none. A string counts by what it means, so
// escapes in it do not matter.
func (e *Event) conform(v *value, t Type, m *jsonscan.Member) how {
	v.state, v.empty, v.text, v.number = conformed, false, nil, 0
	switch m.Kind {
	case jsonscan.String:
		v.text = e.content(m)
		v.empty = len(v.text) == 0
		if t == String {
			return asSent
		}
		return e.conformString(v, t)
	case jsonscan.Number:
		v.text = e.record[m.Start:m.End]
		v.empty = isZero(v.text)
		switch t {
		case String:
			return quoted
		case Double:
			if v.number, v.state = parseDouble(v.text); v.state == conformed {
				return asSent
			}
		case BigInt:
			if m.Integer && fitsInt64(v.text) {
				return asSent
			}
		case Timestamp:
			return e.rewriteTimestamp(v)
		}
	case jsonscan.True, jsonscan.False:
		v.text = e.record[m.Start:m.End]
		v.empty = m.Kind == jsonscan.False
		switch t {
		case String:
			return quoted
		case Boolean:
			return asSent
		}
	case jsonscan.Null:
		v.state, v.empty = null, true
		return asSent
	default: // object or array
		v.empty = jsonscan.SkipSpace(e.record, m.Start+1) == m.End-1
	}
	v.state, v.text = malformed, nil
	return removed
}

// conformString is conform for a string whose meaning is v.text and a type other than String.
func (e *Event) conformString(v *value, t Type) how {
	switch t {
	case Timestamp:
		if isTimestamp(v.text) {
			return asSent
		}
		return e.rewriteTimestamp(v)
	case Double:
		v.text = bytes.TrimSpace(v.text)
		if ok, _ := jsonscan.IsNumber(v.text); ok {
			if v.number, v.state = parseDouble(v.text); v.state == conformed {
				return unquoted
			}
		}
	case BigInt:
		if _, ok := jsonscan.IsNumber(v.text); ok && fitsInt64(v.text) {
			return unquoted
		}
	case Boolean:
		if string(v.text) == "true" || string(v.text) == "false" {
			return unquoted
		}
	}
	v.state, v.text = malformed, nil
	return removed
}

// rewriteTimestamp is conform for a timestamp that is not in RFC 3339, or in one of its forms that a store does not read.
func (e *Event) rewriteTimestamp(v *value) how {
	from := len(e.decoded)
	var ok bool
	if e.decoded, ok = appendTimestamp(e.decoded, v.text); ok {
		v.text = e.decoded[from:]
		return rewritten
	}
	v.state, v.text = malformed, nil
	return removed
}

// content returns what a string member means.
func (e *Event) content(m *jsonscan.Member) []byte {
	text := e.record[m.Start+1 : m.End-1]
	if !m.Escaped {
		return text
	}
	from := len(e.decoded)
	e.decoded = jsonscan.Unescape(e.decoded, text)
	return e.decoded[from:]
}

// powers are the powers of ten that a float64 holds exactly and that the short way of parseDouble needs.
var powers = [...]float64{1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15}

// parseDouble returns the float64 nearest to a JSON number; its state is malformed when that is infinite.
func parseDouble(text []byte) (float64, state) {
	// 16 bytes without exponent, which is any price, hold an integer or, with a point, at most 15 digits. Those and the
	// power of ten are exact as float64, so that the one conversion or division rounds correctly.
	if len(text) <= 16 {
		digits, decimals, seen := int64(0), 0, 0
		for _, c := range text {
			switch {
			case c-'0' <= 9:
				digits = 10*digits + int64(c-'0')
				decimals += seen
			case c == '.':
				seen = 1
			case c == '-':
			default:
				return parseAnyDouble(text)
			}
		}
		x := float64(digits) / powers[decimals]
		if text[0] == '-' {
			x = -x
		}
		return x, conformed
	}
	return parseAnyDouble(text)
}

func parseAnyDouble(text []byte) (float64, state) {
	if jsonscan.TooManyDigits(text) {
		return 0, malformed
	}
	x, err := strconv.ParseFloat(string(text), 64)
	if err != nil || math.IsInf(x, 0) {
		return 0, malformed
	}
	return x, conformed
}

// fitsInt64 reports whether a JSON integer is in the range of 64 bits.
func fitsInt64(text []byte) bool {
	const most, least = "9223372036854775807", "9223372036854775808"
	limit := most
	if text[0] == '-' {
		text, limit = text[1:], least
	}
	// A JSON integer has no zeros to skip, so that one that is longer is larger.
	return len(text) < len(limit) || len(text) == len(limit) && (text[0] < '9' || string(text) <= limit)
}

// isZero reports whether a JSON number is zero, however it is written.
func isZero(text []byte) bool {
	for _, c := range text {
		switch {
		case c == 'e' || c == 'E':
			return true
		case c >= '1' && c <= '9':
			return false
		}
	}
	return true
}
