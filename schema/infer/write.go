package infer

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"

	"firehose-pipeline/schema"
)

// writer writes a schema file.
type writer struct {
	report *Report
	buf    bytes.Buffer
	depth  int
}

// write returns the text of the schema, nil when no property has a type.
func (w *writer) write(title string, root *property) []byte {
	if !slices.ContainsFunc(root.fields, func(f *property) bool { return f.isTyped() }) {
		return nil
	}
	members := [][2]string{
		{"$schema", quoteJSON("https://json-schema.org/draft/2020-12/schema")},
		{"title", quoteJSON(title)},
		{"type", `"object"`},
	}
	for _, role := range [...][2]string{{"x-event-id", w.report.EventID}, {"x-event-type", w.report.EventType}} {
		if slices.ContainsFunc(root.fields, func(f *property) bool { return f.key == role[1] && f.isTyped() }) {
			members = append(members, [2]string{role[0], quoteJSON(role[1])})
		}
	}
	w.buf.WriteString("{")
	w.depth++
	for _, m := range members {
		w.line()
		w.buf.WriteString(quoteJSON(m[0]) + ": " + m[1] + ",")
	}
	w.properties(root)
	w.depth--
	w.line()
	w.buf.WriteString("}\n")
	return w.buf.Bytes()
}

// isTyped reports whether the property has a type in the schema.
func (p *property) isTyped() bool {
	switch {
	case p.left:
		return false
	case p.kind == schema.Struct:
		return slices.ContainsFunc(p.fields, func(f *property) bool { return f.isTyped() })
	case p.kind == schema.Array:
		return p.elem.isTyped()
	}
	return p.kind != untyped
}

func (w *writer) line() {
	w.buf.WriteByte('\n')
	w.buf.WriteString(strings.Repeat("  ", w.depth))
}

// properties writes the members properties and required of an object.
func (w *writer) properties(p *property) {
	w.line()
	w.buf.WriteString(`"properties": {`)
	w.depth++
	first := true
	var required []string
	for _, f := range p.fields {
		if f.left {
			continue
		}
		if !first {
			w.buf.WriteByte(',')
		}
		first = false
		w.line()
		w.buf.WriteString(quoteJSON(f.key) + ": ")
		w.property(f)
		if f.required {
			required = append(required, f.key)
		}
	}
	w.depth--
	w.line()
	w.buf.WriteByte('}')
	if len(required) == 0 {
		return
	}
	w.buf.WriteByte(',')
	w.line()
	w.buf.WriteString(`"required": [`)
	w.depth++
	for i, key := range required {
		if i > 0 {
			w.buf.WriteByte(',')
		}
		w.line()
		w.buf.WriteString(quoteJSON(key))
	}
	w.depth--
	w.line()
	w.buf.WriteByte(']')
}

// jsonTypes are the types of the kinds, and formats their formats.
var (
	jsonTypes = [...]string{
		untyped: "", schema.String: "string", schema.Timestamp: "string", schema.Date: "string", schema.Double: "number",
		schema.BigInt:  "integer",
		schema.Boolean: "boolean", schema.Struct: "object", schema.Map: "object", schema.Array: "array",
	}
	formats = map[schema.Kind]string{schema.Timestamp: "date-time", schema.Date: "date"}
)

// property writes the schema of a value; one without a type is {}.
func (w *writer) property(p *property) {
	if !p.isTyped() {
		w.buf.WriteString("{}")
		return
	}
	w.buf.WriteString(`{"type": `)
	if p.nullable {
		w.buf.WriteString(`["` + jsonTypes[p.kind] + `", "null"]`)
	} else {
		w.buf.WriteString(`"` + jsonTypes[p.kind] + `"`)
	}
	if format := formats[p.kind]; format != "" {
		w.buf.WriteString(`, "format": "` + format + `"`)
	}
	if p.column != "" {
		w.buf.WriteString(`, "x-column": ` + quoteJSON(p.column))
	}
	switch p.kind {
	case schema.Map:
		w.buf.WriteString(`, "additionalProperties": `)
		w.property(p.elem)
	case schema.Array:
		w.buf.WriteString(`, "items": `)
		w.property(p.elem)
	case schema.Struct:
		w.buf.WriteByte(',')
		w.depth++
		w.properties(p)
		w.depth--
		w.line()
	}
	w.buf.WriteByte('}')
}

// quoteJSON writes a string as JSON, without the escapes that HTML needs.
func quoteJSON(text string) string {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(text); err != nil { // a string always encodes
		return `""`
	}
	return strings.TrimSuffix(b.String(), "\n")
}
