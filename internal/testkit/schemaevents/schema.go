package schemaevents

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"

	"firehose-pipeline/schema"
)

// Generator makes schemas and events.
type Generator struct{ *rand.Rand }

// New returns a generator.
func New(seed uint64) Generator { return Generator{rand.New(rand.NewPCG(seed, 0))} }

func pick[T any](g Generator, from ...T) T { return from[g.IntN(len(from))] }

// one reports true once in n times.
func (g Generator) one(n int) bool { return g.IntN(n) == 0 }

type object = map[string]any

// keys are those of declared fields. Those of one form have one column, so that a schema with both is refused.
var keys = []string{"id", "userId", "device-id", "@timestamp", "name", "count", "ok", "day", "order", "a", "b", "user",
	"user.name",
	"labels", "geo.lat", "geo.point.lon", "tags", "x", "HTTPServer", "_id2", "2fa", "Name", "größe", "a/b", "c~d",
	"\"q\"", "e f"}

// Schema makes a schema and its text.
func (g Generator) Schema() (*schema.Schema, []byte) {
	for {
		text, err := json.Marshal(g.object(0))
		if err != nil {
			panic(err) // of maps and texts
		}
		if s, err := schema.Parse(text); err == nil && len(s.Fields) > 0 {
			return s, text
		}
	}
}

func (g Generator) object(depth int) object {
	properties := object{}
	for range 1 + g.IntN(7) {
		properties[pick(g, keys...)+pick(g, "", "", "1", "2")] = g.property(depth)
	}
	return object{"type": "object", "properties": properties}
}

// property is a field's schema, now and then protected.
func (g Generator) property(depth int) object { return g.protect(g.value(depth)) }

// protect protects a schema now and then: that of a field, of the elements of an array or of the values of a map.
func (g Generator) protect(p object) object {
	if g.one(8) {
		switch p["type"] {
		case "string", "integer":
			p["x-protect"] = pick(g, "hash", "redact", "drop")
		case "number", "boolean":
			p["x-protect"] = pick(g, "redact", "drop")
		default:
			p["x-protect"] = "drop"
		}
	}
	return p
}

func (g Generator) value(depth int) object {
	switch kind := g.IntN(16); {
	case kind < 3:
		return g.scalar()
	case kind < 7 && depth < 4:
		return g.object(depth + 1)
	case kind < 9:
		return object{"type": "object", "additionalProperties": g.protect(g.scalar())}
	case kind < 12 && depth < 6:
		return object{"type": "array", "items": g.protect(g.value(depth + 1))}
	case kind == 12:
		return object{} // no column
	}
	return g.scalar()
}

func (g Generator) scalar() object {
	s := object{"type": pick(g, "string", "string", "number", "integer", "boolean")}
	switch s["type"] {
	case "string":
		switch g.IntN(6) {
		case 0, 1:
			s["format"] = pick(g, "date", "date-time")
		case 2:
			s["maxLength"] = pick(g, 1, 3, 20_000)
		case 3:
			s["enum"] = []string{"v-1", "v-2", ""}
		}
	case "number", "integer":
		if g.one(3) {
			s["minimum"], s["maximum"] = -10, 500
		}
	}
	return s
}

// Describe says what a test has failed with.
func Describe(seed uint64, schemaText, event []byte) string {
	return fmt.Sprintf("seed %d\nschema %s\nevent %.600s", seed, schemaText, event)
}
