package schema

import (
	"cmp"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"

	"firehose-pipeline/internal/jsonpointer"
)

const (
	// maxSchemas bounds how many schema objects are read, with each use of a definition counted: a file of a few
	// definitions that use each other twice would otherwise double with each one.
	maxSchemas = 10_000
	// maxTypeDepth bounds the nesting of structs, arrays and maps of a field. OpenSearch accepts objects 19 deep below
	// the document, and arrays of arrays 20 deep.
	maxTypeDepth = 20
	// maxProblems bounds the list of problems: beyond it, more help nobody.
	maxProblems = 200
)

// Load reads and parses a schema file.
func Load(path string) (*Schema, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("reading event schema: %w", err)
	}
	s, err := Parse(data)
	if problems, ok := err.(*Error); ok {
		problems.Path = path
	}
	return s, err
}

// Parse parses the text of a schema file. The error is an [*Error] with all problems.
func Parse(data []byte) (*Schema, error) {
	root, problems := readNode(data)
	if len(problems) > 0 {
		return nil, &Error{Problems: problems}
	}
	p := &parser{root: root, reported: map[Problem]bool{}, warned: map[Problem]bool{}}
	s := p.parse()
	if len(p.problems) > 0 {
		return nil, &Error{Problems: p.problems}
	}
	return s, nil
}

type parser struct {
	root       *node
	problems   []Problem
	reported   map[Problem]bool
	warnings   []Problem
	warned     map[Problem]bool
	unenforced bool // keywords that restrict and are not enforced are warnings

	active  []*node // schema objects that are being read: a reference to one of them would have no end
	schemas int     // schema objects read so far
	stopped bool    // too many: nothing more is read

	untyped  []string
	sources  map[*Field]string // where in the file a field is declared
	explicit map[*Field]string // where in the file its x-column is
	index    *indexObject
}

func (p *parser) fail(pointer, format string, args ...any) {
	if len(p.problems) < maxProblems {
		p.problems = appendProblem(p.problems, p.reported, Problem{pointer, fmt.Sprintf(format, args...)})
	}
}

// appendProblem appends a problem that is not in the list yet: a definition is read as often as it is used.
func appendProblem(problems []Problem, seen map[Problem]bool, problem Problem) []Problem {
	if seen[problem] {
		return problems
	}
	seen[problem] = true
	return append(problems, problem)
}

// place is where a schema object is.
type place uint8

const (
	atRoot     place = iota
	atProperty       // a value of "properties"
	atItems          // "items": the elements of an array
	atValues         // "additionalProperties": the values of a map
)

// layer is one schema object that a value has to meet: the one that is written at its place, and those it refers to.
type layer struct {
	node    *node
	pointer string
}

func (p *parser) parse() *Schema {
	s := &Schema{}
	if p.root.kind != objectNode {
		p.fail("", "must be a JSON Schema, an object (got %s)", p.root.brief())
		return s
	}
	if allow := p.root.get("x-unenforced"); allow != nil {
		if allow.kind != stringNode || allow.text != "allow" {
			p.fail("/x-unenforced", `must be "allow" (got %s)`, allow.brief())
		}
		p.unenforced = true
	}
	p.sources, p.explicit = map[*Field]string{}, map[*Field]string{}
	d := p.describe(p.root, "", "", atRoot, 0)
	if len(d.layers) == 0 {
		return s
	}
	s.Title, s.Description = d.title, d.description
	if d.name != "object" {
		if !d.badType {
			p.fail("/type", `must be "object": an event is a JSON object`)
		}
		return s
	}
	s.Fields, s.Untyped = d.fields, p.untyped
	if len(s.Fields) == 0 && len(p.problems) == 0 {
		p.fail("/properties", "must declare at least one property with a type")
		return s
	}
	p.readRoles(s)
	p.readEnrichments(s)
	p.checkColumns(s)
	if len(p.problems) == 0 {
		p.checkIndex(s)
		p.checkLimits(s)
	}
	s.Warnings = p.warnings
	return s
}

// described is what a schema object says of a value.
type described struct {
	layers             []layer
	name               string // of the one JSON type; empty for none or several
	badType            bool   // the keyword type is wrong, and reported
	typ                *Type  // behind the protection of elements; nil for a value without a type of its own
	sent               *Type  // typ as sent; the same where no element is protected
	empties            bool   // an array or a map whose elements or values are dropped
	fields             []*Field
	title, description string
	examples           *node
	column, columnAt   string
	protect            Protection
	protectAt          string
}

// describe reads a schema object. pointer is its place in the file, value that of the value in an event.
func (p *parser) describe(n *node, pointer, value string, at place, depth int) described {
	var d described
	before := len(p.active)
	d.layers = p.layers(n, pointer, at, nil)
	defer func() { p.active = p.active[:before] }()
	if len(d.layers) == 0 {
		return d
	}
	if depth > maxTypeDepth {
		p.fail(pointer, "must not be nested deeper than %d structs, arrays and maps", maxTypeDepth)
		return d
	}
	for _, l := range d.layers {
		p.checkKeywords(l, at)
		d.annotate(p, l)
	}
	name, several, ok := p.typeName(d.layers)
	d.name, d.badType = name, !ok
	if ok && (at != atRoot || name == "object") {
		p.checkApplies(d.layers, name, several)
	}
	switch name {
	case "string", "number", "integer", "boolean":
		d.typ = p.scalar(d.layers, name)
	case "object":
		p.object(&d, pointer, value, depth)
	case "array":
		p.array(&d, value, depth)
	}
	d.sent = cmp.Or(d.sent, d.typ)
	if at == atItems || at == atValues {
		p.protectElement(&d)
	}
	return d
}

// annotate takes over what one layer says about the field. The layer that is nearest counts.
func (d *described) annotate(p *parser, l layer) {
	text := func(keyword, known string) string {
		if n := l.node.get(keyword); known == "" && n != nil && n.kind == stringNode {
			return n.text
		}
		return known
	}
	d.title, d.description = text("title", d.title), text("description", d.description)
	if n := l.node.get("examples"); d.examples == nil && n != nil && n.kind == arrayNode {
		d.examples = n
	}
	if n := l.node.get("x-column"); n != nil && d.columnAt == "" {
		d.columnAt = l.pointer + "/x-column"
		if n.kind != stringNode || n.text == "" {
			p.fail(d.columnAt, "must be the name of a column, a string that is not empty (got %s)", n.brief())
		} else {
			d.column = n.text
		}
	}
	if n := l.node.get("x-protect"); n != nil && d.protectAt == "" {
		d.protectAt = l.pointer + "/x-protect"
		protect, ok := protections[n.text]
		if !ok || n.kind != stringNode {
			p.fail(d.protectAt, `must be "hash", "redact" or "drop" (got %s)`, n.brief())
		}
		d.protect = protect
	}
}

// layers lists a schema object and those it refers to, and marks them as being read.
func (p *parser) layers(n *node, pointer string, at place, list []layer) []layer {
	if p.stopped {
		return nil
	}
	if p.schemas++; p.schemas > maxSchemas {
		p.stopped = true
		p.fail(pointer, "must declare at most %d schemas, each use of a definition counted", maxSchemas)
		return nil
	}
	switch {
	case n.kind == booleanNode && n.text == "true":
		return append(list, layer{&node{kind: objectNode}, pointer})
	case n.kind == booleanNode:
		p.fail(pointer, "must accept some value (got false, which accepts none)")
		return list
	case n.kind != objectNode:
		p.fail(pointer, "must be a schema, an object (got %s)", n.brief())
		return list
	}
	p.active = append(p.active, n)
	list = append(list, layer{n, pointer})
	if ref := n.get("$ref"); ref != nil {
		if target, targetPointer, ok := p.resolve(ref, pointer+"/$ref"); ok {
			list = p.layers(target, targetPointer, at, list)
		}
	}
	for _, keyword := range []string{"anyOf", "oneOf"} {
		choice := n.get(keyword)
		if choice == nil {
			continue
		}
		if branch := nullableBranch(choice); branch >= 0 {
			list = p.layers(choice.items[branch], pointer+"/"+keyword+"/"+strconv.Itoa(branch), at, list)
		} else {
			p.restrict(pointer+"/"+keyword, choice,
				`%q restricts values, and the pipeline enforces it for a type and {"type": "null"} alone`, keyword)
		}
	}
	return list
}

// nullableBranch returns the schema that is beside {"type": "null"} in an anyOf or oneOf of these two, or -1.
func nullableBranch(choice *node) int {
	if choice.kind != arrayNode || len(choice.items) != 2 {
		return -1
	}
	isNull := func(n *node) bool {
		name := n.get("type")
		return n.kind == objectNode && name != nil && name.kind == stringNode && name.text == "null" &&
			len(n.members) == 1
	}
	switch first, second := isNull(choice.items[0]), isNull(choice.items[1]); {
	case second && !first:
		return 0
	case first && !second:
		return 1
	}
	return -1
}

// resolve finds what a $ref refers to.
func (p *parser) resolve(ref *node, at string) (target *node, pointer string, ok bool) {
	if ref.kind != stringNode {
		p.fail(at, "must be a string such as #/$defs/name (got %s)", ref.brief())
		return nil, "", false
	}
	fragment, local := strings.CutPrefix(ref.text, "#")
	if !local {
		p.fail(at, "must refer to this file, such as #/$defs/name: files and addresses are not read (got %s)",
			ref.brief())
		return nil, "", false
	}
	pointer, unescaped := unescapePercent(fragment)
	keys, valid := splitPointer(pointer)
	if !valid || !unescaped {
		p.fail(at, "must be a JSON Pointer such as #/$defs/name (got %s)", ref.brief())
		return nil, "", false
	}
	if target = p.find(keys); target == nil {
		p.fail(at, "must refer to something in this file (there is no %s)", strconv.Quote(shorten(ref.text, 100)))
		return nil, "", false
	}
	if slices.Contains(p.active, target) {
		p.fail(at, "must not refer to a schema that it is part of: a column has no end then (got %s)", ref.brief())
		return nil, "", false
	}
	return target, pointer, true
}

// find returns the value in the file at a JSON Pointer of these keys, nil for none.
func (p *parser) find(keys []string) *node {
	at := p.root
	for _, key := range keys {
		var next *node
		switch at.kind {
		case objectNode:
			next = at.get(key)
		case arrayNode:
			if i, err := strconv.Atoi(key); err == nil && i >= 0 && i < len(at.items) {
				next = at.items[i]
			}
		}
		if next == nil {
			return nil
		}
		at = next
	}
	return at
}

// unescapePercent decodes the fragment of a URI.
func unescapePercent(fragment string) (string, bool) {
	if !strings.Contains(fragment, "%") {
		return fragment, true
	}
	var b strings.Builder
	for i := 0; i < len(fragment); i++ {
		if fragment[i] != '%' {
			b.WriteByte(fragment[i])
			continue
		}
		if i+3 > len(fragment) {
			return "", false
		}
		c, err := strconv.ParseUint(fragment[i+1:i+3], 16, 8)
		if err != nil {
			return "", false
		}
		b.WriteByte(byte(c))
		i += 2
	}
	return b.String(), true
}

var jsonTypes = []string{"string", "number", "integer", "boolean", "object", "array", "null"}

// typeName returns the one type, null aside, that all layers accept; several when one accepts more than one.
func (p *parser) typeName(layers []layer) (name string, several, ok bool) {
	for _, l := range layers {
		n := l.node.get("type")
		if n == nil {
			continue
		}
		names, good := p.typeNames(n, l.pointer+"/type")
		switch {
		case !good:
			return "", true, false // reported
		case len(names) > 1:
			several = true
		case name == "" || name == "number" && names[0] == "integer":
			name = names[0]
		case name != names[0] && (name != "integer" || names[0] != "number"):
			p.fail(l.pointer+"/type", "must be %q as at the place that refers to it (got %q): no value has both types",
				name, names[0])
		}
	}
	return name, several && name == "", true
}

// typeNames reads the keyword type, without null where there is another.
func (p *parser) typeNames(n *node, at string) (names []string, ok bool) {
	values := []*node{n}
	if n.kind == arrayNode {
		values = n.items
		if len(values) == 0 {
			p.fail(at, "must name at least one type (got an empty array)")
			return nil, false
		}
	}
	ok = true
	for i, value := range values {
		place := at
		if n.kind == arrayNode {
			place += "/" + strconv.Itoa(i)
		}
		switch {
		case value.kind != stringNode || !slices.Contains(jsonTypes, value.text):
			p.fail(place, "must be one of %s%s (got %s)", strings.Join(jsonTypes, ", "), suggestType(value),
				value.brief())
			ok = false
		case slices.Contains(names, value.text):
			p.fail(place, "must come once (%q is there twice)", value.text)
			ok = false
		default:
			names = append(names, value.text)
		}
	}
	if len(names) > 1 {
		names = slices.DeleteFunc(names, func(name string) bool { return name == "null" })
	}
	if len(names) == 2 && slices.Contains(names, "number") && slices.Contains(names, "integer") {
		names = []string{"number"}
	}
	return names, ok
}

// suggestType names the JSON type for a type of another language.
func suggestType(value *node) string {
	other := map[string]string{
		"int": "integer", "long": "integer", "bigint": "integer", "int64": "integer", "int32": "integer",
		"float":  "number",
		"double": "number", "decimal": "number", "bool": "boolean", "str": "string", "text": "string",
		"keyword": "string",
		"struct":  "object", "map": "object", "dict": "object", "list": "array", "none": "null",
	}[strings.ToLower(value.text)]
	switch strings.ToLower(value.text) {
	case "date", "timestamp", "datetime", "date-time":
		return `; a date is "string" with "format": "date", a timestamp "string" with "format": "date-time"`
	}
	if lower := strings.ToLower(value.text); slices.Contains(jsonTypes, lower) {
		other = lower
	}
	if other == "" {
		return ""
	}
	return fmt.Sprintf("; write %q", other)
}

// checkApplies reports keywords that have no effect on the type.
func (p *parser) checkApplies(layers []layer, name string, several bool) {
	for _, l := range layers {
		for _, m := range l.node.members {
			types := appliesTo[m.key]
			at := l.pointer + "/" + jsonpointer.Escape(m.key)
			switch {
			case types == nil || slices.Contains(types, name):
			case name == "" && several:
				p.restrict(at, m.value, "%q restricts values, and nothing enforces it for a value of several types", m.key)
			case name == "" || name == "null":
				p.restrict(at, m.value,
					"%q restricts values, and nothing enforces it without \"type\" beside it, such as %q", m.key, types[0])
			case m.key == "enum" || m.key == "const":
				p.restrict(at, m.value, "%q restricts values, and nothing enforces it for the type %s", m.key, name)
			default:
				p.fail(at, "%q applies to the type %s (this one is %s)", m.key, strings.Join(types, " and "), name)
			}
		}
	}
}

// object reads the keywords of an object: a struct with declared fields, a map, or an object of which nothing is known.
func (p *parser) object(d *described, pointer, value string, depth int) {
	declared := map[string]bool{}
	for _, l := range d.layers {
		properties := l.node.get("properties")
		if properties == nil {
			continue
		}
		at := l.pointer + "/properties"
		if properties.kind != objectNode {
			p.fail(at, "must be an object: a schema for each key (got %s)", properties.brief())
			continue
		}
		for _, m := range properties.members {
			place := at + "/" + jsonpointer.Escape(m.key)
			if declared[m.key] {
				p.fail(place, "must be declared once: the place that refers to it declares %q, too", m.key)
				continue
			}
			declared[m.key] = true
			p.property(d, m, place, value, depth)
		}
	}
	required := p.required(d.layers, declared)
	for _, f := range d.fields {
		f.Required = required[f.Key]
	}
	values, valuesAt := p.mapValues(d.layers, len(declared) > 0)
	switch {
	case len(declared) > 0:
		if len(d.fields) > 0 {
			d.typ = &Type{Kind: Struct, Fields: d.fields, MaxLength: -1}
		}
	case values != nil:
		element := p.describe(values, valuesAt, value+"/*", atValues, depth+1)
		if element.columnAt != "" {
			p.fail(element.columnAt, "must be at a property: values of a map have no column of their own")
		}
		switch {
		case element.drops():
			d.dropElements(Map)
		case element.typ != nil && element.typ.Kind.Scalar():
			d.setElement(Map, element)
		case element.name != "":
			p.restrict(valuesAt, values,
				"the values of a map must be a string, number, integer or boolean to have a column")
		}
	}
}

// property reads one declared property and appends it to the fields, or notes that it has no type.
func (p *parser) property(d *described, m member, at, parent string, depth int) {
	value := parent + "/" + jsonpointer.Escape(m.key)
	f := p.describe(m.value, at, value, atProperty, depth+1)
	if len(f.layers) == 0 {
		return // reported
	}
	field := &Field{Key: m.key, Pointer: value, Type: f.typ, Declared: f.sent, Comment: comment(f), Protect: f.protect}
	p.checkKey(field.Key, at)
	p.protect(field, f)
	if field.Type == nil {
		if depth == 0 {
			p.untyped = append(p.untyped, m.key)
		} else {
			p.untyped = append(p.untyped, value)
		}
		if f.columnAt != "" {
			p.fail(f.columnAt, "must name the column of a property with a type: this one has no column")
		}
		return
	}
	if field.Protect != Drop {
		p.nameColumn(field, f, at)
	}
	p.sources[field] = at
	d.fields = append(d.fields, field)
}

// required reads the keyword required of all layers.
func (p *parser) required(layers []layer, declared map[string]bool) map[string]bool {
	required := map[string]bool{}
	for _, l := range layers {
		n := l.node.get("required")
		if n == nil {
			continue
		}
		at := l.pointer + "/required"
		if n.kind != arrayNode {
			p.fail(at, "must be an array of the keys that every object has (got %s)", n.brief())
			continue
		}
		once := map[string]bool{}
		for i, item := range n.items {
			place := at + "/" + strconv.Itoa(i)
			switch {
			case item.kind != stringNode:
				p.fail(place, "must be a key, a string (got %s)", item.brief())
			case once[item.text]:
				p.fail(place, "must come once (%q is there twice)", item.text)
			case !declared[item.text]:
				p.fail(place, "must be a key of properties (got %q)%s", item.text, suggestKey(item.text, declared))
			}
			once[item.text], required[item.text] = true, true
		}
	}
	return required
}

func suggestKey(key string, declared map[string]bool) string {
	best, distance := "", 3
	for known := range declared {
		if d := editDistance(strings.ToLower(key), strings.ToLower(known)); d < distance || d == distance &&
			known < best {
			best, distance = known, d
		}
	}
	if best == "" || distance >= len(key) {
		return ""
	}
	return fmt.Sprintf(": did you mean %q?", best)
}

// mapValues returns the schema of undeclared keys, nil when it accepts anything.
func (p *parser) mapValues(layers []layer, declares bool) (values *node, pointer string) {
	for _, l := range layers {
		n := l.node.get("additionalProperties")
		if n == nil || n.kind == booleanNode && n.text == "true" || n.kind == objectNode && len(n.members) == 0 {
			continue
		}
		at := l.pointer + "/additionalProperties"
		switch {
		case n.kind == booleanNode:
			p.restrict(at, n, "\"additionalProperties\": false restricts values, and the pipeline keeps undeclared "+
				"keys as they are")
		case n.kind != objectNode:
			p.fail(at, "must be a schema or true (got %s)", n.brief())
		case declares:
			p.restrict(at, n, `"additionalProperties" restricts values, and nothing enforces it beside "properties"`)
		case values != nil:
			p.fail(at, "must be declared once: the place that refers to it has \"additionalProperties\", too")
		default:
			values, pointer = n, at
		}
	}
	return values, pointer
}

// array reads the keywords of an array.
func (p *parser) array(d *described, value string, depth int) {
	var items *node
	at := ""
	for _, l := range d.layers {
		n := l.node.get("items")
		switch {
		case n == nil:
		case n.kind == arrayNode:
			p.restrict(l.pointer+"/items", n,
				`"items" as an array gives each place its own type, which a column cannot have`)
		case items != nil:
			p.fail(l.pointer+"/items", "must be declared once: the place that refers to it has \"items\", too")
		default:
			items, at = n, l.pointer+"/items"
		}
	}
	if items == nil {
		return
	}
	element := p.describe(items, at, value+"/*", atItems, depth+1)
	if element.columnAt != "" {
		p.fail(element.columnAt, "must be at a property: elements of an array have no column of their own")
	}
	switch {
	case element.drops():
		d.dropElements(Array)
	case element.typ != nil:
		d.setElement(Array, element)
	}
}
