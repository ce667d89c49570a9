package event

import (
	"math"
	"strconv"
)

// memory is what a rule wrote lately. Most rules say one of a few things, and the time is the same for a whole batch, so that
// what a rule says need not be written as JSON each time.
//
// It changes nothing in what is written: a value that is not in memory is written anew.
type memory struct {
	rule  *Rule
	keeps bool // the event keeps its own field of the rule's name
	says  int  // which of values the rule says of the event, or nothing, or notKept

	values [remembered]said
	hints  [16]uint8 // where a value may be, by a few of its bits
	next   int       // to be replaced
	long   said      // the last text that is too long to be remembered
}

// said is one value of a rule.
type said struct {
	text   string  // of a Text rule
	number float64 // of a Number rule; 1 or 0 of a Flag rule
	json   []byte  // the field as it stands in the output, with the comma before it; empty while there is no value
}

const (
	remembered = 8
	nothing    = -1         // the rule has no value for the event
	notKept    = remembered // the value is in long
	longest    = 64         // bytes of a text that is remembered
)

// recall asks the rule for its value and sets says.
func (m *memory) recall(e *Event, t *tails) {
	text, number, ok := "", 0.0, true
	hint := uint(0)
	if r := m.rule; r.Text != nil {
		if text = r.Text(e); text == "" {
			m.says = nothing
			return
		}
		// Which of its values a rule says cannot be guessed, but looked up.
		hint = (uint(len(text))*7 + uint(text[0])*3 + uint(text[len(text)-1])) % uint(len(m.hints))
		if at := m.hints[hint] % remembered; m.values[at].text == text {
			m.says = int(at)
			return
		}
	} else if r.Number != nil {
		number, ok = r.Number(e)
		ok = ok && (r.Type == BigInt || isFinite(number))
		hint = uint(math.Float64bits(number)*0x9E3779B97F4A7C15>>32) % uint(len(m.hints))
	} else {
		var flag bool
		if flag, ok = r.Flag(e); flag {
			number, hint = 1, 1
		}
	}
	if !ok {
		m.says = nothing
		return
	}
	if at := m.hints[hint] % remembered; m.values[at].is(text, number) {
		m.says = int(at)
		return
	}
	for at := range m.values {
		if m.values[at].is(text, number) {
			m.hints[hint], m.says = uint8(at), at
			return
		}
	}
	m.learn(text, number, hint, t)
}

func (v *said) is(text string, number float64) bool {
	return v.number == number && v.text == text && len(v.json) > 0
}

// learn writes a value that is not in memory.
func (m *memory) learn(text string, number float64, hint uint, t *tails) {
	v := &m.long
	if len(text) <= longest {
		m.says, m.next = m.next, (m.next+1)%remembered
		m.hints[hint] = uint8(m.says)
		v = &m.values[m.says]
		t.epoch++
	} else {
		m.says = notKept
		if cap(v.json) > 4<<10 {
			v.json = nil
		}
	}
	v.text, v.number = text, number
	v.json = append(append(append(v.json[:0], `,"`...), m.rule.Name...), `":`...)
	switch {
	case m.rule.Text != nil:
		v.json = appendText(v.json, text)
	case m.rule.Number != nil && m.rule.Type == BigInt:
		v.json = strconv.AppendInt(v.json, int64(number), 10)
	case m.rule.Number != nil:
		v.json = appendNumber(v.json, number)
	default:
		v.json = strconv.AppendBool(v.json, number == 1)
	}
}

// json returns the field for what the rule says.
func (m *memory) json() []byte {
	switch m.says {
	case nothing:
		return nil
	case notKept:
		return m.long.json
	}
	return m.values[m.says].json
}

// Tail is the end that many objects of a batch have in common: the fields that the rules add, the closing brace and, in the
// lake, the newline.
type Tail struct {
	JSON []byte
	// Texts is for the caller, who may keep there what it makes of JSON. It is emptied when JSON changes.
	Texts [3][]byte

	key   uint64 // which values of the rules, four bits a rule; 0 for none
	epoch uint64
	built bool
}

// tails are the tails of the last objects, by their key. A tail that has been seen once is only noted: when the rules say
// something new all the time, nothing is gained by building it.
type tails struct {
	table [256]Tail
	epoch uint64 // counts the changes in the rules' memory, each of which makes all tails void
}

// mostTailRules is how many rules have room in a key.
const mostTailRules = 16

// find returns the tail of this key, nil when there is none.
func (t *tails) find(key uint64) *Tail {
	tail := &t.table[key*0x9E3779B97F4A7C15>>56]
	if tail.key != key || tail.epoch != t.epoch {
		tail.key, tail.epoch, tail.built = key, t.epoch, false
		return nil
	}
	return tail
}
