package opensearch

import (
	"bytes"
	"fmt"

	"firehose-pipeline/internal/jsonscan"
)

// A field of type flat_object takes null and an object of any depth and any keys, or several in arrays; no scalar. Each
// scalar inside is a term and a doc value, made of the field's name, the path to the value and the value as text.
// FlatObjectFieldMapper.

// flatScalar checks a value of a flat_object that is no object.
func (c *Checker) flatScalar(f *field, kind jsonscan.Kind, text []byte) *Rejection {
	if kind == jsonscan.Null {
		return nil
	}
	token := "VALUE_BOOLEAN"
	switch kind {
	case jsonscan.String:
		token = "VALUE_STRING"
	case jsonscan.Number:
		token = "VALUE_NUMBER"
	}
	return c.rejectValue(f, "parsing_exception",
		fmt.Sprintf("[%s] unexpected token [%s] in flat_object field value", f.name, token))
}

// flatObject checks the object whose brace is at c.data[i], a value of a flat_object, and returns the offset after it.
func (c *Checker) flatObject(f *field, i int) (end int, r *Rejection) {
	if end, r = c.object(i); r != nil { // its text: repeated keys, long numbers
		return 0, r
	}
	if end-i <= longestTerm/2 { // nothing inside can be too long
		return end, nil
	}
	_, r = c.flatLeaves(f, i, 0)
	return end, r
}

// flatLeaves checks the scalars of the value that begins at c.data[i], to which a path of so many bytes leads inside
// the field f, and returns the offset after it.
func (c *Checker) flatLeaves(f *field, i, path int) (end int, r *Rejection) {
	kind := c.data[i]
	if kind != '{' && kind != '[' {
		return c.flatLeaf(f, i, path)
	}
	for i = jsonscan.SkipSpace(c.data, i+1); c.data[i] != kind+2; { // the closing bracket is two after the opening one
		below := path
		if kind == '{' {
			key := jsonscan.ValueAt(c.data, i)
			below += textLength(c.data[i:key.End]) + len(".")
			i = jsonscan.SkipSpace(c.data, jsonscan.SkipSpace(c.data, key.End)+1)
		}
		if i, r = c.flatLeaves(f, i, below); r != nil {
			return 0, r
		}
		if i = jsonscan.SkipSpace(c.data, i); c.data[i] == ',' {
			i = jsonscan.SkipSpace(c.data, i+1)
		}
	}
	return i + 1, nil
}

func (c *Checker) flatLeaf(f *field, i, path int) (end int, r *Rejection) {
	m := jsonscan.ValueAt(c.data, i)
	length := m.End - m.Start
	switch m.Kind {
	case jsonscan.Null:
		return m.End, nil
	case jsonscan.String:
		length = textLength(c.data[m.Start:m.End])
	}
	if 2*(len(f.name)+len("."))+path+length > longestTerm {
		return 0, &Rejection{Type: "illegal_argument_exception",
			Reason: fmt.Sprintf("DocValuesField \"%s._valueAndPath\" is too large, "+
				"must be <= %d", f.name, longestTerm)}
	}
	return m.End, nil
}

// textLength is the length of a JSON string, decoded, in bytes of UTF-8. Lucene writes U+FFFD for half of a surrogate
// pair, which is as long as the bytes that stand for it here.
func textLength(quoted []byte) int {
	text := quoted[1 : len(quoted)-1]
	if bytes.IndexByte(text, '\\') < 0 {
		return len(text)
	}
	return len(jsonscan.Unescape(nil, text))
}
