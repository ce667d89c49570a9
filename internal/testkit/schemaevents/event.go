package schemaevents

import (
	"fmt"
	"strings"

	"firehose-pipeline/schema"
)

// Event makes the text of an event for the schema: one JSON object.
func (g Generator) Event(s *schema.Schema) []byte {
	return []byte(g.objectOf(s.Fields, s, 0))
}

// objectOf is an object with fields: most of them good, some absent or of another kind, and some keys that are not
// declared.
func (g Generator) objectOf(fields []*schema.Field, s *schema.Schema, depth int) string {
	var members []string
	for _, f := range fields {
		if !g.one(6) {
			members = append(members, g.quote(f.Key)+":"+g.of(f.Declared, s, depth))
		}
	}
	for range g.IntN(3) {
		members = append(members, g.quote(g.undeclared(fields, s))+":"+g.anything(s, depth))
	}
	if g.one(12) && len(members) > 0 {
		members = append(members, pick(g, members...))
	}
	g.Shuffle(len(members), func(i, j int) { members[i], members[j] = members[j], members[i] })
	return "{" + g.space() + strings.Join(members, ","+g.space()) + "}"
}

// undeclared is a key that is mostly not declared: of a path into declared fields, or one that a store may refuse.
func (g Generator) undeclared(fields []*schema.Field, s *schema.Schema) string {
	declared := func(of []*schema.Field) string {
		if len(of) == 0 {
			return "x"
		}
		return of[g.IntN(len(of))].Key
	}
	switch g.IntN(12) {
	case 0:
		return declared(fields) + "." + pick(g, "x", "", "name", " ", "_id")
	case 1:
		return "other." + declared(fields)
	case 2:
		return declared(s.Fields) + "." + declared(fields)
	case 3:
		first, _, _ := strings.Cut(declared(fields), ".")
		return first
	case 4:
		return declared(s.Fields) + "."
	case 5:
		return pick(g, "", ".", "..", " ", "a..b", ".a", "a.", "a. .b", "\u2003", "\u00a0.x")
	case 6:
		return pick(g, "_id", "_source", "_doc_count", "_feature", "_size", "_x", "malformed", "processed_timestamp",
			"processing_status")
	case 7:
		return strings.ToUpper(declared(fields))
	case 8:
		if g.one(30) {
			return strings.Repeat("k", 49_999+g.IntN(3))
		}
	}
	return pick(g, "p", "q", "note", "detail", "é", "😀", "z.y.x")
}

// of is a value of a type, or nearly.
func (g Generator) of(t *schema.Type, s *schema.Schema, depth int) string {
	if t == nil || g.one(9) {
		return g.anything(s, depth)
	}
	if g.one(15) {
		return "null"
	}
	switch t.Kind {
	case schema.Struct:
		return g.objectOf(t.Fields, s, depth+1)
	case schema.Array:
		elements := make([]string, g.IntN(4))
		for i := range elements {
			elements[i] = g.of(t.Elem, s, depth+1)
		}
		return "[" + strings.Join(elements, ",") + "]"
	case schema.Map:
		members := make([]string, g.IntN(4))
		for i := range members {
			members[i] = g.quote(pick(g, "a", "b", "c.d", "", ".", "a..b", "É", "A", "_id",
				"k"+fmt.Sprint(g.IntN(9)))) + ":" + g.of(t.Elem, s, depth+1)
		}
		return "{" + strings.Join(members, ",") + "}"
	case schema.Timestamp:
		return pick(g, `"2026-03-02T08:00:00Z"`, `"2026-03-02T08:00:00.123456789+05:30"`, "1772438400912",
			`"2026-03-02 08:00:00"`, `"2026-02-30T00:00:00Z"`)
	case schema.Date:
		return pick(g, `"2026-03-02"`, `"2024-02-29"`, `"2026-02-29"`, `"2026-3-2"`, `"2026-03-02T00:00:00Z"`,
			"20260302", `"0000-01-01"`, `"9999-12-31"`)
	case schema.Double, schema.BigInt:
		return g.number()
	case schema.Boolean:
		return pick(g, "true", "false", `"true"`, `"False"`, "1", `""`)
	}
	return g.text()
}

func (g Generator) number() string {
	switch g.IntN(12) {
	case 0:
		return pick(g, "-0", "1.0", "1e2", "1e400", "9223372036854775807", "9223372036854775808",
			"-9223372036854775809", "1e-400", "0.1", "15e-1")
	case 1:
		return pick(g, `"7"`, `" 7 "`, `"1.5"`, `"NaN"`, `"0x10"`, `""`, `"1,5"`, `"9223372036854775808"`)
	case 2:
		if g.one(10) {
			return strings.Repeat("7", 998+g.IntN(6))
		}
	}
	return fmt.Sprint(g.IntN(600) - 20)
}

func (g Generator) text() string {
	switch g.IntN(14) {
	case 0:
		return pick(g, `""`, `" "`, `"\u0000"`, `"\ud800"`, `"😀\ud83d\ude00"`, `"\"\\\/"`, `"hmac-sha256:x"`,
			`"2026-03-02"`)
	case 1:
		return g.number()
	case 2:
		if g.one(6) {
			return `"` + strings.Repeat(pick(g, "x", "é", "€", `\u0041`),
				pick(g, 5000, 10_920, 10_923, 16_380, 31_980+g.IntN(40), 32_740+g.IntN(40))) + `"`
		}
	}
	return fmt.Sprintf(`"v-%d"`, g.IntN(5))
}

// anything is a value of any kind.
func (g Generator) anything(s *schema.Schema, depth int) string {
	switch g.IntN(12) {
	case 0, 1:
		return g.number()
	case 2, 3:
		return g.text()
	case 4:
		return pick(g, "true", "false", "null", `""`, "{}", "[]")
	case 5: // arrays directly in each other, about as many as a store takes
		if n := 16 + g.IntN(8); g.one(2) {
			return strings.Repeat("[", n) + pick(g, "1", `"x"`, "{}", "null", "") + strings.Repeat("]", n)
		}
	case 6, 7, 8:
		if depth < 4 {
			return g.objectOf(nil, s, depth+1)
		}
	case 9, 10:
		elements := make([]string, g.IntN(4))
		for i := range elements {
			elements[i] = "1"
			if depth < 4 {
				elements[i] = g.anything(s, depth+1)
			}
		}
		return "[" + strings.Join(elements, ",") + "]"
	}
	return pick(g, "1", `"x"`)
}

func (g Generator) space() string { return pick(g, "", "", "", " ", "\t\n") }

// quote writes a key as JSON, now and then with an escape in it.
func (g Generator) quote(key string) string {
	var out strings.Builder
	escaped := -1
	if g.one(10) && key != "" {
		escaped = g.IntN(len(key))
	}
	out.WriteByte('"')
	for i, r := range key {
		switch {
		case i == escaped && r < 0x10000:
			fmt.Fprintf(&out, `\u%04x`, r)
		case r == '"' || r == '\\':
			out.WriteString(`\` + string(r))
		default:
			out.WriteRune(r)
		}
	}
	if g.one(200) {
		out.WriteString(`\ud800`) // half of a pair
	}
	return out.String() + `"`
}
