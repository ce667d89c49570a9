package event

import (
	"slices"
	"strconv"
	"unicode/utf8"

	"firehose-pipeline/schema"
)

// compileEnum reads the enum of a scalar type.
func (n *node) compileEnum() {
	for _, text := range n.typ.Enum {
		switch n.kind {
		case schema.Double:
			x, _ := parseDouble([]byte(text))
			n.numbers = append(n.numbers, x)
		case schema.BigInt:
			x, err := strconv.ParseInt(text, 10, 64)
			if err == nil {
				n.whole = append(n.whole, x)
			}
		default:
			if n.enum == nil {
				n.enum = map[string]bool{}
			}
			n.enum[text] = true
		}
	}
}

// allows reports whether a conformed value is within the bounds of its declared type.
func (n *node) allows(v *value) bool {
	t := n.typ
	b := &t.Bounds
	switch n.kind {
	case schema.Double:
		return (!b.HasMin || v.number >= b.Min) && (!b.HasMax || v.number <= b.Max) &&
			(t.Enum == nil || slices.Contains(n.numbers, v.number))
	case schema.BigInt:
		x, err := strconv.ParseInt(string(v.text), 10, 64)
		return err == nil && (!b.HasMin || x >= b.MinInt) && (!b.HasMax || x <= b.MaxInt) &&
			(t.Enum == nil || slices.Contains(n.whole, x))
	case schema.String:
		if t.MaxLength >= 0 && len(v.text) > t.MaxLength && utf8.RuneCount(v.text) > t.MaxLength {
			return false
		}
	}
	return t.Enum == nil || n.enum[string(v.text)]
}
