package infer

import (
	"fmt"
	"slices"
	"strings"

	"firehose-pipeline/internal/jsonpointer"
	"firehose-pipeline/internal/printable"
	"firehose-pipeline/schema"
)

// untyped is the kind of a property without a type.
const untyped schema.Kind = 0

// kindNames are the names of kinds in the report.
var kindNames = [...]string{
	untyped: "no type", schema.String: "string", schema.Timestamp: "date-time", schema.Date: "date",
	schema.Double: "number", schema.BigInt: "integer", schema.Boolean: "boolean", schema.Struct: "object",
	schema.Map: "map", schema.Array: "array",
}

// property is a decision: what is declared for a field, the elements of an array or the values of a map.
type property struct {
	kind     schema.Kind
	nullable bool
	required bool
	key      string
	path     []string // keys from the event on, * for elements and values
	node     *node    // nil for the event
	share    float64  // of the objects around it that have it
	events   int64
	fields   []*property
	elem     *property // of an array or map
	column   string    // x-column
	left     bool      // out of the schema
}

// decider turns counts into properties.
type decider struct {
	in     *Inference
	report *Report
}

func (d *decider) unsure(p *property, format string, args ...any) {
	d.report.Unsure = append(d.report.Unsure, Note{pointer(p.path), fmt.Sprintf(format, args...)})
}

func (d *decider) hint(p *property, format string, args ...any) {
	d.report.Hints = append(d.report.Hints, Note{pointer(p.path), fmt.Sprintf(format, args...)})
}

// pointer writes keys as a JSON Pointer.
func pointer(path []string) string {
	var b strings.Builder
	for _, key := range path {
		b.WriteByte('/')
		b.WriteString(jsonpointer.Escape(key))
	}
	return b.String()
}

// decide chooses the type of the values of a node.
func (d *decider) decide(n *node, path []string, around int64) *property {
	p := &property{key: n.key, path: slices.Clone(path), node: n, events: n.values.all()}
	if around > 0 {
		p.share = float64(p.events) / float64(around)
		p.required = p.events == around
	}
	at := len(d.report.Fields)
	d.report.Fields = append(d.report.Fields, Field{})
	v := &n.values
	p.nullable = v.nulls > 0
	switch groups := v.groups(); {
	case groups == 0:
		d.unsure(p, "null alone: no type")
	case groups > 1:
		d.decideMixed(p, v)
	case v.objects > 0:
		d.decideObject(p, n)
	case v.arrays > 0:
		d.decideArray(p, n)
	default:
		p.kind = d.decideScalar(p, v)
	}
	d.hintPersonal(p, v)
	d.hintEnum(p, n)
	d.report.Fields[at] = fieldOf(p, v, around)
	return p
}

// groups is the number of JSON types besides null; integers and other numbers are one.
func (c *counts) groups() int {
	groups := 0
	for _, n := range [...]int64{c.booleans, c.strings, c.objects, c.arrays, c.numbers()} {
		if n > 0 {
			groups++
		}
	}
	return groups
}

const noColumn = "no type, the value stays in the event without a column"

// decideMixed chooses for values of several types.
func (d *decider) decideMixed(p *property, v *counts) {
	types := strings.Join(v.types(), ", ")
	switch {
	case v.objects+v.arrays > 0:
		d.unsure(p, "%s: %s", types, noColumn)
	case v.unusable == 0 && v.strings > 0 && v.booleans == 0 && v.numeric == v.strings:
		p.kind = schema.String
		d.unsure(p, "%s, the strings are all numbers: string, which loses nothing", types)
	case v.strings > 0 && v.numbers() == 0 && v.booleanText == v.strings:
		p.kind = schema.String
		d.unsure(p, `%s, the strings are all "true" and "false": string, which loses nothing`, types)
	default:
		d.unsure(p, "%s: %s; as a string it would have one, the others in quotes", types, noColumn)
	}
}

// decideScalar chooses for strings, numbers or booleans alone.
func (d *decider) decideScalar(p *property, v *counts) schema.Kind {
	switch {
	case v.booleans > 0:
		return schema.Boolean
	case v.strings > 0:
		return d.decideString(p, v)
	case v.unusable > 0:
		d.unsure(p, "%s of more than 1,000 digits: no type", share(v.unusable, v.numbers(), "number"))
		return untyped
	}
	if n := v.epochSeconds + v.epochMillis; n > 0 && n == v.numbers() {
		unit := "seconds"
		if v.epochMillis == n {
			unit = "milliseconds"
		} else if v.epochMillis > 0 {
			unit = "seconds and milliseconds"
		}
		d.hint(p, `looks like epoch %s: declare it as {"type": "string", "format": "date-time"} to convert it`, unit)
	}
	switch {
	case v.fractions == 0 && v.bigIntegers > 0:
		d.unsure(p, "%s beyond 64 bits: string, which keeps all digits", share(v.bigIntegers, v.numbers(), "integer"))
		return schema.String
	case v.fractions == 0:
		return schema.BigInt
	case v.infinite > 0:
		d.unsure(p, "%s beyond a float64: no type", share(v.infinite, v.numbers(), "number"))
		return untyped
	case v.unsafe > 0:
		d.unsure(p, "number, and %s beyond 2^53, of which a float64 does not keep all digits",
			share(v.unsafe, v.numbers(), "integer"))
	}
	return schema.Double
}

func (d *decider) decideString(p *property, v *counts) schema.Kind {
	switch {
	case v.timestamps == v.strings:
		if v.convertible > 0 {
			d.hint(p, "%s in another form than RFC 3339, which the transform rewrites",
				share(v.convertible, v.strings, "timestamp"))
		}
		return schema.Timestamp
	case v.dates == v.strings:
		return schema.Date
	case v.timestamps+v.dates > v.strings/2:
		d.unsure(p, "string: %s a date and time, %s a date, %s neither", printable.Percent(v.timestamps, v.strings),
			printable.Percent(v.dates, v.strings), printable.Percent(v.strings-v.timestamps-v.dates, v.strings))
	case v.numeric == v.strings && v.leadingZeros == 0 && !soundsLikeID(p.key):
		d.hint(p, "numbers in quotes: declare it as number or integer to convert it, if it is no identifier")
	case v.booleanText == v.strings:
		d.hint(p, `"true" and "false" in quotes: declare it as boolean to convert it`)
	}
	return schema.String
}

// decideObject chooses between an object with declared properties and a map.
func (d *decider) decideObject(p *property, n *node) {
	o := n.object
	if o == nil {
		d.unsure(p, "an object nested deeper than %d: no type", maxDepth)
		return
	}
	merged := o.mapped.values
	for _, f := range o.fields {
		merged.add(&f.values)
	}
	keys := o.keys
	changing := o.changes()
	switch {
	case o.members == 0:
		d.unsure(p, "objects without keys alone: no type")
		return
	case !changing && soundsLikeMap(p.key) && merged.groups() == 1 && merged.objects+merged.arrays == 0:
		if changing = o.hasOptional(); !changing {
			d.hint(p,
				`an object with the same %d keys each time: declare it with "additionalProperties" if others may come`,
				keys)
		}
	}
	if !changing {
		p.kind = schema.Struct
		d.decideFields(p, o)
		return
	}
	if merged.groups() != 1 || merged.objects+merged.arrays > 0 {
		d.unsure(p, "an object with changing keys (%s) and values of several types: %s", o.countKeys(), noColumn)
		return
	}
	values := &property{path: append(slices.Clone(p.path), "*"), nullable: merged.nulls > 0}
	if values.kind = d.decideScalar(values, &merged); values.kind == untyped {
		return
	}
	p.kind, p.elem = schema.Map, values
	if !o.isMap && keys <= 50 {
		d.unsure(p, "a map: its keys change from event to event (%s); declare its properties if they are always these",
			o.countKeys())
	}
}

// changes reports whether the keys of an object are data, and not names of fields.
func (o *object) changes() bool {
	perObject := float64(o.members) / float64(o.count)
	keys := float64(o.keys)
	switch {
	case o.isMap:
		return true
	case 2*o.idKeys >= o.keys && o.idKeys > 0:
		return true
	case o.keys > 50:
		return perObject < keys/2
	}
	return o.keys >= 10 && o.count >= 10 && perObject*4 <= keys
}

// hasOptional reports whether a key is not in every object.
func (o *object) hasOptional() bool {
	return slices.ContainsFunc(o.fields, func(f *node) bool { return f.values.all() < o.count })
}

func (o *object) countKeys() string {
	if o.isMap {
		return fmt.Sprintf("more than %d", maxKeys)
	}
	return fmt.Sprintf("%d", o.keys)
}

// decideFields decides the properties of an object.
func (d *decider) decideFields(p *property, o *object) {
	for _, f := range o.fields {
		if isDataKey([]byte(f.key)) { // it may be personal: it is not to be in the schema
			continue
		}
		if o.pruned && f.values.all() < o.count/100 {
			o.lost += f.values.all()
			continue
		}
		p.fields = append(p.fields, d.decide(f, append(slices.Clone(p.path), f.key), o.count))
	}
	if o.idKeys > 0 {
		d.unsure(p, "%d keys look like data (numbers, addresses, UUIDs) and are not declared", o.idKeys)
	}
	if o.unnamed > 0 {
		d.unsure(p, "%d values are not declared: %s", o.unnamed, o.unfit)
	}
	if o.lost > 0 {
		d.unsure(p, "%d values of rare keys are not declared: there are too many different keys", o.lost)
	}
	if p.node != nil && !slices.ContainsFunc(p.fields, func(f *property) bool { return f.kind != untyped }) {
		p.kind, p.fields = untyped, nil
		d.unsure(p, "an object without a property that has a type: no type")
	}
}

func (d *decider) decideArray(p *property, n *node) {
	switch n.elem {
	case nil:
		if n.depth >= maxDepth {
			d.unsure(p, "an array nested deeper than %d: no type", maxDepth)
		} else {
			d.unsure(p, "empty arrays alone: no type")
		}
		return
	case &lostElements:
		d.unsure(p, "an array whose elements were not followed, because there are too many fields: no type")
		return
	}
	elem := d.decide(n.elem, append(slices.Clone(p.path), "*"), 0)
	if elem.kind != untyped { // which is reported, where it is not
		p.kind, p.elem = schema.Array, elem
	}
}

// hintPersonal names values that may be personal data.
func (d *decider) hintPersonal(p *property, v *counts) {
	if len(p.path) == 0 || p.kind == schema.Struct || v.all() == v.nulls || v.booleans == v.all()-v.nulls {
		return
	}
	path := slices.DeleteFunc(slices.Clone(p.path), func(key string) bool { return key == "*" })
	switch {
	case p.path[len(p.path)-1] != "*" && isPersonal(path):
		d.hint(p, `may be personal data or a secret, by its name: consider "x-protect" (hash, redact, drop)`)
	case v.looked > 0 && 2*v.emails > v.looked:
		d.hint(p, `looks like e-mail addresses: consider "x-protect" (hash, redact, drop)`)
	case v.looked > 0 && 2*v.addresses > v.looked:
		d.hint(p, `looks like IP addresses: consider "x-protect" (hash, redact, drop)`)
	}
}

// enoughForEnum is how often each value of a field has to come for its values to be all of them, perhaps.
const enoughForEnum = 50

// hintEnum names strings of few different values.
func (d *decider) hintEnum(p *property, n *node) {
	few := n.few.values
	if p.kind != schema.String || n.values.strings == 0 || n.few.many || len(few) < 2 || isPersonal(p.path) {
		return
	}
	values := slices.Clone(few)
	slices.SortStableFunc(values, func(a, b fewValue) int { return strings.Compare(a.text, b.text) })
	names := make([]string, len(values))
	for i, v := range values {
		if v.count < enoughForEnum || looksLikeEmail([]byte(v.text)) || looksLikeAddress([]byte(v.text)) {
			return
		}
		names[i] = quoteJSON(v.text)
	}
	d.hint(p, `%d different values: consider "enum": [%s]`, len(names), strings.Join(names, ", "))
}

// decideRoles chooses the fields that identify an event and name its type.
func (d *decider) decideRoles(root *property) {
	const enough = 20
	var id, kind *property
	for _, f := range root.fields {
		v := &f.node.values
		if !f.required || f.nullable || f.kind != schema.String && f.kind != schema.BigInt ||
			v.epochSeconds+v.epochMillis == v.all() {
			continue
		}
		repeated := f.node.sample.repeatedShare()
		if rank := rankOf(f.key, eventIDs); rank >= 0 && v.empty == 0 && d.in.events >= enough && repeated < 0.02 &&
			(id == nil || rank < rankOf(id.key, eventIDs)) {
			id = f
		}
		distinct, _ := f.node.sample.distinct()
		if rank := rankOf(f.key, eventTypes); rank >= 0 && f.kind == schema.String && d.in.events >= enough &&
			distinct <= 200 && distinct <= d.in.events/5 &&
			(kind == nil || rank < rankOf(kind.key, eventTypes)) {
			kind = f
		}
	}
	switch {
	case id != nil:
		d.report.EventID = id.key
		if repeated := id.node.sample.repeatedShare(); repeated > 0 {
			d.hint(id, "x-event-id: in every event; %.1f %% of the values come more than once, as duplicates do",
				100*repeated)
		} else {
			d.hint(id, "x-event-id: in every event, and no value came twice")
		}
	case d.in.events < enough:
		d.unsure(root, "fewer than %d events: x-event-id and x-event-type are not chosen, and types may not hold",
			enough)
	default:
		d.unsure(root, "no field is sure to identify events: set x-event-id, by which duplicates are found")
	}
	if kind != nil {
		d.report.EventType = kind.key
		distinct, _ := kind.node.sample.distinct()
		d.hint(kind, "x-event-type: in every event, %d different values", distinct)
	}
}

// types names the JSON types that values had, with their share.
func (c *counts) types() []string {
	var types []string
	for _, t := range c.shares() {
		types = append(types, fmt.Sprintf("%s %s", t.Type, printable.Percent(t.Values, c.all())))
	}
	return types
}

func (c *counts) shares() []TypeShare {
	var shares []TypeShare
	for _, t := range [...]struct {
		name string
		n    int64
	}{
		{"string", c.strings}, {"integer", c.integers + c.bigIntegers}, {"number", c.fractions},
		{"boolean", c.booleans},
		{"object", c.objects}, {"array", c.arrays}, {"null", c.nulls},
	} {
		if t.n > 0 {
			shares = append(shares, TypeShare{t.name, t.n, float64(t.n) / float64(c.all())})
		}
	}
	return shares
}

// share is a count as text, with the share that it is of all.
func share(n, all int64, noun string) string {
	if n != 1 {
		noun += "s"
	}
	return fmt.Sprintf("%d %s (%s)", n, noun, printable.Percent(n, all))
}
