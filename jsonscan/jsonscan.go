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

import (
	"encoding/binary"
	"hash/maphash"
	"math/bits"
	"slices"
	"unicode/utf8"
)

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
}

// Scanner holds the result of the last scan and the memory that the next one reuses. It is not safe for concurrent use;
// make one for each goroutine.
type Scanner struct {
	// Members are the top-level members of the last object, in order.
	Members []Member
	// Found has, for each name the scanner was made for, the index in Members of the last member of that name, or -1.
	Found []int
	// Spaced reports whether there is white space between tokens inside the last object, at any depth.
	Spaced bool
	// Repeats reports whether any member is Repeated.
	Repeats bool

	data   []byte
	names  *Names
	texts  [][]byte // decoded keys of the last object
	others keySet   // the keys that are not in names
	// follows has, for each name and at 0 for the start of an object, 1 + the name that came after it last time, or 0:
	// objects of a kind mostly have their members in one order, and to compare is faster than to look for.
	follows []int32
}

// NewScanner returns a scanner that looks for names.
func NewScanner(names *Names) *Scanner {
	return &Scanner{names: names, Found: make([]int, len(names.names)), follows: make([]int32, len(names.names)+1)}
}

// Object scans the JSON object that begins at data[start], where white space may come first. Without a problem it returns
// the offset just after the object; what follows is not looked at. With a problem it returns the problem's offset, for
// [NotAnObject] that of the other value. Members and Found are then meaningless.
func (s *Scanner) Object(data []byte, start int) (int, Problem) {
	s.data, s.Members, s.texts = data, s.Members[:0], s.texts[:0]
	for i := range s.Found {
		s.Found[i] = -1
	}
	s.others.clear()

	i := s.space(start)
	s.Spaced, s.Repeats = false, false
	if i >= len(data) {
		return i, UnexpectedEnd
	}
	if data[i] != '{' {
		if end, problem := s.value(i, 0); problem != None {
			return end, problem
		}
		return i, NotAnObject
	}
	if i = s.next(i + 1); i < len(data) && data[i] == '}' {
		return i + 1, None
	}
	last := int32(0) // 1 + the last name, 0 at the start
	for {
		if i >= len(data) {
			return i, UnexpectedEnd
		}
		var problem Problem
		keyStart, keyEnd, keyEscaped := i+1, 0, false
		expected := s.names.tokens[s.follows[last]]
		known := expected != "" && len(data)-i > len(expected) && string(data[i:i+len(expected)]) == expected
		if known {
			i += len(expected)
			keyEnd = i - len(`":`)
		} else {
			if data[i] != '"' {
				return i, Syntax
			}
			keyEnd, keyEscaped, problem = scanString(data, keyStart)
			if problem != None {
				return keyEnd, problem
			}
			if i = s.next(keyEnd + 1); i >= len(data) {
				return i, UnexpectedEnd
			}
			if data[i] != ':' {
				return i, Syntax
			}
			i++
		}
		if i < len(data) && data[i] <= ' ' {
			i = s.space(i)
		}
		if i >= len(data) {
			return i, UnexpectedEnd
		}
		from, kind, escaped, integer := i, kinds[data[i]], false, false
		switch kind {
		case String:
			i, escaped, problem = scanString(data, i+1)
			i++
		case Number:
			i, integer, problem = scanNumber(data, i)
		default:
			i, problem = s.value(i, 1)
		}
		if problem != None {
			if kind == String {
				i--
			}
			return i, problem
		}

		at := len(s.Members)
		if at == cap(s.Members) {
			s.Members = slices.Grow(s.Members, max(16, at))
		}
		s.Members = s.Members[:at+1]
		m := &s.Members[at]
		*m = Member{KeyStart: keyStart, KeyEnd: keyEnd, Start: from, End: i, Kind: kind, Escaped: escaped, Integer: integer}
		if known {
			m.Name = s.follows[last] - 1
			last = m.Name + 1
			if earlier := s.Found[m.Name]; earlier >= 0 {
				s.repeat(earlier)
			}
			s.Found[m.Name] = at
		} else {
			s.identify(at, keyEscaped)
			if m.Name >= 0 {
				s.follows[last] = m.Name + 1
				last = m.Name + 1
			}
		}

		if i < len(data) && data[i] <= ' ' {
			i = s.space(i)
		}
		if i >= len(data) {
			return i, UnexpectedEnd
		}
		if data[i] != ',' {
			if data[i] != '}' {
				return i, Syntax
			}
			return i + 1, None
		}
		if i++; i < len(data) && data[i] <= ' ' {
			i = s.space(i)
		}
	}
}

// kinds gives the kind of a value from its first byte, 0 where none can begin.
var kinds = [256]Kind{'"': String, '{': Object, '[': Array, 't': True, 'f': False, 'n': Null, '-': Number,
	'0': Number, '1': Number, '2': Number, '3': Number, '4': Number, '5': Number, '6': Number, '7': Number, '8': Number, '9': Number}

// identify finds the name of the member's key, and the earlier member of the same key, if there is one.
func (s *Scanner) identify(at int, escaped bool) {
	m := &s.Members[at]
	key := s.data[m.KeyStart:m.KeyEnd]
	if escaped {
		key = Unescape(nil, key)
		s.texts = append(s.texts, key)
		m.text = int32(len(s.texts))
	}
	hash := s.names.hash(key)
	m.Name = s.names.find(key, hash)
	earlier := -1
	if m.Name >= 0 {
		earlier, s.Found[m.Name] = s.Found[m.Name], at
	} else {
		earlier = s.others.put(s, key, hash, at)
	}
	if earlier >= 0 {
		s.repeat(earlier)
	}
}

func (s *Scanner) repeat(earlier int) {
	s.Members[earlier].Repeated, s.Repeats = true, true
}

// Key returns the decoded key of m, a member of the last scanned object. It is valid until the next scan.
func (s *Scanner) Key(m *Member) []byte {
	if m.text > 0 {
		return s.texts[m.text-1]
	}
	return s.data[m.KeyStart:m.KeyEnd]
}

// value checks the value that begins at data[i] inside depth open containers. It returns the offset after it, or that of
// the problem.
func (s *Scanner) value(i, depth int) (int, Problem) {
	if i >= len(s.data) {
		return i, UnexpectedEnd
	}
	switch c := s.data[i]; c {
	case '"':
		end, _, problem := scanString(s.data, i+1)
		if problem != None {
			return end, problem
		}
		return end + 1, None
	case '{':
		return s.object(i, depth+1)
	case '[':
		return s.array(i, depth+1)
	case 't':
		return literal(s.data, i, "true")
	case 'f':
		return literal(s.data, i, "false")
	case 'n':
		return literal(s.data, i, "null")
	default:
		if c == '-' || c-'0' <= 9 {
			end, _, problem := scanNumber(s.data, i)
			return end, problem
		}
		return i, Syntax
	}
}

// object checks the nested object whose brace is data[i]; depth counts it.
func (s *Scanner) object(i, depth int) (int, Problem) {
	if depth > MaxDepth {
		return i, TooDeep
	}
	data := s.data
	if i = s.next(i + 1); i < len(data) && data[i] == '}' {
		return i + 1, None
	}
	for {
		if i >= len(data) {
			return i, UnexpectedEnd
		}
		if data[i] != '"' {
			return i, Syntax
		}
		end, _, problem := scanString(data, i+1)
		if problem != None {
			return end, problem
		}
		if i = s.next(end + 1); i >= len(data) {
			return i, UnexpectedEnd
		}
		if data[i] != ':' {
			return i, Syntax
		}
		if i, problem = s.value(s.next(i+1), depth); problem != None {
			return i, problem
		}
		if i = s.next(i); i >= len(data) {
			return i, UnexpectedEnd
		}
		switch data[i] {
		case ',':
			i = s.next(i + 1)
		case '}':
			return i + 1, None
		default:
			return i, Syntax
		}
	}
}

// array checks the nested array whose bracket is data[i]; depth counts it.
func (s *Scanner) array(i, depth int) (int, Problem) {
	if depth > MaxDepth {
		return i, TooDeep
	}
	data := s.data
	if i = s.next(i + 1); i < len(data) && data[i] == ']' {
		return i + 1, None
	}
	for {
		var problem Problem
		if i, problem = s.value(i, depth); problem != None {
			return i, problem
		}
		if i = s.next(i); i >= len(data) {
			return i, UnexpectedEnd
		}
		switch data[i] {
		case ',':
			i = s.next(i + 1)
		case ']':
			return i + 1, None
		default:
			return i, Syntax
		}
	}
}

// next returns the offset of the next token at or after data[i]. It is small enough to be inlined: compact JSON has no
// white space to skip.
func (s *Scanner) next(i int) int {
	if i < len(s.data) && s.data[i] <= ' ' {
		return s.space(i)
	}
	return i
}

func (s *Scanner) space(i int) int {
	s.Spaced = true
	return SkipSpace(s.data, i)
}

// SkipSpace returns the offset of the first byte at or after data[i] that is not JSON white space, or len(data).
func SkipSpace(data []byte, i int) int {
	for i < len(data) && (data[i] == ' ' || data[i] == '\n' || data[i] == '\r' || data[i] == '\t') {
		i++
	}
	return i
}

// Value checks the JSON value of any kind that begins at data[i], without white space before it, and returns the offset
// after it. With a problem it returns the problem's offset.
func Value(data []byte, i int) (int, Problem) {
	s := Scanner{data: data}
	return s.value(i, 0)
}

// Text checks the JSON string whose opening quote is data[i]. It returns the offset of its closing quote and whether there
// are escapes before it. With a problem it returns the problem's offset.
func Text(data []byte, i int) (end int, escaped bool, problem Problem) {
	if i >= len(data) {
		return i, false, UnexpectedEnd
	}
	if data[i] != '"' {
		return i, false, Syntax
	}
	return scanString(data, i+1)
}

// IsNumber reports whether text is exactly one JSON number, and whether that is an integer: a number without fraction and
// exponent.
func IsNumber(text []byte) (number, integer bool) {
	end, integer, problem := scanNumber(text, 0)
	if problem != None || end != len(text) {
		return false, false
	}
	return true, integer
}

func literal(data []byte, i int, want string) (int, Problem) {
	for k := range len(want) {
		if i+k >= len(data) {
			return len(data), UnexpectedEnd
		}
		if data[i+k] != want[k] {
			return i + k, Syntax
		}
	}
	return i + len(want), None
}

const (
	ones   = 0x0101010101010101
	high   = 0x8080808080808080
	quotes = '"' * ones
	slants = '\\' * ones
	blanks = ' ' * ones
)

// special has the high bit set in the lowest byte of w that ends a run of plain ASCII in a string: a quote, a backslash, a
// control character or a byte of 0x80 and above. Above that byte, borrows make its bits meaningless.
func special(w uint64) uint64 {
	return ((w - blanks) | ((w ^ quotes) - ones) | ((w ^ slants) - ones) | w) & high
}

// scanString checks a string from data[i], just after its opening quote, and returns the offset of its closing quote and
// whether there were escapes; with a problem, the problem's offset.
func scanString(data []byte, i int) (int, bool, Problem) {
	escaped := false
	for {
		for len(data)-i >= 8 {
			stop := special(binary.LittleEndian.Uint64(data[i:]))
			if stop != 0 {
				i += bits.TrailingZeros64(stop) / 8
				break
			}
			i += 8
		}
		if i >= len(data) {
			return len(data), escaped, UnexpectedEnd
		}
		switch c := data[i]; {
		case c == '"':
			return i, escaped, None
		case c == '\\':
			escaped = true
			end, problem := scanEscape(data, i)
			if problem != None {
				return end, escaped, problem
			}
			i = end
		case c < ' ':
			return i, escaped, Syntax
		case c < utf8.RuneSelf: // one of the last seven bytes of data
			i++
		default:
			for i < len(data) && data[i] >= utf8.RuneSelf {
				_, size := utf8.DecodeRune(data[i:])
				if size == 1 {
					return i, escaped, InvalidUTF8
				}
				i += size
			}
		}
	}
}

// scanEscape checks the escape whose backslash is data[i] and returns the offset after it.
func scanEscape(data []byte, i int) (int, Problem) {
	if i+1 >= len(data) {
		return len(data), UnexpectedEnd
	}
	switch data[i+1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return i + 2, None
	case 'u':
		for k := i + 2; k < i+6; k++ {
			if k >= len(data) {
				return len(data), UnexpectedEnd
			}
			if hexDigit(data[k]) < 0 {
				return k, Syntax
			}
		}
		return i + 6, None
	}
	return i + 1, Syntax
}

// scanNumber checks the number that begins at data[i] and returns the offset after it and whether it is an integer; with a
// problem, the problem's offset. What may follow a number is the caller's business.
func scanNumber(data []byte, i int) (end int, integer bool, problem Problem) {
	if i < len(data) && data[i] == '-' {
		i++
	}
	if i >= len(data) {
		return i, false, UnexpectedEnd
	}
	if data[i] == '0' {
		i++
	} else if i, problem = digits(data, i); problem != None {
		return i, false, problem
	}
	integer = true
	if i < len(data) && data[i] == '.' {
		integer = false
		if i, problem = digits(data, i+1); problem != None {
			return i, false, problem
		}
	}
	if i < len(data) && (data[i] == 'e' || data[i] == 'E') {
		integer = false
		i++
		if i < len(data) && (data[i] == '+' || data[i] == '-') {
			i++
		}
		if i, problem = digits(data, i); problem != None {
			return i, false, problem
		}
	}
	return i, integer, None
}

// digits skips one digit or more.
func digits(data []byte, i int) (int, Problem) {
	if i >= len(data) {
		return i, UnexpectedEnd
	}
	if data[i]-'0' > 9 {
		return i, Syntax
	}
	for len(data)-i >= 8 {
		if stop := notDigits(binary.LittleEndian.Uint64(data[i:])); stop != 0 {
			return i + bits.TrailingZeros64(stop)/8, None
		}
		i += 8
	}
	for i < len(data) && data[i]-'0' <= 9 {
		i++
	}
	return i, None
}

// notDigits has the high bit set in the lowest byte of w that is no digit; above that byte its bits are meaningless.
func notDigits(w uint64) uint64 {
	w ^= '0' * ones // digits become 0 to 9
	return (w + (0x80-10)*ones | w) & high
}

// Names are the keys that a [Scanner] looks for. They are read only, so that scanners can share them.
type Names struct {
	names  []string
	tokens []string // by 1 + name, "name": as it is written without escapes; empty at 0
	seed   maphash.Seed
	slots  []int32 // 1 + index in names, 0 for none; a power of two long, at most a quarter full
}

// NewNames returns the names as a set to look for; their order gives [Member.Name].
func NewNames(names ...string) *Names {
	n := &Names{names: names, tokens: []string{""}, seed: maphash.MakeSeed(), slots: make([]int32, tableSize(len(names)))}
	for k, name := range names {
		token := `"` + name + `":`
		if end, escaped, problem := scanString([]byte(token), 1); problem != None || escaped || end != len(name)+1 {
			token = "" // can only be written with escapes
		}
		n.tokens = append(n.tokens, token)
		at := n.hash([]byte(name))
		for n.slots[at&uint64(len(n.slots)-1)] != 0 {
			at++
		}
		n.slots[at&uint64(len(n.slots)-1)] = int32(k) + 1
	}
	return n
}

// tableSize is the smallest power of two that n keys fill to at most a quarter, 16 at least.
func tableSize(n int) int { return 1 << max(4, bits.Len(uint(4*n))) }

func (n *Names) hash(key []byte) uint64 { return maphash.Bytes(n.seed, key) }

// Index returns the index of name, -1 when it is not among the names.
func (n *Names) Index(name string) int {
	key := []byte(name)
	return int(n.find(key, n.hash(key)))
}

// find returns the index of key, -1 when it is not among the names.
func (n *Names) find(key []byte, hash uint64) int32 {
	for at := hash; ; at++ {
		k := n.slots[at&uint64(len(n.slots)-1)]
		if k == 0 {
			return -1
		}
		if n.names[k-1] == string(key) {
			return k - 1
		}
	}
}

// keySet finds repeated keys: an open hash table of the keys seen in one object. Slots of an earlier generation are empty,
// so that clearing it costs nothing.
type keySet struct {
	slots      []keySlot // a power of two long, at most half full
	generation uint32
	used       int
}

type keySlot struct {
	generation uint32
	hash       uint32
	member     int
}

func (k *keySet) clear() {
	k.used = 0
	k.generation++
	if k.generation == 0 { // wrapped around: old slots would look new
		clear(k.slots)
		k.generation = 1
	}
}

// put notes that the member has this key and returns the earlier member of the same key, or -1.
func (k *keySet) put(s *Scanner, key []byte, hash uint64, member int) int {
	if 2*k.used >= len(k.slots) {
		k.grow()
	}
	for at := uint32(hash); ; at++ {
		slot := &k.slots[at&uint32(len(k.slots)-1)]
		if slot.generation != k.generation {
			*slot = keySlot{k.generation, uint32(hash), member}
			k.used++
			return -1
		}
		if slot.hash == uint32(hash) && string(s.Key(&s.Members[slot.member])) == string(key) {
			earlier := slot.member
			slot.member = member
			return earlier
		}
	}
}

func (k *keySet) grow() {
	old := k.slots
	k.slots = make([]keySlot, max(64, 4*len(old)))
	for _, slot := range old {
		if slot.generation != k.generation {
			continue
		}
		at := slot.hash
		for k.slots[at&uint32(len(k.slots)-1)].generation == k.generation {
			at++
		}
		k.slots[at&uint32(len(k.slots)-1)] = slot
	}
}
