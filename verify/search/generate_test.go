//go:build opensearch

package search

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
)

// node is a JSON value with access to its parts.
type node struct {
	text     string   // of a scalar, as JSON
	bracket  byte     // '{' or '[' of the others
	members  []member // of an object
	elements []*node  // of an array
}

type member struct {
	key   string // as JSON, with its quotes
	value *node
}

func scalar(text string) *node { return &node{text: text} }

func (n *node) append(dst []byte) []byte {
	switch n.bracket {
	case '{':
		dst = append(dst, '{')
		for i, m := range n.members {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = m.value.append(append(append(dst, m.key...), ':'))
		}
		return append(dst, '}')
	case '[':
		dst = append(dst, '[')
		for i, e := range n.elements {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = e.append(dst)
		}
		return append(dst, ']')
	}
	return append(dst, n.text...)
}

func (n *node) JSON() []byte { return n.append(nil) }

// smaller returns copies of n of which one member or element is left out, at any depth, or a value is replaced by 1.
func (n *node) smaller() []*node {
	var all []*node
	for i, m := range n.members {
		without := *n
		without.members = slices.Delete(slices.Clone(n.members), i, i+1)
		all = append(all, &without)
		values := m.value.smaller()
		if m.value.text != "1" {
			values = append(values, scalar("1"))
		}
		for _, v := range values {
			changed := *n
			changed.members = slices.Clone(n.members)
			changed.members[i].value = v
			all = append(all, &changed)
		}
	}
	for i, e := range n.elements {
		without := *n
		without.elements = slices.Delete(slices.Clone(n.elements), i, i+1)
		all = append(all, &without)
		for _, v := range e.smaller() {
			changed := *n
			changed.elements = slices.Clone(n.elements)
			changed.elements[i] = v
			all = append(all, &changed)
		}
	}
	return all
}

// shrink returns a smaller document for which holds is still true, if it can be had by leaving out.
func shrink(n *node, holds func(*node) bool) *node {
	for range 40 {
		candidates := n.smaller()
		at := slices.IndexFunc(candidates[:min(len(candidates), 100)], holds)
		if at < 0 {
			break
		}
		n = candidates[at]
	}
	return n
}

// generator makes documents of the forms that OpenSearch treats specially, among ordinary events.
type generator struct{ *rand.Rand }

func newGenerator(seed uint64) generator { return generator{rand.New(rand.NewPCG(seed, 0))} }

func pick[T any](g generator, from ...T) T { return from[g.IntN(len(from))] }

// one reports true once in n times.
func (g generator) one(n int) bool { return g.IntN(n) == 0 }

var (
	mappedNames = []string{"event_id", "user_id", "amount", "timestamp", "category_id", "brand", "processing_status",
		"data_quality_score",
		"processed_timestamp", "malformed", "flag", "term"}
	engineNames = []string{"_id", "_source", "_index", "_routing", "_field_names", "_ignored", "_seq_no", "_version",
		"_nested_path",
		"_data_stream_timestamp", "_doc_count", "_feature", "_type", "_size", "_op_type", "_primary_term", "_tier", "_x"}
	plainNames = []string{"a", "b", "c", "note", "detail", "labels", "URL", "url", "é", "😀", "@timestamp", "a b", "x-y"}
	oddParts   = []string{"", "", " ", "\t", "\u2003", "\u00a0", "\u0085", "\x1c", "\u3000", " a", "a ", "\x00"}
)

// event makes a document: members of an ordinary event or not, and some that are out of the ordinary.
func (g generator) event(i int) *node {
	d := &node{bracket: '{'}
	if !g.one(8) {
		d.members = append(d.members, member{`"event_id"`, scalar(fmt.Sprintf(`"d-%d"`, i))})
	}
	if g.one(2) {
		for _, m := range []member{
			{`"user_id"`, scalar(`"7"`)}, {`"event_type"`, scalar(`"view"`)}, {`"amount"`, scalar("9.75")},
			{`"product_id"`, scalar(`"p-1"`)},
			{`"timestamp"`, scalar(`"2026-09-21T10:00:00Z"`)}, {`"session_id"`, scalar(`"s-1"`)},
			{`"category_id"`, scalar("2053013555631882655")},
		} {
			if !g.one(4) {
				d.members = append(d.members, m)
			}
		}
	}
	for range 1 + g.IntN(3) {
		d.members = g.addMember(d.members, g.topKey(), 0)
	}
	return d
}

// addMember adds a member with a key, or now and then with one that the object has.
func (g generator) addMember(members []member, key string, depth int) []member {
	quoted := g.quote(key)
	if twice := g.one(40) && len(members) > 0; twice {
		quoted = pick(g, members...).key
	} else if !g.one(200) && slices.ContainsFunc(members, func(m member) bool { return m.key == quoted }) {
		return members
	}
	return append(members, member{quoted, g.value(depth)})
}

// topKey makes a key of the document itself.
func (g generator) topKey() string {
	switch g.IntN(20) {
	case 0:
		return pick(g, engineNames...)
	case 1, 2, 3, 4, 5:
		return pick(g, mappedNames...)
	case 6, 7, 8, 9:
		parts := make([]string, 2+g.IntN(3))
		for i := range parts {
			parts[i] = g.part()
		}
		return strings.Join(parts, ".")
	case 10:
		return pick(g, append([]string{".", ".", ".."}, oddParts...)...)
	}
	return g.plainKey()
}

func (g generator) part() string {
	switch g.IntN(8) {
	case 0:
		return pick(g, engineNames...)
	case 1, 2:
		return pick(g, mappedNames...)
	case 3:
		return pick(g, oddParts...)
	}
	return pick(g, plainNames...)
}

func (g generator) plainKey() string {
	switch g.IntN(300) {
	case 0:
		return strings.Repeat("k", 49_999+g.IntN(3))
	case 1:
		return strings.Repeat("a.", 5000) + "b"
	}
	return pick(g, plainNames...) + pick(g, "", "", "1", "2")
}

// quote writes a key as JSON, now and then with a character as an escape.
func (g generator) quote(key string) string {
	var out strings.Builder
	escaped := -1
	if g.one(8) {
		escaped = g.IntN(len(key) + 1)
	}
	out.WriteByte('"')
	for i, r := range key {
		switch {
		case r < ' ' || i == escaped && r < 0x10000:
			fmt.Fprintf(&out, `\u%04x`, r)
		case i == escaped:
			fmt.Fprintf(&out, `\u%04x\u%04x`, 0xD800+(r-0x10000)>>10, 0xDC00+(r-0x10000)&0x3FF)
		default:
			out.WriteRune(r)
		}
	}
	if g.one(400) {
		fmt.Fprintf(&out, `\u%04x`, 0xD800+g.IntN(0x800)) // half of a pair
	}
	return out.String() + `"`
}

// value makes a value of any kind.
func (g generator) value(depth int) *node {
	switch kind := g.IntN(24); {
	case kind < 6:
		return scalar(g.number())
	case kind < 13:
		return scalar(g.text())
	case kind < 17:
		return scalar(pick(g, "true", "false", "null", "null"))
	case kind < 21 && depth < 4:
		d := &node{bracket: '{'}
		for range g.IntN(4) {
			key := g.part()
			if g.one(3) {
				key = g.topKey()
			}
			d.members = g.addMember(d.members, key, depth+1)
		}
		return d
	case kind == 21: // arrays directly in each other, about as many as may be
		n := scalar(pick(g, "1", `"x"`, "true", "{}"))
		for range 17 + g.IntN(6) {
			n = &node{bracket: '[', elements: []*node{n}}
		}
		return n
	case depth < 4:
		d := &node{bracket: '['}
		for range g.IntN(4) {
			d.elements = append(d.elements, g.value(depth+1))
		}
		return d
	}
	return scalar("1")
}

func (g generator) number() string {
	switch g.IntN(8) {
	case 0: // about as many digits as may be, in any part of it
		sign, digits := pick(g, "", "-"), strings.Repeat("7", 996+g.IntN(7))
		switch cut := 1 + g.IntN(len(digits)-2); g.IntN(4) {
		case 0:
			return sign + digits
		case 1:
			return sign + digits[:cut] + "." + digits[cut:]
		case 2:
			return sign + digits[:cut] + pick(g, "e", "E", "e+", "e-") + digits[cut:]
		}
		return sign + "1." + digits + "e1"
	case 1:
		return pick(g, "0", "-0", "1", "-1", "1.0", "1.5", "1e2", "15e-1", "1e400", "-1e400", "1e-400", "1e999999",
			"9223372036854775807",
			"9223372036854775808", "-9223372036854775809", "9223372036854775807.0", "1e18", "1e19", "0.99999999999999999999",
			"100e-2")
	}
	return fmt.Sprintf("%d", g.IntN(1000))
}

func (g generator) text() string {
	switch g.IntN(12) {
	case 0:
		return pick(g, `"true"`, `"false"`, `"True"`, `""`, `" "`, `"tr\u0075e"`, `"on"`, `"1"`)
	case 1:
		return pick(g, `"9.99"`, `" 9.99 "`, `"NaN"`, `"Infinity"`, `"0x1p3"`, `"1e400"`, `"1f"`, `"-"`, `"1,299.00"`,
			`"007"`,
			`"9223372036854775808"`, `"1e999999"`, `"`+strings.Repeat("7", 990+g.IntN(20))+`"`)
	case 2, 3:
		return g.date()
	case 4:
		return pick(g, `"\ud800"`, `"\u0000"`, `"é\u00e9"`, `"😀\ud83d\ude00"`, `"[[[["`, `"\"\\"`)
	case 5:
		if g.one(6) {
			return `"` + strings.Repeat(pick(g, "x", "é", "€", "😀", `\u0041`), 8000+g.IntN(25_000)) + `"`
		}
	case 6:
		return `"` + strings.Repeat("x", 32_764+g.IntN(5)) + `"`
	}
	return fmt.Sprintf(`"v-%d"`, g.IntN(1000))
}

// date makes a date and time that is in RFC 3339, or nearly.
func (g generator) date() string {
	date := fmt.Sprintf("%04d-%02d-%02d", pick(g, 0, 1, 1969, 2024, 2026, 9999), g.IntN(14), g.IntN(33))
	clock := fmt.Sprintf("%02d:%02d:%02d", g.IntN(25), g.IntN(61), g.IntN(61))
	fraction := pick(g, "", "", ".1", ".123", ".123456789", ".1234567890", ",5", ".")
	offset := pick(g, "Z", "z", "", "+00:00", "-00:00", "+0000", "+18:00", "-18:00", "+18:01", "+05:45", "+14:00", "+1",
		"+23:59", "+99:99")
	return `"` + pick(g, "", "", "", "+", "-", "1") + date + pick(g, "T", "T", "T", " ", "t") + clock + fraction +
		offset + `"`
}
