package schema

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// A column's name begins with a letter, so that no reader of the lake has to quote it.
func isColumnName(name string) bool {
	for i, c := range []byte(name) {
		if !(c >= 'a' && c <= 'z' || i > 0 && (c >= '0' && c <= '9' || c == '_')) {
			return false
		}
	}
	return name != ""
}

// sqlWords are the reserved words of Athena's SELECT statements: a column of such a name would have to be quoted in
// every query.
// https://docs.aws.amazon.com/athena/latest/ug/reserved-words.html
var sqlWords = wordSet(`
	alter and as between by case cast constraint create cross cube current_catalog current_date current_path
	current_schema current_time current_timestamp current_user deallocate delete describe distinct drop else end
	escape except execute exists extract false first for from full group grouping having in inner insert intersect
	into is join json_array json_exists json_object json_query json_table json_value last left like listagg
	localtime localtimestamp natural normalize not null of on or order outer prepare recursive right rollup select
	skip table then trim true uescape union unnest using values when where with`)

// partitionKeys are the columns that the prefix of an object gives.
var partitionKeys = wordSet("year month day hour")

func wordSet(text string) map[string]bool {
	set := map[string]bool{}
	for _, word := range strings.Fields(text) {
		set[word] = true
	}
	return set
}

// columnName makes a column's name of a key: deviceId and device-id become device_id, @timestamp becomes timestamp. It
// is empty when nothing is left.
func columnName(key string) string {
	if isColumnName(key) {
		return key
	}
	var b strings.Builder
	runes := []rune(key)
	gap := false // something was left out since the last letter
	for i, c := range runes {
		switch {
		case c >= utf8.RuneSelf || !unicode.IsLetter(c) && !unicode.IsDigit(c):
			gap = true
			continue
		case unicode.IsUpper(c) && i > 0:
			previous, next := runes[i-1], ' '
			if i+1 < len(runes) {
				next = runes[i+1]
			}
			// deviceId, and HTTPServer where the next word begins.
			gap = gap || unicode.IsLower(previous) || unicode.IsDigit(previous) ||
				unicode.IsUpper(previous) && unicode.IsLower(next)
		}
		if gap && b.Len() > 0 {
			b.WriteByte('_')
		}
		gap = false
		if b.Len() == 0 && unicode.IsDigit(c) {
			b.WriteString("f_")
		}
		b.WriteRune(unicode.ToLower(c))
	}
	return b.String()
}

// nameColumn sets the column of a field.
func (p *parser) nameColumn(field *Field, d described, at string) {
	if d.columnAt != "" {
		field.Column = d.column
		p.explicit[field] = d.columnAt
		switch {
		case d.column == "": // reported
		case len(d.column) > maxColumnName || !isColumnName(d.column):
			p.fail(d.columnAt, "must be lower-case letters, digits and underscores, first a letter, at most %d (got %q)",
				maxColumnName, shorten(d.column, 60))
		case sqlWords[d.column]:
			p.fail(d.columnAt, "must not be %q, a reserved word of SQL", d.column)
		}
		return
	}
	field.Column = columnName(field.Key)
	if field.Column == "" && field.Key != "" {
		p.fail(at, "the key has no letter or digit of ASCII to make a column of: name the column with \"x-column\"")
	}
	if sqlWords[field.Column] {
		field.Column += "_"
	}
	if len(field.Column) > maxColumnName {
		p.fail(at, "a column has at most %d characters, and the key gives %d: name the column with \"x-column\"",
			maxColumnName, len(field.Column))
	}
}

// checkKey rejects keys that a store does not accept.
func (p *parser) checkKey(key, at string) {
	if strings.TrimSpace(key) == "" {
		p.fail(at, "a declared key must not be empty or blank")
		return
	}
	for _, c := range key {
		if unicode.IsControl(c) {
			p.fail(at, "a declared key must not have control characters (got U+%04X)", c)
			return
		}
	}
}

// checkColumns gives fields whose names belong to others another one, and checks that each column is there once and has
// one key.
func (p *parser) checkColumns(s *Schema) {
	taken := map[string]string{Malformed: "the pipeline's column " + Malformed}
	for name := range partitionKeys {
		taken[name] = "the partition key " + name
	}
	keys := map[string]keyOfColumn{}
	for _, e := range s.Enrich {
		taken[e.Name] = "a field that the transform adds (x-enrich)"
		keys[e.Name] = keyOfColumn{e.Name, "#/x-enrich"}
	}
	keys[Malformed] = keyOfColumn{Malformed, "the pipeline's own column"}
	for _, f := range s.Fields {
		at := p.sources[f]
		switch {
		case f.Key == Malformed:
			p.fail(at, "the key %q belongs to the pipeline, which puts there what the stores do not accept", f.Key)
		case taken[f.Key] != "" && !partitionKeys[f.Key]:
			p.fail(at, "the key %q is that of %s and would be replaced: remove one of the two", f.Key, taken[f.Key])
		case metadataFields[f.Key] && f.Protect != Drop:
			p.fail(at, "the key %q is a field of OpenSearch's own, which no document may have", f.Key)
		case f.Protect != Drop && taken[f.Column] != "" && p.explicit[f] != "":
			p.fail(p.explicit[f], "must not be %q, %s", f.Column, taken[f.Column])
			f.Column = "" // reported
		case f.Protect != Drop && taken[f.Column] != "":
			f.Column += "_"
		}
	}
	p.checkObject(s.Fields, keys)
}

// keyOfColumn is the key that a column's name stands for, and where that was declared.
type keyOfColumn struct{ key, at string }

// checkObject checks the columns of one object and of those inside it. The mapping of columns to keys that Firehose's
// deserializer is given goes by name alone, for the fields of structs at every depth too: so a name stands for one key.
func (p *parser) checkObject(fields []*Field, keys map[string]keyOfColumn) {
	columns := map[string]*Field{}
	for _, f := range fields {
		at := p.sources[f]
		if f.Protect == Drop || f.Column == "" {
			continue
		}
		if other := columns[f.Column]; other != nil {
			p.fail(at, `the keys %q and %q have the same column %s: name one of them with "x-column"`,
				other.Key, f.Key, f.Column)
			continue
		}
		columns[f.Column] = f
		if known, ok := keys[f.Column]; !ok {
			keys[f.Column] = keyOfColumn{f.Key, "#" + at}
		} else if known.key != f.Key {
			p.fail(at, "the column %s has the key %q here and %q at %s: Firehose maps a name to one key at all depths; "+
				"name one of them with \"x-column\"", f.Column, f.Key, known.key, known.at)
		}
		p.checkObject(structFields(f.Type), keys)
	}
}

// structFields returns the fields of a struct, or of the structs in an array.
func structFields(t *Type) []*Field {
	for t != nil && t.Kind == Array {
		t = t.Elem
	}
	if t == nil {
		return nil
	}
	return t.Fields
}

// String is the Hive type of the lake's column; empty for a struct of which nothing is kept.
func (t *Type) String() string {
	switch t.Kind {
	case Struct:
		var fields []string
		for _, f := range t.Fields {
			if of := f.hiveType(); of != "" {
				fields = append(fields, f.Column+":"+of)
			}
		}
		if len(fields) == 0 {
			return ""
		}
		return "struct<" + strings.Join(fields, ",") + ">"
	case Array:
		of := t.Elem.String()
		if of == "" {
			return ""
		}
		return fmt.Sprintf("array<%s>", of)
	case Map:
		return fmt.Sprintf("map<string,%s>", t.Elem)
	}
	return hiveTypes[t.Kind]
}

// hiveTypes are the types of scalars. A timestamp stays text: OpenX reads only UTC forms into a Hive timestamp, and an
// event sent with an offset would fail conversion.
var hiveTypes = map[Kind]string{
	String: "string", Timestamp: "string", Date: "date", Double: "double", BigInt: "bigint", Boolean: "boolean",
}

// hiveType is the type of the field's column, empty when it has none.
func (f *Field) hiveType() string {
	if f.Protect == Drop {
		return ""
	}
	return f.Type.String()
}
