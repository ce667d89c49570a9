package parquet

import (
	"bytes"
	"strconv"
	"unicode/utf8"

	format "github.com/parquet-go/parquet-go"

	"firehose-pipeline/internal/jsonscan"
)

// How a JSON value is converted to a column. The sources: AWS, the Firehose developer guide and API reference; probe,
// measurements on AWS that others published (September 2026); OpenX, the JSON SerDe that Firehose names; report, a
// public thread. Where they are silent or differ, the record is rejected: a failure that AWS would not have is noticed
// here, a success that AWS would not have is noticed in production.
//
// OpenX was run: the open SerDe (github.com/rcongiu/Hive-JSON-Serde, tag 1.3.8 and commit 7a05e91) with Hive 2.3.10's
// Parquet writer, by hand in November 2026, on 332 JSON records and on 20,000 events of the transform, whose rows are
// equal. AWS runs its rules of values, but not its tokeniser: AWS's messages are Jackson's, so its grammar is strict,
// and what only the open tokeniser accepts (single quotes, 007, tabs in strings, text after the document) is rejected
// here.
//
//   - Unless CaseInsensitive is false (MatchCase), keys are lower-cased first, nested ones and those of a
//     map too (AWS, probe, OpenX). Then a key that comes twice in an object, at any depth and declared or not, fails
//     the record: "Duplicate key" (OpenX).
//   - A key without a column is dropped, a column without a key is null, null is null (AWS, probe, OpenX).
//   - string: a number, true and false as they are written (probe, OpenX); an object or array as compact JSON text
//     with keys lower-cased (probe; OpenX quotes the numbers and nulls in it, and writes the keys in the order of
//     their hashes); but an integer beyond 32 bits fails (report, 2019; OpenX takes it). A lone surrogate becomes "?"
//     (OpenX).
//   - Numbers: a number, or a string that is one (probe, OpenX); in integer columns no fraction, no exponent, and
//     within the type's range (OpenX, Java's parseLong); not NaN, Infinity, hexadecimal or beyond a float64 (OpenX
//     takes all of these).
//   - boolean: true, false, or these as a string in any case; other scalars fail (OpenX reads false).
//   - timestamp: see parseTimestamp. date: see parseDate.
//   - array: a value that is not one becomes an array of one (probe, OpenX); "" becomes null (OpenX: an empty array).
//   - map: an object. A null in it is null (probe; OpenX writes the text null, and rejects one in a map of structs:
//     AWS's documentation alone). struct: an object, or an array, by position (probe, OpenX). "" fails (OpenX takes
//     it).

// value is a JSON value as it is written.
type value struct {
	text             []byte // a string with its quotes
	kind             jsonscan.Kind
	escaped, integer bool // as in jsonscan.Member
}

func memberValue(data []byte, m *jsonscan.Member) value {
	return value{data[m.Start:m.End], m.Kind, m.Escaped, m.Integer}
}

// elementValue is the value of checked JSON text.
func elementValue(text []byte) value {
	v := value{text: text}
	switch text[0] {
	case '{':
		v.kind = jsonscan.Object
	case '[':
		v.kind = jsonscan.Array
	case 't':
		v.kind = jsonscan.True
	case 'f':
		v.kind = jsonscan.False
	case 'n':
		v.kind = jsonscan.Null
	case '"':
		v.kind, v.escaped = jsonscan.String, bytes.IndexByte(text, '\\') >= 0
	default:
		v.kind = jsonscan.Number
		_, v.integer = jsonscan.IsNumber(text)
	}
	return v
}

// convertDocument stages the row of the JSON document that begins at record[at] and returns the offset after it. When
// it is malformed, part of the row may be staged.
func (w *stage) convertDocument(record []byte, at int) (int, *MalformedError) {
	s := w.row.scanner
	end, problem := s.Object(record, at)
	switch problem {
	case jsonscan.None:
	case jsonscan.NotAnObject:
		return at, &MalformedError{MalformedData,
			"Data does not match the schema. The top level must be a JSON object."}
	default:
		return at, &MalformedError{ParseError, "Encountered malformed JSON: " + problem.String() + " at byte " +
			strconv.Itoa(end) + "."}
	}
	for i := range s.Members {
		if m := &s.Members[i]; m.Kind >= jsonscan.Object {
			if duplicate := w.nested.hasDuplicate(record[m.Start:m.End]); duplicate != nil {
				return at, duplicateKey(duplicate)
			}
		}
	}
	if duplicate := w.row.matchColumn(); duplicate != nil {
		return at, duplicateKey(duplicate)
	}
	for i, c := range w.columns {
		found := s.Found[i]
		if found < 0 {
			w.putNull(c, 0, 0)
			continue
		}
		if malformed := w.putValue(c, memberValue(record, &s.Members[found]), 0); malformed != nil {
			return at, malformed
		}
	}
	return end, nil
}

func duplicateKey(key []byte) *MalformedError {
	return &MalformedError{MalformedData, "Data does not match the schema. Duplicate key " + strconv.Quote(string(key))}
}

// matchColumn finds the fields of the scanned object whose keys are written with capitals, and returns a key that is
// then there twice, or nil.
func (o *object) matchColumn() []byte {
	s := o.scanner
	if s.Repeats {
		for i := range s.Members {
			if m := &s.Members[i]; m.Repeated {
				return s.Key(m)
			}
		}
	}
	if o.exact {
		return nil
	}
	capitals := false
	for i := range s.Members {
		if m := &s.Members[i]; m.Name < 0 && hasCapitals(s.Key(m)) {
			capitals = true
			break
		}
	}
	if !capitals {
		return nil
	}
	seen := make(map[string]bool, len(s.Members))
	for i := range s.Members {
		key := bytes.ToLower(s.Key(&s.Members[i]))
		if seen[string(key)] {
			return key
		}
		seen[string(key)] = true
		if name := o.names.Index(string(key)); name >= 0 {
			s.Found[name] = i
		}
	}
	return nil
}

// hasCapitals reports whether lower-casing key may change it.
func hasCapitals(key []byte) bool {
	for _, c := range key {
		if c-'A' <= 'Z'-'A' || c >= utf8.RuneSelf {
			return true
		}
	}
	return false
}

// putNull stages, in every Parquet column of c, that nothing is there from definition level def on.
func (w *stage) putNull(c *column, def, rep int) {
	var v format.Value
	v.SetDefinitionLevel(def)
	v.SetRepetitionLevel(rep)
	for i := c.first; i < c.last; i++ {
		w.staged[i] = append(w.staged[i], v)
	}
}

// addValue stages a scalar. It sets no column index: the value goes straight to its column's writer, which needs none.
func (w *stage) addValue(c *column, v format.Value, rep int) {
	v.SetDefinitionLevel(c.def)
	v.SetRepetitionLevel(rep)
	w.staged[c.first] = append(w.staged[c.first], v)
}

// putValue stages a JSON value.
func (w *stage) putValue(c *column, v value, rep int) *MalformedError {
	if v.kind == jsonscan.Null {
		w.putNull(c, c.def-1, rep)
		return nil
	}
	switch c.kind {
	case kindString:
		return w.putString(c, v, rep)
	case kindArray:
		return w.putArray(c, v, rep)
	case kindMap:
		return w.putMap(c, v, rep)
	case kindStruct:
		return w.putStruct(c, v, rep)
	}
	text, ok := w.convertScalar(v)
	if !ok {
		return typeMismatch(c, "Not a scalar.")
	}
	switch c.kind {
	case kindDouble, kindFloat:
		text = bytes.TrimSpace(text)
		if number, _ := jsonscan.IsNumber(text); !number {
			return parseFailure(c, text)
		}
		size := 64
		if c.kind == kindFloat {
			size = 32
		}
		number, err := strconv.ParseFloat(string(text), size)
		if err != nil { // out of range
			return parseFailure(c, text)
		}
		if size == 32 {
			w.addValue(c, format.FloatValue(float32(number)), rep)
		} else {
			w.addValue(c, format.DoubleValue(number), rep)
		}
	case kindBigInt, kindInt, kindSmallInt, kindTinyInt:
		number, err := strconv.ParseInt(string(text), 10, integerBits[c.kind])
		if err != nil {
			return parseFailure(c, text)
		}
		if c.kind == kindBigInt {
			w.addValue(c, format.Int64Value(number), rep)
		} else {
			w.addValue(c, format.Int32Value(int32(number)), rep)
		}
	case kindBoolean:
		switch {
		case bytes.EqualFold(text, []byte("true")):
			w.addValue(c, format.BooleanValue(true), rep)
		case bytes.EqualFold(text, []byte("false")):
			w.addValue(c, format.BooleanValue(false), rep)
		default:
			return parseFailure(c, text)
		}
	case kindTimestamp:
		at, ok := parseTimestamp(string(text))
		if !ok {
			return parseFailure(c, text)
		}
		w.addValue(c, format.Int96Value(toInt96(at)), rep)
	case kindDate:
		days, ok := parseDate(v, text)
		if !ok {
			return parseFailure(c, text)
		}
		w.addValue(c, format.Int32Value(days), rep)
	}
	return nil
}

var integerBits = [...]int{kindBigInt: 64, kindInt: 32, kindSmallInt: 16, kindTinyInt: 8}

// convertScalar is the text of a scalar: the content of a string, anything else as written.
func (w *stage) convertScalar(v value) (text []byte, ok bool) {
	switch {
	case v.kind >= jsonscan.Object:
		return nil, false
	case v.kind != jsonscan.String:
		return v.text, true
	case v.escaped:
		return jsonscan.Unescape(nil, v.text[1:len(v.text)-1]), true
	default:
		return v.text[1 : len(v.text)-1], true
	}
}

func (w *stage) putString(c *column, v value, rep int) *MalformedError {
	from := len(w.text)
	switch v.kind {
	case jsonscan.String:
		if text := v.text[1 : len(v.text)-1]; !v.escaped {
			w.text = append(w.text, text...)
		} else {
			w.text = replaceSurrogates(jsonscan.Unescape(w.text, text), from)
		}
	case jsonscan.Object, jsonscan.Array:
		w.text = w.nested.appendText(w.text, v.text)
	case jsonscan.Number:
		if v.integer {
			if _, err := strconv.ParseInt(string(v.text), 10, 32); err != nil {
				return parseFailure(c, v.text)
			}
		}
		w.text = append(w.text, v.text...)
	default:
		w.text = append(w.text, v.text...)
	}
	w.addValue(c, format.ByteArrayValue(w.text[from:len(w.text):len(w.text)]), rep)
	return nil
}

// replaceSurrogates makes text[from:], which jsonscan.Unescape wrote, UTF-8: a lone surrogate becomes a question mark.
func replaceSurrogates(text []byte, from int) []byte {
	if utf8.Valid(text[from:]) {
		return text
	}
	to := from
	for i := from; i < len(text); {
		r, size := utf8.DecodeRune(text[i:])
		if r == utf8.RuneError && size == 1 {
			text[to] = '?'
			to++
			i += 3 // a surrogate written as if it were a character
			continue
		}
		to += copy(text[to:], text[i:i+size])
		i += size
	}
	return text[:to]
}

func (w *stage) putArray(c *column, v value, rep int) *MalformedError {
	element := c.children[0]
	if v.kind != jsonscan.Array {
		if v.kind == jsonscan.String && len(v.text) == len(`""`) {
			w.putNull(c, c.def-1, rep)
			return nil
		}
		return w.putValue(element, v, rep)
	}
	empty := true
	for text := range convertElements(v.text) {
		if malformed := w.putValue(element, elementValue(text), rep); malformed != nil {
			return malformed
		}
		rep, empty = c.rep, false
	}
	if empty {
		w.putNull(c, c.def, rep)
	}
	return nil
}

// convertElements ranges over the texts of a checked JSON array's elements.
func convertElements(array []byte) func(yield func([]byte) bool) {
	return func(yield func([]byte) bool) {
		at := jsonscan.SkipSpace(array, 1)
		for array[at] != ']' {
			end, _ := jsonscan.Value(array, at)
			if !yield(array[at:end]) {
				return
			}
			if at = jsonscan.SkipSpace(array, end); array[at] == ',' {
				at = jsonscan.SkipSpace(array, at+1)
			}
		}
	}
}

func (w *stage) putMap(c *column, v value, rep int) *MalformedError {
	if v.kind != jsonscan.Object {
		return typeMismatch(c, "A map needs a JSON object.")
	}
	c.entries.Object(v.text, 0) // checked as part of the document, for repeated keys too
	if len(c.entries.Members) == 0 {
		w.putNull(c, c.def, rep)
		return nil
	}
	key, of := c.children[0], c.children[1]
	for i := range c.entries.Members {
		m := &c.entries.Members[i]
		from, text := len(w.text), c.entries.Key(m)
		if !w.exact && hasCapitals(text) {
			text = bytes.ToLower(text)
		}
		w.text = replaceSurrogates(append(w.text, text...), from)
		w.addValue(key, format.ByteArrayValue(w.text[from:len(w.text):len(w.text)]), rep)
		if malformed := w.putValue(of, memberValue(v.text, m), rep); malformed != nil {
			return malformed
		}
		rep = c.rep
	}
	return nil
}

func (w *stage) putStruct(c *column, v value, rep int) *MalformedError {
	switch v.kind {
	case jsonscan.Object:
		s := c.object.scanner
		s.Object(v.text, 0) // checked as part of the document, for repeated keys too
		c.object.matchColumn()
		for i, child := range c.children {
			if s.Found[i] < 0 {
				w.putNull(child, c.def, rep)
			} else if malformed := w.putValue(child, memberValue(v.text, &s.Members[s.Found[i]]),
				rep); malformed != nil {
				return malformed
			}
		}
	case jsonscan.Array:
		next := 0
		for text := range convertElements(v.text) {
			if next == len(c.children) {
				break
			}
			if malformed := w.putValue(c.children[next], elementValue(text), rep); malformed != nil {
				return malformed
			}
			next++
		}
		for _, child := range c.children[next:] {
			w.putNull(child, c.def, rep)
		}
	default:
		return typeMismatch(c, "Data is not JSONObject but %.100s.", v.text)
	}
	return nil
}
