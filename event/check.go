package event

import (
	"bytes"
	"fmt"

	"firehose-pipeline/internal/jsonscan"
)

// Reason says why a record was refused. The list is fixed: metrics and dead letters carry it and operators filter by
// it.
type Reason string

// The reasons for which the transform refuses a record. [Check] finds all but InvalidBase64 and TooLarge, which depend
// on what is around the record: when Check accepts a record that the transform refused, the reason was TooLarge, or the
// transform has been mended since. Dead letters say AcceptedNow then.
const (
	EmptyRecord   Reason = "EmptyRecord"   // nothing, or only white space
	ByteOrderMark Reason = "ByteOrderMark" // begins with a UTF-8 byte order mark, which JSON forbids
	Compressed    Reason = "Compressed"    // begins as gzip, zlib or Zstandard do
	InvalidUTF8   Reason = "InvalidUtf8"   // a string that is not UTF-8: invalid, cut, overlong, a surrogate
	InvalidJSON   Reason = "InvalidJson"   // breaks RFC 8259
	UnexpectedEnd Reason = "UnexpectedEnd" // JSON so far, but cut off
	NotAnObject   Reason = "NotAnObject"   // JSON, but an array, a string, a number, true, false or null
	TooDeep       Reason = "TooDeep"       // nested deeper than MaxDepth
	TrailingData  Reason = "TrailingData"  // search only: something other than white space follows the object
	InvalidBase64 Reason = "InvalidBase64" // the record's data in Firehose's request is no base64
	TooLarge      Reason = "TooLarge"      // the answer to Firehose would have passed Lambda's 6 MB
)

// Reasons are all reasons, in a fixed order.
var Reasons = []Reason{EmptyRecord, ByteOrderMark, Compressed, InvalidUTF8, InvalidJSON, UnexpectedEnd, NotAnObject,
	TooDeep, TrailingData, InvalidBase64,
	TooLarge}

// MaxDepth is how deep objects and arrays of an event may be nested; the event itself is 1.
const MaxDepth = jsonscan.MaxDepth

// Error says why a record was refused and where.
type Error struct {
	Reason Reason
	Offset int // byte offset in the record, from 0
}

// Error never quotes the record: it may end in a log.
func (e *Error) Error() string {
	return fmt.Sprintf("refusing record: %s at byte %d", e.Reason, e.Offset)
}

// Check reports why the transform refuses the record on the stream; nil means that it accepts it. Of several problems
// it reports the first. It is safe for concurrent use.
func Check(stream Stream, record []byte) *Error {
	if found := checkObjects(stream, record); found.Reason != "" {
		refused := found // a copy: only errors are allocated, and none by a caller that reads it and into which this is inlined
		return &refused
	}
	return nil
}

// checkObjects checks each object of the record. The error has no reason when the transform accepts it.
func checkObjects(stream Stream, record []byte) Error {
	at := 0
	for {
		start, more, refused := begin(stream, record, at)
		if refused.Reason != "" || !more {
			return refused
		}
		end, problem := checkObject(record, start)
		if problem != jsonscan.None {
			return Error{reasons[problem], end}
		}
		at = end
	}
}

// checkObject is [jsonscan.Scanner.Object] without a look at the keys.
func checkObject(data []byte, start int) (int, jsonscan.Problem) {
	end, problem := jsonscan.Value(data, start)
	if problem == jsonscan.None && data[start] != '{' {
		return start, jsonscan.NotAnObject
	}
	return end, problem
}

var byteOrderMark = []byte("\xEF\xBB\xBF")

// IsGzip reports whether data begins as gzip (RFC 1952) does.
func IsGzip(data []byte) bool { return len(data) >= 2 && data[0] == 0x1f && data[1] == 0x8b }

// IsCompressed reports whether data begins as gzip (RFC 1952), zlib (RFC 1950) or Zstandard (RFC 8878) does. No JSON
// does.
func IsCompressed(data []byte) bool {
	if len(data) < 2 {
		return false
	}
	switch data[0] {
	case 0x1f:
		return IsGzip(data)
	case 0x28:
		return bytes.HasPrefix(data, []byte{0x28, 0xb5, 0x2f, 0xfd})
	case 'x': // zlib at a window of 32 KiB, which all of its libraries use; the second byte tells the level
		switch data[1] {
		case 0x01, 0x9c, 0xda:
			return true
		case '^': // text may begin so: of zlib, 14 bytes that are all printable are one in a million
			return !printable(data[2:min(len(data), 16)])
		}
	}
	return false
}

func printable(text []byte) bool {
	for _, c := range text {
		if (c < ' ' || c > '~') && c != '\t' && c != '\r' && c != '\n' {
			return false
		}
	}
	return true
}

// next scans the next object of the record, at or after record[at], where at is 0 or the end of the object before. It
// returns the offset after the object and true, or false when there is none left, or why the record is refused.
func next(scan *jsonscan.Scanner, stream Stream, record []byte, at int) (end int, more bool, refused Error) {
	start, more, refused := begin(stream, record, at)
	if !more {
		return start, false, refused
	}
	end, problem := scan.Object(record, start)
	if problem != jsonscan.None {
		return end, false, Error{reasons[problem], end}
	}
	return end, true, Error{}
}

// begin returns where the next object of the record is to begin and true, or false when there is none left, or why the
// record is refused.
func begin(stream Stream, record []byte, at int) (start int, more bool, refused Error) {
	start = jsonscan.SkipSpace(record, at)
	switch {
	case start == len(record) && at == 0:
		return 0, false, Error{EmptyRecord, 0}
	case start == len(record):
		return start, false, Error{}
	case at > 0 && stream == Search:
		return start, false, Error{TrailingData, start}
	case record[start] == byteOrderMark[0] && bytes.HasPrefix(record[start:], byteOrderMark):
		return start, false, Error{ByteOrderMark, start}
	case record[start] != '{' && IsCompressed(record[start:]):
		return start, false, Error{Compressed, start}
	}
	return start, true, Error{}
}

var reasons = [...]Reason{
	jsonscan.UnexpectedEnd: UnexpectedEnd,
	jsonscan.Syntax:        InvalidJSON,
	jsonscan.InvalidUTF8:   InvalidUTF8,
	jsonscan.TooDeep:       TooDeep,
	jsonscan.NotAnObject:   NotAnObject,
}
