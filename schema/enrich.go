package schema

import (
	"cmp"
	"encoding/json"
	"math"
	"slices"
	"strconv"
	"strings"

	"firehose-pipeline/internal/jsonpointer"
)

// processedTimestamp is the first field that the transform adds. By it the transform recognises events that it has
// processed.
const processedTimestamp = "processed_timestamp"

// firstEnrichment is the first entry of every x-enrich, as an error shows it.
const firstEnrichment = `{"name": "` + processedTimestamp + `", "processedAt": true}: ` +
	`by this field the transform recognises events that it has processed`

// Comments of the fields that are added without x-enrich, and of those that have no description.
const (
	processedComment = "When the transform ran, RFC 3339 UTC"
	statusComment    = "SUCCESS, or PARTIAL when malformed is not empty"
	scoreComment     = "0 to 100"
)

// readRoles reads x-event-id and x-event-type.
func (p *parser) readRoles(s *Schema) {
	s.EventID = p.role(s, "x-event-id", "event_id")
	s.EventType = p.role(s, "x-event-type", "event_type")
	if s.EventID == nil {
		return
	}
	for f, fields := (*Field)(nil), s.Fields; f != s.EventID; fields = f.Declared.Fields {
		at := slices.IndexFunc(fields, func(f *Field) bool {
			return f == s.EventID || strings.HasPrefix(s.EventID.Pointer, f.Pointer+"/")
		})
		if f = fields[at]; f.Protect == Redact || f.Protect == Drop {
			p.fail(p.sources[f]+"/x-protect",
				`must not remove the event's id: use "hash", or set "x-event-id" to another field or null`)
		}
	}
}

func (p *parser) role(s *Schema, keyword, byDefault string) *Field {
	at := "/" + keyword
	n := p.root.get(keyword)
	if n == nil {
		for _, f := range s.Fields {
			if f.Key == byDefault && (f.Declared.Kind == String || f.Declared.Kind == BigInt) {
				return f
			}
		}
		return nil
	}
	if n.kind == nullNode {
		return nil
	}
	return p.lookUp(s, n, at, String, BigInt)
}

// lookUp finds the field that a key of the event or a JSON Pointer names. Kinds are those accepted, none for all.
func (p *parser) lookUp(s *Schema, n *node, at string, kinds ...Kind) *Field {
	if n == nil || n.kind != stringNode {
		p.fail(at, "must be a key of properties, or a JSON Pointer that begins with / (got %s)", briefOrNothing(n))
		return nil
	}
	return p.lookUpText(s, n.text, at, kinds...)
}

func (p *parser) lookUpText(s *Schema, text, at string, kinds ...Kind) *Field {
	keys, nested := []string{text}, strings.HasPrefix(text, "/")
	if nested {
		var ok bool
		if keys, ok = splitPointer(text); !ok {
			p.fail(at, "must be a JSON Pointer: ~ is written ~0 and / is written ~1 (got %q)", text)
			return nil
		}
	}
	fields := s.Fields
	var found *Field
	for i, key := range keys {
		found = nil
		known := map[string]bool{}
		for _, f := range fields {
			known[f.Key] = true
			if f.Key == key {
				found = f
			}
		}
		if found == nil {
			p.fail(at, "must be a declared field with a type (got %q)%s", text, suggestKey(key, known))
			return nil
		}
		if i == len(keys)-1 {
			break
		}
		if found.Declared.Kind != Struct {
			p.fail(at, "must go through objects with properties alone (%q in %q is not one)", key, text)
			return nil
		}
		fields = found.Declared.Fields
	}
	if len(keys) > 1 && !found.Declared.Kind.Scalar() {
		p.fail(at, "must end at a string, number, integer or boolean (got %q)", text)
		return nil
	}
	if len(kinds) == 0 {
		return found
	}
	var names []string
	for _, kind := range kinds {
		if found.Declared.Kind == kind {
			return found
		}
		names = append(names, plainType(kind))
	}
	p.fail(at, "must be a field of the type %s (%q is %s)", strings.Join(names, " or "), text,
		found.Declared.Kind.describe())
	return nil
}

func plainType(kind Kind) string { return strings.SplitN(kind.describe(), " (", 2)[0] }

func briefOrNothing(n *node) string {
	if n == nil {
		return "nothing"
	}
	return n.brief()
}

// enrichmentKinds are the members that say what an enrichment is, of which each has one.
var enrichmentKinds = []string{"processedAt", "status", "constant", "presence", "truth", "bands", "categories", "score",
	"go"}

func (p *parser) readEnrichments(s *Schema) {
	n := p.root.get("x-enrich")
	if n == nil {
		s.Enrich = defaultEnrichments(s)
		return
	}
	if n.kind != arrayNode {
		p.fail("/x-enrich", "must be an array of the fields that the transform adds (got %s)", n.brief())
		return
	}
	names := map[string]bool{}
	for i, item := range n.items {
		at := "/x-enrich/" + strconv.Itoa(i)
		e := p.enrichment(s, item, at)
		if e == nil {
			continue
		}
		switch {
		case names[e.Name]:
			p.fail(at+"/name", "must be there once (%q is there twice)", e.Name)
		case i == 0 && (!e.ProcessedAt || e.Name != processedTimestamp):
			p.fail(at, "the first must be %s", firstEnrichment)
		case i > 0 && e.ProcessedAt:
			p.fail(at+"/processedAt", "must be at the first field alone")
		}
		names[e.Name] = true
		s.Enrich = append(s.Enrich, e)
	}
	if len(n.items) == 0 {
		p.fail("/x-enrich", "must have at least %s", firstEnrichment)
	}
}

// defaultEnrichments are the fields that the transform adds without x-enrich.
func defaultEnrichments(s *Schema) []*Enrichment {
	enrich := []*Enrichment{
		{Name: processedTimestamp, Kind: Timestamp, Comment: processedComment, ProcessedAt: true},
		{Name: "processing_status", Kind: String, Comment: statusComment, Status: &Status{"SUCCESS", "PARTIAL"}},
	}
	if weights := requiredWeights(s); len(weights) > 0 {
		enrich = append(enrich, &Enrichment{
			Name: "data_quality_score", Kind: Double, Comment: scoreComment, Score: &Score{weights},
		})
	}
	return enrich
}

// requiredWeights gives each required field of the event the weight 1.
func requiredWeights(s *Schema) []Weight {
	var weights []Weight
	for _, f := range s.Fields {
		if f.Required {
			weights = append(weights, Weight{f, 1})
		}
	}
	return weights
}

func (p *parser) enrichment(s *Schema, n *node, at string) *Enrichment {
	if n.kind != objectNode {
		p.fail(at, "must be an object such as {\"name\": \"has_user\", \"presence\": {\"field\": \"user_id\"}} (got %s)", n.brief())
		return nil
	}
	o := p.members(n, at, append([]string{"name", "description", "type"}, enrichmentKinds...)...)
	e := &Enrichment{Name: o.text("name"), Comment: glueComment(o.optional("description"))}
	switch {
	case e.Name == "":
		return nil // reported
	case len(e.Name) > maxColumnName || !isColumnName(e.Name):
		p.fail(at+"/name", "must be lower-case letters, digits and underscores, first a letter, at most %d (got %q)",
			maxColumnName, shorten(e.Name, 60))
	case sqlWords[e.Name]:
		p.fail(at+"/name", "must not be %q, a reserved word of SQL", e.Name)
	case partitionKeys[e.Name] || e.Name == Malformed:
		p.fail(at+"/name", "must not be %q, a column of the pipeline's own", e.Name)
	}
	kind := ""
	for _, name := range enrichmentKinds {
		if o.node.get(name) == nil {
			continue
		}
		if kind != "" {
			p.fail(at, "must have one of %s (got %s and %s)", strings.Join(enrichmentKinds, ", "), kind, name)
			return nil
		}
		kind = name
	}
	value := o.node.get(kind)
	if kind != "go" && o.node.get("type") != nil {
		p.fail(at+"/type", "must be left out: the type follows from %s; only go has one",
			cmp.Or(kind, "the kind of field"))
	}
	at += "/" + kind
	e.Kind = String
	switch kind {
	case "":
		p.fail(strings.TrimSuffix(at, "/"), "must have one of %s", strings.Join(enrichmentKinds, ", "))
		return nil
	case "processedAt":
		if value.kind != booleanNode || value.text != "true" {
			p.fail(at, "must be true (got %s)", value.brief())
		}
		e.Kind, e.ProcessedAt = Timestamp, true
		if e.Comment == "" {
			e.Comment = processedComment
		}
	case "constant":
		p.constant(e, value, at)
	case "go":
		e.Go, e.Kind = o.text("go"), p.goKind(o)
	default:
		if value.kind != objectNode {
			p.fail(at, "must be an object (got %s)", value.brief())
			return nil
		}
		p.ruleOf(kind)(s, e, value, at)
	}
	return e
}

// goKinds are the types of fields that functions in Go give.
var goKinds = map[string]Kind{"string": String, "number": Double, "integer": BigInt, "boolean": Boolean}

// goKind reads the type of a field that a function in Go gives.
func (p *parser) goKind(o object) Kind {
	kind, ok := goKinds[o.text("type")]
	if !ok {
		p.fail(o.at+"/type", "must be string, number, integer or boolean, as the function in Go gives it (got %s)",
			briefOrNothing(o.node.get("type")))
		return String
	}
	return kind
}

// ruleOf returns what reads the object of an enrichment.
func (p *parser) ruleOf(kind string) func(s *Schema, e *Enrichment, n *node, at string) {
	return map[string]func(s *Schema, e *Enrichment, n *node, at string){
		"status": p.status, "presence": p.presence, "truth": p.truth, "bands": p.bands, "categories": p.categories,
		"score": p.score,
	}[kind]
}

func (p *parser) constant(e *Enrichment, n *node, at string) {
	switch n.kind {
	case stringNode:
		e.Constant = &Constant{quoteJSON(n.text)}
		return
	case booleanNode:
		e.Kind, e.Constant = Boolean, &Constant{n.text}
		return
	case numberNode:
		if i, ok := parseInteger(n); ok && i.IsInt64() && !strings.ContainsAny(n.text, ".eE") {
			e.Kind, e.Constant = BigInt, &Constant{i.String()}
			return
		}
		if x, err := strconv.ParseFloat(n.text, 64); err == nil && !math.IsInf(x, 0) {
			if hundredths := x * 100; hundredths == math.Trunc(hundredths) {
				e.Kind, e.Constant = Double, &Constant{formatDouble(x)}
				return
			}
			p.fail(at, "must have at most two decimals, as every number that the transform adds (got %s)", n.brief())
			return
		}
	}
	p.fail(at, "must be a string, a number that a float64 holds, true or false (got %s)", n.brief())
}

func (p *parser) status(_ *Schema, e *Enrichment, n *node, at string) {
	o := p.members(n, at, "complete", "partial")
	e.Status = &Status{o.text("complete"), o.text("partial")}
	if e.Status.Complete == e.Status.Partial && e.Status.Complete != "" {
		p.fail(at, "complete and partial must differ (both are %q)", e.Status.Partial)
	}
	if e.Comment == "" {
		e.Comment = glueComment(e.Status.Complete + ", or " + e.Status.Partial + " when malformed is not empty")
	}
}

func (p *parser) presence(s *Schema, e *Enrichment, n *node, at string) {
	o := p.members(n, at, "field", "present", "absent")
	e.Presence = &Presence{
		Field: p.lookUp(s, n.get("field"), at+"/field"), Present: o.value("present"), Absent: o.value("absent"),
	}
	if e.Presence.Present == nil && e.Presence.Absent == nil {
		e.Kind = Boolean
		yes, no := "true", "false"
		e.Presence.Present, e.Presence.Absent = &yes, &no
	}
}

func (p *parser) truth(s *Schema, e *Enrichment, n *node, at string) {
	o := p.members(n, at, "field", "true", "false", "absent")
	e.Truth = &Truth{Field: p.lookUp(s, n.get("field"), at+"/field")}
	if n.get("true") == nil && n.get("false") == nil {
		e.Kind, e.Truth.True, e.Truth.False = Boolean, "true", "false"
		if absent := n.get("absent"); absent != nil && absent.kind == booleanNode {
			e.Truth.Absent = &absent.text
		} else if absent != nil {
			p.fail(at+"/absent", "must be true or false, as the field is without \"true\" and \"false\" (got %s)",
				absent.brief())
		}
		return
	}
	e.Truth.True, e.Truth.False, e.Truth.Absent = o.text("true"), o.text("false"), o.value("absent")
}

func (p *parser) bands(s *Schema, e *Enrichment, n *node, at string) {
	o := p.members(n, at, "field", "bands", "otherwise", "invalid", "absent")
	b := &Bands{
		Field:     p.lookUp(s, n.get("field"), at+"/field", Double, BigInt),
		Otherwise: o.value("otherwise"), Invalid: o.value("invalid"), Absent: o.value("absent"),
	}
	e.Bands = b
	list := n.get("bands")
	if list == nil || list.kind != arrayNode || len(list.items) == 0 {
		p.fail(at+"/bands", `must be an array of at least one {"above": number, "value": text} (got %s)`,
			briefOrNothing(list))
		return
	}
	for i, item := range list.items {
		place := at + "/bands/" + strconv.Itoa(i)
		if item.kind != objectNode {
			p.fail(place, "must be an object such as {\"above\": 100, \"value\": \"high\"} (got %s)", item.brief())
			continue
		}
		m := p.members(item, place, "above", "from", "value")
		above, from := item.get("above"), item.get("from")
		band := Band{Inclusive: above == nil, Value: m.text("value")}
		bound := above
		if above == nil {
			bound = from
		}
		if bound == nil || above != nil && from != nil {
			p.fail(place, "must have one of \"above\" (the number itself is not in the band) and \"from\" (it is)")
			continue
		}
		x, err := strconv.ParseFloat(bound.text, 64)
		if bound.kind != numberNode || err != nil {
			p.fail(place, "the bound must be a number that a float64 holds (got %s)", bound.brief())
			continue
		}
		band.Bound = x
		if last := len(b.Bands) - 1; last >= 0 {
			before := b.Bands[last]
			if before.Bound < x || before.Bound == x && (before.Inclusive || !band.Inclusive) {
				p.fail(place, "the bounds must descend: the first band that a number is in counts (%s is not below %s)",
					formatDouble(x), formatDouble(before.Bound))
			}
		}
		b.Bands = append(b.Bands, band)
	}
}

func (p *parser) categories(s *Schema, e *Enrichment, n *node, at string) {
	o := p.members(n, at, "field", "sets", "otherwise", "absent")
	c := &Categories{
		Field:     p.lookUp(s, n.get("field"), at+"/field", String),
		Otherwise: o.value("otherwise"), Absent: o.value("absent"),
	}
	e.Categories = c
	sets := n.get("sets")
	if sets == nil || sets.kind != objectNode || len(sets.members) == 0 {
		p.fail(at+"/sets", "must be an object of at least one \"category\": [\"text\", …] (got %s)",
			briefOrNothing(sets))
		return
	}
	category := map[string]string{}
	for _, m := range sets.members {
		place := at + "/sets/" + jsonpointer.Escape(m.key)
		if m.key == "" {
			p.fail(place, "a category must not be empty")
		}
		if m.value.kind != arrayNode || len(m.value.items) == 0 {
			p.fail(place, "must be an array of at least one string (got %s)", m.value.brief())
			continue
		}
		set := Set{Value: m.key}
		for i, item := range m.value.items {
			element := place + "/" + strconv.Itoa(i)
			if item.kind != stringNode {
				p.fail(element, "must be a string (got %s)", item.brief())
				continue
			}
			if other, ok := category[item.text]; ok {
				p.fail(element, "must be in one category (%q is in %q, too)", item.text, other)
				continue
			}
			category[item.text] = m.key
			set.Members = append(set.Members, item.text)
		}
		c.Sets = append(c.Sets, set)
	}
}

func (p *parser) score(s *Schema, e *Enrichment, n *node, at string) {
	p.members(n, at, "weights")
	e.Kind, e.Score = Double, &Score{}
	if e.Comment == "" {
		e.Comment = scoreComment
	}
	weights := n.get("weights")
	if weights == nil {
		if e.Score.Weights = requiredWeights(s); len(e.Score.Weights) == 0 {
			p.fail(at, "must have \"weights\": without them each required field weighs 1, and no field with a type "+
				"is required")
		}
		return
	}
	at += "/weights"
	if weights.kind != objectNode || len(weights.members) == 0 {
		p.fail(at, "must be an object of at least one \"key\": number (got %s)", weights.brief())
		return
	}
	sum := 0.0
	weighed := map[*Field]bool{}
	for _, m := range weights.members {
		place := at + "/" + jsonpointer.Escape(m.key)
		w, err := strconv.ParseFloat(m.value.text, 64)
		if m.value.kind != numberNode || err != nil || w <= 0 {
			p.fail(place, "must be a number above 0 (got %s)", m.value.brief())
			continue
		}
		f := p.lookUpText(s, m.key, place)
		if f == nil {
			continue
		}
		if weighed[f] {
			p.fail(place, "must weigh the field once")
		}
		weighed[f] = true
		sum += w
		e.Score.Weights = append(e.Score.Weights, Weight{f, w})
	}
	if math.IsInf(sum*100, 0) {
		p.fail(at, "the sum of the weights must be a number that a float64 holds")
	}
}

// object reads the members of an object of x-enrich.
type object struct {
	p    *parser
	node *node
	at   string
}

// members checks that an object has only members of the names.
func (p *parser) members(n *node, at string, names ...string) object {
	known := map[string]bool{}
	for _, name := range names {
		known[name] = true
	}
	for _, m := range n.members {
		if !known[m.key] {
			p.fail(at+"/"+jsonpointer.Escape(m.key), "unknown member %q: must be one of %s%s", m.key,
				strings.Join(names, ", "),
				suggestKey(m.key, known))
		}
	}
	return object{p, n, at}
}

// text returns a string that has to be there.
func (o object) text(name string) string {
	n := o.node.get(name)
	if n == nil || n.kind != stringNode || n.text == "" {
		got := briefOrNothing(n)
		if n != nil && n.kind == stringNode {
			got = "an empty string"
		}
		o.p.fail(o.at+"/"+name, "must be a string that is not empty (got %s)", got)
		return ""
	}
	return n.text
}

// optional returns a string that may be left out.
func (o object) optional(name string) string {
	n := o.node.get(name)
	if n == nil {
		return ""
	}
	if n.kind != stringNode {
		o.p.fail(o.at+"/"+name, "must be a string (got %s)", n.brief())
	}
	return n.text
}

// value returns a text that a field may get, nil when it is left out.
func (o object) value(name string) *string {
	if o.node.get(name) == nil {
		return nil
	}
	text := o.text(name)
	return &text
}

// quoteJSON writes a string as JSON, without the escapes that HTML needs.
func quoteJSON(text string) string {
	var b strings.Builder
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(text); err != nil { // a string always encodes
		return `""`
	}
	return strings.TrimSuffix(b.String(), "\n")
}
