package opensearch

import (
	"bytes"
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"firehose-pipeline/internal/jsonscan"
)

// The engine's limits.
const (
	// digits of a number: of integer, fraction and exponent together (Jackson's StreamReadConstraints)
	longestNumber = 1000
	longestKey    = 50_000 // bytes of a key, decoded, from 3.0 on (the same)
	deepestArray  = 20     // arrays directly in each other as the value of a field (index.mapping.depth.limit)
)

// Rejection is why the engine does not accept a document, in the engine's words. Its status is 400.
type Rejection struct {
	Type     string     `json:"type"`
	Reason   string     `json:"reason"`
	CausedBy *Rejection `json:"caused_by,omitempty"`
}

func rejectDocument(kind, format string, arguments ...any) *Rejection {
	return &Rejection{"mapper_parsing_exception", "failed to parse",
		&Rejection{Type: kind, Reason: fmt.Sprintf(format, arguments...)}}
}

// Checker decides whether the engine accepts documents. It is not safe for concurrent use; make one for each goroutine.
//
// The rules are those of OpenSearch's DocumentParser and of the JSON reader before it, found out with documents sent to
// 2.19.1, 3.5.0 and 3.8.0; a test in verify/search compares model and engine. The engine stops at the first thing that
// it does not accept; the checker may name another one of the same document.
type Checker struct {
	m       *Mapping
	scanner *jsonscan.Scanner

	// Of the document that is being checked.
	id        string
	data      []byte
	docCounts int      // values of _doc_count
	keys      [][]byte // of the objects that are open, decoded
	path      [][]byte // the parts of a key with dots
}

// NewChecker returns a checker of documents for an index with this mapping.
func (m *Mapping) NewChecker() *Checker {
	return &Checker{m: m, scanner: jsonscan.NewScanner(m.root.names)}
}

// Check returns why the engine rejects a document with this id, nil when it accepts it.
func (c *Checker) Check(id string, source []byte) *Rejection {
	c.id, c.data, c.docCounts, c.keys = id, source, 0, c.keys[:0]
	end, problem := c.scanner.Object(source, 0)
	switch {
	case problem == jsonscan.NotAnObject:
		return &Rejection{Type: "mapper_parsing_exception", Reason: "Malformed content, must start with an object"}
	case problem != jsonscan.None:
		return rejectDocument("json_parse_exception", "%v at byte %d", problem, end)
	case jsonscan.SkipSpace(source, end) < len(source):
		return rejectDocument("illegal_argument_exception", "Malformed content, found extra data after parsing")
	}
	for i := range c.scanner.Members {
		m := &c.scanner.Members[i]
		if m.Repeated {
			return repeatedKey(c.scanner.Key(m))
		}
		if r := c.member(m); r != nil {
			return r
		}
	}
	return nil
}

func repeatedKey(key []byte) *Rejection {
	return rejectDocument("json_parse_exception", "Duplicate field '%s'", key)
}

// member checks one member of the document itself.
func (c *Checker) member(m *jsonscan.Member) *Rejection {
	if m.Name >= 0 {
		f := &c.m.root.list[m.Name]
		return c.value(m, f, f, 0)
	}
	key := c.scanner.Key(m)
	if r := c.key(key); r != nil {
		return r
	}
	return c.undeclared(m, c.m.root, key, 0)
}

// undeclared checks a member of the document, or of a declared object, with a key that is none of the fields, inside so
// many arrays.
func (c *Checker) undeclared(m *jsonscan.Member, in *fields, key []byte, nesting int) *Rejection {
	if len(key) == 0 {
		return rejectDocument("illegal_argument_exception", "field name cannot be an empty string")
	}
	if bytes.IndexByte(key, '.') < 0 {
		return c.value(m, nil, nil, nesting)
	}
	return c.dotted(m, in, key, nesting)
}

// key checks a key as the JSON reader does, anywhere in a document.
func (c *Checker) key(key []byte) *Rejection {
	v := c.m.version
	if len(key) > longestKey && v.atLeast(3, 0) {
		return rejectDocument("stream_constraints_exception", "Name length (%d) exceeds the maximum allowed (%d, from "+
			"`StreamReadConstraints.getMaxNameLength()`)", len(key), longestKey)
	}
	// Decoded, half of a surrogate pair is the only thing that is not UTF-8.
	if v.atLeast(3, 8) && !utf8.Valid(key) {
		return rejectDocument("json_parse_exception", "Broken surrogate pair in property name")
	}
	return nil
}

// dotted checks a member of the document, or of a declared object, whose key has dots: a path of names.
func (c *Checker) dotted(m *jsonscan.Member, in *fields, key []byte, nesting int) *Rejection {
	path, r := splitPath(c.path[:0], key)
	c.path = path
	if r != nil {
		return r
	}
	above, last := path[:len(path)-1], path[len(path)-1]
	for at, part := range above {
		f := in.find(part)
		switch {
		case f == nil:
			// The object is not mapped and is left alone. But the elements of an array are taken for values of the
			// field that the last name alone names: DocumentParser.parseArray goes on with that name, in the object
			// that it has come to.
			return c.value(m, nil, in.find(last), nesting)
		case f.fieldType == disabled:
			return c.skip(m)
		case f.fieldType == object:
			in = f.inner
		case m.Kind == jsonscan.Null:
			return nil
		default:
			return &Rejection{Type: "mapper_parsing_exception",
				Reason: fmt.Sprintf("Could not dynamically add mapping for field [%s]. "+
					"Existing mapping for [%s] must be of type object but found [%s].", bytes.Join(path[at:], []byte(".")),
					f.name, f.typeName)}
		}
	}
	f := in.find(last)
	if f != nil && f.fieldType >= metadata && len(above) == 0 {
		return c.value(m, nil, f, nesting) // only dots behind the name: not the engine's own field, but for elements
	}
	return c.value(m, f, f, nesting)
}

// splitPath appends the parts of a key between its dots, as Java's String.split does: empty parts at the end do not
// count.
func splitPath(path [][]byte, key []byte) ([][]byte, *Rejection) {
	text := bytes.TrimRight(key, ".")
	if len(text) == 0 {
		return nil, rejectDocument("illegal_argument_exception", "field name cannot contain only the character [.]")
	}
	for part := range bytes.SplitSeq(text, []byte(".")) {
		if len(part) == 0 {
			return nil, rejectDocument("illegal_argument_exception",
				"object field starting or ending with a [.] makes object "+
					"resolution ambiguous: [%s]", key)
		}
		if isBlank(part) {
			return nil, rejectDocument("illegal_argument_exception",
				"object field cannot contain only whitespace: ['%s']", key)
		}
		path = append(path, part)
	}
	return path, nil
}

// isBlank reports whether a text is white space only, by Java's Character.isWhitespace.
func isBlank(text []byte) bool {
	for _, r := range string(text) {
		switch {
		case r >= '\t' && r <= '\r', r >= 0x1C && r <= 0x1F:
		case r == 0xA0 || r == 0x2007 || r == 0x202F: // not to be broken
			return false
		case !unicode.In(r, unicode.Z):
			return false
		}
	}
	return true
}

// value checks a member's value inside so many arrays: direct is the field that it belongs to, elements that of its
// elements when it is an array; nil for none.
func (c *Checker) value(m *jsonscan.Member, direct, elements *field, nesting int) (r *Rejection) {
	switch m.Kind {
	case jsonscan.Object:
		_, r = c.objectOf(direct, m.Start, nesting)
	case jsonscan.Array:
		_, r = c.array(m.Start, nesting+1, elements)
	case jsonscan.Number:
		if r = c.digits(m.Start, m.End); r == nil {
			r = c.single(direct, m.Kind, m.Start, m.End)
		}
	default:
		r = c.single(direct, m.Kind, m.Start, m.End)
	}
	return r
}

// objectOf checks the object whose brace is at c.data[i], a value of the field f (nil for none) inside so many arrays,
// and returns the offset after it.
func (c *Checker) objectOf(f *field, i, nesting int) (end int, r *Rejection) {
	switch {
	case f == nil:
		return c.object(i)
	case f.fieldType == object:
		return c.declaredObject(f.inner, i, nesting)
	case f.fieldType == flatObject:
		return c.flatObject(f, i)
	}
	if r = c.single(f, jsonscan.Object, i, i+1); r != nil {
		return 0, r
	}
	return c.object(i)
}

// declaredObject checks the object whose brace is at c.data[i] with these fields, inside so many arrays, and returns
// the offset after it.
func (c *Checker) declaredObject(in *fields, i, nesting int) (end int, r *Rejection) {
	if end, r = c.object(i); r != nil { // its text: repeated keys, long numbers
		return 0, r
	}
	for i = jsonscan.SkipSpace(c.data, i+1); c.data[i] != '}'; {
		keyEnd, escaped, _ := jsonscan.Text(c.data, i)
		key := c.data[i+1 : keyEnd]
		if escaped {
			key = jsonscan.Unescape(nil, key)
		}
		m := jsonscan.ValueAt(c.data, jsonscan.SkipSpace(c.data, jsonscan.SkipSpace(c.data, keyEnd+1)+1))
		if f := in.find(key); f != nil {
			r = c.value(&m, f, f, nesting)
		} else {
			r = c.undeclared(&m, in, key, nesting)
		}
		if r != nil {
			return 0, r
		}
		if i = jsonscan.SkipSpace(c.data, m.End); c.data[i] == ',' {
			i = jsonscan.SkipSpace(c.data, i+1)
		}
	}
	return end, nil
}

// skip checks what the engine skips: JSON and nothing else.
func (c *Checker) skip(m *jsonscan.Member) (r *Rejection) {
	switch m.Kind {
	case jsonscan.Object:
		_, r = c.object(m.Start)
	case jsonscan.Array:
		_, r = c.array(m.Start, notCounted, nil)
	case jsonscan.Number:
		r = c.digits(m.Start, m.End)
	}
	return r
}

// single checks a value that is no array, and belongs to a field.
func (c *Checker) single(f *field, kind jsonscan.Kind, start, end int) *Rejection {
	if f == nil || f.fieldType == unmapped || f.fieldType == disabled {
		return nil
	}
	switch f.fieldType {
	case metadata:
		return c.rejectValue(f, "mapper_parsing_exception",
			"Field ["+f.name+"] is a metadata field and cannot be added inside a document. "+
				"Use the index API request parameters.")
	case docCount:
		return c.docCount(f, kind, c.data[start:end])
	case keyword:
		if kind == jsonscan.Object {
			return c.rejectValue(f, "illegal_state_exception", "Can't get text on a START_OBJECT")
		}
		if kind == jsonscan.String && !f.ignoreAbove && end-start-2 > longestTerm {
			if text := jsonscan.Unescape(nil, c.data[start+1:end-1]); len(text) > longestTerm {
				return &Rejection{Type: "illegal_argument_exception",
					Reason: fmt.Sprintf("Document contains at least one immense term in "+
						"field=\"%s\" (whose UTF8 encoding is longer than the max length %d)", f.name, longestTerm)}
			}
		}
	case number, date: // ignore_malformed keeps any other value; from 3.0 on an object as well
		if kind == jsonscan.Object && !c.m.version.atLeast(3, 0) {
			return c.rejectValue(f, "illegal_argument_exception", "Cannot parse an object as "+f.typeName)
		}
	case object:
		if kind != jsonscan.Null {
			return &Rejection{Type: "mapper_parsing_exception",
				Reason: fmt.Sprintf("object mapping for [%s] tried to parse field [%s] as "+
					"object, but found a concrete value", f.name, f.name[strings.LastIndexByte(f.name, '.')+1:])}
		}
	case flatObject:
		return c.flatScalar(f, kind, c.data[start:end])
	case boolean:
		return c.boolean(f, kind, c.data[start:end])
	}
	return nil
}

// rejectValue is the engine's answer to a value that a field cannot have. The engine quotes the value as well.
func (c *Checker) rejectValue(f *field, kind, reason string) *Rejection {
	return &Rejection{"mapper_parsing_exception",
		fmt.Sprintf("failed to parse field [%s] of type [%s] in document with id '%s'", f.name,
			f.typeName, c.id), &Rejection{Type: kind, Reason: reason}}
}

func (c *Checker) boolean(f *field, kind jsonscan.Kind, text []byte) *Rejection {
	switch kind {
	case jsonscan.True, jsonscan.False, jsonscan.Null:
		return nil
	case jsonscan.String:
		// The empty string is false.
		if text = jsonscan.Unescape(nil, text[1:len(text)-1]); len(text) == 0 || string(text) == "true" ||
			string(text) == "false" {
			return nil
		}
		return c.rejectValue(f, "illegal_argument_exception",
			fmt.Sprintf("Failed to parse value [%s] as only [true] or [false] are allowed.", text))
	}
	return c.rejectValue(f, "json_parse_exception", "Current token not of boolean type")
}

// docCount checks a value of _doc_count: one positive whole number of 64 bits. With a fraction or exponent it is read
// as a double.
func (c *Checker) docCount(f *field, kind jsonscan.Kind, text []byte) *Rejection {
	if kind != jsonscan.Number {
		return c.rejectValue(f, "parsing_exception", "Failed to parse object: expecting token of type [VALUE_NUMBER]")
	}
	n, err := strconv.ParseInt(string(text), 10, 64)
	if err != nil && bytes.ContainsAny(text, ".eE") {
		var x float64
		if x, err = strconv.ParseFloat(string(text), 64); err == nil && (x != math.Trunc(x) || x > math.MaxInt64) {
			err = strconv.ErrRange
		}
		if n = 0; x > 0 { // its sign is what matters
			n = 1
		}
	}
	switch {
	case err != nil:
		return c.rejectValue(f, "illegal_argument_exception",
			fmt.Sprintf("%s cannot be converted to Long without data loss", text))
	case n <= 0:
		return c.rejectValue(f, "illegal_argument_exception", "Field ["+f.name+"] must be a positive integer. "+
			"Value ["+string(text)+"] is not valid.")
	}
	if c.docCounts++; c.docCounts > 1 {
		return &Rejection{Type: "illegal_argument_exception",
			Reason: `DocValuesField "_doc_count" appears more than once in this document ` +
				"(only one value is allowed per field)"}
	}
	return nil
}

// digits checks the length of a number.
func (c *Checker) digits(start, end int) *Rejection {
	if end-start <= longestNumber {
		return nil
	}
	n := 0
	for _, b := range c.data[start:end] {
		if b-'0' <= 9 {
			n++
		}
	}
	if n <= longestNumber {
		return nil
	}
	return rejectDocument("stream_constraints_exception",
		"Number value length (%d) exceeds the maximum allowed (%d, from "+
			"`StreamReadConstraints.getMaxNumberLength()`)", n, longestNumber)
}

// notCounted is the nesting of an array that may be nested as deep as one likes.
const notCounted = math.MinInt32

// array checks the array whose bracket is at c.data[i], the nesting-th directly in each other, whose elements belong to
// f. It returns the offset after it.
func (c *Checker) array(i, nesting int, f *field) (end int, r *Rejection) {
	if nesting > deepestArray {
		return 0, rejectDocument("parse_exception",
			"The depth of the nested array field has exceeded the allowed limit of [%d]. "+
				"This limit can be set by changing the [index.mapping.depth.limit] index level setting.", deepestArray)
	}
	for i++; ; i++ {
		switch i = jsonscan.SkipSpace(c.data, i); c.data[i] {
		case ']':
			return i + 1, nil
		case ',':
			continue
		}
		if i, r = c.element(i, nesting, f); r != nil {
			return 0, r
		}
		i--
	}
}

// element checks the value that begins at c.data[i], inside so many arrays directly in each other, and returns the
// offset after it.
func (c *Checker) element(i, nesting int, f *field) (end int, r *Rejection) {
	kind := jsonscan.Null
	switch b := c.data[i]; b {
	case '[':
		return c.array(i, nesting+1, f)
	case '{':
		return c.objectOf(f, i, nesting)
	case '"':
		kind = jsonscan.String
		end, _, _ = jsonscan.Text(c.data, i)
		end++
	case 't':
		kind, end = jsonscan.True, i+len("true")
	case 'f':
		kind, end = jsonscan.False, i+len("false")
	case 'n':
		end = i + len("null")
	default:
		kind, end = jsonscan.Number, i+1
		for end < len(c.data) && inNumber[c.data[end]] {
			end++
		}
		if r = c.digits(i, end); r != nil {
			return 0, r
		}
	}
	if f != nil {
		r = c.single(f, kind, i, end)
	}
	return end, r
}

var inNumber = [256]bool{'0': true, '1': true, '2': true, '3': true, '4': true, '5': true, '6': true, '7': true,
	'8': true, '9': true,
	'-': true, '+': true, '.': true, 'e': true, 'E': true}

// fewKeys is up to how many keys of an object are compared with each other, and not looked up.
const fewKeys = 16

// object checks the object whose brace is at c.data[i], which the engine skips: its keys may have any name, but each
// one only once. It returns the offset after it.
func (c *Checker) object(i int) (end int, r *Rejection) {
	from := len(c.keys)
	var seen map[string]struct{} // of more than fewKeys
	for i++; ; i++ {
		switch i = jsonscan.SkipSpace(c.data, i); c.data[i] {
		case '}':
			c.keys = c.keys[:from]
			return i + 1, nil
		case ',':
			continue
		}
		end, escaped, _ := jsonscan.Text(c.data, i)
		key := c.data[i+1 : end]
		if escaped {
			key = jsonscan.Unescape(nil, key)
		}
		if r = c.key(key); r != nil {
			return 0, r
		}
		if seen, r = c.unrepeated(from, seen, key); r != nil {
			return 0, r
		}
		i = jsonscan.SkipSpace(c.data, end+1) + 1 // the colon
		if i, r = c.element(jsonscan.SkipSpace(c.data, i), notCounted, nil); r != nil {
			return 0, r
		}
		i--
	}
}

// unrepeated checks a key against those that the same object has had, which begin at c.keys[from], or are all in seen.
func (c *Checker) unrepeated(from int, seen map[string]struct{}, key []byte) (map[string]struct{}, *Rejection) {
	if seen == nil {
		for _, k := range c.keys[from:] {
			if bytes.Equal(k, key) {
				return nil, repeatedKey(key)
			}
		}
		c.keys = append(c.keys, key)
		if len(c.keys)-from <= fewKeys {
			return nil, nil
		}
		seen = make(map[string]struct{}, 2*fewKeys)
		for _, k := range c.keys[from:] {
			seen[string(k)] = struct{}{}
		}
		return seen, nil
	}
	if _, twice := seen[string(key)]; twice {
		return seen, repeatedKey(key)
	}
	seen[string(key)] = struct{}{}
	return seen, nil
}
