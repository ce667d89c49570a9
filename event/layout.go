package event

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"firehose-pipeline/internal/jsonscan"
	"firehose-pipeline/schema"
)

// Malformed is the object that takes, as text, each value of an event that a store would not accept: declared fields of
// another type, by key or, nested, by JSON Pointer, and the members that setaside.go names.
const Malformed = schema.Malformed

// Layout is a schema made ready for processors: it is read only, so that they can share it.
type Layout struct {
	schema *schema.Schema
	// nodes are the declared fields: those of the event, then those inside structs that rules look at.
	nodes []*node
	top   int // how many of nodes are fields of the event
	rules []Rule
	// ruleNodes are the types of the rules' fields.
	ruleNodes []node
	// names are the keys that matter: those of the fields, those of the rules, then Malformed, then prefixes.
	names *jsonscan.Names
	// moved has names for the keys of the malformed object: those of names up to Malformed, then the JSON Pointers of
	// nested fields that rules look at.
	moved     *jsonscan.Names
	firstRule int // in names; its field tells that an event has been through the transform before
	malformed int // in names
	eventType FieldID
	protects  bool
	hashes    bool
	structs   []*jsonscan.Names // the keys of each struct
	prefixes  []string          // first parts of declared keys with a dot; after malformed in names
}

// FieldID names a field that rules can look at: its index in Layout.nodes, or noField.
type FieldID int

const noField FieldID = -1

// node is a declared value: a field of the event, of a struct, the elements of an array or the values of a map.
type node struct {
	kind    schema.Kind
	plain   bool // a String without bounds and protection
	bounded bool // enum, bounds or a maximum length
	typ     *schema.Type
	enum    map[string]bool // of String, Timestamp, Date, Boolean
	numbers []float64       // enum of Double
	whole   []int64         // enum of BigInt
	protect schema.Protection
	// sensitive: the value or something inside it is protected, so that its text never goes into malformed.
	sensitive bool
	id        FieldID // noField when no rule looks at it
	key       string
	part      string // the key in a JSON Pointer, with its slash
	pointer   string // of a struct's field that a rule looks at
	fields    []*node
	lookup    *jsonscan.Names // the keys of fields
	lookupAt  int             // index of the struct's lookup in Processor.lookups
	elem      *node
	maxEntry  int      // of a map: the longest key and value that the index takes, in bytes as sent
	taken     []string // of a struct: names that the index has in it, of keys with dots, and that are none of its keys
}

// Compile makes a schema ready. An error means that an x-enrich entry names a Go function that is not in [Custom].
func Compile(s *schema.Schema) (*Layout, error) {
	l := &Layout{schema: s, top: len(s.Fields), eventType: noField}
	ids := map[*schema.Field]FieldID{}
	for i, f := range s.Fields {
		ids[f] = FieldID(i)
	}
	for _, f := range referenced(s) {
		if _, known := ids[f]; !known {
			ids[f] = FieldID(len(ids))
		}
	}
	l.nodes = make([]*node, len(ids))
	keys := make([]string, 0, len(s.Fields)+len(s.Enrich)+1)
	for i, f := range s.Fields {
		l.nodes[i] = l.newNode(f, ids)
		l.protects = l.protects || l.nodes[i].sensitive
		keys = append(keys, f.Key)
	}
	if s.EventType != nil {
		l.eventType = ids[s.EventType]
	}
	l.firstRule = len(keys)
	for _, e := range s.Enrich {
		rule, err := l.newRule(e, ids)
		if err != nil {
			return nil, err
		}
		l.rules = append(l.rules, rule)
		l.ruleNodes = append(l.ruleNodes, node{kind: rule.Kind, id: noField})
		keys = append(keys, rule.Name)
	}
	l.malformed = len(keys)
	keys = append(keys, Malformed)
	pointers := slices.Clone(keys)
	for _, n := range l.nodes[l.top:] {
		pointers = append(pointers, n.pointer)
	}
	l.moved = jsonscan.NewNames(pointers...)
	l.prefixes = prefixes(s, keys)
	indexed := map[string][]string{}
	addIndexed(indexed, "", l.nodes[:l.top])
	setTaken(indexed, "", l.nodes[:l.top])
	l.names = jsonscan.NewNames(append(keys, l.prefixes...)...)
	return l, nil
}

// MustCompile is Compile for a schema of the program's own; it panics on an error.
func MustCompile(s *schema.Schema) *Layout {
	l, err := Compile(s)
	if err != nil {
		panic(err)
	}
	return l
}

// Schema returns the schema that the layout was made of.
func (l *Layout) Schema() *schema.Schema { return l.schema }

// Protects reports whether a field is protected.
func (l *Layout) Protects() bool { return l.protects }

// NeedsKey reports whether a field is hashed, for which a processor needs a key.
func (l *Layout) NeedsKey() bool { return l.hashes }

// field returns the id of the field with this key.
func (l *Layout) field(key string) FieldID {
	for i, n := range l.nodes[:l.top] {
		if n.key == key {
			return FieldID(i)
		}
	}
	return noField
}

// Field returns the id of a field of the event, for rules in Go. A key that the schema does not declare is a
// programming error that stops the program when it starts, and so every test.
func (l *Layout) Field(key string) FieldID {
	id := l.field(key)
	if id == noField {
		panic(fmt.Sprintf("event: the schema declares no field %q", key))
	}
	return id
}

// referenced are the fields that rules and dropEventTypes look at.
func referenced(s *schema.Schema) (fields []*schema.Field) {
	add := func(f *schema.Field) {
		if f != nil {
			fields = append(fields, f)
		}
	}
	add(s.EventType)
	for _, e := range s.Enrich {
		for _, f := range inputs(e) {
			add(f)
		}
	}
	return fields
}

// inputs are the fields that an enrichment looks at.
func inputs(e *schema.Enrichment) []*schema.Field {
	switch {
	case e.Presence != nil:
		return []*schema.Field{e.Presence.Field}
	case e.Truth != nil:
		return []*schema.Field{e.Truth.Field}
	case e.Bands != nil:
		return []*schema.Field{e.Bands.Field}
	case e.Categories != nil:
		return []*schema.Field{e.Categories.Field}
	case e.Score != nil:
		fields := make([]*schema.Field, 0, len(e.Score.Weights))
		for _, w := range e.Score.Weights {
			fields = append(fields, w.Field)
		}
		return fields
	}
	return nil
}

// prefixes are the first parts of declared keys with a dot, unless they are keys themselves. The index has an object
// there.
func prefixes(s *schema.Schema, keys []string) (all []string) {
	for _, f := range s.Fields {
		if first, _, dotted := strings.Cut(f.Key, "."); dotted && !slices.Contains(keys, first) &&
			!slices.Contains(all, first) {
			all = append(all, first)
		}
	}
	return all
}

// addIndexed adds the names that the index has in each object, by the object's path and a dot.
func addIndexed(indexed map[string][]string, path string, fields []*node) {
	for _, n := range fields {
		if n.kind == 0 || n.protect == schema.Drop {
			continue
		}
		in := path
		for part := range strings.SplitSeq(n.key, ".") {
			indexed[in] = append(indexed[in], part)
			in += part + "."
		}
		addIndexed(indexed, in, n.object().fields)
	}
}

// setTaken sets taken of the structs and maxEntry of the maps among fields and inside them.
func setTaken(indexed map[string][]string, path string, fields []*node) {
	for _, n := range fields {
		in, object := path+n.key+".", n.object()
		object.maxEntry = min(maxMapEntry, maxTerm-2*len(in)-len("="))
		for _, name := range indexed[in] {
			if object.lookup != nil && object.lookup.Index(name) < 0 && !slices.Contains(object.taken, name) {
				object.taken = append(object.taken, name)
			}
		}
		setTaken(indexed, in, object.fields)
	}
}

// object is the node, or of an array the node of what is in it.
func (n *node) object() *node {
	for n.kind == schema.Array {
		n = n.elem
	}
	return n
}

func (l *Layout) newNode(f *schema.Field, ids map[*schema.Field]FieldID) *node {
	n := l.newTypeNode(cmp.Or(f.Declared, f.Type), ids)
	n.key, n.part, n.protect = f.Key, string(appendPointer(nil, f.Key)), f.Protect
	l.hashes = l.hashes || f.Protect == schema.Hash
	n.sensitive = n.sensitive || f.Protect != schema.Unprotected
	n.plain = n.plain && f.Protect == schema.Unprotected
	n.id = noField
	if id, ok := ids[f]; ok {
		n.id, n.pointer = id, f.Pointer
		l.nodes[id] = n
	}
	return n
}

func (l *Layout) newTypeNode(t *schema.Type, ids map[*schema.Field]FieldID) *node {
	if t == nil { // dropped, whatever its type
		return &node{id: noField}
	}
	n := &node{kind: t.Kind, typ: t, id: noField, protect: t.Protect, sensitive: t.Protect != schema.Unprotected}
	l.hashes = l.hashes || t.Protect == schema.Hash
	n.bounded = t.Enum != nil || t.MaxLength >= 0 && t.Kind == schema.String || t.Bounds.HasMin || t.Bounds.HasMax
	n.plain = t.Kind == schema.String && !n.bounded && !n.sensitive
	n.compileEnum()
	if t.Elem != nil {
		n.elem = l.newTypeNode(t.Elem, ids)
		n.sensitive = n.sensitive || n.elem.sensitive
	}
	keys := make([]string, 0, len(t.Fields))
	for _, f := range t.Fields {
		field := l.newNode(f, ids)
		n.fields = append(n.fields, field)
		n.sensitive = n.sensitive || field.sensitive
		keys = append(keys, f.Key)
	}
	if t.Kind == schema.Struct {
		n.lookup, n.lookupAt = jsonscan.NewNames(keys...), len(l.structs)
		l.structs = append(l.structs, n.lookup)
	}
	return n
}
