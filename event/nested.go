package event

import (
	"bytes"
	"strconv"
	"unicode/utf8"

	"firehose-pipeline/internal/jsonpointer"
	"firehose-pipeline/internal/jsonscan"
	"firehose-pipeline/schema"
)

// A nested value is conformed member by member: what a scalar of a struct or map is converted to or moved for is the
// same as for a field of the event. A value that does not conform is moved to malformed, by its JSON Pointer, and its
// place
//
//   - in a struct or map has no member,
//   - in an array has null, so that the other elements keep their positions.
//
// A null in a map has no member either: OpenX makes the text "null" of it.
// https://github.com/rcongiu/Hive-JSON-Serde/issues/120
//
// Most values need no change, so they are checked first, in one pass, and only the others are written anew.

// maxMapEntry bounds key and value of a map's entry in the search index, in bytes as written. The index keeps each as
// one doc value, of the map's path, twice, key and value, and Lucene rejects a document with one of more than maxTerm
// bytes: a map with a long path has less. A bound in bytes of JSON is on the safe side: its escapes are longer than
// what they stand for.
const (
	maxMapEntry = 32_000
	maxTerm     = 32_766
)

// conformNested is conform for a field of kind Struct, Map or Array.
func (p *Processor) conformNested(v *value, n *node, m *jsonscan.Member) edit {
	e := &p.event
	v.state, v.empty, v.text, v.number = conformed, false, nil, 0
	if m.Kind == jsonscan.Null {
		v.state, v.empty = null, true
		return edit{}
	}
	start := byte('{')
	if n.kind == schema.Array {
		start = '['
	}
	if e.record[m.Start] != start || m.OddValue && jsonscan.Inspect(e.record[m.Start:m.End])&p.rejected != 0 {
		v.state, v.empty = malformed, isEmptyText(e.record, m)
		return edit{rewrite: removed}
	}
	if v.empty = isEmptyText(e.record, m); !v.empty {
		v.text = e.record[m.Start:m.End]
	}
	p.arrays = 0
	if _, ok := p.accepts(n, m.Start); ok {
		return edit{}
	}
	p.arrays = 0
	p.path = append(p.path[:0], n.part...)
	from := len(p.nested)
	out, _, _ := p.rewriteValue(p.nested, n, m.Start)
	p.nested = out
	return edit{unquoted, out[from:]}
}

// isEmptyText reports whether a value is "", {}, [], 0, false or null.
func isEmptyText(record []byte, m *jsonscan.Member) bool {
	switch m.Kind {
	case jsonscan.Object, jsonscan.Array:
		return jsonscan.SkipSpace(record, m.Start+1) == m.End-1
	case jsonscan.String:
		return m.End-m.Start == len(`""`)
	case jsonscan.Number:
		return isZero(record[m.Start:m.End])
	}
	return m.Kind != jsonscan.True
}

// accepts reports whether the value that begins at record[i] is written as it was sent, and where it ends if so.
func (p *Processor) accepts(n *node, i int) (end int, ok bool) {
	data := p.event.record
	switch kind := n.kind; {
	case n.protect == schema.Drop:
		return i, false
	case kind == schema.Struct:
		if data[i] == '{' {
			return p.acceptsStruct(n, i)
		}
	case kind == schema.Array:
		if data[i] == '[' {
			return p.acceptsArray(n, i)
		}
	case kind == schema.Map:
		if data[i] == '{' {
			return p.acceptsMap(n, i)
		}
	default:
		return p.acceptsScalar(n, i)
	}
	return i + len("null"), data[i] == 'n'
}

func (p *Processor) acceptsScalar(n *node, i int) (end int, ok bool) {
	e := &p.event
	m := jsonscan.ValueAt(e.record, i)
	if n.id == noField && !n.bounded && n.protect == schema.Unprotected { // no conversion, nothing to note
		switch {
		case m.Kind == jsonscan.Null:
			return m.End, true
		case n.kind == schema.String:
			return m.End, m.Kind == jsonscan.String
		case n.kind == schema.Boolean:
			return m.End, m.Kind == jsonscan.True || m.Kind == jsonscan.False
		case n.kind == schema.BigInt:
			return m.End, m.Kind == jsonscan.Number && m.Integer && fitsInt64(e.record[i:m.End])
		case n.kind == schema.Double && m.Kind == jsonscan.Number && m.End-i <= 300 &&
			(m.Integer || !hasExponent(e.record[i:m.End])): // finite
			return m.End, true
		}
	}
	var own value
	v := &own
	if n.id != noField {
		v = &e.fields[n.id]
	}
	return m.End, e.conform(v, n, &m).rewrite == asSent
}

// hasExponent reports whether a JSON number has an exponent.
func hasExponent(number []byte) bool {
	for _, c := range number {
		if c|0x20 == 'e' {
			return true
		}
	}
	return false
}

func (p *Processor) acceptsStruct(n *node, i int) (end int, ok bool) {
	data := p.event.record
	lookup := p.lookups[n.lookupAt]
	last := int32(0)
	for i = skipSpace(data, i+1); data[i] != '}'; {
		name, keyEnd, escaped, at := lookup.Find(data, i, last)
		if name < 0 {
			if p.stream == Search && (isOddKey(data[i+1:keyEnd], escaped) || n.isTaken(data[i+1:keyEnd])) {
				return i, false
			}
			from := at
			if at, _ = jsonscan.Value(data, at); p.isTooDeep(data[from:at]) {
				return i, false
			}
		} else if at, ok = p.accepts(n.fields[name], at); !ok {
			return at, false
		} else {
			last = name + 1
		}
		i = nextItem(data, at)
	}
	return i + 1, true
}

func (p *Processor) acceptsArray(n *node, i int) (end int, ok bool) {
	data := p.event.record
	p.arrays++
	for i = skipSpace(data, i+1); data[i] != ']'; {
		if i, ok = p.accepts(n.elem, i); !ok {
			return i, false
		}
		i = nextItem(data, i)
	}
	p.arrays--
	return i + 1, true
}

func (p *Processor) acceptsMap(n *node, i int) (end int, ok bool) {
	data := p.event.record
	for i = skipSpace(data, i+1); data[i] != '}'; {
		key := jsonscan.ValueAt(data, i)
		at := skipSpace(data, skipSpace(data, key.End)+1)
		if data[at] == 'n' {
			return at, false
		}
		end, ok := p.acceptsScalar(n.elem, at)
		if !ok || p.rejectsEntry(n, key.End-i, end-at) {
			return end, false
		}
		i = nextItem(data, end)
	}
	return i + 1, true
}

// rejectsEntry reports whether the index rejects an event with an entry of the map whose key and value, as written,
// have these lengths in bytes. A protected value counts at least as much as a hash, so that the constant in its place
// without the key is judged alike.
func (p *Processor) rejectsEntry(n *node, key, value int) bool {
	if n.elem.protect != schema.Unprotected {
		value = max(value, hashLength+len(`""`))
	}
	return p.stream == Search && key+value > n.maxEntry
}

// isOddKey reports whether an undeclared key of a declared object may be one that OpenSearch reads as a path, or
// rejects.
func isOddKey(key []byte, escaped bool) bool {
	return escaped || len(key) == 0 || bytes.IndexByte(key, '.') >= 0
}

// isTaken reports whether the index has a field or object of this name in the struct, because of a key with a dot.
func (n *node) isTaken(key []byte) bool {
	for _, name := range n.taken {
		if string(key) == name {
			return true
		}
	}
	return false
}

// isTooDeep reports whether the index rejects an event with this undeclared value in a declared object: it counts the
// arrays inside each other, those of the value and those that are declared around it.
func (p *Processor) isTooDeep(value []byte) bool {
	return p.stream == Search && value[0] == '[' && p.arrays+bytes.Count(value, []byte{'['}) > jsonscan.MaxArrays &&
		p.arrays+arrayDepth(value) > jsonscan.MaxArrays
}

// arrayDepth is how many arrays the value has directly inside each other.
func arrayDepth(value []byte) (deepest int) {
	depth := 0
	for i := 0; i < len(value); {
		switch value[i] {
		case '[':
			depth++
			deepest = max(deepest, depth)
		case ']':
			depth--
		case '{', '"':
			i, _ = jsonscan.Value(value, i)
			continue
		}
		i++
	}
	return deepest
}

// rewriteValue appends the value that begins at record[i], conformed and without white space. keep is false, and
// nothing is appended, when the value has no place: it is protected by drop, or malformed, and then p.moved has it
// already.
func (p *Processor) rewriteValue(dst []byte, n *node, i int) (out []byte, end int, keep bool) {
	e := &p.event
	var own value
	v := &own
	if n.id != noField {
		v = &e.fields[n.id]
	}
	if n.kind.Scalar() || n.protect == schema.Drop {
		return p.rewriteScalar(dst, v, n, i)
	}
	switch first := e.record[i]; {
	case n.kind == schema.Struct && first == '{':
		out, end = p.rewriteStruct(dst, n, i)
	case n.kind == schema.Map && first == '{':
		out, end = p.rewriteMap(dst, n, i)
	case n.kind == schema.Array && first == '[':
		out, end = p.rewriteArray(dst, n, i)
	case first == 'n':
		*v = value{state: null, empty: true}
		return append(dst, "null"...), i + len("null"), true
	default:
		m := jsonscan.ValueAt(e.record, i)
		*v = value{state: malformed, empty: isEmptyText(e.record, &m)}
		p.moveNested(n, &m)
		return dst, m.End, false
	}
	*v = value{state: conformed, empty: skipSpace(e.record, i+1) == end-1, text: e.record[i:end]}
	return out, end, true
}

// rewriteScalar is rewriteValue for a scalar, and for a value of any kind that is dropped; v is its field.
func (p *Processor) rewriteScalar(dst []byte, v *value, n *node, i int) (out []byte, end int, keep bool) {
	e := &p.event
	m := jsonscan.ValueAt(e.record, i)
	ed := e.conform(v, n, &m)
	switch ed.rewrite {
	case removed:
		if v.state == malformed {
			p.moveNested(n, &m)
		}
		return dst, m.End, false
	case quoted:
		return appendQuoted(dst, e.record[m.Start:m.End]), m.End, true
	case unquoted:
		return append(dst, ed.text...), m.End, true
	case replaced:
		return quoteEscaped(dst, ed.text), m.End, true
	}
	return append(dst, e.record[m.Start:m.End]...), m.End, true
}

func (p *Processor) rewriteStruct(dst []byte, n *node, i int) (out []byte, end int) {
	data := p.event.record
	lookup := p.lookups[n.lookupAt]
	last := int32(0)
	dst = append(dst, '{')
	for i = skipSpace(data, i+1); data[i] != '}'; {
		name, keyEnd, escaped, at := lookup.Find(data, i, last)
		sent := data[i+1 : keyEnd]
		before := len(dst)
		dst = append(appendQuoted(appendComma(dst), sent), ':')
		keep := true
		above := len(p.path)
		if name >= 0 {
			last = name + 1
			p.path = append(p.path, n.fields[name].part...)
			dst, at, keep = p.rewriteValue(dst, n.fields[name], at)
		} else {
			m := jsonscan.ValueAt(data, at)
			at = m.End
			key := decodeKey(sent, escaped)
			if p.stream == Search && (isOddKey(key, false) || n.isTaken(key)) || p.isTooDeep(data[m.Start:m.End]) {
				p.path = appendPointer(p.path, string(key))
				p.moveNested(nil, &m)
				keep = false
			} else {
				dst = jsonscan.Compact(dst, data[m.Start:m.End])
			}
		}
		p.path = p.path[:above]
		if !keep {
			dst = dst[:before]
		}
		i = nextItem(data, at)
	}
	return append(dst, '}'), i + 1
}

func (p *Processor) rewriteMap(dst []byte, n *node, i int) (out []byte, end int) {
	data := p.event.record
	dst = append(dst, '{')
	for i = skipSpace(data, i+1); data[i] != '}'; {
		key := jsonscan.ValueAt(data, i)
		sent := data[i+1 : key.End-1]
		at := skipSpace(data, skipSpace(data, key.End)+1)
		m := jsonscan.ValueAt(data, at)
		before, above := len(dst), len(p.path)
		dst = append(appendQuoted(appendComma(dst), sent), ':')
		p.path = appendPointer(p.path, string(decodeKey(sent, key.Escaped)))
		keep, from := false, len(dst)
		if m.Kind != jsonscan.Null {
			if dst, _, keep = p.rewriteValue(dst, n.elem, at); keep && p.rejectsEntry(n, key.End-i, len(dst)-from) {
				p.moveNested(n.elem, &m)
				keep = false
			}
		}
		p.path = p.path[:above]
		if !keep {
			dst = dst[:before]
		}
		i = nextItem(data, m.End)
	}
	return append(dst, '}'), i + 1
}

func (p *Processor) rewriteArray(dst []byte, n *node, i int) (out []byte, end int) {
	data := p.event.record
	dst = append(dst, '[')
	p.arrays++
	i = skipSpace(data, i+1)
	for index := 0; data[i] != ']'; index++ {
		if index > 0 {
			dst = append(dst, ',')
		}
		above := len(p.path)
		p.path = strconv.AppendInt(append(p.path, '/'), int64(index), 10)
		var keep bool
		if dst, i, keep = p.rewriteValue(dst, n.elem, i); !keep {
			dst = append(dst, "null"...)
		}
		p.path = p.path[:above]
		i = nextItem(data, i)
	}
	p.arrays--
	return append(dst, ']'), i + 1
}

// moveNested adds the text of a nested value to what goes into the malformed object, by its JSON Pointer, which is
// p.path. n is its node, nil for a value that is not declared.
func (p *Processor) moveNested(n *node, m *jsonscan.Member) {
	if len(p.moved) > 0 {
		p.moved = append(p.moved, ',')
	}
	if p.movedKeys == nil {
		p.movedKeys = map[string]bool{}
	}
	key := string(p.path)
	if p.noKey(p.path) || !utf8.Valid(p.path) { // a lone surrogate cannot be written
		key = shortKey(p.path, m.Start)
	}
	for p.movedKeys[key] {
		key += "+"
	}
	p.movedKeys[key] = true
	p.movedFields++
	if n != nil && n.id != noField {
		p.movedNames[p.layout.movedName(n.id)] = true
	}
	p.moved = append(quoteEscaped(p.moved, []byte(key)), ':')
	if n != nil && n.sensitive {
		p.moved = appendQuoted(p.moved, []byte(Redacted))
		return
	}
	p.moved = p.appendAsText(p.moved, m)
}

// movedName is the index of a field's key or JSON Pointer in Layout.moved.
func (l *Layout) movedName(f FieldID) int {
	if int(f) < l.top {
		return int(f)
	}
	return l.malformed + 1 + int(f) - l.top
}

// decodeKey decodes a key as sent.
func decodeKey(sent []byte, escaped bool) []byte {
	if escaped {
		return jsonscan.Unescape(nil, sent)
	}
	return sent
}

// appendPointer appends a key to a JSON Pointer (RFC 6901).
func appendPointer(dst []byte, key string) []byte {
	return append(append(dst, '/'), jsonpointer.Escape(key)...)
}

// skipSpace is jsonscan.SkipSpace, for text that mostly has none.
func skipSpace(data []byte, i int) int {
	if data[i] <= ' ' {
		return jsonscan.SkipSpace(data, i)
	}
	return i
}

// nextItem returns the offset of the next element or member, or of the closing bracket, after a value that ends at
// data[i].
func nextItem(data []byte, i int) int {
	if i = skipSpace(data, i); data[i] == ',' {
		i = skipSpace(data, i+1)
	}
	return i
}
