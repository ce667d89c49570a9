package event

import (
	"slices"
	"time"

	"firehose-pipeline/internal/jsonscan"
)

// Processor checks, conforms, enriches and writes events, one record at a time, reusing its memory. It is not safe for
// concurrent use; make one for each invocation that runs at the same time.
type Processor struct {
	stream Stream
	// rejected are the values that the stream's store takes nowhere in an event.
	rejected jsonscan.Findings
	drop     []string
	types    []Type // of Fields
	event    Event
	// edits says how each member is written; it is empty when all are written as sent.
	edits []edit
	// written has, for each rule, what it wrote lately.
	written []memory
	keeps   bool // whether of any rule the event keeps its own field
	tails   tails
	parts   Parts // of the last record
	// moved are the members, in JSON and joined by commas, that this pass moves to the malformed object; movedNames has,
	// for each of names, whether it is among them.
	moved      []byte
	movedNames []bool
	movedKeys  map[string]bool // the keys in moved that are not among names, decoded; nil while there are none
	ownKept    int             // members of the event's own malformed object that are kept
	scratch    []byte
}

// Result is what became of a record.
type Result struct {
	Refused Error // with an empty Reason when the record was accepted
	Written int   // objects written
	Dropped int   // objects left out because of their event type
	Partial int   // objects written whose malformed object is not empty
}

// names are the keys that matter: those of Fields, those of Rules, then Malformed.
var names = func() *jsonscan.Names {
	all := make([]string, 0, len(Fields)+len(Rules)+1)
	for _, f := range Fields {
		all = append(all, f.Name)
	}
	for _, r := range Rules {
		all = append(all, r.Name)
	}
	return jsonscan.NewNames(append(all, Malformed)...)
}()

// Indices of names.
var (
	firstRule     = len(Fields)
	malformedName = len(Fields) + len(Rules)
	// processedAt is the first rule's field: an event that has it has been through the transform before.
	processedAt = firstRule
)

// NewProcessor returns a processor for records of the stream. Objects whose event_type is one of dropEventTypes are left
// out.
func NewProcessor(stream Stream, dropEventTypes []string) *Processor {
	types := make([]Type, len(Fields))
	for f := range Fields {
		types[f] = Fields[f].Type
	}
	written := make([]memory, len(Rules))
	for i := range Rules {
		written[i].rule = &Rules[i]
	}
	return &Processor{
		types:      types,
		stream:     stream,
		rejected:   rejectedValues[stream],
		drop:       slices.Clone(dropEventTypes),
		written:    written,
		movedNames: make([]bool, malformedName+1),
		event: Event{
			names:  names,
			fields: make([]value, len(Fields)),
			scan:   jsonscan.NewScanner(names),
			before: jsonscan.NewScanner(names),
		},
	}
}

// SetTime sets processed_timestamp for the records that follow; one time for each invocation.
func (p *Processor) SetTime(now time.Time) {
	p.event.processedAt = now.UTC().Format("2006-01-02T15:04:05.000Z")
}

// Append appends to dst what the record becomes: for the lake each object and a newline, for search the object. When the
// record is refused, or would add more than limit bytes, it returns dst as it came; nothing written and nothing refused
// means that the whole record is dropped. It keeps no reference to record or dst.
func (p *Processor) Append(dst, record []byte, limit int) ([]byte, Result) {
	out := p.append(dst, record, limit, false)
	if p.parts.Tail != nil {
		out = append(out, p.parts.Tail.JSON...)
	}
	return out, p.parts.Result
}

// Parts are the parts of what a record becomes that AppendMiddle leaves out.
type Parts struct {
	Result
	// Same is how many bytes at the start of the record are the same in what it becomes. It is a multiple of three, so that
	// whole groups of their base64 can be copied.
	Same int
	// Tail is what ends it, nil for nothing.
	Tail *Tail
}

// AppendMiddle is Append without the parts that need no work: what the record becomes is record[:Same], what is appended to
// dst, and Tail.JSON. The limit is for all three together. The parts are valid until the next record.
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
		if parts.Tail != nil { // it was not the last object
			out = append(out, parts.Tail.JSON...)
			parts.Tail = nil
		}
		if p.take(record[:end]) {
			start, end, changed := p.unchanged()
			if middle && parts.Written == 0 && start == 0 {
				parts.Same = end / 3 * 3
				start = parts.Same
			}
			out, parts.Tail = p.object(append(out, record[start:end]...), changed)
			parts.Written++
			if p.event.partial {
				parts.Partial++
			}
		} else {
			parts.Dropped++
		}
		size := parts.Same + len(out) - len(dst)
		if parts.Tail != nil {
			size += len(parts.Tail.JSON)
		}
		if size > limit {
			*parts = Parts{Result: Result{Refused: Error{TooLarge, at}}}
			return dst
		}
		at = end
	}
}

// take conforms the object just scanned, which ends where record ends; false when its event type is to be dropped.
func (p *Processor) take(record []byte) bool {
	e := &p.event
	e.record, e.decoded = record, e.decoded[:0]
	p.edits = p.edits[:0]
	if len(p.moved) > 0 {
		p.moved = p.moved[:0]
		clear(p.movedNames)
		p.movedKeys = nil
	}
	if e.scan.Repeats {
		for at := range e.scan.Members {
			if e.scan.Members[at].Repeated {
				p.edit(at, edit{how: removed})
			}
		}
	}

	p.takeMalformed()
	members, found := e.scan.Members, e.scan.Found
	for f := range e.fields {
		v, at := &e.fields[f], found[f]
		if at < 0 {
			if e.own == jsonscan.Object {
				e.malformedBefore(v, f)
			} else if v.state != absent {
				*v = value{}
			}
			continue
		}
		m := &members[at]
		if m.Kind == jsonscan.String && !m.Escaped && p.types[f] == String { // conform would do the same
			v.state, v.text = conformed, record[m.Start+1:m.End-1]
			v.empty = len(v.text) == 0
			continue
		}
		if how := e.conform(v, p.types[f], m); how != asSent {
			p.change(how, v, f, at)
		}
	}
	if t := &e.fields[eventType]; t.state == conformed && p.drops(t.text) {
		return false
	}
	if e.scan.Odd {
		p.setAside()
	}
	p.setPartial()
	if p.replaceRules() {
		p.setPartial() // what replaceRules kept may have been malformed
	}
	return true
}

// unchanged returns what the object begins with in the record and in what it becomes: record[start:end], up to the end of
// the last member before members[changed], which is the first that is not written as it is. That is nothing when white space
// has to go.
func (p *Processor) unchanged() (start, end, changed int) {
	members := p.event.scan.Members
	if p.event.scan.Spaced || len(members) == 0 {
		return 0, 0, 0
	}
	changed = len(members)
	for at := range p.edits {
		if p.edits[at].how != asSent {
			changed = at
			break
		}
	}
	if changed == 0 {
		return 0, 0, 0
	}
	return members[0].KeyStart - len(`{"`), members[changed-1].End, changed
}

// object appends the object that take has taken, from members[changed] on. What comes before, if changed is not 0, has been
// appended already. It may leave out a tail.
func (p *Processor) object(dst []byte, changed int) ([]byte, *Tail) {
	e := &p.event
	empty := changed == 0 // no member yet
	if empty {
		dst = append(dst, '{')
	}
	if changed < len(e.scan.Members) {
		dst, empty = p.appendMembers(dst, changed, empty)
	}

	common := !empty && e.own == 0 && len(p.moved) == 0 && len(Rules) <= mostTailRules
	key := uint64(0)
	for i := range p.written {
		m := &p.written[i]
		if m.keeps {
			m.says = nothing
		} else {
			if e.processed >= 0 {
				e.runs(i)
			}
			m.recall(e, &p.tails)
		}
		key = key<<4 | uint64(m.says+1)
		common = common && m.says != notKept
	}
	if common && key != 0 {
		if tail := p.tails.find(key); tail != nil {
			if !tail.built {
				tail.built, tail.Texts = true, [3][]byte{tail.Texts[0][:0], tail.Texts[1][:0], tail.Texts[2][:0]}
				tail.JSON = p.end(p.appendRules(tail.JSON[:0], false))
			}
			return dst, tail
		}
	}
	start := len(dst)
	dst = p.appendRules(dst, empty)
	return p.end(p.appendMalformed(dst, empty && len(dst) == start)), nil
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

// end appends what ends an object.
func (p *Processor) end(dst []byte) []byte {
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
	e.own, p.ownKept = 0, 0
	at := e.scan.Found[malformedName]
	if at < 0 {
		return
	}
	m := &e.scan.Members[at]
	p.edit(at, edit{how: removed})
	switch e.own = m.Kind; m.Kind {
	case jsonscan.Object:
		e.before.Object(e.record, m.Start)
		for at := range e.before.Members {
			if keepsOwn(&e.before.Members[at]) {
				p.ownKept++
			}
		}
	case jsonscan.Null:
	default: // malformed itself is malformed: it is a map
		p.move(malformedName, Malformed, m)
	}
}

// keepsOwn reports whether a member of the event's own malformed object is kept. A null is not: in a map some readers take it
// for the text "null".
func keepsOwn(m *jsonscan.Member) bool { return !m.Repeated && m.Kind != jsonscan.Null }

// replaceRules takes out of the members those that rules will write anew, and reports whether there were any. Where the rule
// has no value for this event the member stays, but conformed: it has a column, too.
func (p *Processor) replaceRules() bool {
	e := &p.event
	e.processed, e.had = e.scan.Found[processedAt], false
	if p.keeps {
		p.keeps = false
		for i := range p.written {
			p.written[i].keeps = false
		}
	}
	any := false
	for i, at := range e.scan.Found[firstRule:malformedName] {
		if at < 0 {
			continue
		}
		any = true
		e.runs(i)
		if p.scratch = Rules[i].append(p.scratch[:0], e); len(p.scratch) > 0 {
			p.edit(at, edit{how: removed})
			continue
		}
		p.keeps, p.written[i].keeps = true, true
		var v value
		if how := e.conform(&v, Rules[i].Type, &e.scan.Members[at]); how != asSent {
			p.change(how, &v, firstRule+i, at)
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

// change notes that a member is not written as it was sent, and moves it to the malformed object when that is where it belongs.
func (p *Processor) change(how how, v *value, name int, at int) {
	p.edit(at, edit{how, v.text})
	if v.state == malformed {
		p.move(name, nameOf(name), &p.event.scan.Members[at])
	}
}

// edit notes how the member is written.
func (p *Processor) edit(at int, ed edit) {
	if len(p.edits) == 0 {
		p.edits = slices.Grow(p.edits, len(p.event.scan.Members))[:len(p.event.scan.Members)]
		clear(p.edits)
	}
	p.edits[at] = ed
}

// move adds the member's text to what goes into the malformed object.
func (p *Processor) move(name int, key string, m *jsonscan.Member) {
	if len(p.moved) > 0 {
		p.moved = append(p.moved, ',')
	}
	p.movedNames[name] = true
	p.moved = append(append(append(p.moved, '"'), key...), `":`...)
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
		if ed.how == removed {
			continue
		}
		if !empty {
			dst = append(dst, ',')
		}
		empty = false
		if ed.how == asSent && !spaced { // with those after it for which that is so, too
			for at+1 < len(members) && (len(p.edits) == 0 || p.edits[at+1].how == asSent) {
				at++
			}
			dst = append(dst, record[m.KeyStart-1:members[at].End]...)
			continue
		}
		dst = appendQuoted(dst, record[m.KeyStart:m.KeyEnd])
		dst = append(dst, ':')
		sent := record[m.Start:m.End]
		switch {
		case ed.how == quoted:
			dst = appendQuoted(dst, sent)
		case ed.how == unquoted:
			dst = append(dst, ed.text...)
		case ed.how == rewritten:
			dst = appendQuoted(dst, ed.text)
		case m.Kind == jsonscan.Object || m.Kind == jsonscan.Array:
			dst = jsonscan.Compact(dst, sent)
		default:
			dst = append(dst, sent...)
		}
	}
	return dst, empty
}

// appendMalformed appends the malformed object, if there is one: the event's own, whose values become strings, then what
// this pass moved to it, which wins over an own one of the same name.
func (p *Processor) appendMalformed(dst []byte, empty bool) []byte {
	e := &p.event
	if e.own == 0 && len(p.moved) == 0 {
		return dst
	}
	if !empty {
		dst = append(dst, ',')
	}
	dst = append(dst, `"`+Malformed+`":`...)
	if e.own != jsonscan.Object && len(p.moved) == 0 { // what is no map and not null has been moved
		return append(dst, "null"...)
	}
	dst = append(dst, '{')
	if e.own == jsonscan.Object {
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
func nameOf(name int) string {
	switch {
	case name < firstRule:
		return Fields[name].Name
	case name < malformedName:
		return Rules[name-firstRule].Name
	}
	return Malformed
}
