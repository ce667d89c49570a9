package event

import (
	"bytes"
	"encoding/binary"
	"strconv"
	"time"
)

// maxOffset is the largest offset from UTC, in minutes, that all readers of the stores accept: Trino and Athena know no
// zone beyond 14 hours, and one such value ends a query over it, also inside try(). No zone in use is beyond it;
// java.time, and with it OpenSearch, reads 18 hours. https://trino.io/docs/current/language/timezones.html
const maxOffset = 14 * 60

// isTimestamp reports whether text is a date and time in RFC 3339 that the search index's date mapping
// (strict_date_optional_time, which is java.time), Trino and Athena read as well. Of what RFC 3339 allows, that leaves
// out: a lower case t or z, a leap second (:60), offsets beyond 14 hours and fractions beyond nanoseconds.
func isTimestamp(text []byte) bool {
	const shape = "0000-00-00T00:00:00" // then a fraction, then Z or an offset
	if len(text) <= len(shape) {
		return false
	}
	if date.differs(text[0:8:8])|hour.differs(text[8:16:16])|second.differs(text[11:19:19]) != 0 {
		return false
	}
	month, day := two(text[5:]), two(text[8:])
	if month < 1 || month > 12 || day < 1 || two(text[11:]) > 23 || two(text[14:]) > 59 || two(text[17:]) > 59 {
		return false
	}
	if day > 28 && day > daysIn(two(text)*100+two(text[2:]), month) {
		return false
	}
	rest := text[len(shape):]
	if rest[0] == '.' {
		n := 1
		for n < len(rest) && rest[n]-'0' <= 9 {
			n++
		}
		if n < 2 || n > 10 {
			return false
		}
		rest = rest[n:]
	}
	switch {
	case len(rest) == 1:
		return rest[0] == 'Z'
	case len(rest) == len("+01:00") && (rest[0] == '+' || rest[0] == '-') && rest[3] == ':':
		for _, k := range [...]int{1, 2, 4, 5} {
			if rest[k]-'0' > 9 {
				return false
			}
		}
		hours, minutes := two(rest[1:]), two(rest[4:])
		return minutes <= 59 && hours*60+minutes <= maxOffset
	}
	return false
}

// appendTimestamp appends text, which is not a timestamp for isTimestamp, as one, when it has one of these forms, which
// mean one instant only; otherwise it returns false:
//
//	1533689070, 1533689070.589    seconds since 1970, ten digits before the point, up to nine after it
//	1533689070589                 milliseconds since 1970, thirteen digits
//	2018-08-08 00:44:30Z          a space or a lower case t for T
//	2018-08-08T00:44:30z          a lower case z
//	2018-08-08T02:44:30+0200      no colon in the offset
//
// Ten and thirteen digits are the years 2001 to 2286; no count of another unit has as many digits for a time of ours.
func appendTimestamp(dst, text []byte) ([]byte, bool) {
	if len(text) == 0 {
		return dst, false
	}
	if text[0]-'0' <= 9 && bytes.IndexByte(text, '-') < 0 {
		return appendEpoch(dst, text)
	}
	const shape = "0000-00-00T00:00:00"
	from := len(dst)
	dst = append(dst, text...)
	fixed := dst[from:]
	if len(fixed) <= len(shape) {
		return dst[:from], false
	}
	if c := fixed[10]; c == ' ' || c == 't' {
		fixed[10] = 'T'
	}
	last := len(fixed) - 1
	if fixed[last] == 'z' {
		fixed[last] = 'Z'
	} else if sign := fixed[len(fixed)-5]; (sign == '+' || sign == '-') && len(fixed)-5 >= len(shape) {
		minutes := [2]byte(fixed[len(fixed)-2:]) // a copy: append writes over them
		dst = append(dst[:len(dst)-2], ':', minutes[0], minutes[1])
	}
	if !isTimestamp(dst[from:]) {
		return dst[:from], false
	}
	return dst, true
}

// appendEpoch is appendTimestamp for a count since 1970.
func appendEpoch(dst, text []byte) ([]byte, bool) {
	whole, fraction, point := bytes.Cut(text, []byte{'.'})
	if whole[0] == '0' || !allDigits(whole) || point &&
		(len(whole) != 10 || len(fraction) < 1 || len(fraction) > 9 || !allDigits(fraction)) {
		return dst, false
	}
	switch len(whole) {
	case 10:
	case 13:
		whole, fraction = whole[:10], whole[10:]
	default:
		return dst, false
	}
	seconds, err := strconv.ParseInt(string(whole), 10, 64)
	if err != nil {
		return dst, false
	}
	dst = appendSeconds(dst, time.Unix(seconds, 0).UTC())
	if len(fraction) > 0 {
		dst = append(append(dst, '.'), fraction...)
	}
	return append(dst, 'Z'), true
}

// appendSeconds appends a time as 2006-01-02T15:04:05.
func appendSeconds(dst []byte, t time.Time) []byte {
	year, month, day := t.Date()
	hours, minutes, seconds := t.Clock()
	dst = appendTwo(appendTwo(dst, year/100), year%100)
	dst = appendTwo(append(appendTwo(append(dst, '-'), int(month)), '-'), day)
	dst = appendTwo(append(appendTwo(append(dst, 'T'), hours), ':'), minutes)
	return appendTwo(append(dst, ':'), seconds)
}

// appendTwo appends a number below 100 in two digits.
func appendTwo(dst []byte, n int) []byte { return append(dst, '0'+byte(n/10), '0'+byte(n%10)) }

func allDigits(text []byte) bool {
	for _, c := range text {
		if c-'0' > 9 {
			return false
		}
	}
	return true
}

// pattern is eight bytes of a date and time, to be compared at once.
type pattern struct {
	text   uint64
	digits uint64 // all bits of those bytes that are 0 in the text and may be any digit
}

var date, hour, second = newPattern("0000-00-"), newPattern("00T00:00"), newPattern("00:00:00")

func newPattern(text string) pattern {
	p := pattern{text: binary.LittleEndian.Uint64([]byte(text))}
	for k := range 8 {
		if text[k] == '0' {
			p.digits |= 0xFF << (8 * k)
		}
	}
	return p
}

// differs is 0 when the eight bytes fit the pattern.
func (p *pattern) differs(text []byte) uint64 {
	const ones = 0x0101010101010101
	w := binary.LittleEndian.Uint64(text) ^ p.text // digits become 0 to 9
	return w&^p.digits | (w|(w+(0x80-10)*ones))&p.digits&(0x80*ones)
}

// two reads two digits.
func two(text []byte) int { return int(text[0]-'0')*10 + int(text[1]-'0') }

func daysIn(year, month int) int {
	switch month {
	case 4, 6, 9, 11:
		return 30
	case 2:
		if year%4 == 0 && (year%100 != 0 || year%400 == 0) {
			return 29
		}
		return 28
	}
	return 31
}

// isDate reports whether text is a day of the years 1 to 9999 as yyyy-mm-dd.
func isDate(text []byte) bool {
	const shape = "0000-00-00"
	if len(text) != len(shape) || text[4] != '-' || text[7] != '-' || !allDigits(text[:4]) || !allDigits(text[5:7]) ||
		!allDigits(text[8:]) {
		return false
	}
	year, month, day := two(text)*100+two(text[2:]), two(text[5:]), two(text[8:])
	return year > 0 && month >= 1 && month <= 12 && day >= 1 && day <= daysIn(year, month)
}
