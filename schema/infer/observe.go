package infer

import (
	"bytes"
	"fmt"
	"iter"

	"firehose-pipeline/event"
	"firehose-pipeline/internal/jsonscan"
)

// Inference counts the types of the values of events. It is not safe for concurrent use.
type Inference struct {
	title string

	root        node
	nodes       int // followed
	events      int64
	bytes       int64
	broken      int64
	brokenBytes int64
	samples     []BrokenError // the first broken parts
	byReason    map[string]int64
	missed      missed
	crowded     bool // maxNodes was reached
	scan        *jsonscan.Scanner
	decoded     []byte
}

// New returns an inference without events. The title is that of the schema; empty for "Events".
func New(title string) *Inference {
	if title == "" {
		title = "Events"
	}
	in := &Inference{title: title, scan: jsonscan.NewScanner(jsonscan.NewNames()), byReason: map[string]int64{}}
	in.root.object = newObject(0)
	in.nodes = 1
	return in
}

// FromObjects infers from the objects of a sequence, such as that of [Objects]. A [*BrokenError] in it is counted; any
// other error ends it and is returned.
func FromObjects(title string, objects iter.Seq2[[]byte, error]) (*Result, error) {
	in := New(title)
	if err := in.AddAll(objects); err != nil {
		return nil, err
	}
	return in.Result(), nil
}

// AddAll adds the events of a sequence, as [FromObjects] does.
func (in *Inference) AddAll(objects iter.Seq2[[]byte, error]) error {
	for object, err := range objects {
		if broken, ok := err.(*BrokenError); ok {
			in.AddBroken(broken)
		} else if err != nil {
			return err
		} else {
			in.Add(object)
		}
	}
	return nil
}

// Events is the number of events that were used so far, and Broken that of the parts that were none.
func (in *Inference) Events() int64 { return in.events }
func (in *Inference) Broken() int64 { return in.broken }

// AddBroken counts a part of the input that is not an event.
func (in *Inference) AddBroken(broken *BrokenError) {
	in.broken++
	in.brokenBytes += broken.Length
	if len(in.samples) < maxBroken {
		in.samples = append(in.samples, *broken)
	}
	reason := broken.Reason
	if at := bytes.Index([]byte(reason), []byte(" at byte ")); at >= 0 {
		reason = reason[:at]
	}
	in.byReason[reason]++
}

// Add adds one event. What is not exactly one JSON object is counted as broken.
func (in *Inference) Add(record []byte) {
	o := in.root.object
	end, problem := o.scan.Object(record, 0)
	members := o.scan.Members
	switch {
	case problem != jsonscan.None:
		in.reject(record, fmt.Sprintf("%v at byte %d", problem, end+1))
	case jsonscan.SkipSpace(record, end) < len(record):
		in.reject(record, fmt.Sprintf("more than one object at byte %d", end+1))
	case len(members) > maxEventKeys:
		in.reject(record, fmt.Sprintf("an event of more than %d keys", maxEventKeys))
	default:
		in.events++
		in.bytes += int64(len(record))
		in.addMembers(&in.root, o.scan, record)
		return
	}
	o.refreshScan()
}

func (in *Inference) reject(record []byte, reason string) {
	in.AddBroken(&BrokenError{Line: in.events + in.broken + 1, Length: int64(len(record)), Reason: reason})
}

// node is what is known of the values of one field, of the elements of an array, or of the values of a map.
type node struct {
	key    string
	depth  int
	values counts
	few    few
	sample *sample // of a field of the event
	object *object // when one of the values was an object
	elem   *node   // when one of the values was an array that is not empty
	last   int64   // the last event that had it
}

// counts are numbers of values.
type counts struct {
	nulls, booleans, strings, objects, arrays int64
	integers, bigIntegers                     int64 // in 64 bits, and beyond
	fractions                                 int64 // numbers with fraction or exponent
	unsafe                                    int64 // integers beyond 2^53, bigIntegers among them
	unusable                                  int64 // numbers that no store accepts
	infinite                                  int64 // numbers beyond a float64
	epochSeconds, epochMillis                 int64 // numbers that may be those
	timestamps, convertible, dates            int64 // strings, among them those that are rewritten as timestamps
	numeric, leadingZeros,
	booleanText int64 // strings that mean a number, of those numbers that are none as JSON, true or false
	empty                     int64 // strings
	looked, emails, addresses int64 // strings that were looked at for personal data, and found
}

func (c *counts) numbers() int64 { return c.integers + c.bigIntegers + c.fractions }

// all is the number of values, null among them.
func (c *counts) all() int64 {
	return c.nulls + c.booleans + c.strings + c.objects + c.arrays + c.numbers()
}

// few are the different strings of a field as long as they are few.
type few struct {
	values []fewValue
	many   bool
}

type fewValue struct {
	text  string
	hash  uint64
	count int64
}

func (f *few) add(text []byte, hash uint64) {
	for i := range f.values {
		if v := &f.values[i]; v.hash == hash && v.text == string(text) {
			v.count++
			return
		}
	}
	if len(f.values) == maxValues || len(text) > maxValueBytes {
		f.values, f.many = nil, true
		return
	}
	f.values = append(f.values, fewValue{string(text), hash, 1})
}

// addValue adds the value data[start:end] of a kind, which has been scanned.
func (in *Inference) addValue(n *node, data []byte, kind jsonscan.Kind, start, end int, escaped, integer bool) {
	n.last = in.events
	switch kind {
	case jsonscan.Null:
		n.values.nulls++
	case jsonscan.True, jsonscan.False:
		n.values.booleans++
	case jsonscan.Number:
		in.addNumber(n, data[start:end], integer)
	case jsonscan.String:
		text := data[start+1 : end-1]
		if escaped {
			in.decoded = jsonscan.Unescape(in.decoded[:0], text)
			text = in.decoded
		}
		in.addString(n, text)
	case jsonscan.Object:
		n.values.objects++
		if n.depth < maxDepth {
			in.addObject(n, data[start:end])
		}
	case jsonscan.Array:
		n.values.arrays++
		if n.depth < maxDepth {
			in.addElements(n, data[start:end])
		}
	}
}

func (in *Inference) addNumber(n *node, text []byte, integer bool) {
	v := &n.values
	switch {
	case !integer:
		v.fractions++
		if len(text) > 300 || bytes.ContainsAny(text, "eE") {
			v.addOdd(text)
		} else if len(text) > 11 && text[0] == '1' && text[10] == '.' && event.ConvertsToTimestamp(text) {
			v.epochSeconds++
		}
	case event.FitsInt64(text):
		v.integers++
		if len(text) >= 10 {
			v.addLong(text)
		}
	default:
		v.bigIntegers++
		v.unsafe++
		v.addOdd(text)
	}
	if n.sample != nil && integer {
		n.sample.add(hashText(text))
	}
}

// addOdd counts a number that may be none for the stores.
func (v *counts) addOdd(text []byte) {
	if !event.IsAcceptedNumber(text) {
		v.unusable++
	} else if !event.FitsFloat64(text) {
		v.infinite++
	}
}

// addLong counts an integer of 64 bits with many digits.
func (v *counts) addLong(text []byte) {
	const exact = "9007199254740992" // 2^53
	switch {
	case len(text) == 10 && text[0] == '1': // 2001 to 2033
		v.epochSeconds++
	case len(text) == 13 && text[0] == '1':
		v.epochMillis++
	case len(text) >= len(exact):
		digits := bytes.TrimPrefix(text, []byte("-"))
		if len(digits) > len(exact) || len(digits) == len(exact) && string(digits) > exact {
			v.unsafe++
		}
	}
}

func (in *Inference) addString(n *node, text []byte) {
	v := &n.values
	v.strings++
	if len(text) == 0 {
		v.empty++
		return
	}
	switch c := text[0]; {
	case c-'0' <= 9 || c == '-':
		v.addDigits(text)
	case c == 't' && string(text) == "true", c == 'f' && string(text) == "false":
		v.booleanText++
	}
	if v.looked < maxLooks {
		v.looked++
		if looksLikeEmail(text) {
			v.emails++
		} else if looksLikeAddress(text) {
			v.addresses++
		}
	}
	if n.sample == nil && n.few.many {
		return
	}
	hash := hashText(text[:min(len(text), 1024)])
	if n.sample != nil {
		n.sample.add(hash)
	}
	if !n.few.many {
		n.few.add(text, hash)
	}
}

// addDigits counts a string that begins as a number or a time does.
func (v *counts) addDigits(text []byte) {
	if len(text) >= len("0000-00-00") && text[4] == '-' {
		switch {
		case event.IsDate(text):
			v.dates++
			return
		case event.IsTimestamp(text):
			v.timestamps++
			return
		case len(text) < 64 && event.ConvertsToTimestamp(text):
			v.timestamps++
			v.convertible++
			return
		}
	}
	if number, _ := jsonscan.IsNumber(text); number {
		v.numeric++
	} else if isDigits(text) { // with zeros before them
		v.numeric++
		v.leadingZeros++
	}
}

func isDigits(text []byte) bool {
	for _, c := range text {
		if c-'0' > 9 {
			return false
		}
	}
	return len(text) > 0
}

// lostElements stands for elements that are not followed for want of room.
var lostElements node

// addElements adds the elements of an array.
func (in *Inference) addElements(n *node, array []byte) {
	at := jsonscan.SkipSpace(array, 1)
	if array[at] == ']' {
		return
	}
	switch {
	case n.elem == &lostElements:
		return
	case n.elem == nil && in.nodes >= maxNodes:
		in.crowded, n.elem = true, &lostElements
		return
	case n.elem == nil:
		n.elem = &node{depth: n.depth + 1}
		in.nodes++
	}
	for {
		kind, start, escaped, integer := kindOf(array[at]), at, false, false
		if kind == jsonscan.String {
			at, escaped, _ = jsonscan.Text(array, at)
			at++
		} else if at, _ = jsonscan.Value(array, at); kind == jsonscan.Number {
			_, integer = jsonscan.IsNumber(array[start:at])
		}
		in.addValue(n.elem, array, kind, start, at, escaped, integer)
		if at = jsonscan.SkipSpace(array, at); array[at] == ']' {
			return
		}
		at = jsonscan.SkipSpace(array, at+1)
	}
}

// kindOf is the kind of a value by its first byte.
func kindOf(c byte) jsonscan.Kind {
	switch c {
	case '"':
		return jsonscan.String
	case '{':
		return jsonscan.Object
	case '[':
		return jsonscan.Array
	case 't':
		return jsonscan.True
	case 'f':
		return jsonscan.False
	case 'n':
		return jsonscan.Null
	}
	return jsonscan.Number
}
