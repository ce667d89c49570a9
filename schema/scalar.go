package schema

import (
	"encoding/json"
	"fmt"
	"math"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"time"
)

// scalar reads the type of a string, number, integer or boolean, and its bounds.
func (p *parser) scalar(layers []layer, name string) *Type {
	kinds := map[string]Kind{"string": String, "number": Double, "integer": BigInt, "boolean": Boolean}
	t := &Type{Kind: kinds[name], MaxLength: -1}
	if t.Kind == String {
		t.Kind = stringKind(layers)
	}
	for _, l := range layers {
		p.readMaxLength(t, l)
		p.readBound(t, l, "minimum")
		p.readBound(t, l, "maximum")
		if n := l.node.get("enum"); n != nil {
			p.readEnum(t, n, l.pointer+"/enum")
		}
		if n := l.node.get("const"); n != nil {
			if values, ok := p.enumValues(t, []*node{n}, l.pointer+"/const", true); ok {
				p.restrictEnum(t, values, l.pointer+"/const")
			}
		}
	}
	b := t.Bounds
	if b.HasMin && b.HasMax && (t.Kind == Double && b.Min > b.Max || t.Kind == BigInt && b.MinInt > b.MaxInt) {
		p.fail(layers[0].pointer, "must have a minimum that is not above the maximum: no value would be accepted")
	}
	return t
}

// stringKind returns the kind of a string by its format. All other formats are annotations.
func stringKind(layers []layer) Kind {
	for _, l := range layers {
		if n := l.node.get("format"); n != nil && n.kind == stringNode {
			switch n.text {
			case "date-time":
				return Timestamp
			case "date":
				return Date
			}
		}
	}
	return String
}

func (p *parser) readMaxLength(t *Type, l layer) {
	n := l.node.get("maxLength")
	if n == nil || t.Kind == Double || t.Kind == BigInt || t.Kind == Boolean {
		return // reported
	}
	at := l.pointer + "/maxLength"
	if t.Kind != String {
		p.restrict(at, n, "\"maxLength\" restricts values, and nothing enforces it beside the formats date-time and date")
		return
	}
	exact, ok := parseInteger(n)
	if !ok || exact.Sign() < 0 || !exact.IsInt64() || exact.Int64() > math.MaxInt32 {
		p.fail(at, "must be an integer from 0 to %d (got %s)", math.MaxInt32, n.brief())
		return
	}
	if length := int(exact.Int64()); t.MaxLength < 0 || length < t.MaxLength {
		t.MaxLength = length
	}
}

// readBound reads minimum or maximum. Of several layers the narrowest counts.
func (p *parser) readBound(t *Type, l layer, keyword string) {
	n := l.node.get(keyword)
	if n == nil || t.Kind != Double && t.Kind != BigInt {
		return
	}
	at := l.pointer + "/" + keyword
	exact, ok := parseExact(n)
	x, err := strconv.ParseFloat(n.text, 64)
	if !ok || err != nil {
		p.fail(at, "must be a number that a float64 holds (got %s)", n.brief())
		return
	}
	b := &t.Bounds
	if t.Kind == Double {
		if keyword == "minimum" && (!b.HasMin || x > b.Min) {
			b.HasMin, b.Min = true, x
		}
		if keyword == "maximum" && (!b.HasMax || x < b.Max) {
			b.HasMax, b.Max = true, x
		}
		return
	}
	i, inside := roundBound(exact, keyword == "minimum")
	switch {
	case inside == 0 && keyword == "minimum" && (!b.HasMin || i > b.MinInt):
		b.HasMin, b.MinInt = true, i
	case inside == 0 && keyword == "maximum" && (!b.HasMax || i < b.MaxInt):
		b.HasMax, b.MaxInt = true, i
	case inside > 0 && keyword == "minimum", inside < 0 && keyword == "maximum":
		p.fail(at, "must leave an integer of 64 bits (got %s): no value would be accepted", n.brief())
	}
}

// roundBound rounds a bound to the integer that is inside it. side is below or above zero for a bound outside of 64
// bits.
func roundBound(exact *big.Rat, up bool) (i int64, side int) {
	quotient, rest := new(big.Int).DivMod(exact.Num(), exact.Denom(), new(big.Int))
	if up && rest.Sign() > 0 {
		quotient.Add(quotient, big.NewInt(1))
	}
	if !quotient.IsInt64() {
		return 0, quotient.Sign()
	}
	return quotient.Int64(), 0
}

// parseInteger reads a number that is an integer by its value: JSON Schema takes 1.0 for one.
func parseInteger(n *node) (*big.Int, bool) {
	exact, ok := parseExact(n)
	if !ok || !exact.IsInt() {
		return nil, false
	}
	return exact.Num(), true
}

// parseExact reads a number without rounding. One that is far longer than any float64 is refused: multiplying out an
// exponent such as 1e-999999999 would take minutes.
func parseExact(n *node) (*big.Rat, bool) {
	if n.kind != numberNode || len(n.text) > 1000 {
		return nil, false
	}
	if at := strings.IndexAny(n.text, "eE"); at >= 0 {
		if exponent, err := strconv.Atoi(n.text[at+1:]); err != nil || exponent > 400 || exponent < -400 {
			return nil, false
		}
	}
	return new(big.Rat).SetString(n.text)
}

func (p *parser) readEnum(t *Type, n *node, at string) {
	if n.kind != arrayNode {
		p.fail(at, "must be an array of the accepted values (got %s)", n.brief())
		return
	}
	values, ok := p.enumValues(t, n.items, at, false)
	switch {
	case !ok: // reported
	case len(values) == 0:
		p.fail(at, "must have at least one value besides null: no value would be accepted")
	default:
		p.restrictEnum(t, values, at)
	}
}

// restrictEnum keeps the values that all enums have.
func (p *parser) restrictEnum(t *Type, values []string, at string) {
	if t.Enum == nil {
		t.Enum = values
		return
	}
	t.Enum = slices.DeleteFunc(t.Enum, func(value string) bool { return !slices.Contains(values, value) })
	if len(t.Enum) == 0 {
		p.fail(at, "must share a value with the other enum or const of the property: no value would be accepted")
	}
}

// enumValues returns the values as [Type.Enum] has them, each once and without null; false when one is wrong, and
// reported.
func (p *parser) enumValues(t *Type, items []*node, at string, single bool) (values []string, ok bool) {
	ok = true
	for i, item := range items {
		place := at
		if !single {
			place += "/" + strconv.Itoa(i)
		}
		if item.kind == nullNode {
			if single {
				p.fail(place, "must be a value of the type %s (got null)", t.Kind.describe())
				ok = false
			}
			continue
		}
		value, good := enumValue(t.Kind, item)
		if !good {
			ok = false
			p.fail(place, "must be a value of the type %s (got %s)", t.Kind.describe(), item.brief())
			continue
		}
		if !slices.Contains(values, value) {
			values = append(values, value)
		}
	}
	return values, ok
}

func enumValue(kind Kind, n *node) (string, bool) {
	switch kind {
	case String:
		return n.text, n.kind == stringNode
	case Timestamp:
		_, err := time.Parse(time.RFC3339Nano, n.text)
		return n.text, n.kind == stringNode && err == nil
	case Date:
		_, err := time.Parse(time.DateOnly, n.text)
		return n.text, n.kind == stringNode && err == nil
	case Double:
		x, err := strconv.ParseFloat(n.text, 64)
		return formatDouble(x), n.kind == numberNode && err == nil
	case BigInt:
		i, ok := parseInteger(n)
		if !ok || !i.IsInt64() {
			return "", false
		}
		return i.String(), true
	case Boolean:
		return n.text, n.kind == booleanNode
	}
	return "", false
}

// formatDouble writes a number as encoding/json does.
func formatDouble(x float64) string {
	text, err := json.Marshal(x)
	if err != nil { // infinity, which the caller rejects
		return ""
	}
	return string(text)
}

// describe is the kind as an error names it.
func (k Kind) describe() string {
	return [...]string{
		"", "string", "string with format date-time (RFC 3339)", "string with format date (yyyy-mm-dd)", "number",
		"integer (64 bits)", "boolean", "object", "object", "array",
	}[k]
}

// comment is made of title, description and examples.
func comment(d described) string {
	text := d.description
	switch {
	case text == "":
		text = d.title
	case d.title != "":
		text = d.title + ": " + text
	}
	if d.examples != nil && len(d.examples.items) > 0 {
		var examples []string
		for _, n := range d.examples.items {
			switch n.kind {
			case stringNode, numberNode, booleanNode:
				examples = append(examples, n.text)
			}
		}
		if len(examples) > 0 {
			text = strings.TrimSpace(fmt.Sprintf("%s (for example %s)", text, strings.Join(examples, ", ")))
		}
	}
	return glueComment(text)
}
