package infer

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"unicode/utf8"

	"firehose-pipeline/internal/plural"
	"firehose-pipeline/internal/printable"
)

// Report says what a schema was inferred from, and what it is not sure of. As JSON it is for programs.
type Report struct {
	Events      int64         `json:"events"`      // used
	Broken      int64         `json:"broken"`      // parts of the input that are no events
	BrokenBytes int64         `json:"brokenBytes"` // their size, as far as it is known
	BrokenParts []BrokenError `json:"brokenParts"` // the first of them
	Reasons     []Reason      `json:"reasons"`     // of all of them
	Fields      []Field       `json:"fields"`      // with those inside them, in the order of the schema
	EventID     string        `json:"eventId,omitempty"`
	EventType   string        `json:"eventType,omitempty"`
	Unsure      []Note        `json:"unsure"` // choices to look at
	Hints       []Note        `json:"hints"`  // what could be added by hand
	Limits      []string      `json:"limits"` // bounds of memory that were reached
}

// Reason is how many parts were not used for one reason.
type Reason struct {
	Reason string `json:"reason"`
	Parts  int64  `json:"parts"`
}

// Field is what was seen of one field.
type Field struct {
	Pointer  string      `json:"pointer"`  // JSON Pointer in an event, * for the elements of an array
	Declared string      `json:"declared"` // one of kindNames
	Of       string      `json:"of,omitempty"`
	Nullable bool        `json:"nullable"`
	Required bool        `json:"required"` // in every object around it
	Column   string      `json:"column,omitempty"`
	Values   int64       `json:"values"`
	Share    float64     `json:"share"` // of the objects around it that have it; 0 for elements of arrays
	Types    []TypeShare `json:"types"`
}

// TypeShare is how many values had a JSON type.
type TypeShare struct {
	Type   string  `json:"type"`
	Values int64   `json:"values"`
	Share  float64 `json:"share"`
}

// Note is something to know about a field; its pointer is empty for the event.
type Note struct {
	Pointer string `json:"pointer"`
	Text    string `json:"text"`
}

func fieldOf(p *property, v *counts, around int64) Field {
	f := Field{Pointer: pointer(p.path), Nullable: p.nullable, Required: p.required && around > 0, Values: p.events,
		Share: p.share, Types: v.shares()}
	f.declare(p)
	return f
}

func (f *Field) declare(p *property) {
	f.Declared, f.Of, f.Column = kindNames[p.kind], "", p.column
	if !p.isTyped() {
		f.Declared = kindNames[untyped]
	} else if p.elem != nil {
		f.Of = kindNames[p.elem.kind]
	}
}

// finish brings the fields to what became of the properties.
func (r *Report) finish(root *property) {
	final := map[string]*property{}
	var collect func(p *property)
	collect = func(p *property) {
		final[pointer(p.path)] = p
		for _, f := range p.fields {
			f.left = f.left || p.left
			collect(f)
		}
		if p.elem != nil {
			p.elem.left = p.elem.left || p.left
			collect(p.elem)
		}
	}
	collect(root)
	for i := range r.Fields {
		if p := final[r.Fields[i].Pointer]; p != nil {
			r.Fields[i].declare(p)
		}
	}
	if r.EventID != "" && !final[pointer([]string{r.EventID})].isTyped() {
		r.EventID = ""
	}
	if r.EventType != "" && !final[pointer([]string{r.EventType})].isTyped() {
		r.EventType = ""
	}
}

// shownFields and shownNotes bound the text; the JSON has all.
const (
	shownFields = 200
	shownNotes  = 100
)

// WriteText writes the report for people.
func (r *Report) WriteText(to io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%d %s used", r.Events, plural.Of(r.Events, "{event|events}"))
	if r.Broken > 0 {
		fmt.Fprintf(&b, ", %d %s not used", r.Broken, plural.Of(r.Broken, "{part|parts} of the input"))
	}
	b.WriteString("\n")
	r.writeBroken(&b)
	r.writeFields(&b)
	writeNotes(&b, "Unsure, to be looked at:", r.Unsure)
	writeNotes(&b, "Hints:", r.Hints)
	for _, limit := range r.Limits {
		fmt.Fprintf(&b, "limit: %s\n", limit)
	}
	_, err := io.WriteString(to, b.String())
	return err
}

func (r *Report) writeBroken(b *strings.Builder) {
	for _, reason := range r.Reasons {
		fmt.Fprintf(b, "  %d × %s\n", reason.Parts, printable.Text(reason.Reason))
	}
	for _, part := range r.BrokenParts {
		fmt.Fprintf(b, "  %s\n", printable.Text(part.Error()))
	}
	if more := r.Broken - int64(len(r.BrokenParts)); more > 0 {
		fmt.Fprintf(b, "  … and %d more\n", more)
	}
}

func (r *Report) writeFields(b *strings.Builder) {
	if len(r.Fields) == 0 {
		return
	}
	b.WriteString("\n")
	w := tabwriter.NewWriter(b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "FIELD\tIN\tDECLARED\tSEEN")
	for i, f := range r.Fields {
		if i == shownFields {
			fmt.Fprintf(w, "… and %d more\t\t\t\n", len(r.Fields)-i)
			break
		}
		declared := f.Declared
		if f.Of != "" {
			declared += " of " + f.Of
		}
		if f.Nullable && f.Declared != kindNames[untyped] {
			declared += " or null"
		}
		in := ""
		if !strings.HasSuffix(f.Pointer, "/*") {
			in = printable.Percent(f.Values, int64(float64(f.Values)/f.Share+0.5))
		}
		var seen []string
		for _, t := range f.Types {
			if len(f.Types) == 1 {
				seen = append(seen, t.Type)
			} else {
				seen = append(seen, t.Type+" "+printable.Percent(t.Values, f.Values))
			}
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", shorten(f.Pointer, 60), in, declared, strings.Join(seen, ", "))
	}
	_ = w.Flush() // to memory
}

func writeNotes(b *strings.Builder, title string, notes []Note) {
	if len(notes) == 0 {
		return
	}
	fmt.Fprintf(b, "\n%s\n", title)
	for i, note := range notes {
		if i == shownNotes {
			fmt.Fprintf(b, "  … and %d more\n", len(notes)-i)
			break
		}
		place := "the event"
		if note.Pointer != "" {
			place = shorten(note.Pointer, 60)
		}
		fmt.Fprintf(b, "  %s: %s\n", place, printable.Text(note.Text))
	}
}

// shorten makes text printable and cuts it.
func shorten(text string, most int) string {
	text = printable.Text(text)
	if utf8.RuneCountInString(text) <= most {
		return text
	}
	return string([]rune(text)[:most-1]) + "…"
}
