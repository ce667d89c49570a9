package jsonscan

// Lookup finds the keys of nested objects that a scan has accepted, one after the other. Like [Scanner] it first
// compares with the names that came next before. It is not safe for concurrent use.
type Lookup struct {
	names   *Names
	follows [][2]int32 // as in Scanner
}

// NewLookup returns a lookup for names.
func NewLookup(names *Names) *Lookup {
	return &Lookup{names: names, follows: make([][2]int32, len(names.names)+1)}
}

// Find reads the key whose opening quote is data[i] and the colon after it. It returns the index of the key in the
// names, -1 for another key; where the key ends, at its closing quote; whether it has escapes; and the offset of the
// value. last is 1 + the index of the name before it in the same object, 0 for none.
func (l *Lookup) Find(data []byte, i int, last int32) (name int32, end int, escaped bool, value int) {
	expected := &l.follows[last]
	if i >= 0 && i <= len(data)-24 {
		w := data[i : i+24 : i+24]
		for _, next := range expected {
			if token := &l.names.tokens[next]; token.is(w) {
				return next - 1, i + token.length - len(`":`), false, skipBlank(data, i+token.length)
			}
		}
	}
	end, escaped, _ = scanString(data, i+1)
	key := data[i+1 : end]
	if escaped {
		key = Unescape(nil, key)
	}
	name = l.names.findKey(key, keyMark(key))
	if name >= 0 {
		if expected[1] > 0 {
			expected[0] = expected[1]
		}
		if expected[0] > 0 {
			expected[1] = name + 1
		} else {
			expected[0] = name + 1
		}
	}
	return name, end, escaped, skipBlank(data, skipBlank(data, end+1)+1)
}

// ValueAt returns the value that begins at data[i], of data that a scan has accepted, as a member without a key.
func ValueAt(data []byte, i int) Member {
	m := Member{Start: i, Name: -1, Kind: kinds[data[i]]}
	switch m.Kind {
	case String:
		m.End = stringEnd(data, i, &m.Escaped)
	case Number:
		m.End, m.Integer, _ = scanNumber(data, i)
	case Null, True:
		m.End = i + 4
	case False:
		m.End = i + 5
	default:
		m.End, _ = Value(data, i)
	}
	return m
}

// stringEnd returns the offset after the string whose opening quote is data[i].
func stringEnd(data []byte, i int, escaped *bool) int {
	i++
	if i <= len(data)-16 {
		first, second := loadWords(data, i)
		if at := stopAt(i, first, second); at < len(data) && data[at] == '"' {
			return at + 1
		}
	}
	end, has, _ := scanString(data, i)
	*escaped = has
	return end + 1
}

// skipBlank is SkipSpace, for text that mostly has none.
func skipBlank(data []byte, i int) int {
	if i < len(data) && data[i] <= ' ' {
		return SkipSpace(data, i)
	}
	return i
}
