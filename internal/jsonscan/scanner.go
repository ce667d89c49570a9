package jsonscan

import "slices"

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
	// Odd reports whether any member has an OddKey or an OddValue.
	Odd bool

	data   []byte
	names  *Names
	none   []int    // Found before anything is found
	texts  [][]byte // decoded keys of the last object
	others keySet   // the keys that are not in names
	// follows has, for each name and at 0 for the start of an object, 1 + each of two names that came after it, or 0:
	// objects of a kind mostly have their members in one order, some left out, and to compare is faster than to look
	// for.
	follows [][2]int32
}

// NewScanner returns a scanner that looks for names.
func NewScanner(names *Names) *Scanner {
	n := len(names.names)
	s := &Scanner{names: names, Found: make([]int, n), none: make([]int, n), follows: make([][2]int32, n+1)}
	for i := range s.none {
		s.none[i] = -1
	}
	return s
}

// Object scans the JSON object that begins at data[start], where white space may come first. Without a problem it
// returns the offset just after the object; what follows is not looked at. With a problem it returns the problem's
// offset, for [NotAnObject] that of the other value. Members and Found are then meaningless.
func (s *Scanner) Object(data []byte, start int) (int, Problem) {
	s.data, s.texts = data, s.texts[:0]
	s.Members = s.Members[:0]
	copy(s.Found, s.none)
	s.others.clearKeys()
	s.Spaced, s.Repeats, s.Odd = false, false, false

	i := SkipSpace(data, start)
	if i >= len(data) {
		return i, UnexpectedEnd
	}
	if data[i] != '{' {
		if end, problem := Value(data, i); problem != None {
			return end, problem
		}
		return i, NotAnObject
	}
	i++
	var found marks
	if uint(i) < uint(len(data)) && data[i] <= ' ' {
		i, found = skipSpace(data, i, found)
	}
	if uint(i) < uint(len(data)) && data[i] == '}' {
		s.Spaced = found&spaced != 0
		return i + 1, None
	}

	var problem Problem
	members := s.Members[:cap(s.Members)]
	last := int32(0) // 1 + the last name, 0 at the start
	for at := 0; ; at++ {
		if at == len(members) {
			s.Members = slices.Grow(members, max(16, at))
			members = s.Members[:cap(s.Members)]
		}
		m := &members[at]
		// One by one: of a literal the compiler makes a copy first, which costs more than all of this.
		m.Name, m.text, m.Escaped, m.Integer, m.Repeated = -1, 0, false, false, false
		m.OddKey, m.OddValue = false, false

		// The key and the colon.
		m.KeyStart = i + 1
		expected := &s.follows[last]
		token, known := &s.names.tokens[expected[0]], false
		name := expected[0]
		if i >= 0 && i <= len(data)-24 {
			w := data[i : i+24 : i+24]
			known = token.is(w)
			if !known && expected[1] > 0 {
				name = expected[1]
				token = &s.names.tokens[name]
				known = token.is(w)
			}
		}
		if known {
			i += token.length
			m.KeyEnd = i - len(`":`)
			m.Name = name - 1
			last = name
			if earlier := s.Found[m.Name]; earlier >= 0 {
				s.markRepeated(members, earlier)
			}
			s.Found[m.Name] = at
		} else {
			if uint(i) >= uint(len(data)) || data[i] != '"' {
				if i, found, problem = expectByte(data, i, '"', found); problem != None {
					return i, problem
				}
				m.KeyStart = i + 1
			}
			i++
			escaped, mark := false, uint64(0)
			if i >= 0 && i <= len(data)-16 {
				first, second := loadWords(data, i)
				i = stopAt(i, first, second)
				mark = fingerprint(first, second, i-m.KeyStart)
				m.OddKey = oddKey(first, second, i-m.KeyStart)
			}
			if uint(i) >= uint(len(data)) || data[i] != '"' || mark == 0 {
				if i, escaped, problem = scanString(data, i); problem != None {
					return i, problem
				}
				mark = 0
				m.OddKey = escaped || oddLongKey(data[m.KeyStart:i])
			}
			m.KeyEnd = i
			i++
			if uint(i) >= uint(len(data)) || data[i] != ':' {
				if i, found, problem = expectByte(data, i, ':', found); problem != None {
					return i, problem
				}
			}
			i++
			if mark == 0 || s.names.slots[mark&uint64(len(s.names.slots)-1)].name != 0 || !s.others.isNew(mark) {
				if s.identifyKey(members, at, escaped, mark); m.Name >= 0 {
					if expected[1] > 0 {
						expected[0] = expected[1]
					}
					if expected[0] > 0 {
						expected[1] = m.Name + 1
					} else {
						expected[0] = m.Name + 1
					}
					last = m.Name + 1
					m.OddKey = false
				}
			}
			s.Odd = s.Odd || m.OddKey
		}

		// The value.
		if uint(i) < uint(len(data)) && data[i] == '"' {
			m.Start, m.Kind = i, String
			i++
			if i >= 0 && i <= len(data)-16 {
				first, second := loadWords(data, i)
				i = stopAt(i, first, second)
			}
			if uint(i) >= uint(len(data)) || data[i] != '"' {
				if i, m.Escaped, problem = scanString(data, i); problem != None {
					return i, problem
				}
			}
			i++
		} else {
			if uint(i) < uint(len(data)) && data[i] <= ' ' {
				i, found = skipSpace(data, i, found)
			}
			if uint(i) >= uint(len(data)) {
				return i, UnexpectedEnd
			}
			m.Start, m.Kind = i, kinds[data[i]]
			switch m.Kind {
			case Number:
				if i, m.Integer, problem = scanNumber(data, i); i-m.Start > MaxDigits {
					found |= odd
				}
			case Object:
				i, found, problem = scanObject(data, i, 1, found)
			case Array:
				i, found, problem = scanArray(data, i, 1, found)
			case String:
				if i, m.Escaped, problem = scanString(data, i+1); problem == None {
					i++
				}
			default:
				i, problem = scanLiteral(data, i, m.Kind)
			}
			if problem != None {
				return i, problem
			}
		}
		m.End = i
		if found&odd != 0 {
			m.OddValue, s.Odd = true, true
			found &^= odd
		}

		// What follows it.
		if uint(i) >= uint(len(data)) || data[i] != ',' {
			if uint(i) < uint(len(data)) && data[i] <= ' ' {
				i, found = skipSpace(data, i, found)
			}
			if i >= len(data) {
				return i, UnexpectedEnd
			}
			if data[i] == '}' {
				s.Members = members[:at+1]
				s.Spaced = found&spaced != 0
				return i + 1, None
			}
			if data[i] != ',' {
				return i, Syntax
			}
		}
		i++
	}
}

// identifyKey finds the name of a member's key, and the earlier member of the same key, if there is one. A mark of 0 is
// not known.
func (s *Scanner) identifyKey(members []Member, at int, escaped bool, mark uint64) {
	m := &members[at]
	key := s.data[m.KeyStart:m.KeyEnd]
	if escaped {
		key = Unescape(nil, key)
		s.texts = append(s.texts, key)
		m.text = int32(len(s.texts))
	}
	if mark == 0 {
		mark = keyMark(key)
	}
	earlier := -1
	if m.Name = s.names.findKey(key, mark); m.Name >= 0 {
		earlier, s.Found[m.Name] = s.Found[m.Name], at
	} else if s.others.isNew(mark) {
		return
	} else {
		earlier = s.others.putKey(s, members, key, at)
	}
	if earlier >= 0 {
		s.markRepeated(members, earlier)
	}
}

func (s *Scanner) markRepeated(members []Member, earlier int) {
	members[earlier].Repeated, s.Repeats = true, true
}

// Key returns the decoded key of m, a member of the last scanned object. It is valid until the next scan.
func (s *Scanner) Key(m *Member) []byte {
	if m.text > 0 {
		return s.texts[m.text-1]
	}
	return s.data[m.KeyStart:m.KeyEnd]
}
