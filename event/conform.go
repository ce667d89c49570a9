package event

import (
	"bytes"
	"math"
	"strconv"

	"firehose-pipeline/internal/jsonscan"
	"firehose-pipeline/schema"
)

// rewrite is the way in which a member of the event is written.
type rewrite uint8

const (
	asSent   rewrite = iota
	removed          // not at all
	quoted           // the value as sent, in quotes
	unquoted         // JSON in its place
	replaced         // a string in its place
)

// edit is the way in which a member is written; text is for unquoted and, without its quotes, for replaced.
type edit struct {
	rewrite rewrite
	text    []byte
}

// conform brings a member to the declared type of a scalar. It sets v to the field's value for the rules and returns
// the way in which the member is written; when v is malformed, the member is to be moved.
//
//	declared    kept                          converted                            all else is malformed
//	String      string                        number, true, false: put in quotes
//	Double      number finite as a float64    string that, trimmed, is such a number: quotes removed
//	BigInt      integer of 64 bits            string that is one: quotes removed
//	Boolean     true, false                   "true", "false": quotes removed
//	Timestamp   string in RFC 3339            the forms of appendTimestamp: replaced
//	Date        string yyyy-mm-dd             none
//
// A number of more than [jsonscan.MaxDigits] digits is malformed as Double: no reader on the JVM accepts it. Integers
// are those written without fraction and exponent: 1.0 and 1e3 are not. A string counts by its decoded content.
//
// A value out of the field's bounds is malformed. Protection comes last.
func (e *Event) conform(v *value, n *node, m *jsonscan.Member) edit {
	if n.protect >= schema.Hash && n.protect <= schema.Redact && e.isProtected(v, m) {
		if e.mask {
			return edit{replaced, []byte(Redacted)}
		}
		return edit{}
	}
	if n.protect == schema.Drop && !n.kind.Scalar() && e.dropContainer(v, n, m) {
		return edit{rewrite: removed}
	}
	v.state, v.empty, v.text, v.number = conformed, false, nil, 0
	ed := edit{rewrite: e.conformType(v, n.kind, m)}
	if ed.rewrite >= unquoted {
		ed.text = v.text
	}
	if n.bounded && v.state == conformed && !n.allows(v) {
		v.state, v.text, ed = malformed, nil, edit{rewrite: removed}
	}
	if n.protect != schema.Unprotected {
		return e.protect(v, n.protect, m, ed)
	}
	return ed
}

func (e *Event) conformType(v *value, kind schema.Kind, m *jsonscan.Member) rewrite {
	switch m.Kind {
	case jsonscan.String:
		v.text = e.content(m)
		v.empty = len(v.text) == 0
		if kind == schema.String {
			return asSent
		}
		return e.conformString(v, kind)
	case jsonscan.Number:
		v.text = e.record[m.Start:m.End]
		v.empty = isZero(v.text)
		switch kind {
		case schema.String:
			return quoted
		case schema.Double:
			if v.number, v.state = parseDouble(v.text); v.state == conformed {
				return asSent
			}
		case schema.BigInt:
			if m.Integer && fitsInt64(v.text) {
				return asSent
			}
		case schema.Timestamp:
			return e.replaceTimestamp(v)
		}
	case jsonscan.True, jsonscan.False:
		v.text = e.record[m.Start:m.End]
		v.empty = m.Kind == jsonscan.False
		switch kind {
		case schema.String:
			return quoted
		case schema.Boolean:
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

// conformString is conformType for a string of content v.text and a type other than String.
func (e *Event) conformString(v *value, kind schema.Kind) rewrite {
	switch kind {
	case schema.Timestamp:
		if isTimestamp(v.text) {
			return asSent
		}
		return e.replaceTimestamp(v)
	case schema.Date:
		if isDate(v.text) {
			return asSent
		}
	case schema.Double:
		v.text = bytes.TrimSpace(v.text)
		if ok, _ := jsonscan.IsNumber(v.text); ok {
			if v.number, v.state = parseDouble(v.text); v.state == conformed {
				return unquoted
			}
		}
	case schema.BigInt:
		if _, ok := jsonscan.IsNumber(v.text); ok && fitsInt64(v.text) {
			return unquoted
		}
	case schema.Boolean:
		if string(v.text) == "true" || string(v.text) == "false" {
			return unquoted
		}
	}
	v.state, v.text = malformed, nil
	return removed
}

// replaceTimestamp is conformType for a timestamp that is not in RFC 3339, or in one of its forms that a store does not
// read.
func (e *Event) replaceTimestamp(v *value) rewrite {
	from := len(e.decoded)
	var ok bool
	if e.decoded, ok = appendTimestamp(e.decoded, v.text); ok {
		v.text = e.decoded[from:]
		return replaced
	}
	v.state, v.text = malformed, nil
	return removed
}

// content returns the decoded content of a string member.
func (e *Event) content(m *jsonscan.Member) []byte {
	text := e.record[m.Start+1 : m.End-1]
	if !m.Escaped {
		return text
	}
	from := len(e.decoded)
	e.decoded = jsonscan.Unescape(e.decoded, text)
	return e.decoded[from:]
}

// powers are the powers of ten that a float64 holds exactly, for the short way of parseDouble.
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
