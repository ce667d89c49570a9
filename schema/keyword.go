package schema

import (
	"fmt"
	"strings"

	"firehose-pipeline/internal/jsonpointer"
)

// use says what becomes of a keyword.
type use uint8

const (
	unknown    use = iota
	annotation     // says something about values and restricts none
	applied        // read by this package
	ofRoot         // applied, and accepted at the root of the file alone
	ofField        // applied, and accepted where a field is declared
	restricts      // restricts values, and nothing enforces it
)

// keywords are those of JSON Schema 2020-12 and of earlier drafts, and this package's own.
var keywords = map[string]use{
	"$schema": annotation, "$id": annotation, "$anchor": annotation, "$dynamicAnchor": annotation,
	"$recursiveAnchor": annotation, "$comment": annotation, "$vocabulary": annotation, "title": annotation,
	"description": annotation, "examples": annotation, "default": annotation, "deprecated": annotation,
	"readOnly": annotation, "writeOnly": annotation, "format": annotation,
	"contentMediaType": annotation, "contentEncoding": annotation, "contentSchema": annotation,

	"type": applied, "properties": applied, "required": applied, "items": applied, "additionalProperties": applied,
	"enum": applied, "const": applied, "minimum": applied, "maximum": applied, "maxLength": applied,
	"$defs": applied, "definitions": applied, "$ref": applied, "anyOf": applied, "oneOf": applied,

	"x-enrich": ofRoot, "x-event-id": ofRoot, "x-event-type": ofRoot, "x-unenforced": ofRoot,
	"x-column": ofField, "x-protect": ofField,

	"pattern": restricts, "minLength": restricts, "exclusiveMinimum": restricts, "exclusiveMaximum": restricts,
	"multipleOf": restricts, "minItems": restricts, "maxItems": restricts, "uniqueItems": restricts, "contains": restricts,
	"minContains": restricts, "maxContains": restricts, "prefixItems": restricts, "additionalItems": restricts,
	"minProperties": restricts, "maxProperties": restricts, "patternProperties": restricts, "propertyNames": restricts,
	"dependentRequired": restricts, "dependentSchemas": restricts, "dependencies": restricts,
	"unevaluatedProperties": restricts, "unevaluatedItems": restricts,
	"allOf": restricts, "not": restricts, "if": restricts, "then": restricts, "else": restricts,
	"$dynamicRef": restricts, "$recursiveRef": restricts,
}

// instead names what to write for keywords of other languages.
var instead = map[string]string{
	"nullable": `a type such as ["string", "null"]`,
	"example":  `"examples", an array`,
	"id":       `"$id"`,
	"optional": `"required" of the object around it`,
	"enums":    `"enum"`,
}

// isHarmless reports whether a restricting keyword has a value that restricts nothing.
func isHarmless(keyword string, value *node) bool {
	switch keyword {
	case "minLength", "minItems", "minProperties":
		return value.kind == numberNode && value.text == "0"
	case "uniqueItems":
		return value.text == "false" && value.kind == booleanNode
	case "unevaluatedProperties", "unevaluatedItems", "additionalItems":
		return value.text == "true" && value.kind == booleanNode || value.kind == objectNode && len(value.members) == 0
	}
	return false
}

// appliesTo are the types that a keyword has an effect on.
var appliesTo = map[string][]string{
	"minimum": {"number", "integer"}, "maximum": {"number", "integer"}, "maxLength": {"string"},
	"properties": {"object"}, "required": {"object"}, "additionalProperties": {"object"}, "items": {"array"},
	"enum": {"string", "number", "integer", "boolean"}, "const": {"string", "number", "integer", "boolean"},
}

// checkKeywords checks the keywords of one schema object, apart from those that describe reads.
func (p *parser) checkKeywords(l layer, place place) {
	for _, m := range l.node.members {
		at := l.pointer + "/" + jsonpointer.Escape(m.key)
		switch keywords[m.key] {
		case annotation:
			p.checkAnnotation(at, m)
			if m.key == "contentSchema" {
				p.failProtections(m.value, at, map[*node]bool{})
			}
		case ofRoot:
			if place != atRoot {
				p.fail(at, "%q is accepted at the root of the file alone", m.key)
			}
		case ofField:
			if place == atRoot {
				p.fail(at, "%q is accepted in a property alone", m.key)
			}
		case restricts:
			if !isHarmless(m.key, m.value) {
				p.restrict(at, m.value, "%q restricts values, and the pipeline does not enforce it", m.key)
			}
		case unknown:
			p.checkUnknown(at, m.key)
		}
	}
}

func (p *parser) checkAnnotation(at string, m member) {
	want := nodeKind(0)
	switch m.key {
	case "title", "description", "$comment", "format", "$schema", "$id", "$anchor":
		want = stringNode
	case "examples":
		want = arrayNode
	case "deprecated", "readOnly", "writeOnly":
		want = booleanNode
	}
	if want != 0 && m.value.kind != want {
		p.fail(at, "must be %s (got %s)", want, m.value.brief())
	}
}

func (p *parser) checkUnknown(at, keyword string) {
	if text, ok := instead[keyword]; ok {
		p.fail(at, "unknown keyword %q: write %s", keyword, text)
		return
	}
	best, distance := "", 3
	for known := range keywords {
		d := editDistance(strings.ToLower(keyword), strings.ToLower(known))
		if d < distance || d == distance && d < 3 && known < best {
			best, distance = known, d
		}
	}
	foreign := strings.HasPrefix(keyword, "x-")
	switch {
	case foreign && strings.HasPrefix(best, "x-"):
		p.fail(at, "unknown keyword %q: write %q", keyword, best)
	case foreign:
	case best != "" && distance < len(keyword):
		p.fail(at, "unknown keyword %q: write %q, or begin a name of your own with x-", keyword, best)
	default:
		p.fail(at, "unknown keyword %q: must be one of JSON Schema 2020-12, or begin with x-", keyword)
	}
}

// restrict notes a keyword that restricts values and that nothing enforces, with its value.
func (p *parser) restrict(at string, value *node, format string, args ...any) {
	message := fmt.Sprintf(format, args...)
	if p.unenforced {
		p.failProtections(value, at, map[*node]bool{})
		p.warnings = appendProblem(p.warnings, p.warned, Problem{at, message})
		return
	}
	p.fail(at, `%s: remove it, or set "x-unenforced": "allow" at the root`, message)
}

// editDistance is the number of characters to insert, remove, replace or swap with their neighbour to get from a to b.
func editDistance(a, b string) int {
	if len(a)-len(b) > 3 || len(b)-len(a) > 3 {
		return 4
	}
	before, row, next := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		next[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			next[j+1] = min(row[j+1]+1, next[j]+1, row[j]+cost)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				next[j+1] = min(next[j+1], before[j-1]+1)
			}
		}
		before, row, next = row, next, before
	}
	return row[len(b)]
}
