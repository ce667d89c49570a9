package schema

import (
	"maps"
	"strings"
	"unicode"
)

// maxKeyword is the longest string, in UTF-16 units, that the search index takes as a term. A longer one stays in the
// document but cannot be searched; without the bound Lucene, whose terms hold 32,766 bytes (3 a unit at most), would
// refuse the whole document.
const maxKeyword = 10_922

// indexTypes are the properties of the search index's fields. The transform lets no value through that does not fit,
// but it can be switched off: ignore_malformed then keeps the document, with the value unindexed.
//
// strict_date_optional_time reads every timestamp that the transform accepts, up to nine decimals.
var indexTypes = map[Kind]map[string]any{
	String:    {"type": "keyword", "ignore_above": maxKeyword},
	Double:    {"type": "double", "ignore_malformed": true},
	BigInt:    {"type": "long", "ignore_malformed": true},
	Boolean:   {"type": "boolean"}, // knows no ignore_malformed
	Timestamp: {"type": "date", "format": "strict_date_optional_time", "ignore_malformed": true},
	Date:      {"type": "date", "format": "strict_date", "ignore_malformed": true},
	Map:       {"type": "flat_object"},
}

// metadataFields are OpenSearch's own fields, which no document may have at its top level. _feature is one since 3.0,
// _size one where the plug-in mapper-size is installed, as on the service; a _doc_count that is a positive integer
// would be taken, but multiply the document in every aggregation.
var metadataFields = wordSet(`_data_stream_timestamp _doc_count _feature _field_names _id _ignored _index _nested_path
	_routing _seq_no _size _source _version`)

// IndexProperties returns the "properties" of the search index's mapping: the declared fields, those that the transform
// adds, and [Malformed], kept in the document but not indexed. OpenSearch reads a dot in a key as a path, so that
// user.name is the field name inside user. An array has the type of its elements; the fields of objects in an array are
// those of the array. The caller may change the result.
func (s *Schema) IndexProperties() map[string]any {
	root := newIndexObject()
	s.addToIndex(root, func(*Field, string) {})
	return root.properties()
}

// addToIndex adds everything that is indexed, and reports fields that cannot be added beside the others.
func (s *Schema) addToIndex(root *indexObject, fail func(f *Field, problem string)) {
	root.addFields(s.Fields, 1, fail)
	for _, e := range s.Enrich {
		root.children[e.Name] = &indexObject{leaf: indexTypes[e.Kind]}
	}
	root.children[Malformed] = &indexObject{leaf: map[string]any{"type": "object", "enabled": false}}
}

// indexObject is a field of the mapping: an object with fields inside, or a leaf.
type indexObject struct {
	leaf     map[string]any
	children map[string]*indexObject
}

func newIndexObject() *indexObject { return &indexObject{children: map[string]*indexObject{}} }

func (o *indexObject) properties() map[string]any {
	properties := make(map[string]any, len(o.children))
	for name, child := range o.children {
		if child.leaf != nil {
			properties[name] = maps.Clone(child.leaf)
		} else {
			properties[name] = map[string]any{"properties": child.properties()}
		}
	}
	return properties
}

// count returns the number of fields of the mapping as OpenSearch counts them: leaves and objects.
func (o *indexObject) count() int {
	n := 0
	for _, child := range o.children {
		n += 1 + child.count()
	}
	return n
}

// most is a size in bytes that the mapping does not pass as JSON.
func (o *indexObject) most() int {
	const leaf = len(`{"format":"strict_date_optional_time","ignore_malformed":true,"type":"date"},`)
	n := 0
	for name, child := range o.children {
		n += leaf + len(`"":`) + 6*len(name) + child.most()
	}
	return n
}

// addFields adds the fields of an object, depth being that of the fields: 1 in the document.
func (o *indexObject) addFields(fields []*Field, depth int, fail func(f *Field, problem string)) {
	for _, f := range fields {
		if f.hiveType() != "" { // a field without a column is not indexed
			o.addField(f, depth, fail)
		}
	}
}

func (o *indexObject) addField(f *Field, depth int, fail func(f *Field, problem string)) {
	path := strings.Split(f.Key, ".")
	for _, part := range path[:len(path)-1] {
		if strings.TrimFunc(part, unicode.IsSpace) == "" {
			fail(f, dotIsPath+", and a part of this one is empty or blank")
			return
		}
		next := o.children[part]
		if next == nil {
			next = newIndexObject()
			o.children[part] = next
		}
		if next.leaf != nil {
			fail(f, dotIsPath+", and "+part+" is declared as something else than an object")
			return
		}
		o = next
		if depth++; depth > maxIndexDepth {
			fail(f, tooDeep)
			return
		}
	}
	name := path[len(path)-1]
	if strings.TrimFunc(name, unicode.IsSpace) == "" {
		fail(f, dotIsPath+", and a part of this one is empty or blank")
		return
	}
	t := f.Type
	for t.Kind == Array {
		t = t.Elem
	}
	known := o.children[name]
	if t.Kind != Struct {
		if known != nil {
			fail(f, dotIsPath+", and another key has the same path")
			return
		}
		o.children[name] = &indexObject{leaf: indexTypes[t.Kind]}
		return
	}
	if depth >= maxIndexDepth {
		fail(f, tooDeep)
		return
	}
	switch {
	case known == nil:
		known = newIndexObject()
		o.children[name] = known
	case known.leaf != nil:
		fail(f, dotIsPath+", and another key has the same path")
		return
	}
	known.addFields(t.Fields, depth+1, fail)
}

const dotIsPath = "OpenSearch reads a dot in a key as a path"

const tooDeep = "OpenSearch accepts objects 19 deep in a document (index.mapping.depth.limit), and this one is deeper"

// checkIndex checks that the mapping can be made.
func (p *parser) checkIndex(s *Schema) {
	added := map[string]bool{Malformed: true}
	for _, e := range s.Enrich {
		added[e.Name] = true
	}
	for _, f := range s.Fields {
		first, _, dotted := strings.Cut(f.Key, ".")
		if dotted && f.Protect != Drop && (added[first] || metadataFields[first]) {
			p.fail(p.sources[f], "%s, and %s is declared as something else than an object", dotIsPath, first)
		}
	}
	root := newIndexObject()
	s.addToIndex(root, func(f *Field, problem string) { p.fail(p.sources[f], "%s", problem) })
	p.index = root
	if n := root.count(); n > maxIndexFields {
		p.fail("", "OpenSearch accepts %d fields in an index (index.mapping.total_fields.limit), objects and added fields "+
			"counted: this schema has %d", maxIndexFields, n)
	}
}
