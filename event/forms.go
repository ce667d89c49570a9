package event

import "firehose-pipeline/internal/jsonscan"

// The forms that conform accepts, for a program that chooses types for values that it has seen. Text is the decoded
// content of a JSON string; number is a JSON number.

// IsTimestamp reports whether text is a timestamp of the stores, which a field of kind Timestamp keeps as sent.
func IsTimestamp(text []byte) bool { return isTimestamp(text) }

// ConvertsToTimestamp reports whether a field of kind Timestamp accepts text, but in another form than it was sent in.
func ConvertsToTimestamp(text []byte) bool {
	var buffer [64]byte
	_, ok := appendTimestamp(buffer[:0], text)
	return ok
}

// IsDate reports whether text is a day of the calendar as yyyy-mm-dd, which a field of kind Date keeps as sent.
func IsDate(text []byte) bool { return isDate(text) }

// FitsInt64 reports whether a field of kind BigInt accepts a number, which has neither fraction nor exponent.
func FitsInt64(number []byte) bool { return fitsInt64(number) }

// FitsFloat64 reports whether a field of kind Double accepts a number.
func FitsFloat64(number []byte) bool {
	_, s := parseDouble(number)
	return s == conformed
}

// IsAcceptedNumber reports whether the readers of the stores accept a number, whatever its type.
func IsAcceptedNumber(number []byte) bool { return !jsonscan.TooManyDigits(number) }
