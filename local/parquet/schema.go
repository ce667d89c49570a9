package parquet

import (
	"fmt"
	"strings"

	format "github.com/parquet-go/parquet-go"

	"firehose-pipeline/internal/jsonscan"
	"firehose-pipeline/schema"
)

// column is a column of the table, or a part of a nested column: a tree that JSON values are written along.
type column struct {
	name string
	kind kind
	// first and last are the Parquet columns that hold the column's values: one for a scalar, first up to but without
	// last for the others.
	first, last int
	// def is the definition level of a value that is not null; null is one less. The key of a map is never null.
	def int
	// rep is the repetition level of all elements of an array or map but the first.
	rep      int
	children []*column // array: its element; map: key and value; struct: its fields
	object   *object   // struct: how its fields are found
	entries  *jsonscan.Scanner
}

// object finds the fields of a row or of a struct in a JSON object.
type object struct {
	names   *jsonscan.Names
	scanner *jsonscan.Scanner
	exact   bool // keys match exactly
}

func newObject(fields []*column) *object {
	names := make([]string, len(fields))
	for i, f := range fields {
		names[i] = f.name
	}
	n := jsonscan.NewNames(names...)
	return &object{names: n, scanner: jsonscan.NewScanner(n)}
}

// withKeys is the object with the keys of its fields in place of their names.
func (o *object) withKeys(fields []*column, keys map[string]string) *object {
	names := make([]string, len(fields))
	for i, f := range fields {
		names[i] = f.name
		if key, ok := keys[f.name]; ok {
			names[i] = key
			if !o.exact {
				names[i] = strings.ToLower(key)
			}
		}
	}
	n := jsonscan.NewNames(names...)
	return &object{names: n, scanner: jsonscan.NewScanner(n), exact: o.exact}
}

// buildTree builds the columns of a table and the Parquet schema that Hive would give them: everything optional, in the
// table's order.
func buildTree(declared []schema.Column) (columns []*column, schema *format.Schema, leaves int, err error) {
	if len(declared) == 0 {
		return nil, nil, 0, fmt.Errorf("no columns")
	}
	var nodes []format.Field
	seen := map[string]bool{}
	for _, d := range declared {
		name := strings.ToLower(d.Name)
		if name == "" || seen[name] {
			return nil, nil, 0, fmt.Errorf("column %q: named twice or without a name", d.Name)
		}
		seen[name] = true
		t, err := parseType(d.Type)
		if err != nil {
			return nil, nil, 0, fmt.Errorf("column %q: %w", d.Name, err)
		}
		c, node := newColumn(name, t, &leaves, 0, 0)
		columns = append(columns, c)
		nodes = append(nodes, buildField(name, node))
	}
	return columns, format.NewSchema("hive_schema", group{fields: nodes}), leaves, nil
}

// newColumn builds an optional column inside a parent that is present at definition level def, repeated at rep.
func newColumn(name string, t hiveType, leaves *int, def, rep int) (*column, format.Node) {
	c := &column{name: name, kind: t.kind, first: *leaves, def: def + 1, rep: rep}
	var node format.Node
	switch t.kind {
	case kindArray:
		c.rep = rep + 1
		element, of := newColumn("element", t.fields[0].typ, leaves, c.def+1, c.rep)
		c.children = []*column{element}
		node = format.List(of)
	case kindMap:
		c.rep = rep + 1
		key, _ := newColumn("key", t.fields[0].typ, leaves, c.def, c.rep) // required: no level of its own
		value, of := newColumn("value", t.fields[1].typ, leaves, c.def+1, c.rep)
		c.children = []*column{key, value}
		c.entries = jsonscan.NewScanner(jsonscan.NewNames())
		node = format.Map(format.String(), of)
	case kindStruct:
		var nodes []format.Field
		for _, f := range t.fields {
			child, of := newColumn(f.name, f.typ, leaves, c.def, rep)
			c.children = append(c.children, child)
			nodes = append(nodes, buildField(f.name, of))
		}
		c.object = newObject(c.children)
		node = group{fields: nodes}
	default:
		*leaves++
		node = addLeaf(t.kind)
	}
	c.last = *leaves
	return c, format.Optional(node)
}

// addLeaf is the Parquet type that Hive writes for a scalar. Hive and so Firehose still write a timestamp as INT96.
func addLeaf(k kind) format.Node {
	switch k {
	case kindDouble:
		return format.Leaf(format.DoubleType)
	case kindFloat:
		return format.Leaf(format.FloatType)
	case kindBigInt:
		return format.Leaf(format.Int64Type)
	case kindInt:
		return format.Leaf(format.Int32Type)
	case kindSmallInt:
		return format.Int(16)
	case kindTinyInt:
		return format.Int(8)
	case kindBoolean:
		return format.Leaf(format.BooleanType)
	case kindTimestamp:
		return format.Leaf(format.Int96Type)
	case kindDate:
		return format.Date()
	default:
		return format.String()
	}
}

// group is a group whose fields keep their order; those of parquet-go's own Group are sorted by name.
type group struct {
	format.Group
	fields []format.Field
}

func (g group) Fields() []format.Field { return g.fields }

func buildField(name string, node format.Node) format.Field {
	return format.Group{name: node}.Fields()[0]
}
