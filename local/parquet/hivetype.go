package parquet

import (
	"fmt"
	"strings"
)

// kind is the kind of a Hive type.
type kind uint8

const (
	kindString kind = iota + 1
	kindDouble
	kindFloat
	kindBigInt
	kindInt
	kindSmallInt
	kindTinyInt
	kindBoolean
	kindTimestamp
	kindDate
	kindArray
	kindMap
	kindStruct
)

// hiveType is a parsed Hive type, such as map<string,array<int>>.
type hiveType struct {
	kind   kind
	fields []hiveField // array: its element; map: key and value; struct: its fields
}

type hiveField struct {
	name string // empty but for a struct's fields
	typ  hiveType
}

var scalars = map[string]kind{
	"string": kindString, "double": kindDouble, "float": kindFloat, "bigint": kindBigInt, "int": kindInt,
	"smallint": kindSmallInt, "tinyint": kindTinyInt, "boolean": kindBoolean, "timestamp": kindTimestamp,
	"date": kindDate,
}

// maxTypeDepth bounds the nesting of a type: Parquet counts levels in a byte, and each array or map takes two or three.
const maxTypeDepth = 32

// parseType reads a Hive type as Glue writes it. Glue stores types without checking them, so everything is checked
// here.
func parseType(text string) (hiveType, error) {
	p := typeParser{text: strings.ToLower(text)}
	t, err := p.parseType(1)
	if err == nil && p.skipSpace() != len(p.text) {
		err = fmt.Errorf("%q after the type", p.text[p.at:])
	}
	if err != nil {
		return hiveType{}, fmt.Errorf("parsing type %q: %w", text, err)
	}
	return t, nil
}

type typeParser struct {
	text string
	at   int
}

func (p *typeParser) parseType(depth int) (hiveType, error) {
	if depth > maxTypeDepth {
		return hiveType{}, fmt.Errorf("nested deeper than %d", maxTypeDepth)
	}
	name := p.readWord()
	if k, ok := scalars[name]; ok {
		return hiveType{kind: k}, nil
	}
	t := hiveType{}
	switch name {
	case "array":
		t.kind = kindArray
	case "map":
		t.kind = kindMap
	case "struct":
		t.kind = kindStruct
	case "set":
		// https://docs.aws.amazon.com/firehose/latest/dev/data-format-conversion-troubleshooting.html
		return hiveType{}, fmt.Errorf("set is not supported by Firehose: use array")
	default:
		return hiveType{}, fmt.Errorf("unsupported type %q", name)
	}
	if err := p.expectByte('<'); err != nil {
		return hiveType{}, err
	}
	for {
		field := hiveField{}
		if t.kind == kindStruct {
			if field.name = p.readWord(); field.name == "" {
				return hiveType{}, fmt.Errorf("no field name at byte %d", p.at)
			}
			for _, f := range t.fields {
				if f.name == field.name {
					return hiveType{}, fmt.Errorf("field %q twice", field.name)
				}
			}
			if err := p.expectByte(':'); err != nil {
				return hiveType{}, err
			}
		}
		var err error
		if field.typ, err = p.parseType(depth + 1); err != nil {
			return hiveType{}, err
		}
		t.fields = append(t.fields, field)
		if p.skipSpace() >= len(p.text) || p.text[p.at] != ',' {
			break
		}
		p.at++
	}
	switch {
	case t.kind == kindArray && len(t.fields) != 1:
		return hiveType{}, fmt.Errorf("array of %d types: wants one", len(t.fields))
	case t.kind == kindMap && len(t.fields) != 2:
		return hiveType{}, fmt.Errorf("map of %d types: wants two", len(t.fields))
	case t.kind == kindMap && t.fields[0].typ.kind != kindString:
		return hiveType{}, fmt.Errorf("map key must be a string: JSON has no other")
	}
	return t, p.expectByte('>')
}

func (p *typeParser) skipSpace() int {
	for p.at < len(p.text) && p.text[p.at] == ' ' {
		p.at++
	}
	return p.at
}

// readWord reads up to the next punctuation or space.
func (p *typeParser) readWord() string {
	from := p.skipSpace()
	for p.at < len(p.text) && !strings.ContainsRune("<>:, ", rune(p.text[p.at])) {
		p.at++
	}
	return p.text[from:p.at]
}

func (p *typeParser) expectByte(c byte) error {
	if p.skipSpace() >= len(p.text) || p.text[p.at] != c {
		return fmt.Errorf("no %q at byte %d", c, p.at)
	}
	p.at++
	return nil
}
