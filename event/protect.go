package event

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"strings"

	"firehose-pipeline/schema"
)

// Redacted takes the place of a value with x-protect redact, and of every protected value in malformed.
const Redacted = "REDACTED"

// HashPrefix begins a value with x-protect hash; the HMAC-SHA-256 of the value in UTF-8, in lower-case hexadecimal, follows. A
// value of this form is kept as it is, so that a second pass gives the same result.
const HashPrefix = "hmac-sha256:"

// protect changes the way in which a protected member is written. The rules see the value as sent. "", null, false and 0
// identify nobody; they stay, so that a rule sees in a second pass that the field says nothing.
func (e *Event) protect(v *value, p schema.Protection, ed edit) edit {
	if p == schema.Drop {
		if v.state == malformed { // nothing of it is kept
			v.state = absent
		}
		return edit{rewrite: removed}
	}
	if v.state != conformed || len(v.text) == 0 || convertedEmpty(v.text) {
		return ed
	}
	if p == schema.Redact || e.mask {
		return edit{replaced, []byte(Redacted)}
	}
	if isHash(v.text) {
		return ed
	}
	e.mac.Reset()
	e.mac.Write(v.text)
	from := len(e.decoded)
	e.decoded = append(e.decoded, HashPrefix...)
	var sum [sha256.Size]byte
	e.decoded = hex.AppendEncode(e.decoded, e.mac.Sum(sum[:0]))
	return edit{replaced, e.decoded[from:]}
}

// isHash reports whether an earlier pass wrote the text in place of a value.
func isHash(text []byte) bool {
	digits, ok := bytes.CutPrefix(text, []byte(HashPrefix))
	if !ok || len(digits) != hex.EncodedLen(sha256.Size) {
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

// hides reports whether the member of a malformed object with this decoded key, a field's key or a JSON Pointer, holds a protected
// value.
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
		part = strings.NewReplacer("~1", "/", "~0", "~").Replace(part)
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
