package event

import (
	"cmp"
	"slices"
	"unicode/utf8"

	"firehose-pipeline/internal/jsonscan"
	"firehose-pipeline/schema"
)

// Bounds of a survey.
const (
	// surveyedFirst records are all looked at, one of surveyedEach after that.
	surveyedFirst, surveyedEach = 10_000, 64
	// maxSurveyKeys undeclared keys are counted at a time, of longer ones the first maxSurveyKeyBytes.
	maxSurveyKeys, maxSurveyKeyBytes = 200, 64
)

// Survey counts in how many events each declared field is, and which undeclared keys are frequent. It keeps keys and
// counts, no values, in bounded memory. It is not safe for concurrent use.
type Survey struct {
	processor *Processor
	top       []*surveyField // by FieldID
	fields    []*surveyField // at all depths, those inside a field after it
	untyped   map[string]bool
	keys      keyCounts

	records, lookedAt, events, described int64

	random, picked uint64 // picked: which record of the current surveyedEach is looked at
}

// surveyField counts one declared field.
type surveyField struct {
	FieldCount
	node   *node
	parent *surveyField   // nil for a field of the event
	inside []*surveyField // of a struct, or of the structs in an array: by index in the fields of the node
	last   int64          // the last event that contains it
	failed bool           // that event has it malformed
}

// SurveyReport is the result of a [Survey].
type SurveyReport struct {
	// Records were added and LookedAt of them were read; they hold Events. Records that the lake rejects hold none.
	Records  int64 `json:"records"`
	LookedAt int64 `json:"recordsLookedAt"`
	Events   int64 `json:"events"`
	// Described are the events that contain any declared field.
	Described int64 `json:"eventsWithDeclaredField"`
	// Fields are the declared fields with a type, at all depths, in the order of the schema.
	Fields []FieldCount `json:"fields"`
	// Undeclared are the most frequent keys of events that the schema does not name, the most frequent first. The
	// count of each is at most Missed too low.
	Undeclared []KeyCount `json:"undeclaredKeys,omitempty"`
	Missed     int64      `json:"undeclaredKeysMissed,omitempty"`
}

// FieldCount counts one declared field.
type FieldCount struct {
	// Field is the key or, for a nested field, the JSON Pointer, with * for the elements of an array.
	Field    string `json:"field"`
	Required bool   `json:"required,omitempty"`
	// Events contain the field. In Conforming of them it is null, has its type or is converted to it. Fields inside it
	// count by themselves.
	Events     int64 `json:"events"`
	Conforming int64 `json:"conforming"`

	possible int64 // events that contain the field around it
}

// Notable reports whether the field is missing where it could be, or malformed.
func (f *FieldCount) Notable() bool {
	return f.Conforming < f.Events || f.possible > 0 && f.Events == 0 || f.Required && f.Events < f.possible
}

// KeyCount counts one undeclared key, which is as the producer sent it.
type KeyCount struct {
	Key    string `json:"key"`
	Events int64  `json:"events"`
}

// NewSurvey returns a survey of events of the layout.
func NewSurvey(layout *Layout) (*Survey, error) {
	p, err := NewProcessor(layout, Lake, Options{MaskHashes: true})
	if err != nil {
		return nil, err
	}
	s := &Survey{processor: p, untyped: map[string]bool{}, keys: keyCounts{counts: map[string]*keyCount{}}, random: 1}
	for i, f := range layout.schema.Fields {
		s.top = append(s.top, s.newField(f, layout.nodes[i], nil))
		s.top[i].Field = f.Key
	}
	for _, key := range layout.schema.Untyped {
		s.untyped[key] = true
	}
	return s, nil
}

func (s *Survey) newField(f *schema.Field, n *node, parent *surveyField) *surveyField {
	field := &surveyField{FieldCount: FieldCount{Field: f.Pointer, Required: f.Required}, node: n, parent: parent}
	s.fields = append(s.fields, field)
	for n.elem != nil {
		n = n.elem
	}
	for i, inner := range n.fields {
		field.inside = append(field.inside, s.newField(n.typ.Fields[i], inner, field))
	}
	return field
}

// Add counts the events of a record. It keeps no reference to it.
func (s *Survey) Add(record []byte) {
	if s.records++; !s.isPicked() {
		return
	}
	s.lookedAt++
	for at := 0; ; {
		end, more, refused := next(s.processor.event.scan, Lake, record, at)
		if refused.Reason != "" || !more {
			return
		}
		if at == 0 && jsonscan.SkipSpace(record, end) < len(record) && Check(Lake, record) != nil {
			return // the first event is not delivered either
		}
		s.addEvent(record[:end])
		at = end
	}
}

// isPicked reports whether the record that was just counted is looked at: after the first ones a random one of each
// surveyedEach, because producers may send kinds of events by turns.
func (s *Survey) isPicked() bool {
	if s.records <= surveyedFirst {
		return true
	}
	place := uint64(s.records-surveyedFirst-1) % surveyedEach
	if place == 0 {
		s.random ^= s.random << 13
		s.random ^= s.random >> 7
		s.random ^= s.random << 17
		s.picked = s.random % surveyedEach
	}
	return place == s.picked
}

// addEvent counts the object just scanned, which ends where record ends.
func (s *Survey) addEvent(record []byte) {
	e := &s.processor.event
	s.processor.load(record)
	s.events++
	described := false
	for f, field := range s.top {
		at, state := e.scan.Found[f], e.fields[f].state
		if at < 0 && state != malformedBefore {
			continue
		}
		described = true
		ok := state == conformed || state == null || field.node.protect == schema.Drop
		if ok && at >= 0 && !field.node.kind.Scalar() {
			ok = s.countInside(field, field.node, e.scan.Members[at].Start)
		}
		field.count(s.events, ok)
	}
	if described {
		s.described++
	}
	for at := range e.scan.Members {
		m := &e.scan.Members[at]
		if m.Repeated || m.Name >= 0 && int(m.Name) <= s.processor.layout.malformed {
			continue
		}
		if key := e.scan.Key(m); !s.untyped[string(key)] {
			s.keys.count(key, s.events)
		}
	}
}

// count notes that the event contains the field. An array of structs may contain it several times: it conforms when it
// does so everywhere.
func (f *surveyField) count(event int64, conforms bool) {
	if f.last != event {
		f.last, f.failed = event, false
		f.Events++
		f.Conforming++
	}
	if !conforms && !f.failed {
		f.failed = true
		f.Conforming--
	}
}

// countInside reports whether the value that begins at record[i] conforms, and counts the fields inside it.
func (s *Survey) countInside(field *surveyField, n *node, i int) (conforms bool) {
	e := &s.processor.event
	m := jsonscan.ValueAt(e.record, i)
	switch {
	case n.protect == schema.Drop, m.Kind == jsonscan.Null:
		return true
	case n.kind.Scalar():
		var v value
		e.conform(&v, n, &m)
		return v.state != malformed
	case n.kind == schema.Array && m.Kind == jsonscan.Array:
		return s.countElements(field, n, i)
	case n.kind == schema.Map && m.Kind == jsonscan.Object:
		return s.countEntries(field, n, i)
	case n.kind == schema.Struct && m.Kind == jsonscan.Object:
		s.countMembers(field, n, i)
		return true
	}
	return false
}

func (s *Survey) countElements(field *surveyField, n *node, i int) (conforms bool) {
	data := s.processor.event.record
	conforms = true
	for i = skipSpace(data, i+1); data[i] != ']'; {
		conforms = s.countInside(field, n.elem, i) && conforms
		i = nextItem(data, jsonscan.ValueAt(data, i).End)
	}
	return conforms
}

func (s *Survey) countEntries(field *surveyField, n *node, i int) (conforms bool) {
	data := s.processor.event.record
	conforms = true
	for i = skipSpace(data, i+1); data[i] != '}'; {
		at := skipSpace(data, skipSpace(data, jsonscan.ValueAt(data, i).End)+1)
		conforms = s.countInside(field, n.elem, at) && conforms
		i = nextItem(data, jsonscan.ValueAt(data, at).End)
	}
	return conforms
}

func (s *Survey) countMembers(field *surveyField, n *node, i int) {
	data := s.processor.event.record
	lookup := s.processor.lookups[n.lookupAt]
	last := int32(0)
	for i = skipSpace(data, i+1); data[i] != '}'; {
		name, _, _, at := lookup.Find(data, i, last)
		if name >= 0 {
			inner := field.inside[name]
			inner.count(s.events, s.countInside(inner, inner.node, at))
			last = name + 1
		}
		i = nextItem(data, jsonscan.ValueAt(data, at).End)
	}
}

// Report returns what was counted so far.
func (s *Survey) Report() SurveyReport {
	r := SurveyReport{Records: s.records, LookedAt: s.lookedAt, Events: s.events, Described: s.described,
		Fields: []FieldCount{}, Undeclared: s.keys.list(), Missed: s.keys.missed}
	for _, f := range s.fields {
		count := f.FieldCount
		count.possible = s.events
		if f.parent != nil {
			count.possible = f.parent.Events
		}
		r.Fields = append(r.Fields, count)
	}
	return r
}

// keyCounts counts frequent keys in bounded memory (J. Misra and D. Gries, Finding repeated elements, 1982): a key that
// has no room takes one from each that has. A key in more events than were taken is always there.
type keyCounts struct {
	counts map[string]*keyCount
	missed int64 // how much was taken from a key at most
}

type keyCount struct{ events, last int64 }

// count notes that the event has the key.
func (k *keyCounts) count(key []byte, event int64) {
	if len(key) > maxSurveyKeyBytes {
		key = cutKey(key)
	}
	if c := k.counts[string(key)]; c != nil {
		if c.last != event { // else another key with the same beginning
			c.last = event
			c.events++
		}
		return
	}
	if len(k.counts) < maxSurveyKeys {
		k.counts[string(key)] = &keyCount{1, event}
		return
	}
	k.missed++
	for key, c := range k.counts {
		if c.events--; c.events == 0 {
			delete(k.counts, key)
		}
	}
}

// cutKey is the beginning of a long key, in whole characters.
func cutKey(key []byte) []byte {
	end := maxSurveyKeyBytes
	for end > maxSurveyKeyBytes-utf8.UTFMax && !utf8.RuneStart(key[end]) {
		end--
	}
	return append(slices.Clone(key[:end]), "…"...)
}

// list returns the keys, the most frequent first.
func (k *keyCounts) list() []KeyCount {
	all := make([]KeyCount, 0, len(k.counts))
	for key, c := range k.counts {
		all = append(all, KeyCount{key, c.events})
	}
	slices.SortFunc(all, func(a, b KeyCount) int {
		return cmp.Or(cmp.Compare(b.Events, a.Events), cmp.Compare(a.Key, b.Key))
	})
	return all
}
