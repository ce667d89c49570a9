package schema

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"firehose-pipeline/internal/jsonpointer"
)

// nodeKind is the kind of a JSON value in the schema file.
type nodeKind uint8

const (
	objectNode nodeKind = iota + 1
	arrayNode
	stringNode
	numberNode
	booleanNode
	nullNode
)

func (k nodeKind) String() string {
	return [...]string{"", "an object", "an array", "a string", "a number", "a boolean", "null"}[k]
}

// node is a JSON value of the schema file. Unlike a Go map it keeps the order of the members, which is the order of
// columns.
type node struct {
	kind    nodeKind
	text    string // string: its meaning; number, true, false: as written
	members []member
	items   []*node
}

type member struct {
	key   string
	value *node
}

// get returns the value of a key, nil when the node is no object or does not have it.
func (n *node) get(key string) *node {
	for i := range n.members {
		if n.members[i].key == key {
			return n.members[i].value
		}
	}
	return nil
}

// brief is the value as an error shows it.
func (n *node) brief() string {
	switch n.kind {
	case stringNode:
		return strconv.Quote(shorten(n.text, 60))
	case numberNode, booleanNode:
		return shorten(n.text, 60)
	}
	if n.kind == arrayNode && len(n.items) == 0 || n.kind == objectNode && len(n.members) == 0 {
		return "an empty" + strings.TrimLeft(n.kind.String(), "an")
	}
	return n.kind.String()
}

func shorten(s string, most int) string {
	if utf8.RuneCountInString(s) <= most {
		return s
	}
	return string([]rune(s)[:most-1]) + "…"
}

const (
	// maxFileBytes bounds the file: it is part of every function's zip and is parsed at each cold start.
	maxFileBytes = 1 << 20
	// maxFileDepth bounds the nesting of the file's JSON. Each declared level takes three ("properties", its name, its
	// keywords).
	maxFileDepth = 200
)

// readNode reads the file. Problems found here are of the JSON, not of the schema.
func readNode(data []byte) (*node, []Problem) {
	fail := func(format string, args ...any) (*node, []Problem) {
		return nil, []Problem{{Message: fmt.Sprintf(format, args...)}}
	}
	switch {
	case len(data) > maxFileBytes:
		return fail("must be at most %d bytes (got %d)", maxFileBytes, len(data))
	case bytes.HasPrefix(data, []byte("\xef\xbb\xbf")):
		return fail("must be JSON without a byte order mark: save the file as UTF-8 without BOM")
	case !utf8.Valid(data):
		return fail("must be UTF-8 (byte %d is not)", firstInvalid(data))
	}
	if !json.Valid(data) {
		var syntax *json.SyntaxError
		if err := json.Unmarshal(data, new(json.RawMessage)); errors.As(err, &syntax) {
			line, column := position(data, int(syntax.Offset))
			return fail("must be JSON: %s (line %d, column %d)", syntax.Error(), line, column)
		}
		return fail("must be JSON")
	}
	r := reader{data: data}
	root := r.value("", 1)
	return root, r.problems
}

func firstInvalid(data []byte) int {
	for at := 0; at < len(data); {
		c, size := utf8.DecodeRune(data[at:])
		if c == utf8.RuneError && size == 1 {
			return at
		}
		at += size
	}
	return len(data)
}

// position returns line and column, from 1, of the byte before the offset.
func position(data []byte, offset int) (line, column int) {
	before := data[:max(0, min(offset, len(data))-1)]
	line = 1 + bytes.Count(before, []byte("\n"))
	return line, len(before) - bytes.LastIndexByte(before, '\n')
}

// reader reads JSON that has been checked: no byte can be out of its place.
type reader struct {
	data     []byte
	at       int
	problems []Problem
}

// next skips white space, colons and commas, and returns the byte after them.
func (r *reader) next() byte {
	for {
		switch c := r.data[r.at]; c {
		case ' ', '\t', '\r', '\n', ':', ',':
			r.at++
		default:
			return c
		}
	}
}

func (r *reader) value(pointer string, depth int) *node {
	switch c := r.next(); c {
	case '{', '[':
		if depth > maxFileDepth {
			r.problems = append(r.problems, Problem{pointer, fmt.Sprintf("must not be nested deeper than %d", maxFileDepth)})
			r.at = len(r.data) // the rest does not matter
			return &node{kind: nullNode}
		}
		r.at++
		if c == '{' {
			return r.object(pointer, depth)
		}
		n := &node{kind: arrayNode}
		for r.more(']') {
			n.items = append(n.items, r.value(pointer+"/"+strconv.Itoa(len(n.items)), depth+1))
		}
		return n
	case '"':
		return &node{kind: stringNode, text: r.text()}
	case 't', 'f':
		return &node{kind: booleanNode, text: r.word()}
	case 'n':
		r.word()
		return &node{kind: nullNode}
	}
	return &node{kind: numberNode, text: r.word()}
}

// more reports whether another member or element follows, and reads the closing bracket when none does.
func (r *reader) more(closing byte) bool {
	if r.at == len(r.data) {
		return false
	}
	if r.next() != closing {
		return true
	}
	r.at++
	return false
}

func (r *reader) object(pointer string, depth int) *node {
	n := &node{kind: objectNode}
	var seen map[string]bool // of an object with many members
	for r.more('}') {
		key := r.text()
		at := pointer + "/" + jsonpointer.Escape(key)
		value := r.value(at, depth+1)
		if seen == nil && len(n.members) == 8 {
			seen = make(map[string]bool, 32)
			for _, m := range n.members {
				seen[m.key] = true
			}
		}
		if seen[key] || seen == nil && n.get(key) != nil {
			r.problems = append(r.problems, Problem{at, "must come once in its object (the key is there twice)"})
			continue
		}
		if seen != nil {
			seen[key] = true
		}
		n.members = append(n.members, member{key, value})
	}
	return n
}

// text reads a string.
func (r *reader) text() string {
	r.next()
	start, escaped := r.at, false
	for r.at++; r.data[r.at] != '"'; r.at++ {
		if r.data[r.at] == '\\' {
			escaped = true
			r.at++
		}
	}
	r.at++
	if !escaped {
		return string(r.data[start+1 : r.at-1])
	}
	var text string
	if err := json.Unmarshal(r.data[start:r.at], &text); err != nil { // checked before
		r.problems = append(r.problems, Problem{"", "must be JSON: " + err.Error()})
	}
	return text
}

// word reads a number, true, false or null.
func (r *reader) word() string {
	start := r.at
	for r.at < len(r.data) && bytes.IndexByte([]byte(" \t\r\n,]}"), r.data[r.at]) < 0 {
		r.at++
	}
	return string(r.data[start:r.at])
}

// splitPointer returns the keys of a JSON Pointer. It fails on a ~ that is followed by neither 0 nor 1.
func splitPointer(pointer string) (keys []string, ok bool) {
	if pointer == "" {
		return nil, true
	}
	if pointer[0] != '/' {
		return nil, false
	}
	for key := range strings.SplitSeq(pointer[1:], "/") {
		for i := 0; i < len(key); i++ {
			if key[i] == '~' && (i+1 == len(key) || key[i+1] != '0' && key[i+1] != '1') {
				return nil, false
			}
		}
		keys = append(keys, jsonpointer.Unescape(key))
	}
	return keys, true
}
