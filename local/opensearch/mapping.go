package opensearch

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"firehose-pipeline/internal/jsonscan"
)

// fieldType is how the engine treats the values of one field.
type fieldType uint8

const (
	unmapped fieldType = iota // kept in the document, not read
	disabled                  // an object that is not parsed ("enabled": false)
	keyword
	number
	date
	boolean
	object     // with fields inside
	flatObject // any JSON object, whose leaves are terms
	metadata   // a field of the engine's own, which a document must not have
	docCount   // _doc_count, the one metadata field that a document may have
)

// field is one name of a mapping.
type field struct {
	name, typeName string // name with those of the objects that it is in
	fieldType
	ignoreAbove bool // a keyword too long for a term is left out instead of failing the document
	inner       *fields
}

// fields are those of the document or of an object.
type fields struct {
	list   []field // in the order of names
	names  *jsonscan.Names
	byName map[string]int
}

// Mapping is an index's mapping, as the engine applies it to documents. It is not changed once made.
type Mapping struct {
	root    *fields
	version version
}

// version is that of the engine. Measured were 2.19.1, 3.5.0 and 3.8.0; the versions between are taken to be like the
// earlier one of the same major version.
type version struct{ major, minor int }

func (v version) atLeast(major, minor int) bool {
	return v.major > major || v.major == major && v.minor >= minor
}

// DefaultVersion is the engine that is modelled when none is named.
const DefaultVersion = "2.19"

func parseVersion(text string) (version, error) {
	major, minor, _ := strings.Cut(text, ".")
	m, err := strconv.Atoi(major)
	n, err2 := strconv.Atoi(minor)
	if err != nil || err2 != nil || m < 1 || n < 0 {
		return version{}, fmt.Errorf("engine version: must be <major>.<minor>, for example %s (got %q)", DefaultVersion,
			text)
	}
	return version{m, n}, nil
}

// metadataFields are the engine's own fields, as OpenSearch 2.19.1 knows them. _type, _size, _op_type and _primary_term
// are none.
var metadataFields = []string{"_data_stream_timestamp", "_field_names", "_id", "_ignored", "_index", "_nested_path",
	"_routing", "_seq_no",
	"_source", "_version"}

// property is one of a mapping's "properties", with the parameters that the model knows.
type property struct {
	Type            string `json:"type"`
	IgnoreAbove     *int   `json:"ignore_above"`
	IgnoreMalformed *bool  `json:"ignore_malformed"`
	// of no consequence: ignore_malformed keeps a document with any other date
	Format     *string             `json:"format"`
	Enabled    *bool               `json:"enabled"`
	Properties map[string]property `json:"properties"`
}

// NewMapping reads the "mappings" of an index or template, which must be the kind that the search setup makes: dynamic
// is false, and every number and date has ignore_malformed. version is the engine's, <major>.<minor>; empty stands for
// [DefaultVersion].
func NewMapping(mappings map[string]any, version string) (*Mapping, error) {
	if version == "" {
		version = DefaultVersion
	}
	v, err := parseVersion(version)
	if err != nil {
		return nil, err
	}
	text, err := json.Marshal(mappings)
	if err != nil {
		return nil, fmt.Errorf("reading mappings: %w", err)
	}
	var got struct {
		Dynamic       any                 `json:"dynamic"`
		DateDetection bool                `json:"date_detection"` // of no consequence where dynamic is false
		Properties    map[string]property `json:"properties"`
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&got); err != nil {
		return nil, fmt.Errorf("reading mappings: %w", err)
	}
	if got.Dynamic != "false" && got.Dynamic != false {
		return nil, fmt.Errorf("reading mappings: dynamic: only false is modelled (got %v)", got.Dynamic)
	}
	root, err := newFields("", got.Properties)
	if err != nil {
		return nil, fmt.Errorf("reading mappings: %w", err)
	}
	own := metadataFields
	if v.major >= 3 {
		own = append(slices.Clone(own), "_feature")
	}
	for _, name := range own {
		root.list = append(root.list, field{name: name, typeName: name, fieldType: metadata})
	}
	root.list = append(root.list, field{name: "_doc_count", typeName: "_doc_count", fieldType: docCount})
	if err := root.complete(""); err != nil {
		return nil, fmt.Errorf("reading mappings: %w", err)
	}
	return &Mapping{root, v}, nil
}

// newFields reads the properties of the document, or of the object whose name and a dot prefix has. They are not
// complete yet.
func newFields(prefix string, properties map[string]property) (*fields, error) {
	all := &fields{byName: map[string]int{}}
	for _, name := range slices.Sorted(maps.Keys(properties)) {
		f, err := newField(prefix, name, properties[name])
		if err != nil {
			return nil, err
		}
		all.list = append(all.list, f)
	}
	return all, nil
}

// complete makes the fields ready to be found.
func (f *fields) complete(prefix string) error {
	names := make([]string, len(f.list))
	for i := range f.list {
		names[i] = strings.TrimPrefix(f.list[i].name, prefix)
		if _, twice := f.byName[names[i]]; twice {
			return fmt.Errorf("property %q: a metadata field has that name", names[i])
		}
		f.byName[names[i]] = i
	}
	f.names = jsonscan.NewNames(names...)
	return nil
}

func newField(prefix, name string, p property) (field, error) {
	f := field{name: prefix + name, typeName: p.Type, ignoreAbove: p.IgnoreAbove != nil}
	fail := func(format string, arguments ...any) (field, error) {
		return f, fmt.Errorf("property %q: "+format, append([]any{f.name}, arguments...)...)
	}
	malformedKept := p.IgnoreMalformed != nil && *p.IgnoreMalformed
	switch {
	case strings.Contains(name, ".") || name == "":
		return fail("a dotted or empty name is not modelled")
	case p.Properties != nil:
		if p.Type != "" && p.Type != "object" || p.Enabled != nil {
			return fail("of a type with properties only an object that is enabled is modelled (got type %q)", p.Type)
		}
		inner, err := newFields(f.name+".", p.Properties)
		if err != nil {
			return f, err
		}
		if err := inner.complete(f.name + "."); err != nil {
			return f, err
		}
		f.typeName, f.fieldType, f.inner = "object", object, inner
	case p.Type == "object" && p.Enabled != nil && !*p.Enabled:
		f.fieldType = disabled
	case p.Type == "boolean" && p.IgnoreMalformed == nil:
		f.fieldType = boolean
	case p.Type == "flat_object" && p.IgnoreMalformed == nil && p.IgnoreAbove == nil:
		f.fieldType = flatObject
	case p.Type == "keyword" && p.IgnoreMalformed == nil:
		// A term is at most 32,766 bytes of UTF-8, three for a UTF-16 unit.
		if f.ignoreAbove && *p.IgnoreAbove > longestTerm/3 {
			return fail("ignore_above: only up to %d is modelled (got %d)", longestTerm/3, *p.IgnoreAbove)
		}
		f.fieldType = keyword
	case (p.Type == "double" || p.Type == "long") && malformedKept:
		f.fieldType = number
	case p.Type == "date" && malformedKept:
		f.fieldType = date
	default:
		return fail("must be a keyword, boolean, double, long or date, the last three with ignore_malformed, a "+
			"flat_object, an object "+
			"with properties, or one that is not enabled (got type %q)", p.Type)
	}
	return f, nil
}

// longestTerm is the longest term of a Lucene index, in bytes (IndexWriter.MAX_TERM_LENGTH).
const longestTerm = 32_766

// find returns the field of a name.
func (f *fields) find(name []byte) *field {
	if i, ok := f.byName[string(name)]; ok {
		return &f.list[i]
	}
	return nil
}
