package event

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"strings"

	"firehose-pipeline/internal/jsonpointer"
	"firehose-pipeline/internal/jsonscan"
	"firehose-pipeline/schema"
)

// Redacted takes the place of a value with x-protect redact, and of every protected value in malformed.
const Redacted = "REDACTED"

// HashPrefix begins a value with x-protect hash; the HMAC-SHA-256 of the value in UTF-8, in lower-case hexadecimal,
// follows. A value of this form is kept as it is, so that a second pass gives the same result.
const HashPrefix = "hmac-sha256:"

// hashLength is the length of a hash with its prefix, which [Redacted] and values that identify nobody do not pass.
const hashLength = len(HashPrefix) + 2*sha256.Size

// protect changes the way in which a protected member is written. The rules see the value as sent. "", null, false and
// 0 identify nobody; they stay, so that a rule sees in a second pass that the field says nothing.
func (e *Event) protect(v *value, p schema.Protection, m *jsonscan.Member, ed edit) edit {
	if p == schema.Drop {
		if v.state == malformed { // nothing of it is kept
			v.state = absent
		}
		return edit{rewrite: removed}
	}
	if v.state != conformed {
		return ed
	}
	if len(v.text) == 0 || convertedEmpty(v.text) { // a string, as the column is
		if m.Kind == jsonscan.String {
			return edit{}
		}
		return edit{rewrite: quoted}
	}
	if p == schema.Redact || e.mask {
		return edit{replaced, []byte(Redacted)}
	}
	e.mac.Reset()
	e.mac.Write(v.text)
	from := len(e.decoded)
	e.decoded = append(e.decoded, HashPrefix...)
	var sum [sha256.Size]byte
	e.decoded = hex.AppendEncode(e.decoded, e.mac.Sum(sum[:0]))
	return edit{replaced, e.decoded[from:]}
}

// dropContainer sets v to an object or array that is dropped, for the rules. It reports false for a value of another
// type.
func (e *Event) dropContainer(v *value, n *node, m *jsonscan.Member) bool {
	kind := jsonscan.Object
	if n.kind == schema.Array {
		kind = jsonscan.Array
	}
	if m.Kind != kind {
		return false
	}
	*v = value{state: conformed, empty: isEmptyText(e.record, m), text: e.record[m.Start:m.End]}
	return true
}

// isProtected reports whether an earlier pass wrote the member in place of a value, and sets v if so.
func (e *Event) isProtected(v *value, m *jsonscan.Member) bool {
	if m.Kind != jsonscan.String {
		return false
	}
	text := e.content(m)
	if !isHash(text) && string(text) != Redacted {
		return false
	}
	*v = value{state: conformed, text: text}
	return true
}

// isHash reports whether an earlier pass wrote the text in place of a value.
func isHash(text []byte) bool {
	digits, ok := bytes.CutPrefix(text, []byte(HashPrefix))
	if !ok || len(text) != hashLength {
		return false
	}
	for _, c := range digits {
		if c-'0' > 9 && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}

// setKey sets the key of the hashes.
func (e *Event) setKey(key []byte) { e.mac = hmac.New(sha256.New, key) }

// hides reports whether the member of a malformed object with this decoded key, a field's key or a JSON Pointer, holds
// a protected value.
func (l *Layout) hides(key []byte) bool {
	if !l.protects {
		return false
	}
	if f := l.field(string(key)); f != noField {
		return l.nodes[f].sensitive
	}
	if len(key) == 0 || key[0] != '/' {
		return false
	}
	var n *node
	for part := range strings.SplitSeq(string(key[1:]), "/") {
		part = jsonpointer.Unescape(part)
		switch {
		case n == nil:
			f := l.field(part)
			if f == noField {
				return false
			}
			n = l.nodes[f]
		case n.kind == schema.Struct:
			at := n.lookup.Index(part)
			if at < 0 {
				return false
			}
			n = n.fields[at]
		case n.elem != nil:
			n = n.elem
		default:
			return n.sensitive
		}
	}
	return n.sensitive
}
