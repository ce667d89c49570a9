package parquet

import (
	"bytes"
	"encoding/binary"
	"fmt"

	"firehose-pipeline/internal/jsonscan"
)

// nested walks objects and arrays that have been checked. OpenX parses them whatever column they are for, if any: it
// lower-cases their keys and fails on those that come twice.
type nested struct {
	keys    map[string]struct{} // the keys met so far, each behind the number of its object
	objects uint64              // objects met so far
	key     []byte
	repeat  []byte // the first key that came twice
	keep    bool   // write to out
	exact   bool   // keys are not lower-cased
	out     []byte
}

// fewKeys is how large the set of keys may be to be used again: clearing it takes as long as it ever was large.
const fewKeys = 1000

// hasDuplicate returns a key that comes twice in one object of value, upper and lower case being the same, or nil.
func (n *nested) hasDuplicate(value []byte) []byte {
	if n.keys == nil || len(n.keys) > fewKeys {
		n.keys = map[string]struct{}{}
	}
	clear(n.keys)
	n.objects, n.repeat, n.keep = 0, nil, false
	n.writeNested(value, 0)
	return n.repeat
}

// appendText appends value, without white space between tokens and with keys lower-cased.
func (n *nested) appendText(dst, value []byte) []byte {
	n.out, n.keep = dst, true
	n.writeNested(value, 0)
	dst, n.out = n.out, nil
	return dst
}

func (n *nested) writeValue(text []byte) {
	if n.keep {
		n.out = append(n.out, text...)
	}
}

// writeNested walks the value that begins at data[i] and returns the offset after it.
func (n *nested) writeNested(data []byte, i int) int {
	switch data[i] {
	case '{':
		n.objects++
		return n.writeContainer(data, i, '}', n.objects)
	case '[':
		return n.writeContainer(data, i, ']', 0)
	default:
		end, _ := jsonscan.Value(data, i)
		n.writeValue(data[i:end])
		return end
	}
}

// writeContainer walks an array, or the object of that number.
func (n *nested) writeContainer(data []byte, i int, closing byte, object uint64) int {
	n.writeValue(data[i : i+1])
	i = jsonscan.SkipSpace(data, i+1)
	for data[i] != closing {
		if object > 0 {
			end, escaped, _ := jsonscan.Text(data, i)
			n.writeMember(object, data[i+1:end], escaped)
			i = jsonscan.SkipSpace(data, end+1) // the colon
			n.writeValue(data[i : i+1])
			i = jsonscan.SkipSpace(data, i+1)
		}
		i = jsonscan.SkipSpace(data, n.writeNested(data, i))
		if data[i] == ',' {
			n.writeValue(data[i : i+1])
			i = jsonscan.SkipSpace(data, i+1)
		}
	}
	n.writeValue(data[i : i+1])
	return i + 1
}

// writeMember notes a key, or writes it.
func (n *nested) writeMember(object uint64, key []byte, escaped bool) {
	written := key
	if escaped {
		key = jsonscan.Unescape(nil, key)
	}
	capitals := !n.exact && hasCapitals(key)
	if capitals {
		key = bytes.ToLower(key)
	}
	if n.keep {
		n.out = append(n.out, '"')
		if capitals && escaped {
			n.out = appendQuoted(n.out, key)
		} else if capitals {
			n.out = append(n.out, key...)
		} else {
			n.out = append(n.out, written...)
		}
		n.out = append(n.out, '"')
		return
	}
	n.key = append(binary.AppendUvarint(n.key[:0], object), key...)
	if _, ok := n.keys[string(n.key)]; ok && n.repeat == nil {
		n.repeat = bytes.Clone(key)
	}
	n.keys[string(n.key)] = struct{}{}
}

// appendQuoted appends what JSON writes for text between quotes.
func appendQuoted(dst, text []byte) []byte {
	for _, c := range text {
		switch {
		case c == '"' || c == '\\':
			dst = append(dst, '\\', c)
		case c < ' ':
			dst = fmt.Appendf(dst, `\u%04x`, c)
		default:
			dst = append(dst, c)
		}
	}
	return dst
}
