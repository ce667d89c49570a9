package event

import (
	"slices"
	"time"

	"firehose-pipeline/jsonscan"
)

// Processor checks, conforms, enriches and writes events, one record at a time, reusing its memory. It is not safe for
// concurrent use; make one for each invocation that runs at the same time.
type Processor struct {
	stream Stream
	drop   []string
	event  Event
	// edits says how each member is written; it is empty when all are written as sent.
	edits []edit
	// keeps has, for each rule, whether the event keeps its own field of that name.
	keeps []bool
	// moved are the members, in JSON and joined by commas, that this pass moves to the malformed object; movedNames has,
	// for each of names, whether it is among them.
	moved      []byte
	movedNames []bool
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

// ruleKeys are the rules' keys as they are written: ,"name":
var ruleKeys = func() [][]byte {
	keys := make([][]byte, len(Rules))
	for i, r := range Rules {
		keys[i] = []byte(`,"` + r.Name + `":`)
	}
	return keys
}()

// NewProcessor returns a processor for records of the stream. Objects whose event_type is one of dropEventTypes are left
// out.
func NewProcessor(stream Stream, dropEventTypes []string) *Processor {
	return &Processor{
		stream:     stream,
		drop:       slices.Clone(dropEventTypes),
		keeps:      make([]bool, len(Rules)),
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
	var result Result
	out, at := dst, 0
	for {
		end, more, refused := next(p.event.scan, p.stream, record, at)
		if refused.Reason != "" {
			return dst, Result{Refused: refused}
		}
		if !more {
			return out, result
		}
		var keep bool
		if out, keep = p.object(out, record[:end]); keep {
			result.Written++
			if p.event.partial {
				result.Partial++
			}
			if p.stream == Lake {
				out = append(out, '\n')
			}
		} else {
			result.Dropped++
		}
		if len(out)-len(dst) > limit {
			return dst, Result{Refused: Error{TooLarge, at}}
		}
		at = end
	}
}

// object appends the object just scanned, which ends where record ends; false, and nothing appended, when its event type
// is to be dropped.
func (p *Processor) object(dst, record []byte) ([]byte, bool) {
	e := &p.event
	e.record, e.decoded = record, e.decoded[:0]
	p.edits = p.edits[:0]
	if len(p.moved) > 0 {
		p.moved = p.moved[:0]
		clear(p.movedNames)
	}
	if e.scan.Repeats {
		for at := range e.scan.Members {
			if e.scan.Members[at].Repeated {
				p.edit(at, edit{how: removed})
			}
		}
	}

	p.takeMalformed()
	for f := range e.fields {
		if at := e.scan.Found[f]; at >= 0 {
			p.conform(&e.fields[f], f, Fields[f].Type, at)
		} else if v := &e.fields[f]; e.own == jsonscan.Object {
			e.malformedBefore(v, f)
		} else if v.state != absent {
			*v = value{}
		}
	}
	if t := &e.fields[eventType]; t.state == conformed && p.drops(t.text) {
		return dst, false
	}
	p.setPartial()
	p.replaceRules()
	p.setPartial() // what replaceRules kept may have been malformed

	dst = p.appendMembers(append(dst, '{'))
	for i := range Rules {
		if !p.keeps[i] {
			e.runs(i)
			dst = appendRule(dst, i, e)
		}
	}
	dst = p.appendMalformed(dst)
	return append(dst, '}'), true
}

func (p *Processor) setPartial() {
	e := &p.event
	e.partial = len(p.moved) > 0 || e.own == jsonscan.Object && len(e.before.Members) > 0
}

// takeMalformed takes the event's own malformed object out of the members.
func (p *Processor) takeMalformed() {
	e := &p.event
	e.own = 0
	at := e.scan.Found[malformedName]
	if at < 0 {
		return
	}
	m := &e.scan.Members[at]
	p.edit(at, edit{how: removed})
	switch e.own = m.Kind; m.Kind {
	case jsonscan.Object:
		e.before.Object(e.record, m.Start)
	case jsonscan.Null:
	default: // malformed itself is malformed: it is a map
		p.move(malformedName, Malformed, m)
	}
}

// replaceRules takes out of the members those that rules will write anew. Where the rule has no value for this event the
// member stays, but conformed: it has a column, too.
func (p *Processor) replaceRules() {
	e := &p.event
	clear(p.keeps)
	for i := range Rules {
		at := e.scan.Found[firstRule+i]
		if at < 0 {
			continue
		}
		e.runs(i)
		if p.scratch = Rules[i].append(p.scratch[:0], e); len(p.scratch) > 0 {
			p.edit(at, edit{how: removed})
			continue
		}
		p.keeps[i] = true
		var v value
		p.conform(&v, firstRule+i, Rules[i].Type, at)
	}
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

// conform brings the member to the type, and notes what differs from the input.
func (p *Processor) conform(v *value, name int, t Type, at int) {
	m := &p.event.scan.Members[at]
	how := p.event.conform(v, t, m)
	if how == asSent {
		return
	}
	p.edit(at, edit{how, v.text})
	if v.state == malformed {
		p.move(name, nameOf(name), m)
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
	p.moved = append(p.moved, '"')
	p.moved = append(p.moved, key...)
	p.moved = append(p.moved, '"', ':')
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

// appendMembers appends the event's own members, after the opening brace.
func (p *Processor) appendMembers(dst []byte) []byte {
	record, members, spaced := p.event.record, p.event.scan.Members, p.event.scan.Spaced
	if len(members) > 0 && len(p.edits) == 0 && !spaced {
		return append(dst, record[members[0].KeyStart-1:members[len(members)-1].End]...)
	}
	for at := range members {
		m := &members[at]
		var ed edit
		if len(p.edits) > 0 {
			ed = p.edits[at]
		}
		if ed.how == removed {
			continue
		}
		dst = appendComma(dst)
		dst = appendQuoted(dst, record[m.KeyStart:m.KeyEnd])
		dst = append(dst, ':')
		sent := record[m.Start:m.End]
		switch {
		case ed.how == quoted:
			dst = appendQuoted(dst, sent)
		case ed.how == unquoted:
			dst = append(dst, ed.text...)
		case spaced && (m.Kind == jsonscan.Object || m.Kind == jsonscan.Array):
			dst = jsonscan.Compact(dst, sent)
		default:
			dst = append(dst, sent...)
		}
	}
	return dst
}

// appendRule appends the field of a rule, if it has a value for the event.
func appendRule(dst []byte, i int, e *Event) []byte {
	start := len(dst)
	key := ruleKeys[i]
	if dst[start-1] == '{' {
		key = key[1:]
	}
	dst = append(dst, key...)
	before := len(dst)
	if dst = Rules[i].append(dst, e); len(dst) == before {
		return dst[:start]
	}
	return dst
}

// appendMalformed appends the malformed object, if there is one: the event's own, whose values become strings, then what
// this pass moved to it, which wins over an own one of the same name.
func (p *Processor) appendMalformed(dst []byte) []byte {
	e := &p.event
	if e.own != jsonscan.Object && len(p.moved) == 0 {
		if e.own == jsonscan.Null {
			dst = append(appendComma(dst), `"`+Malformed+`":null`...)
		}
		return dst
	}
	dst = append(appendComma(dst), `"`+Malformed+`":{`...)
	if e.own == jsonscan.Object {
		for at := range e.before.Members {
			m := &e.before.Members[at]
			if m.Repeated || m.Name >= 0 && p.movedNames[m.Name] {
				continue
			}
			dst = appendComma(dst)
			dst = appendQuoted(dst, e.record[m.KeyStart:m.KeyEnd])
			dst = append(dst, ':')
			if m.Kind == jsonscan.Null {
				dst = append(dst, "null"...)
			} else {
				dst = p.appendAsText(dst, m)
			}
		}
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
