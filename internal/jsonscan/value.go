package jsonscan

import "math/bits"

// kinds gives the kind of a value from its first byte, 0 where none can begin.
var kinds = [256]Kind{'"': String, '{': Object, '[': Array, 't': True, 'f': False, 'n': Null, '-': Number,
	'0': Number, '1': Number, '2': Number, '3': Number, '4': Number, '5': Number, '6': Number, '7': Number, '8': Number,
	'9': Number}

// Value checks the JSON value of any kind that begins at data[i], without white space before it, and returns the offset
// after it. With a problem it returns the problem's offset.
func Value(data []byte, i int) (int, Problem) {
	if uint(i) < uint(len(data)) && kinds[data[i]] == 0 {
		return i, Syntax
	}
	end, _, problem := scanElement(data, i, 0, 0)
	return end, problem
}

// Text checks the JSON string whose opening quote is data[i]. It returns the offset of its closing quote and whether
// there are escapes before it. With a problem it returns the problem's offset.
func Text(data []byte, i int) (end int, escaped bool, problem Problem) {
	if i >= len(data) {
		return i, false, UnexpectedEnd
	}
	if data[i] != '"' {
		return i, false, Syntax
	}
	return scanString(data, i+1)
}

// IsNumber reports whether text is exactly one JSON number, and whether that is an integer: a number without fraction
// and exponent.
func IsNumber(text []byte) (number, integer bool) {
	end, integer, problem := scanNumber(text, 0)
	if problem != None || end != len(text) {
		return false, false
	}
	return true, integer
}

// SkipSpace returns the offset of the first byte at or after data[i] that is not JSON white space, or len(data).
func SkipSpace(data []byte, i int) int {
	for i < len(data) && (data[i] == ' ' || data[i] == '\n' || data[i] == '\r' || data[i] == '\t') {
		i++
	}
	return i
}

// marks are findings of the checks of nested values.
type marks uint8

const (
	spaced marks = 1 << iota // there is white space between tokens
	odd                      // [Inspect] may find something
)

// scanObject checks the object whose brace is data[i], inside depth open objects and arrays. It returns the offset
// after it, or that of the problem, and the marks with its own added.
//
// White space is looked for only after an unexpected byte: most JSON has none. A string that ends within sixteen bytes,
// and with it nearly every key, needs no call. Keys that share a bit of seen may be the same: [Inspect] decides.
func scanObject(data []byte, i, depth int, found marks) (int, marks, Problem) {
	if depth >= MaxDepth {
		return i, found, TooDeep
	}
	var problem Problem
	var seen [4]uint64
	i++
	if uint(i) < uint(len(data)) && data[i] <= ' ' {
		i, found = skipSpace(data, i, found)
	}
	if uint(i) < uint(len(data)) && data[i] == '}' {
		return i + 1, found, None
	}
	for {
		if uint(i) >= uint(len(data)) || data[i] != '"' {
			if i, found, problem = expectByte(data, i, '"', found); problem != None {
				return i, found, problem
			}
		}
		i++
		start := i
		if i >= 0 && i <= len(data)-16 {
			first, second := loadWords(data, i)
			i = stopAt(i, first, second)
		}
		if uint(i) >= uint(len(data)) || data[i] != '"' {
			escaped := false
			if i, escaped, problem = scanString(data, i); problem != None {
				return i, found, problem
			}
			if escaped || i-start > MaxKeyBytes {
				found |= odd
			}
		}
		if i < 8 || i == start {
			found |= odd
		} else {
			// All of a short key; the first and the last eight bytes of a longer one.
			key := loadWord(data, i-8)
			if length := uint(i - start); length < 8 {
				key >>= (64 - 8*length) & 63
			} else {
				key += bits.RotateLeft64(loadWord(data, start), 29)
			}
			key *= 0x9E3779B97F4A7C15
			bit, word := uint64(1)<<(key>>58), &seen[key>>56&3]
			if *word&bit != 0 {
				found |= odd
			}
			*word |= bit
		}
		i++
		if uint(i) >= uint(len(data)) || data[i] != ':' {
			if i, found, problem = expectByte(data, i, ':', found); problem != None {
				return i, found, problem
			}
		}
		i++
		if uint(i) < uint(len(data)) && data[i] == '"' {
			i++
			if i >= 0 && i <= len(data)-16 {
				first, second := loadWords(data, i)
				i = stopAt(i, first, second)
			}
			if uint(i) >= uint(len(data)) || data[i] != '"' {
				if i, _, problem = scanString(data, i); problem != None {
					return i, found, problem
				}
			}
			i++
		} else if i, found, problem = scanElement(data, i, depth+1, found); problem != None {
			return i, found, problem
		}
		if uint(i) < uint(len(data)) && data[i] == ',' {
			i++
			continue
		}
		if uint(i) >= uint(len(data)) || data[i] != '}' {
			if i, found = skipSpace(data, i, found); i >= len(data) {
				return i, found, UnexpectedEnd
			}
			if data[i] == ',' {
				i++
				continue
			}
			if data[i] != '}' {
				return i, found, Syntax
			}
		}
		return i + 1, found, None
	}
}

// scanArray is object for an array, whose bracket is data[i].
func scanArray(data []byte, i, depth int, found marks) (int, marks, Problem) {
	if depth >= MaxDepth {
		return i, found, TooDeep
	}
	if depth >= MaxArrays {
		found |= odd
	}
	var problem Problem
	i++
	if uint(i) < uint(len(data)) && data[i] <= ' ' {
		i, found = skipSpace(data, i, found)
	}
	if uint(i) < uint(len(data)) && data[i] == ']' {
		return i + 1, found, None
	}
	for {
		if i, found, problem = scanElement(data, i, depth+1, found); problem != None {
			return i, found, problem
		}
		if uint(i) < uint(len(data)) && data[i] == ',' {
			i++
			continue
		}
		if uint(i) >= uint(len(data)) || data[i] != ']' {
			if i, found = skipSpace(data, i, found); i >= len(data) {
				return i, found, UnexpectedEnd
			}
			if data[i] == ',' {
				i++
				continue
			}
			if data[i] != ']' {
				return i, found, Syntax
			}
		}
		return i + 1, found, None
	}
}

// scanElement checks the value of any kind that begins at data[i], where white space may come first, inside depth open
// objects and arrays.
func scanElement(data []byte, i, depth int, found marks) (int, marks, Problem) {
	if uint(i) < uint(len(data)) && data[i] <= ' ' {
		i, found = skipSpace(data, i, found)
	}
	if uint(i) >= uint(len(data)) {
		return i, found, UnexpectedEnd
	}
	var problem Problem
	switch kind := kinds[data[i]]; kind {
	case Number:
		start := i
		if i, _, problem = scanNumber(data, i); i-start > MaxDigits {
			found |= odd
		}
	case String:
		if i, _, problem = scanString(data, i+1); problem == None {
			i++
		}
	case Object:
		return scanObject(data, i, depth, found)
	case Array:
		return scanArray(data, i, depth, found)
	default:
		i, problem = scanLiteral(data, i, kind)
	}
	return i, found, problem
}

// skipSpace skips white space inside an object or array and marks it when there is any.
func skipSpace(data []byte, i int, found marks) (int, marks) {
	end := SkipSpace(data, i)
	if end > i {
		found |= spaced
	}
	return end, found
}

// expectByte skips white space up to a byte that has to be c, and returns the offset of that.
func expectByte(data []byte, i int, c byte, found marks) (int, marks, Problem) {
	i, found = skipSpace(data, i, found)
	switch {
	case i >= len(data):
		return i, found, UnexpectedEnd
	case data[i] != c:
		return i, found, Syntax
	}
	return i, found, None
}

// scanLiteral checks null, false or true, whichever kind says; with another kind nothing that begins a value is there.
func scanLiteral(data []byte, i int, kind Kind) (int, Problem) {
	want := ""
	switch kind {
	case Null:
		want = "null"
		if i >= 0 && i <= len(data)-4 && string(data[i:i+4]) == "null" {
			return i + 4, None
		}
	case False:
		want = "false"
		if i >= 0 && i <= len(data)-5 && string(data[i:i+5]) == "false" {
			return i + 5, None
		}
	case True:
		want = "true"
		if i >= 0 && i <= len(data)-4 && string(data[i:i+4]) == "true" {
			return i + 4, None
		}
	default:
		return i, Syntax
	}
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
