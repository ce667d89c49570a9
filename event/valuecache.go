package event

import (
	"math"
	"strconv"

	"firehose-pipeline/schema"
)

// valueCache holds a rule's last values, encoded as JSON. Most rules have few values, and the timestamp is constant
// within a batch, so most are encoded once. It changes nothing in the output: a value that is not cached is encoded.
type valueCache struct {
	rule    *Rule
	keeps   bool // the event keeps its own field of the rule's name
	current int  // index in values of the event's value, or noValue, or uncached
	// previous is the JSON of the value that an earlier pass wrote, when that is kept.
	previous []byte

	values [cachedValues]cachedValue
	hints  [16]uint8   // where a value may be, by a few of its bits
	next   int         // to be replaced
	long   cachedValue // the last text that is too long to be cached
}

// cachedValue is one value of a rule.
type cachedValue struct {
	text   string  // of a Text rule
	number float64 // of a Number rule; 1 or 0 of a Flag rule
	json   []byte  // the field as in the output, with the comma before it; empty while there is no value
}

const (
	cachedValues  = 8
	noValue       = -1           // the rule has no value for the event
	uncached      = cachedValues // the value is in long
	maxCachedText = 64           // bytes
)

// recall asks the rule for its value and sets current.
func (m *valueCache) recall(e *Event, t *suffixCache) {
	text, number, ok := "", 0.0, true
	hint := uint(0)
	if r := m.rule; r.Text != nil {
		if text = r.Text(e); text == "" {
			m.current = noValue
			return
		}
		hint = (uint(len(text))*7 + uint(text[0])*3 + uint(text[len(text)-1])) % uint(len(m.hints))
		if at := m.hints[hint] % cachedValues; m.values[at].text == text {
			m.current = int(at)
			return
		}
	} else if r.Number != nil {
		number, ok = r.Number(e)
		ok = ok && (r.Kind == schema.BigInt || isFinite(number))
		hint = uint(math.Float64bits(number)*0x9E3779B97F4A7C15>>32) % uint(len(m.hints))
	} else {
		var flag bool
		if flag, ok = r.Flag(e); flag {
			number, hint = 1, 1
		}
	}
	if !ok {
		m.current = noValue
		return
	}
	if at := m.hints[hint] % cachedValues; m.values[at].is(text, number) {
		m.current = int(at)
		return
	}
	for at := range m.values {
		if m.values[at].is(text, number) {
			m.hints[hint], m.current = uint8(at), at
			return
		}
	}
	m.add(text, number, hint, t)
}

func (v *cachedValue) is(text string, number float64) bool {
	return v.number == number && v.text == text && len(v.json) > 0
}

// add encodes a value that is not cached.
func (m *valueCache) add(text string, number float64, hint uint, t *suffixCache) {
	v := &m.long
	if len(text) <= maxCachedText {
		m.current, m.next = m.next, (m.next+1)%cachedValues
		m.hints[hint] = uint8(m.current)
		v = &m.values[m.current]
		t.epoch++
	} else {
		m.current = uncached
		if cap(v.json) > 4<<10 {
			v.json = nil
		}
	}
	v.text, v.number = text, number
	v.json = append(appendText(append(v.json[:0], ','), m.rule.Name), ':')
	switch {
	case m.rule.Text != nil:
		v.json = appendText(v.json, text)
	case m.rule.Number != nil && m.rule.Kind == schema.BigInt:
		v.json = strconv.AppendInt(v.json, int64(number), 10)
	case m.rule.Number != nil:
		v.json = appendNumber(v.json, number)
	default:
		v.json = strconv.AppendBool(v.json, number == 1)
	}
}

// usePrevious takes the value that an earlier pass wrote.
func (m *valueCache) usePrevious() {
	m.current = uncached
	m.long.text, m.long.number = "", 0
	m.long.json = append(append(appendText(append(m.long.json[:0], ','), m.rule.Name), ':'), m.previous...)
}

// json returns the field with the current value.
func (m *valueCache) json() []byte {
	switch m.current {
	case noValue:
		return nil
	case uncached:
		return m.long.json
	}
	return m.values[m.current].json
}

// Suffix is the end that many objects of a batch have in common: the fields that the rules add, the closing brace and,
// in the lake, the newline.
type Suffix struct {
	JSON []byte
	// Texts is for the caller, who may keep there an encoded form of JSON. It is emptied when JSON changes.
	Texts [3][]byte

	key   uint64 // the current value of each rule, four bits a rule; 0 for none
	epoch uint64
	built bool
}

// suffixCache holds the last suffixes, by their key. A suffix that has been seen once is only noted: when the rules
// have a new value for each event, nothing is gained by building it.
type suffixCache struct {
	table [256]Suffix
	epoch uint64 // counts the changes in the caches of values, each of which makes all suffixes void
}

// maxSuffixRules is the number of rules that have room in a key.
const maxSuffixRules = 16

// find returns the suffix of this key, nil when there is none.
func (t *suffixCache) find(key uint64) *Suffix {
	suffix := &t.table[key*0x9E3779B97F4A7C15>>56]
	if suffix.key != key || suffix.epoch != t.epoch {
		suffix.key, suffix.epoch, suffix.built = key, t.epoch, false
		return nil
	}
	return suffix
}
