package schema

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
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
	// Valid first: a Decoder that is read by tokens accepts some texts that are not JSON.
	if !json.Valid(data) {
		var syntax *json.SyntaxError
		if err := json.Unmarshal(data, new(json.RawMessage)); errors.As(err, &syntax) {
			line, column := position(data, int(syntax.Offset))
			return fail("must be JSON: %s (line %d, column %d)", syntax.Error(), line, column)
		}
		return fail("must be JSON")
	}
	r := reader{decoder: json.NewDecoder(bytes.NewReader(data))}
	r.decoder.UseNumber()
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

type reader struct {
	decoder  *json.Decoder
	problems []Problem
}

func (r *reader) value(pointer string, depth int) *node {
	token, err := r.decoder.Token()
	if err != nil { // checked before
		r.problems = append(r.problems, Problem{pointer, "must be JSON: " + err.Error()})
		return &node{kind: nullNode}
	}
	switch token := token.(type) {
	case string:
		return &node{kind: stringNode, text: token}
	case json.Number:
		return &node{kind: numberNode, text: token.String()}
	case bool:
		return &node{kind: booleanNode, text: strconv.FormatBool(token)}
	case json.Delim:
		if depth > maxFileDepth {
			if depth == maxFileDepth+1 {
				r.problems = append(r.problems, Problem{pointer, fmt.Sprintf("must not be nested deeper than %d", maxFileDepth)})
			}
			r.skip()
			return &node{kind: nullNode}
		}
		if token == '{' {
			return r.object(pointer, depth)
		}
		n := &node{kind: arrayNode}
		for r.decoder.More() {
			n.items = append(n.items, r.value(pointer+"/"+strconv.Itoa(len(n.items)), depth+1))
		}
		r.end()
		return n
	}
	return &node{kind: nullNode}
}

func (r *reader) object(pointer string, depth int) *node {
	n := &node{kind: objectNode}
	var seen map[string]bool
	for r.decoder.More() {
		token, err := r.decoder.Token()
		key, ok := token.(string)
		if err != nil || !ok { // checked before
			r.problems = append(r.problems, Problem{pointer, "must be JSON"})
			return n
		}
		at := pointer + "/" + escapePointer(key)
		value := r.value(at, depth+1)
		switch {
		case seen == nil && len(n.members) < 8:
			if n.get(key) != nil {
				r.problems = append(r.problems, Problem{at, "must come once in its object (the key is there twice)"})
				continue
			}
		default:
			if seen == nil {
				seen = map[string]bool{}
				for _, m := range n.members {
					seen[m.key] = true
				}
			}
			if seen[key] {
				r.problems = append(r.problems, Problem{at, "must come once in its object (the key is there twice)"})
				continue
			}
			seen[key] = true
		}
		n.members = append(n.members, member{key, value})
	}
	r.end()
	return n
}

// end reads the bracket that ends an object or array.
func (r *reader) end() { r.token() }

// skip reads up to the end of the object or array that has begun.
func (r *reader) skip() {
	for open := 1; open > 0; {
		switch r.token() {
		case json.Delim('{'), json.Delim('['):
			open++
		case json.Delim('}'), json.Delim(']'):
			open--
		case nil:
			if len(r.problems) > 0 && r.problems[len(r.problems)-1].Message == brokenJSON {
				return
			}
		}
	}
}

const brokenJSON = "must be JSON that ends"

// token returns the next token. The text has been checked, so that an error is one of this package.
func (r *reader) token() json.Token {
	token, err := r.decoder.Token()
	if err != nil {
		r.problems = append(r.problems, Problem{"", brokenJSON})
		return nil
	}
	return token
}

// escapePointer writes a key as a token of a JSON Pointer (RFC 6901).
func escapePointer(key string) string {
	if !strings.ContainsAny(key, "~/") {
		return key
	}
	return strings.ReplaceAll(strings.ReplaceAll(key, "~", "~0"), "/", "~1")
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
		keys = append(keys, strings.ReplaceAll(strings.ReplaceAll(key, "~1", "/"), "~0", "~"))
	}
	return keys, true
}
