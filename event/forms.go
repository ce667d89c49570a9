package event

import "firehose-pipeline/internal/jsonscan"

// The forms that conform accepts, for a program that chooses types for values that it has seen. Text is the meaning of
// a JSON string, without quotes and escapes; number is a JSON number.

// IsTimestamp reports whether text is a timestamp of the stores, which a field of type [Timestamp] keeps as sent.
func IsTimestamp(text []byte) bool { return isTimestamp(text) }

// ConvertsToTimestamp reports whether a field of type [Timestamp] accepts text, but in another form than it was sent
// in.
func ConvertsToTimestamp(text []byte) bool {
	var buffer [64]byte
	_, ok := appendTimestamp(buffer[:0], text)
	return ok
}

// IsDate reports whether text is a day of the calendar as yyyy-mm-dd.
func IsDate(text []byte) bool {
	if len(text) != len("0000-00-00") || date.differs(text[0:8:8]) != 0 || text[8]-'0' > 9 || text[9]-'0' > 9 {
		return false
	}
	month, day := two(text[5:]), two(text[8:])
	return month >= 1 && month <= 12 && day >= 1 && day <= daysIn(two(text)*100+two(text[2:]), month)
}

// FitsInt64 reports whether a field of type [BigInt] accepts a number, which has neither fraction nor exponent.
func FitsInt64(number []byte) bool { return fitsInt64(number) }

// FitsFloat64 reports whether a field of type [Double] accepts a number.
func FitsFloat64(number []byte) bool {
	_, s := parseDouble(number)
	return s == conformed
}

// IsAcceptedNumber reports whether the readers of the stores accept a number, whatever its type.
func IsAcceptedNumber(number []byte) bool { return !jsonscan.TooManyDigits(number) }
