package jsonscan

// kinds gives the kind of a value from its first byte, 0 where none can begin.
var kinds = [256]Kind{'"': String, '{': Object, '[': Array, 't': True, 'f': False, 'n': Null, '-': Number,
	'0': Number, '1': Number, '2': Number, '3': Number, '4': Number, '5': Number, '6': Number, '7': Number, '8': Number, '9': Number}

// Value checks the JSON value of any kind that begins at data[i], without white space before it, and returns the offset
// after it. With a problem it returns the problem's offset.
func Value(data []byte, i int) (int, Problem) {
	if uint(i) < uint(len(data)) && kinds[data[i]] == 0 {
		return i, Syntax
	}
	end, _, problem := element(data, i, 0, false)
	return end, problem
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

// SkipSpace returns the offset of the first byte at or after data[i] that is not JSON white space, or len(data).
func SkipSpace(data []byte, i int) int {
	for i < len(data) && (data[i] == ' ' || data[i] == '\n' || data[i] == '\r' || data[i] == '\t') {
		i++
	}
	return i
}

// object checks the object whose brace is data[i], inside depth open objects and arrays. It returns the offset after it, or
// that of the problem, and whether there is white space between its tokens or has been before.
//
// White space is looked for only where something else is not what it should be: there is none in most JSON. A string that ends
// within sixteen bytes, and with it nearly every key, needs no call.
func object(data []byte, i, depth int, spaced bool) (int, bool, Problem) {
	if depth >= MaxDepth {
		return i, spaced, TooDeep
	}
	var problem Problem
	i++
	if uint(i) < uint(len(data)) && data[i] <= ' ' {
		i, spaced = space(data, i, spaced)
	}
	if uint(i) < uint(len(data)) && data[i] == '}' {
		return i + 1, spaced, None
	}
	for {
		if uint(i) >= uint(len(data)) || data[i] != '"' {
			if i, spaced, problem = expect(data, i, '"', spaced); problem != None {
				return i, spaced, problem
			}
		}
		i++
		if i >= 0 && i <= len(data)-16 {
			first, second := words(data, i)
			i = stopAt(i, first, second)
		}
		if uint(i) >= uint(len(data)) || data[i] != '"' {
			if i, _, problem = scanString(data, i); problem != None {
				return i, spaced, problem
			}
		}
		i++
		if uint(i) >= uint(len(data)) || data[i] != ':' {
			if i, spaced, problem = expect(data, i, ':', spaced); problem != None {
				return i, spaced, problem
			}
		}
		i++
		if uint(i) < uint(len(data)) && data[i] == '"' {
			i++
			if i >= 0 && i <= len(data)-16 {
				first, second := words(data, i)
				i = stopAt(i, first, second)
			}
			if uint(i) >= uint(len(data)) || data[i] != '"' {
				if i, _, problem = scanString(data, i); problem != None {
					return i, spaced, problem
				}
			}
			i++
		} else if i, spaced, problem = element(data, i, depth+1, spaced); problem != None {
			return i, spaced, problem
		}
		if uint(i) < uint(len(data)) && data[i] == ',' {
			i++
			continue
		}
		if uint(i) >= uint(len(data)) || data[i] != '}' {
			if i, spaced = space(data, i, spaced); i >= len(data) {
				return i, spaced, UnexpectedEnd
			}
			if data[i] == ',' {
				i++
				continue
			}
			if data[i] != '}' {
				return i, spaced, Syntax
			}
		}
		return i + 1, spaced, None
	}
}

// array is object for an array, whose bracket is data[i].
func array(data []byte, i, depth int, spaced bool) (int, bool, Problem) {
	if depth >= MaxDepth {
		return i, spaced, TooDeep
	}
	var problem Problem
	i++
	if uint(i) < uint(len(data)) && data[i] <= ' ' {
		i, spaced = space(data, i, spaced)
	}
	if uint(i) < uint(len(data)) && data[i] == ']' {
		return i + 1, spaced, None
	}
	for {
		if i, spaced, problem = element(data, i, depth+1, spaced); problem != None {
			return i, spaced, problem
		}
		if uint(i) < uint(len(data)) && data[i] == ',' {
			i++
			continue
		}
		if uint(i) >= uint(len(data)) || data[i] != ']' {
			if i, spaced = space(data, i, spaced); i >= len(data) {
				return i, spaced, UnexpectedEnd
			}
			if data[i] == ',' {
				i++
				continue
			}
			if data[i] != ']' {
				return i, spaced, Syntax
			}
		}
		return i + 1, spaced, None
	}
}

// element checks the value of any kind that begins at data[i], where white space may come first, inside depth open objects and
// arrays.
func element(data []byte, i, depth int, spaced bool) (int, bool, Problem) {
	if uint(i) < uint(len(data)) && data[i] <= ' ' {
		i, spaced = space(data, i, spaced)
	}
	if uint(i) >= uint(len(data)) {
		return i, spaced, UnexpectedEnd
	}
	var problem Problem
	switch kind := kinds[data[i]]; kind {
	case Number:
		i, _, problem = scanNumber(data, i)
	case String:
		if i, _, problem = scanString(data, i+1); problem == None {
			i++
		}
	case Object:
		return object(data, i, depth, spaced)
	case Array:
		return array(data, i, depth, spaced)
	default:
		i, problem = literal(data, i, kind)
	}
	return i, spaced, problem
}

// space skips white space inside an object or array and reports whether there has been any.
func space(data []byte, i int, spaced bool) (int, bool) {
	end := SkipSpace(data, i)
	return end, spaced || end > i
}

// expect skips white space up to a byte that has to be c, and returns the offset of that.
func expect(data []byte, i int, c byte, spaced bool) (int, bool, Problem) {
	i, spaced = space(data, i, spaced)
	switch {
	case i >= len(data):
		return i, spaced, UnexpectedEnd
	case data[i] != c:
		return i, spaced, Syntax
	}
	return i, spaced, None
}

// literal checks null, false or true, whichever kind says; with another kind nothing that begins a value is there.
func literal(data []byte, i int, kind Kind) (int, Problem) {
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
