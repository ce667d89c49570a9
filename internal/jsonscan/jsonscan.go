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

// Problem is the reason why an input is not acceptable JSON; zero means that it is.
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

var problems = [...]string{"none", "unexpected end", "invalid syntax", "invalid UTF-8", "nested too deep",
	"not an object"}

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
	// OddKey: a key that some readers reject: it is not one of the names and is empty, begins with an underscore, has a
	// dot, more than MaxKeyBytes bytes as written, or escapes.
	OddKey bool
	// OddValue: [Inspect] may find something in the value. It is false for most values in which it finds nothing.
	OddValue bool
}
