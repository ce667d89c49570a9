package schema

import (
	"slices"
	"strconv"
	"strings"

	"firehose-pipeline/internal/jsonpointer"
)

var protections = map[string]Protection{"hash": Hash, "redact": Redact, "drop": Drop}

// protectedType is the type of a value behind hash and redact.
func protectedType() *Type { return &Type{Kind: String, MaxLength: -1} }

// protect checks the protection of a field and sets the type that it has behind it.
func (p *parser) protect(field *Field, d described) {
	if d.empties && field.Protect == Unprotected {
		field.Protect = Drop
	}
	switch field.Protect {
	case Hash, Redact:
		p.checkProtection(d)
		field.Type = protectedType()
	case Drop:
		if field.Type == nil { // the value goes whatever it is; the type is that of any text
			field.Type = protectedType()
			field.Declared = field.Type
		}
	}
}

// protectElement checks the protection of the elements of an array or the values of a map, and sets the type that they
// have behind it.
func (p *parser) protectElement(d *described) {
	if d.protect != Hash && d.protect != Redact || !p.checkProtection(*d) {
		return
	}
	d.sent.Protect = d.protect
	d.typ = protectedType()
}

// checkProtection reports a protection that does not apply to the type.
func (p *parser) checkProtection(d described) bool {
	kind := typeKind(d.typ)
	switch {
	case d.protect == Hash && kind != String && kind != Timestamp && kind != Date && kind != BigInt:
		p.fail(d.protectAt, `"hash" accepts the types string and integer (this one is %s): %s`, describeType(d),
			protectInstead(d))
	case d.protect == Redact && !kind.Scalar():
		p.fail(d.protectAt, `"redact" accepts the types string, number, integer and boolean (this one is %s): %s`,
			describeType(d), protectInstead(d))
	default:
		return true
	}
	return false
}

// protectInstead is the advice for a type that hash or redact does not accept.
func protectInstead(d described) string {
	switch d.name {
	case "array":
		return `protect its "items", or use "drop"`
	case "object":
		return `protect what is in it, or use "drop"`
	}
	return `use "drop"`
}

// drops reports whether nothing is left of an element or value of this description.
func (d *described) drops() bool { return d.protect == Drop || d.empties }

// dropElements makes the type of an array or map that nothing is left of.
func (d *described) dropElements(kind Kind) {
	d.typ, d.empties = &Type{Kind: kind, Elem: protectedType(), MaxLength: -1}, true
}

// setElement makes the type of an array or map of its elements or values.
func (d *described) setElement(kind Kind, element described) {
	d.typ = &Type{Kind: kind, Elem: element.typ, MaxLength: -1}
	d.sent = d.typ
	if element.sent != element.typ {
		d.sent = &Type{Kind: kind, Elem: element.sent, MaxLength: -1}
	}
}

// protection is that of the field, or else of the elements or values in it.
func (f *Field) protection() Protection {
	if f.Protect != Unprotected {
		return f.Protect
	}
	return innermost(f.Declared).Protect
}

// innermost is the type, or that of the elements or values in it.
func innermost(t *Type) *Type {
	for t.Elem != nil {
		t = t.Elem
	}
	return t
}

func typeKind(t *Type) Kind {
	if t == nil {
		return 0
	}
	return t.Kind
}

func describeType(d described) string {
	if d.name == "" {
		return "without a type"
	}
	return d.name
}

// unread are the keywords whose values are no schemas.
var unread = []string{"enum", "const", "default", "examples"}

// failProtections reports every x-protect in a part of the file that the pipeline does not read, also behind
// references: x-unenforced lets such a part be, and would leave the value unprotected without a word.
func (p *parser) failProtections(n *node, pointer string, seen map[*node]bool) {
	if seen[n] {
		return
	}
	seen[n] = true
	for _, m := range n.members {
		at := pointer + "/" + jsonpointer.Escape(m.key)
		switch {
		case m.key == "x-protect" && m.value.kind == stringNode:
			p.fail(at, "has no effect here, where the pipeline enforces nothing: protect the property, its items or its "+
				"additionalProperties")
		case m.key == "$ref" && m.value.kind == stringNode:
			fragment, _ := unescapePercent(strings.TrimPrefix(m.value.text, "#"))
			if keys, ok := splitPointer(fragment); ok {
				if target := p.find(keys); target != nil {
					p.failProtections(target, fragment, seen)
				}
			}
		case !slices.Contains(unread, m.key):
			p.failProtections(m.value, at, seen)
		}
	}
	for i, item := range n.items {
		p.failProtections(item, pointer+"/"+strconv.Itoa(i), seen)
	}
}
