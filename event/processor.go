package event

import (
	"fmt"
	"slices"
	"time"

	"firehose-pipeline/internal/jsonscan"
	"firehose-pipeline/schema"
)

// Processor checks, conforms, enriches and writes events, one record at a time, reusing its memory. It is not safe for
// concurrent use; make one for each invocation that runs at the same time.
type Processor struct {
	layout *Layout
	stream Stream
	// rejected are the values that the stream's store accepts nowhere in an event.
	rejected jsonscan.Findings
	drop     []string
	event    Event
	lookups  []*jsonscan.Lookup // of the keys of structs, by node.lookupAt
	// edits has the way in which each member is written; it is empty when all are written as sent.
	edits []edit
	// written has the last values of each rule.
	written  []valueCache
	keeps    bool // whether of any rule the event keeps its own field
	suffixes suffixCache
	parts    Parts // of the last record
	// moved are the members, in JSON and joined by commas, that this pass moves to the malformed object; movedNames
	// has, for each of Layout.moved, whether it is among them.
	moved       []byte
	movedNames  []bool
	movedKeys   map[string]bool // the keys in moved that are not among Layout.moved, decoded; nil while there are none
	movedFields int             // members of moved
	undeclared  int             // members that the schema does not declare
	ownKept     int             // members of the event's own malformed object that are kept
	path        []byte          // JSON Pointer of the nested value that is written
	arrays      int             // declared arrays around the nested value
	nested      []byte          // memory for nested values that are written anew
	scratch     []byte
}

// Options are what a processor does besides conforming events to the schema.
type Options struct {
	// DropEventTypes leaves out events whose event type is one of these.
	DropEventTypes []string
	// HashKey is the key of values with x-protect hash, at least 32 bytes; needed when the layout has any.
	HashKey []byte
	// MaskHashes writes [Redacted] in place of hashes, so that a record and its transformed form give the same without
	// the key.
	MaskHashes bool
}

// MinHashKey is the least length of a key in bytes: that of the hash (RFC 2104, section 3).
const MinHashKey = 32

// Result is the outcome of a record.
type Result struct {
	Refused Error // with an empty Reason when the record was accepted
	Written int   // objects written
	Dropped int   // objects left out because of their event type
	Partial int   // objects written whose malformed object is not empty

	MalformedFields  int // values that this pass moved to malformed
	UndeclaredFields int // members of written objects that the schema does not declare
}

// NewProcessor returns a processor for records of the stream. The error says that a key is missing or too short.
func NewProcessor(layout *Layout, stream Stream, options Options) (*Processor, error) {
	if layout.NeedsKey() && !options.MaskHashes && len(options.HashKey) < MinHashKey {
		return nil, fmt.Errorf("the schema hashes a field (x-protect): a key of at least %d bytes is needed "+
			"(got %d bytes)", MinHashKey, len(options.HashKey))
	}
	written := make([]valueCache, len(layout.rules))
	for i := range layout.rules {
		written[i].rule = &layout.rules[i]
	}
	p := &Processor{
		layout:     layout,
		stream:     stream,
		rejected:   rejectedValues[stream],
		drop:       slices.Clone(options.DropEventTypes),
		written:    written,
		movedNames: make([]bool, layout.malformed+1+len(layout.nodes)-layout.top),
		event: Event{
			layout:  layout,
			fields:  make([]value, len(layout.nodes)),
			scan:    jsonscan.NewScanner(layout.names),
			earlier: jsonscan.NewScanner(layout.moved),
			mask:    options.MaskHashes,
		},
	}
	if len(options.HashKey) > 0 {
		p.event.setKey(options.HashKey)
	}
	for _, names := range layout.structs {
		p.lookups = append(p.lookups, jsonscan.NewLookup(names))
	}
	return p, nil
}

// SetTime sets processed_timestamp for the records that follow; one time for each invocation.
func (p *Processor) SetTime(now time.Time) {
	p.event.processedAt = now.UTC().Format("2006-01-02T15:04:05.000Z")
}

// Append appends the record's new form to dst: for the lake each object and a newline, for search the object. When the
// record is refused, or would add more than limit bytes, it returns dst as it came; nothing written and nothing refused
// means that the whole record is dropped. It keeps no reference to record or dst.
func (p *Processor) Append(dst, record []byte, limit int) ([]byte, Result) {
	out := p.append(dst, record, limit, false)
	if p.parts.Suffix != nil {
		out = append(out, p.parts.Suffix.JSON...)
	}
	return out, p.parts.Result
}

// Parts are the parts of a record's new form that AppendMiddle leaves out.
type Parts struct {
	Result
	// Same is the number of bytes at the start of the record that its new form starts with. It is a multiple of three,
	// so that whole groups of their base64 can be copied.
	Same int
	// Suffix ends it, nil for nothing.
	Suffix *Suffix
}

// AppendMiddle is Append without the parts that need no work: the new form is record[:Same], the bytes appended to
// dst, and Suffix.JSON. The limit is for all three together. The parts are valid until the next record.
func (p *Processor) AppendMiddle(dst, record []byte, limit int) ([]byte, *Parts) {
	return p.append(dst, record, limit, true), &p.parts
}

func (p *Processor) append(dst, record []byte, limit int, middle bool) []byte {
	parts := &p.parts
	*parts = Parts{}
	out, at := dst, 0
	for {
		end, more, refused := next(p.event.scan, p.stream, record, at)
		if refused.Reason != "" {
			*parts = Parts{Result: Result{Refused: refused}}
			return dst
		}
		if !more {
			return out
		}
		if parts.Suffix != nil { // it was not the last object
			out = append(out, parts.Suffix.JSON...)
			parts.Suffix = nil
		}
		if p.load(record[:end]) {
			start, end, changed := p.unchanged()
			if middle && parts.Written == 0 && start == 0 {
				parts.Same = end / 3 * 3
				start = parts.Same
			}
			out, parts.Suffix = p.appendObject(append(out, record[start:end]...), changed)
			parts.Written++
			if p.event.partial {
				parts.Partial++
				parts.MalformedFields += p.movedFields
			}
			parts.UndeclaredFields += p.undeclared
		} else {
			parts.Dropped++
		}
		size := parts.Same + len(out) - len(dst)
		if parts.Suffix != nil {
			size += len(parts.Suffix.JSON)
		}
		if size > limit {
			*parts = Parts{Result: Result{Refused: Error{TooLarge, at}}}
			return dst
		}
		at = end
	}
}

// load conforms the object just scanned, which ends where record ends; false when its event type is to be dropped.
func (p *Processor) load(record []byte) bool {
	e, l := &p.event, p.layout
	e.record, e.decoded = record, e.decoded[:0]
	p.edits = p.edits[:0]
	if len(p.moved) > 0 {
		p.moved, p.movedFields = p.moved[:0], 0
		clear(p.movedNames)
		p.movedKeys = nil
	}
	p.nested = p.nested[:0]
	declared := 0
	if e.scan.Repeats {
		for at := range e.scan.Members {
			if e.scan.Members[at].Repeated {
				p.edit(at, edit{rewrite: removed})
				declared++ // at most: it is not counted again
			}
		}
	}

	p.takeMalformed()
	members, found := e.scan.Members, e.scan.Found
	for f := l.top; f < len(e.fields); f++ {
		if e.ownMalformed == jsonscan.Object {
			e.loadMoved(&e.fields[f], f)
		} else {
			e.fields[f] = value{}
		}
	}
	for f := range l.nodes[:l.top] {
		v, at := &e.fields[f], found[f]
		if at < 0 {
			if e.ownMalformed == jsonscan.Object {
				e.loadMoved(v, f)
			} else if v.state != absent {
				*v = value{}
			}
			continue
		}
		declared++
		m, n := &members[at], l.nodes[f]
		if m.Kind == jsonscan.String && !m.Escaped && n.plain { // conform would do the same
			v.state, v.text = conformed, record[m.Start+1:m.End-1]
			v.empty = len(v.text) == 0
			continue
		}
		var ed edit
		if n.kind.Scalar() || n.protect == schema.Drop {
			ed = e.conform(v, n, m)
		} else {
			ed = p.conformNested(v, n, m)
		}
		if ed.rewrite != asSent {
			p.change(ed, v, f, at)
		}
	}
	if l.eventType != noField {
		if t := &e.fields[l.eventType]; t.state == conformed && p.drops(t.text) {
			return false
		}
	}
	if e.scan.Odd || len(l.prefixes) > 0 {
		p.setAside()
	}
	p.setPartial()
	p.undeclared = len(members) - declared
	if e.ownMalformed != 0 {
		p.undeclared--
	}
	if p.replaceRules() {
		p.setPartial() // a value that replaceRules kept may have been malformed
	}
	return true
}

// unchanged returns the prefix of the object that is copied verbatim: record[start:end] ends before members[changed],
// the first member to be rewritten. It is empty when white space must be removed.
func (p *Processor) unchanged() (start, end, changed int) {
	members := p.event.scan.Members
	if p.event.scan.Spaced || len(members) == 0 {
		return 0, 0, 0
	}
	changed = len(members)
	for at := range p.edits {
		if p.edits[at].rewrite != asSent {
			changed = at
			break
		}
	}
	if changed == 0 {
		return 0, 0, 0
	}
	return members[0].KeyStart - len(`{"`), members[changed-1].End, changed
}

// object appends the object that load has loaded, from members[changed] on. What comes before, if changed is not 0, has
// been appended already. It may leave out a suffix.
func (p *Processor) appendObject(dst []byte, changed int) ([]byte, *Suffix) {
	e := &p.event
	empty := changed == 0 // no member yet
	if empty {
		dst = append(dst, '{')
	}
	if changed < len(e.scan.Members) {
		dst, empty = p.appendMembers(dst, changed, empty)
	}

	common := !empty && e.ownMalformed == 0 && len(p.moved) == 0 && len(p.written) <= maxSuffixRules
	key := uint64(0)
	for i := range p.written {
		m := &p.written[i]
		switch {
		case m.keeps:
			m.current = noValue
		case m.previous != nil:
			m.usePrevious()
		default:
			if e.processed >= 0 {
				e.startRule(i)
			}
			m.recall(e, &p.suffixes)
		}
		key = key<<4 | uint64(m.current+1)
		common = common && m.current != uncached
	}
	if common && key != 0 {
		if suffix := p.suffixes.find(key); suffix != nil {
			if !suffix.built {
				suffix.built, suffix.Texts = true,
					[3][]byte{suffix.Texts[0][:0], suffix.Texts[1][:0], suffix.Texts[2][:0]}
				suffix.JSON = p.appendEnd(p.appendRules(suffix.JSON[:0], false))
			}
			return dst, suffix
		}
	}
	start := len(dst)
	dst = p.appendRules(dst, empty)
	return p.appendEnd(p.appendMalformed(dst, empty && len(dst) == start)), nil
}

// appendRules appends the rules' fields.
func (p *Processor) appendRules(dst []byte, empty bool) []byte {
	for i := range p.written {
		field := p.written[i].json()
		if empty && len(field) > 0 {
			field = field[1:] // without the comma
			empty = false
		}
		dst = append(dst, field...)
	}
	return dst
}

// appendEnd appends the end of an object.
func (p *Processor) appendEnd(dst []byte) []byte {
	if p.stream == Lake {
		return append(dst, "}\n"...)
	}
	return append(dst, '}')
}

func (p *Processor) setPartial() {
	e := &p.event
	e.partial = len(p.moved) > 0 || p.ownKept > 0
}

// takeMalformed takes the event's own malformed object out of the members.
func (p *Processor) takeMalformed() {
	e := &p.event
	e.ownMalformed, p.ownKept = 0, 0
	at := e.scan.Found[p.layout.malformed]
	if at < 0 {
		return
	}
	m := &e.scan.Members[at]
	p.edit(at, edit{rewrite: removed})
	switch e.ownMalformed = m.Kind; m.Kind {
	case jsonscan.Object:
		e.earlier.Object(e.record, m.Start)
		for at := range e.earlier.Members {
			if keepsOwn(&e.earlier.Members[at]) {
				p.ownKept++
			}
		}
	case jsonscan.Null:
	default: // malformed itself is malformed: it is a map
		p.move(p.layout.malformed, Malformed, m, false)
	}
}

// keepsOwn reports whether a member of the event's own malformed object is kept. A null is not: in a map some readers
// read it as the text "null".
func keepsOwn(m *jsonscan.Member) bool { return !m.Repeated && m.Kind != jsonscan.Null }

// replaceRules removes those members that rules will write anew, and reports whether there were any. Where the rule
// has no value for this event the member stays, but conformed: it has a column, too.
func (p *Processor) replaceRules() bool {
	e, l := &p.event, p.layout
	e.processed, e.reprocessed = e.scan.Found[l.firstRule], false
	if p.keeps {
		p.keeps = false
		for i := range p.written {
			p.written[i].keeps, p.written[i].previous = false, nil
		}
	}
	any := false
	for i, at := range e.scan.Found[l.firstRule:l.malformed] {
		if at < 0 {
			continue
		}
		any = true
		p.undeclared--
		e.startRule(i)
		if p.scratch = l.rules[i].appendValue(p.scratch[:0], e); len(p.scratch) > 0 {
			p.edit(at, edit{rewrite: removed})
			continue
		}
		p.keeps, p.written[i].keeps = true, true
		var v value
		m := &e.scan.Members[at]
		ed := e.conform(&v, &l.ruleNodes[i], m)
		if l.rules[i].keepsPrevious && e.reprocessed && ed.rewrite == asSent {
			p.edit(at, edit{rewrite: removed})
			p.written[i].keeps, p.written[i].previous = false, e.record[m.Start:m.End]
			continue
		}
		if ed.rewrite != asSent {
			p.change(ed, &v, l.firstRule+i, at)
		}
	}
	return any
}

// drops reports whether objects of this event type are to be left out.
func (p *Processor) drops(eventType []byte) bool {
	for _, t := range p.drop { // a handful, faster than a map
		if string(eventType) == t {
			return true
		}
	}
	return false
}

// change notes that a member is not written as it was sent, and moves it to the malformed object when it is malformed.
func (p *Processor) change(ed edit, v *value, name int, at int) {
	p.edit(at, ed)
	if v.state == malformed {
		p.move(name, p.layout.nameOf(name), &p.event.scan.Members[at], name < p.layout.top &&
			p.layout.nodes[name].sensitive)
	}
}

// edit notes the way in which the member is written.
func (p *Processor) edit(at int, ed edit) {
	if len(p.edits) == 0 {
		p.edits = slices.Grow(p.edits, len(p.event.scan.Members))[:len(p.event.scan.Members)]
		clear(p.edits)
	}
	p.edits[at] = ed
}

// move adds the member's text, or [Redacted], to the malformed object.
func (p *Processor) move(name int, key string, m *jsonscan.Member, sensitive bool) {
	if len(p.moved) > 0 {
		p.moved = append(p.moved, ',')
	}
	p.movedNames[name] = true
	p.movedFields++
	p.moved = append(quoteEscaped(p.moved, []byte(key)), ':')
	if sensitive {
		p.moved = appendQuoted(p.moved, []byte(Redacted))
		return
	}
	p.moved = p.appendAsText(p.moved, m)
}

// appendAsText appends the member's value as a JSON string: a string as it was sent, anything else its JSON in quotes.
func (p *Processor) appendAsText(dst []byte, m *jsonscan.Member) []byte {
	sent := p.event.record[m.Start:m.End]
	switch m.Kind {
	case jsonscan.String:
		return append(dst, sent...)
	case jsonscan.Object, jsonscan.Array:
		p.scratch = jsonscan.Compact(p.scratch[:0], sent)
		return quoteEscaped(dst, p.scratch)
	}
	return appendQuoted(dst, sent)
}

// appendMembers appends the event's own members from members[at] on, and reports whether the object is still empty.
func (p *Processor) appendMembers(dst []byte, at int, empty bool) ([]byte, bool) {
	record, members, spaced := p.event.record, p.event.scan.Members, p.event.scan.Spaced
	for ; at < len(members); at++ {
		m := &members[at]
		var ed edit
		if len(p.edits) > 0 {
			ed = p.edits[at]
		}
		if ed.rewrite == removed {
			continue
		}
		if !empty {
			dst = append(dst, ',')
		}
		empty = false
		if ed.rewrite == asSent && !spaced { // together with those after it that are written as sent
			for at+1 < len(members) && (len(p.edits) == 0 || p.edits[at+1].rewrite == asSent) {
				at++
			}
			dst = append(dst, record[m.KeyStart-1:members[at].End]...)
			continue
		}
		dst = appendQuoted(dst, record[m.KeyStart:m.KeyEnd])
		dst = append(dst, ':')
		sent := record[m.Start:m.End]
		switch {
		case ed.rewrite == quoted:
			dst = appendQuoted(dst, sent)
		case ed.rewrite == unquoted:
			dst = append(dst, ed.text...)
		case ed.rewrite == replaced:
			dst = appendQuoted(dst, ed.text)
		case m.Kind == jsonscan.Object || m.Kind == jsonscan.Array:
			dst = jsonscan.Compact(dst, sent)
		default:
			dst = append(dst, sent...)
		}
	}
	return dst, empty
}

// appendMalformed appends the malformed object, if there is one: the event's own, whose values become strings, then the
// members that this pass moved to it, which win over own ones of the same name.
func (p *Processor) appendMalformed(dst []byte, empty bool) []byte {
	e := &p.event
	if e.ownMalformed == 0 && len(p.moved) == 0 {
		return dst
	}
	if !empty {
		dst = append(dst, ',')
	}
	dst = append(dst, `"`+Malformed+`":`...)
	if e.ownMalformed != jsonscan.Object && len(p.moved) == 0 { // any other than a map and null has been moved
		return append(dst, "null"...)
	}
	dst = append(dst, '{')
	if e.ownMalformed == jsonscan.Object {
		dst = p.appendOwn(dst)
	}
	if len(p.moved) > 0 {
		dst = append(appendComma(dst), p.moved...)
	}
	return append(dst, '}')
}

// appendComma appends a comma unless the object has no member yet. No value ends with an opening brace.
func appendComma(dst []byte) []byte {
	if dst[len(dst)-1] == '{' {
		return dst
	}
	return append(dst, ',')
}

// appendQuoted appends text that needs no escapes as a JSON string.
func appendQuoted(dst, text []byte) []byte {
	dst = append(dst, '"')
	dst = append(dst, text...)
	return append(dst, '"')
}

// nameOf is the name with this index in names.
func (l *Layout) nameOf(name int) string {
	switch {
	case name < l.top:
		return l.nodes[name].key
	case name < l.malformed:
		return l.rules[name-l.firstRule].Name
	}
	return Malformed
}
