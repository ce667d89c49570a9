package event

import (
	"encoding/binary"
)

// isTimestamp reports whether text is a date and time in RFC 3339 that the search index's date mapping
// (strict_date_optional_time, which is java.time) takes as well. Of what RFC 3339 allows, that leaves out:
// a lower case t or z, a leap second (:60), offsets beyond 18 hours and fractions beyond nanoseconds.
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
		return minutes <= 59 && hours*60+minutes <= 18*60
	}
	return false
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
