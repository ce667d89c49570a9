package schema

import (
	"fmt"
	"slices"
	"strings"
)

// StackEffect is what CloudFormation does with a change of the schema.
type StackEffect string

// The effects on the deployed stack. Nothing of a schema replaces a resource.
const (
	StackFunctions StackEffect = "functions alone" // the functions that carry the file get new code
	StackInPlace   StackEffect = "in place"        // table, index template or lake stream are updated, too
	StackRejected  StackEffect = "rejected"        // the deployment fails
)

// Change is one difference between two schemas and its effects.
type Change struct {
	// Kind names the difference, such as "field added".
	Kind string `json:"kind"`
	// Pointer is the field in an event, by JSON Pointer; for a field that the transform adds, its name; empty for the
	// schema.
	Pointer string `json:"pointer"`
	// Detail says from what to what.
	Detail string `json:"detail,omitempty"`
	// Breaks: something that works with the old schema stops working, or means something else.
	Breaks bool `json:"breaks"`

	NewData    string      `json:"newData"`    // events from the deployment on
	OldObjects string      `json:"oldObjects"` // Parquet objects of the lake
	Indices    string      `json:"indices"`    // search indices that exist
	Stack      StackEffect `json:"stack"`
}

// String is the change on one line, without its effects.
func (c Change) String() string {
	text := c.Kind
	if c.Pointer != "" {
		text += " " + c.Pointer
	}
	if c.Detail != "" {
		text += ": " + c.Detail
	}
	return text
}

// Texts of effects that several changes share.
const (
	none = "no effect"

	oldLacksColumn = "lack the column: Athena and Trino read null; DuckDB needs union_by_name, Spark mergeSchema, " +
		"pandas and pyarrow a schema"
	oldLacksField = "lack the field inside the column: Athena and Trino read null; other readers need the new schema"
	oldKeep       = "keep their values"
	oldType       = "hold the old type: Athena and Trino fail on them (HIVE_BAD_DATA). Rather add a field under another "
	oldHidden     = "keep the column; queries through the table no longer see it"

	indexAddsField  = "get the field at the deployment, for documents from then on"
	indexAddsNested = "keep their mapping: the field inside an object is searchable from the next index on"
	indexKeepsField = "keep the field in their mapping; the next index does not index it"
)

// Diff compares two schemas. The order is that of the new schema; removals come where the field was.
func Diff(before, after *Schema) []Change {
	d := &differ{}
	d.fields(before.Fields, after.Fields, false)
	d.untyped(before, after)
	d.enrichments(before, after)
	d.role("event id", before.EventID, after.EventID,
		"duplicates are recognised by the new field; an event without it has no id", before.EventID != nil)
	d.role("event type", before.EventType, after.EventType,
		"dropEventTypes looks at the new field: other events are dropped than before", true)
	d.indexLimit(before, after)
	return d.changes
}

// Breaks reports whether any of the changes breaks something.
func Breaks(changes []Change) bool {
	return slices.ContainsFunc(changes, func(c Change) bool { return c.Breaks })
}

type differ struct{ changes []Change }

func (d *differ) add(c Change) { d.changes = append(d.changes, c) }

// fields compares the fields of one object. nested: it is not the event itself.
func (d *differ) fields(before, after []*Field, nested bool) {
	from, renamed := pairFields(before, after)
	for _, f := range before {
		if !slices.ContainsFunc(after, func(a *Field) bool { return from[a] == f }) {
			d.removed(f)
		}
	}
	for _, f := range after {
		switch old := from[f]; {
		case old == nil:
			d.added(f, nested)
		default:
			if renamed[f] {
				d.renamed(old, f, nested)
			}
			d.field(old, f, nested)
		}
	}
	d.order(from, before, after)
}

// pairFields finds the old field of each new one: by key, then by column, then the one field that left for the one that
// came with the same type and comment.
func pairFields(before, after []*Field) (from map[*Field]*Field, renamed map[*Field]bool) {
	from, renamed = map[*Field]*Field{}, map[*Field]bool{}
	used := map[*Field]bool{}
	pair := func(same func(old, new *Field) bool, rename bool) {
		for _, f := range after {
			if from[f] != nil {
				continue
			}
			var found []*Field
			for _, old := range before {
				if !used[old] && same(old, f) {
					found = append(found, old)
				}
			}
			if len(found) == 1 {
				from[f], used[found[0]], renamed[f] = found[0], true, rename
			}
		}
	}
	pair(func(old, new *Field) bool { return old.Key == new.Key }, false)
	pair(func(old, new *Field) bool { return old.Column != "" && old.Column == new.Column }, true)
	pair(func(old, new *Field) bool {
		return new.Comment != "" && old.Comment == new.Comment && old.hiveType() == new.hiveType() &&
			indexKind(old) == indexKind(new)
	}, true)
	return from, renamed
}

func (d *differ) added(f *Field, nested bool) {
	c := Change{
		Kind: "field added", Pointer: f.Pointer, Detail: f.Declared.Kind.describe(), Stack: StackInPlace,
		NewData:    "conformed to its type; before, the key went through as sent, and Parquet dropped it",
		OldObjects: oldLacksColumn, Indices: indexAddsField,
	}
	switch {
	case f.Protect == Drop:
		c.Kind, c.Breaks = "field added and dropped", true
		c.NewData, c.OldObjects = "loses the key, which went through as sent", none
		c.Indices = "keep the values of older documents"
	case f.hiveType() == "":
		c.OldObjects, c.Indices = none, none
	case nested:
		c.OldObjects, c.Indices = oldLacksField, indexAddsNested
	}
	d.add(c)
}

func (d *differ) removed(f *Field) {
	c := Change{
		Kind: "field removed", Pointer: f.Pointer, Breaks: true, Stack: StackInPlace,
		NewData:    "goes through as sent; Parquet drops the key, source-data/ keeps it",
		OldObjects: oldHidden, Indices: indexKeepsField,
	}
	if f.hiveType() == "" {
		c.NewData, c.OldObjects, c.Indices = "goes through as sent", none, none
		if f.Protect == Drop {
			c.NewData = "keeps the value, which was removed: personal data reaches the search documents"
		}
	}
	d.add(c)
}

// renamed reports a new key, a new column, or both.
func (d *differ) renamed(old, new *Field, nested bool) {
	c := Change{
		Kind: "field renamed", Pointer: new.Pointer, Detail: fmt.Sprintf("key %q → %q", old.Key, new.Key), Breaks: true,
		Stack:      StackInPlace,
		NewData:    "must have the new key: the old one goes through as sent and has no column",
		OldObjects: "keep their values under the same column",
		Indices:    "keep the old field and get the new one; searches have to name both",
	}
	if nested {
		c.Indices = "keep the old field; the new one is searchable from the next index on"
	}
	if old.Column != new.Column {
		c.Detail += fmt.Sprintf(", column %s → %s", old.Column, new.Column)
		c.OldObjects = "have the old column: the new one reads null in them, and the old one is not in the table"
	}
	d.add(c)
}

// field compares a field with its old self.
func (d *differ) field(old, new *Field, nested bool) {
	d.column(old, new)
	d.protection(old, new, nested)
	d.typ(old, new, nested)
	d.bounds(new.Pointer, old.Declared, new.Declared)
	d.required(old, new)
	if old.Comment != new.Comment && new.hiveType() != "" {
		stack := StackInPlace
		if nested {
			stack = StackFunctions // a struct's type has no comments
		}
		d.add(Change{
			Kind: "comment changed", Pointer: new.Pointer, NewData: none, OldObjects: none, Indices: none, Stack: stack,
		})
	}
}

func (d *differ) column(old, new *Field) {
	if old.Key != new.Key || old.Column == new.Column || old.Column == "" || new.Column == "" {
		return
	}
	d.add(Change{
		Kind: "column renamed", Pointer: new.Pointer, Detail: old.Column + " → " + new.Column, Breaks: true,
		Stack:      StackInPlace,
		NewData:    "fills the new column; queries have to name it",
		OldObjects: "have the old column: the new one reads null in them, and the old one is not in the table",
		Indices:    none,
	})
}

var protectionNames = [...]string{"none", "hash", "redact", "drop"}

func (d *differ) protection(old, new *Field, nested bool) {
	before, after := old.protection(), new.protection()
	if before == after {
		return
	}
	c := Change{
		Kind: "protection changed", Pointer: new.Pointer, Breaks: true, Stack: StackFunctions,
		Detail:     protectionNames[before] + " → " + protectionNames[after],
		OldObjects: "keep the values as they were written, and so does source-data/",
		Indices:    "keep the values as they were written",
	}
	if before == Drop || after == Drop || old.hiveType() != new.hiveType() {
		c.Stack = StackInPlace
	}
	switch after {
	case Unprotected:
		c.NewData = "is stored as sent, unlike the values of older events"
	case Hash:
		c.NewData = "is a hash, which does not equal the values of older events"
	case Redact:
		c.NewData = "is a constant: queries by value find nothing"
	case Drop:
		c.NewData = "loses the key"
		c.OldObjects = "keep the column and its values, and so does source-data/; queries through the table no longer see it"
		c.Indices = "keep the field and the values as they were written; the next index does not index it"
	}
	if before == Drop {
		c.OldObjects, c.Indices = oldLacksColumn, indexAddsField
		if nested {
			c.OldObjects, c.Indices = oldLacksField, indexAddsNested
		}
	}
	d.add(c)
}

// typ compares the types of lake and index. Fields of structs are compared one by one.
func (d *differ) typ(old, new *Field, nested bool) {
	a, b := old.Type, new.Type
	for a.Kind == Array && b.Kind == Array {
		a, b = a.Elem, b.Elem
	}
	if a.Kind == Struct && b.Kind == Struct {
		d.fields(a.Fields, b.Fields, true)
		return
	}
	hiveBefore, hiveAfter := old.hiveType(), new.hiveType()
	if hiveBefore == "" || hiveAfter == "" {
		return // without a column before or after: reported
	}
	if hiveBefore == hiveAfter && indexKind(old) == indexKind(new) {
		if a, b := innermost(old.Declared), innermost(new.Declared); a.Kind != b.Kind { // protected, or values of maps
			d.add(Change{
				Kind: "type changed", Pointer: new.Pointer, Breaks: true, Stack: StackFunctions,
				Detail:     a.Kind.describe() + " → " + b.Kind.describe(),
				NewData:    "must have the new type as sent; a value that cannot be converted to it goes to malformed",
				OldObjects: oldKeep, Indices: none,
			})
		}
		return
	}
	c := Change{
		Kind: "type changed", Pointer: new.Pointer, Breaks: true, Stack: StackInPlace,
		Detail:     typeText(old) + " → " + typeText(new),
		NewData:    newDataOfType(old.Type, new.Type),
		OldObjects: oldType + "key",
		Indices:    indexOfType(old.Type, new.Type),
	}
	if hiveBefore == hiveAfter {
		c.OldObjects = oldKeep + ": the column has the same type"
	}
	d.add(c)
}

// typeText names the type of a field with the type in the lake, where that says more.
func typeText(f *Field) string {
	name, hive := f.Type.Kind.describe(), f.hiveType()
	if f.Type.Kind.Scalar() || hive == "" {
		return plainType(f.Type.Kind)
	}
	return name + " (" + shorten(hive, 80) + ")"
}

// newDataOfType says what becomes of values of the old type.
func newDataOfType(old, new *Type) string {
	for old.Kind == new.Kind && old.Elem != nil {
		old, new = old.Elem, new.Elem
	}
	switch {
	case new.Kind == String && old.Kind.Scalar():
		return "accepts all values of the old type, as text"
	case old.Kind == BigInt && new.Kind == Double:
		return "accepts all integers, those beyond 2^53 rounded by readers"
	case old.Kind == Date && new.Kind == Timestamp, old.Kind == Timestamp && new.Kind == Date:
		return "must have the other format: values of the old one go to malformed"
	}
	return "must have the new type: a value that cannot be converted to it goes to malformed, and the event is PARTIAL"
}

// indexOfType says what an index with the old mapping does with documents of the new schema.
func indexOfType(old, new *Type) string {
	a, b := indexKindOf(old), indexKindOf(new)
	const until = "; the next index has the new one. A search over both may fail to sort or aggregate by the field"
	switch {
	case a == b:
		return none
	case a == 0 || b == 0:
		return indexAddsNested
	case a == Struct || b == Struct || a == Map || b == Map && a != Struct:
		return "keep the old mapping and reject documents with the new type: dead letters until the next index begins"
	case a == Boolean:
		return "keep the old mapping and reject other values than true and false: dead letters until the next index begins"
	case a == BigInt && b == Double:
		return "keep the old mapping and index numbers without their decimals" + until
	case a == String:
		return "keep the old mapping and index the new values as text" + until
	}
	return "keep the old mapping; a value that does not fit it is kept unindexed (ignore_malformed)" + until
}

// indexKindOf is the kind of the field in the index: that of the elements of an array, 0 for none.
func indexKindOf(t *Type) Kind {
	for t.Kind == Array {
		t = t.Elem
	}
	if t.String() == "" {
		return 0
	}
	return t.Kind
}

func indexKind(f *Field) Kind {
	if f.hiveType() == "" {
		return 0
	}
	return indexKindOf(f.Type)
}

// bounds compares the bounds of values as sent, those of elements too.
func (d *differ) bounds(pointer string, old, new *Type) {
	for old.Elem != nil && new.Elem != nil && old.Kind == new.Kind {
		old, new = old.Elem, new.Elem
	}
	if old.Kind != new.Kind || !old.Kind.Scalar() {
		return
	}
	var tighter, looser []string
	note := func(text string, isTighter bool) {
		if isTighter {
			tighter = append(tighter, text)
		} else {
			looser = append(looser, text)
		}
	}
	compareEnums(old.Enum, new.Enum, note)
	if old.MaxLength != new.MaxLength {
		note(fmt.Sprintf("maxLength %s → %s", lengthText(old.MaxLength), lengthText(new.MaxLength)),
			new.MaxLength >= 0 && (old.MaxLength < 0 || new.MaxLength < old.MaxLength))
	}
	compareBound("minimum", old, new, note)
	compareBound("maximum", old, new, note)
	if len(tighter) > 0 {
		d.add(Change{
			Kind: "bounds tightened", Pointer: pointer, Detail: strings.Join(tighter, ", "), Breaks: true, Stack: StackFunctions,
			NewData: "goes to malformed when outside, and the event is PARTIAL", OldObjects: oldKeep, Indices: oldKeep,
		})
	}
	if len(looser) > 0 {
		d.add(Change{
			Kind: "bounds loosened", Pointer: pointer, Detail: strings.Join(looser, ", "), Stack: StackFunctions,
			NewData: "accepts more values", OldObjects: oldKeep, Indices: oldKeep,
		})
	}
}

func compareEnums(old, new []string, note func(text string, isTighter bool)) {
	switch {
	case old == nil && new == nil:
	case old == nil:
		note("any value → enum", true)
	case new == nil:
		note("enum → any value", false)
	default:
		if removed := missing(old, new); len(removed) > 0 {
			note("enum without "+strings.Join(removed, ", "), true)
		}
		if added := missing(new, old); len(added) > 0 {
			note("enum with "+strings.Join(added, ", "), false)
		}
	}
}

// missing returns the values that are not in the other list.
func missing(values, from []string) []string {
	var missing []string
	for _, value := range values {
		if !slices.Contains(from, value) {
			missing = append(missing, value)
		}
	}
	return missing
}

func lengthText(n int) string {
	if n < 0 {
		return "none"
	}
	return fmt.Sprint(n)
}

func compareBound(name string, old, new *Type, note func(text string, isTighter bool)) {
	read := func(t *Type) (set bool, text string, x float64, i int64) {
		b := t.Bounds
		set, x, i = b.HasMin, b.Min, b.MinInt
		if name == "maximum" {
			set, x, i = b.HasMax, b.Max, b.MaxInt
		}
		switch {
		case !set:
			return false, "none", 0, 0
		case t.Kind == BigInt:
			return true, fmt.Sprint(i), 0, i
		}
		return true, formatDouble(x), x, 0
	}
	setBefore, before, x, i := read(old)
	setAfter, after, y, j := read(new)
	if before == after {
		return
	}
	tighter := setAfter && !setBefore
	if setAfter && setBefore {
		tighter = y > x || j > i
		if name == "maximum" {
			tighter = y < x || j < i
		}
	}
	note(name+" "+before+" → "+after, tighter)
}

func (d *differ) required(old, new *Field) {
	if old.Required == new.Required {
		return
	}
	c := Change{
		Kind: "required added", Pointer: new.Pointer, Stack: StackFunctions, OldObjects: none, Indices: none,
		NewData: "is not rejected without the key; a score without weights of its own counts the field from now on",
	}
	if old.Required {
		c.Kind = "required removed"
		c.NewData = "was not rejected without the key before; a score without weights of its own no longer counts the field"
	}
	d.add(c)
}

// order reports that columns changed places.
func (d *differ) order(from map[*Field]*Field, before, after []*Field) {
	last, moved := -1, ""
	for _, f := range after {
		old := from[f]
		if old == nil || f.hiveType() == "" || old.hiveType() == "" {
			continue
		}
		at := slices.Index(before, old)
		if at < last && moved == "" {
			moved = f.Pointer
		}
		last = max(last, at)
	}
	if moved != "" {
		d.add(Change{
			Kind: "order changed", Pointer: moved, NewData: "has its columns in the new order", Stack: StackInPlace,
			OldObjects: "are read by name: no effect", Indices: none,
		})
	}
}

// untyped compares keys that are declared without a type. A key that got or lost its type is reported as a field.
func (d *differ) untyped(before, after *Schema) {
	for _, list := range []struct {
		kind     string
		old, new []string
		in       []*Field
	}{
		{"declared without type", before.Untyped, after.Untyped, before.Fields},
		{"no longer declared without type", after.Untyped, before.Untyped, after.Fields},
	} {
		for _, key := range missing(list.new, list.old) {
			if slices.ContainsFunc(list.in, func(f *Field) bool { return f.Key == key }) {
				continue
			}
			d.add(Change{
				Kind: list.kind, Pointer: key, NewData: none, OldObjects: none, Indices: none, Stack: StackFunctions,
			})
		}
	}
}

func (d *differ) enrichments(before, after *Schema) {
	find := func(list []*Enrichment, name string) *Enrichment {
		at := slices.IndexFunc(list, func(e *Enrichment) bool { return e.Name == name })
		if at < 0 {
			return nil
		}
		return list[at]
	}
	for _, e := range before.Enrich {
		if find(after.Enrich, e.Name) == nil {
			d.add(Change{
				Kind: "added field removed", Pointer: e.Name, Breaks: true, Stack: StackInPlace,
				NewData: "does not get the field", OldObjects: oldHidden, Indices: indexKeepsField,
			})
		}
	}
	for _, e := range after.Enrich {
		old := find(before.Enrich, e.Name)
		switch {
		case old == nil:
			d.add(Change{
				Kind: "added field added", Pointer: e.Name, Detail: e.Kind.describe(), Stack: StackInPlace,
				NewData:    "gets the field, which replaces one of the same key that was sent",
				OldObjects: oldLacksColumn, Indices: indexAddsField,
			})
		case old.Kind != e.Kind:
			d.add(Change{
				Kind: "added field's type changed", Pointer: e.Name, Breaks: true, Stack: StackInPlace,
				Detail:     plainType(old.Kind) + " → " + plainType(e.Kind),
				NewData:    "gets values of the new type",
				OldObjects: oldType + "name",
				Indices:    indexOfType(&Type{Kind: old.Kind}, &Type{Kind: e.Kind}),
			})
		case old.rule() != e.rule():
			d.add(Change{
				Kind: "added field's rule changed", Pointer: e.Name, Stack: StackFunctions,
				NewData: "gets values by the new rule, from the next batch on, and replayed events too", OldObjects: oldKeep,
				Indices: oldKeep,
			})
		}
		if old != nil && old.Comment != e.Comment {
			d.add(Change{
				Kind: "comment changed", Pointer: e.Name, NewData: none, OldObjects: none, Indices: none, Stack: StackInPlace,
			})
		}
	}
}

// rule is the enrichment's rule as text, equal for equal rules.
func (e *Enrichment) rule() string {
	value := func(text *string) string {
		if text == nil {
			return "-"
		}
		return fmt.Sprintf("%q", *text)
	}
	switch {
	case e.Status != nil:
		return fmt.Sprintf("status %q", *e.Status)
	case e.Constant != nil:
		return "constant " + e.Constant.JSON
	case e.Presence != nil:
		return fmt.Sprint("presence ", e.Presence.Field.Pointer, value(e.Presence.Present), value(e.Presence.Absent))
	case e.Truth != nil:
		return fmt.Sprintf("truth %s %q %q %s", e.Truth.Field.Pointer, e.Truth.True, e.Truth.False, value(e.Truth.Absent))
	case e.Bands != nil:
		b := e.Bands
		return fmt.Sprint("bands ", b.Field.Pointer, b.Bands, value(b.Otherwise), value(b.Invalid), value(b.Absent))
	case e.Categories != nil:
		c := e.Categories
		text := "categories " + c.Field.Pointer
		for _, set := range c.Sets {
			members := slices.Sorted(slices.Values(set.Members))
			text += fmt.Sprintf(" %q:%q", set.Value, members)
		}
		return text + value(c.Otherwise) + value(c.Absent)
	case e.Score != nil:
		var weights []string
		for _, w := range e.Score.Weights {
			weights = append(weights, fmt.Sprint(w.Field.Pointer, " ", w.Weight))
		}
		slices.Sort(weights)
		return "score " + strings.Join(weights, ", ")
	}
	return "processedAt"
}

func (d *differ) role(name string, old, new *Field, newData string, breaks bool) {
	pointer := func(f *Field) string {
		if f == nil {
			return "none"
		}
		return f.Pointer
	}
	if pointer(old) == pointer(new) {
		return
	}
	d.add(Change{
		Kind: name + " changed", Pointer: pointer(new), Detail: pointer(old) + " → " + pointer(new), Breaks: breaks,
		Stack:   StackFunctions,
		NewData: newData, OldObjects: oldKeep, Indices: oldKeep,
	})
}

// indexLimit looks whether an index that exists has room for the fields that are added to it: it keeps those that were
// removed.
func (d *differ) indexLimit(before, after *Schema) {
	both := newIndexObject()
	ignore := func(*Field, string) {}
	before.addToIndex(both, ignore)
	after.addToIndex(both, ignore)
	if n := both.count(); n > maxIndexFields {
		d.add(Change{
			Kind: "too many fields", Detail: fmt.Sprintf("%d fields in both schemas", n), Breaks: true, Stack: StackRejected,
			NewData: none, OldObjects: none,
			Indices: fmt.Sprintf("keep the removed fields, and accept %d: the search setup fails to add the new ones. "+
				"Remove fields first, and add others when the old indices are gone", maxIndexFields),
		})
	}
}
