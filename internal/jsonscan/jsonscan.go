// Package jsonscan reads one JSON object in one pass: it checks the object against RFC 8259 and UTF-8, and notes where its
// top-level members are, without building a map and, once warm, without allocating.
//
// The contract:
//
//   - What [Scanner.Object] accepts is what encoding/json.Valid and unicode/utf8.Valid both accept, nested no deeper than
//     [MaxDepth]. So raw control characters, overlong or surrogate UTF-8, a byte order mark, NaN, Infinity, hexadecimal and
//     numbers such as +1, 1. or .5 are refused. RFC 8259 allows an escaped lone surrogate such as \ud800, and so does this
//     package.
//   - Nothing is decoded and nothing copied: members are offsets into the input, so number text and escapes stay as sent.
//   - Keys are compared decoded ("user\u005fid" is "user_id"), exactly, upper and lower case being different.
//   - Time is linear in the input, for hostile keys too: their hash is seeded anew in each process.
//
// The package knows nothing about events.
package jsonscan

// MaxDepth is how deep objects and arrays may be nested; the outermost is 1.
const MaxDepth = 1000

// Kind is the kind of a JSON value.
type Kind uint8

// The kinds of JSON values.
const (
	Null Kind = iota + 1
	False
	True
	Number
	String
	Object
	Array
)

// Problem says why an input is no acceptable JSON; zero means that it is.
type Problem uint8

// The problems a scan can find.
const (
	None          Problem = iota
	UnexpectedEnd         // the input ends too early
	Syntax                // the input breaks RFC 8259
	InvalidUTF8           // a string is not UTF-8
	TooDeep               // nested deeper than MaxDepth
	NotAnObject           // good JSON, but not an object
)

var problems = [...]string{"none", "unexpected end", "invalid syntax", "invalid UTF-8", "nested too deep", "not an object"}

// String names the problem in a few words.
func (p Problem) String() string { return problems[p] }

// Member is one top-level member of an object. Offsets count bytes from the start of the scanned data.
type Member struct {
	KeyStart, KeyEnd int   // the key as written, without its quotes
	Start, End       int   // the value as written; a string with its quotes
	Name             int32 // index of the key in the scanner's names, -1 for other keys
	text             int32 // 1 + index of the decoded key in Scanner.texts, 0 for a key without escapes
	Kind             Kind
	Escaped          bool // the value is a string written with escapes
	Integer          bool // the value is a number without fraction and exponent
	Repeated         bool // the same key comes again later in the object
	// OddKey: a key that some readers reject: it is not one of the names and is empty, begins with an underscore, has a dot,
	// more than MaxKeyBytes bytes as written, or escapes.
	OddKey bool
	// OddValue: [Inspect] may find something in the value. It is false for most values in which it finds nothing.
	OddValue bool
}
