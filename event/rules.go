package event

import (
	"fmt"
	"slices"
	"strconv"

	"firehose-pipeline/internal/jsonscan"
	"firehose-pipeline/schema"
)

// Rule adds one field to every event, after the event's own fields. Rules come from x-enrich of the schema; see
// [Custom] for a rule written in Go.
//
// A rule must depend on nothing but the event and ProcessedAt, because a replayed event has to come out the same.
type Rule struct {
	Name string
	Kind schema.Kind

	// One of the following, as Kind wants, gives the field's value. With "" or false for ok the event does not get the
	// field.

	Text   func(e *Event) string               // String and Timestamp
	Number func(e *Event) (n float64, ok bool) // Double, written with at most two decimals, and BigInt, with none
	Flag   func(e *Event) (flag, ok bool)      // Boolean

	// keepsPrevious: the rule looks at a protected field, whose value a second pass does not see: it keeps the value
	// that the first pass wrote.
	keepsPrevious bool
}

// newRule makes the rule of an x-enrich entry.
func (l *Layout) newRule(e *schema.Enrichment, ids map[*schema.Field]FieldID) (Rule, error) {
	r := Rule{}
	switch {
	case e.ProcessedAt:
		r.Text = (*Event).ProcessedAt
	case e.Status != nil:
		r.Text = statusRule(e.Status)
	case e.Constant != nil:
		r = constantRule(e)
	case e.Presence != nil:
		r = presenceRule(e, ids[e.Presence.Field])
	case e.Truth != nil:
		r = truthRule(e, ids[e.Truth.Field])
	case e.Bands != nil:
		r.Text = bandsRule(e.Bands, ids[e.Bands.Field], l.nodes[ids[e.Bands.Field]].kind)
	case e.Categories != nil:
		r.Text = categoriesRule(e.Categories, ids[e.Categories.Field])
	case e.Score != nil:
		r.Number = scoreRule(e.Score, ids)
	default:
		custom := Custom[e.Go]
		if custom == nil {
			return Rule{}, fmt.Errorf("x-enrich %s: no function %q in event.Custom", strconv.Quote(e.Name), e.Go)
		}
		r = custom(l)
		if !r.fits(e.Kind) {
			return Rule{}, fmt.Errorf("x-enrich %s: function %q does not give a value of the declared type",
				strconv.Quote(e.Name), e.Go)
		}
		r.keepsPrevious = l.protects
	}
	r.Name, r.Kind = e.Name, e.Kind
	r.keepsPrevious = r.keepsPrevious || slices.ContainsFunc(inputs(e), func(f *schema.Field) bool {
		return l.nodes[ids[f]].protect != schema.Unprotected
	})
	return r, nil
}

// fits reports whether the rule has exactly the function that the kind wants.
func (r *Rule) fits(kind schema.Kind) bool {
	text, number, flag := r.Text != nil, r.Number != nil, r.Flag != nil
	switch kind {
	case schema.String, schema.Timestamp, schema.Date:
		return text && !number && !flag
	case schema.Double, schema.BigInt:
		return number && !text && !flag
	}
	return kind == schema.Boolean && flag && !text && !number
}

func statusRule(s *schema.Status) func(*Event) string {
	complete, partial := s.Complete, s.Partial
	return func(e *Event) string {
		if e.IsPartial() {
			return partial
		}
		return complete
	}
}

func constantRule(e *schema.Enrichment) Rule {
	text := e.Constant.JSON
	switch e.Kind {
	case schema.Boolean:
		return Rule{Flag: func(*Event) (bool, bool) { return text == "true", true }}
	case schema.String:
		content := string(jsonscan.Unescape(nil, []byte(text[1:len(text)-1])))
		return Rule{Text: func(*Event) string { return content }}
	}
	n, err := strconv.ParseFloat(text, 64)
	return Rule{Number: func(*Event) (float64, bool) { return n, err == nil }}
}

// orNothing is the text of a value that may be left out.
func orNothing(text *string) string {
	if text == nil {
		return ""
	}
	return *text
}

func presenceRule(e *schema.Enrichment, f FieldID) Rule {
	if e.Kind == schema.Boolean {
		return Rule{Flag: func(e *Event) (bool, bool) { return e.Present(f), true }}
	}
	present, missing := orNothing(e.Presence.Present), orNothing(e.Presence.Absent)
	return Rule{Text: func(e *Event) string {
		if e.Present(f) {
			return present
		}
		return missing
	}}
}

// truthRule is a value by whether the field, as sent, says anything. An earlier pass may have made "false" or "0" of a
// false or 0, which in a new event are strings that say something: then the value that it wrote decides.
func truthRule(e *schema.Enrichment, f FieldID) Rule {
	name, yes, no, missing := e.Name, e.Truth.True, e.Truth.False, orNothing(e.Truth.Absent)
	ofAbsent := e.Truth.Absent != nil
	if e.Kind == schema.Boolean {
		return Rule{Flag: func(e *Event) (bool, bool) {
			if !e.Sent(f) {
				return missing == "true", ofAbsent
			}
			return !e.IsEmpty(f) && !(e.previousFlag(name) == jsonscan.False && convertedEmpty(e.Text(f))), true
		}}
	}
	return Rule{Text: func(e *Event) string {
		switch {
		case !e.Sent(f):
			return missing
		case e.IsEmpty(f) || e.reprocessed && e.PreviousText(name) == no && convertedEmpty(e.Text(f)):
			return no
		}
		return yes
	}}
}

// convertedEmpty reports whether a string may be the false or 0 of an event that has been through the transform before:
// there they became "false" and "0".
func convertedEmpty(s []byte) bool {
	isNumber, _ := jsonscan.IsNumber(s)
	return isNumber && isZero(s) || string(s) == "false"
}

func bandsRule(b *schema.Bands, f FieldID, kind schema.Kind) func(*Event) string {
	bands, otherwise := slices.Clone(b.Bands), orNothing(b.Otherwise)
	invalid, missing := orNothing(b.Invalid), orNothing(b.Absent)
	return func(e *Event) string {
		n, ok := e.Number(f)
		switch {
		case ok:
		case e.Sent(f):
			return invalid
		default:
			return missing
		}
		if kind == schema.BigInt {
			n, _ = parseDouble(e.Text(f))
		}
		for i := range bands {
			if band := &bands[i]; n > band.Bound || band.Inclusive && n == band.Bound {
				return band.Value
			}
		}
		return otherwise
	}
}

func categoriesRule(c *schema.Categories, f FieldID) func(*Event) string {
	values := newTexts(c.Sets)
	otherwise, missing := orNothing(c.Otherwise), orNothing(c.Absent)
	return func(e *Event) string {
		if !e.Sent(f) {
			return missing
		}
		if v := &e.fields[f]; v.state == conformed {
			if value := values.find(v.text); value != "" {
				return value
			}
		}
		return otherwise
	}
}

// texts finds the category of a string. Among a few strings of one length comparing is faster than a map.
type texts struct {
	byLength [32][]category
	others   map[string]string
}

type category struct{ text, value string }

// fewTexts is the number of strings of one length up to which they are compared.
const fewTexts = 8

func newTexts(sets []schema.Set) *texts {
	t := &texts{others: map[string]string{}}
	for _, set := range sets {
		for _, text := range set.Members {
			if n := len(text); n < len(t.byLength) && len(t.byLength[n]) < fewTexts {
				t.byLength[n] = append(t.byLength[n], category{text, set.Value})
			} else {
				t.others[text] = set.Value
			}
		}
	}
	return t
}

// find returns the category, empty when the string is in no set.
func (t *texts) find(text []byte) string {
	if len(text) < len(t.byLength) {
		same := t.byLength[len(text)]
		for i := range same {
			if same[i].text == string(text) {
				return same[i].value
			}
		}
		if len(same) < fewTexts {
			return ""
		}
	}
	return t.others[string(text)]
}

func scoreRule(s *schema.Score, ids map[*schema.Field]FieldID) func(*Event) (float64, bool) {
	type weight struct {
		field  FieldID
		weight float64
	}
	var weights []weight
	sum := 0.0
	for _, w := range s.Weights {
		weights = append(weights, weight{ids[w.Field], w.Weight})
		sum += w.Weight
	}
	return func(e *Event) (float64, bool) {
		present := 0.0
		for _, w := range weights {
			if e.Present(w.field) {
				present += w.weight
			}
		}
		return 100 * present / sum, sum > 0
	}
}

// appendValue appends the rule's value for the event to dst as JSON, or nothing.
func (r *Rule) appendValue(dst []byte, e *Event) []byte {
	if r.keepsPrevious && e.reprocessed {
		return dst
	}
	switch {
	case r.Text != nil:
		if s := r.Text(e); s != "" {
			return appendText(dst, s)
		}
	case r.Number != nil:
		if n, ok := r.Number(e); ok && r.Kind == schema.BigInt {
			return strconv.AppendInt(dst, int64(n), 10)
		} else if ok {
			return appendNumber(dst, n)
		}
	case r.Flag != nil:
		if flag, ok := r.Flag(e); ok {
			return strconv.AppendBool(dst, flag)
		}
	}
	return dst
}
