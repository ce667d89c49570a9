package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"text/tabwriter"

	"firehose-pipeline/event"
	"firehose-pipeline/internal/printable"
	"firehose-pipeline/schema"
)

// The most fields and keys in a report for people.
const (
	mostSurveyFields = 20
	mostSurveyKeys   = 5
)

// survey counts the declared fields in events for the report. nil counts nothing. It is safe for concurrent use.
type survey struct {
	schema string // the schema's file, as the report names it

	mu           sync.Mutex
	lake, search *event.Survey
	ofLake       bool // the lake got a record: those of the search stream no longer count
}

func newSurvey(file string, s *schema.Schema) (*survey, error) {
	layout, err := event.Compile(s)
	if err != nil {
		return nil, err
	}
	lake, err := event.NewSurvey(layout)
	if err != nil {
		return nil, err
	}
	search, err := event.NewSurvey(layout)
	if err != nil {
		return nil, err
	}
	return &survey{schema: file, lake: lake, search: search}, nil
}

// beginSurvey makes the survey for the text of an event schema. With an invalid schema there is none: the functions
// report it as well.
func (l *localCommand) beginSurvey(file string, text []byte) {
	s, err := schema.Parse(text)
	if err == nil {
		l.survey, err = newSurvey(file, s)
	}
	if err != nil {
		sayNoSurvey(l.screen, err)
	}
}

func sayNoSurvey(screen *screen, err error) {
	screen.printLine("note: the report does not count the declared fields: %v", err)
}

// loadSurvey makes the survey for the schema in path or, when that is empty, the project's. Outside of a project, or
// when its schema is invalid, there is none: events can be sent from anywhere.
func loadSurvey(path string, screen *screen) (*survey, error) {
	file, err := findSchema(path)
	if err == nil && file == "" {
		return nil, nil
	}
	var v *survey
	if err == nil {
		v, err = readSurvey(file)
	}
	if err != nil && path == "" {
		sayNoSurvey(screen, err)
		return nil, nil
	}
	return v, err
}

func readSurvey(file string) (*survey, error) {
	s, err := schema.Load(file)
	if err != nil {
		return nil, err
	}
	if folder, err := os.Getwd(); err == nil { // a shorter name
		if short, err := filepath.Rel(folder, file); err == nil && filepath.IsLocal(short) {
			file = short
		}
	}
	return newSurvey(file, s)
}

// add counts a record of a stream.
func (v *survey) add(stream event.Stream, record []byte) {
	if v == nil {
		return
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	switch {
	case stream == event.Lake:
		v.ofLake = true
		v.lake.Add(record)
	case !v.ofLake:
		v.search.Add(record)
	}
}

// surveyReport is the result of a survey; nil adds nothing to a report.
type surveyReport struct {
	Schema string `json:"schema"`
	event.SurveyReport

	events string // the file with the events, for a command
}

// report returns the counts, nil when there was no event: those of the lake's records, or of the search stream's when
// the lake got none.
func (v *survey) report(events string) *surveyReport {
	if v == nil {
		return nil
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	r := v.lake.Report()
	if !v.ofLake {
		r = v.search.Report()
	}
	if r.Events == 0 {
		return nil
	}
	if events == "" || events == "-" {
		events = "FILE"
	}
	return &surveyReport{Schema: v.schema, SurveyReport: r, events: events}
}

// warning says that the schema describes none of the events, with the command that writes another one.
func (r *surveyReport) warning() string {
	if r == nil || r.Described > 0 {
		return ""
	}
	return fmt.Sprintf("No event contains a declared field of %s: every declared column is null%s.\n"+
		"Write a schema for these events: %s schema infer --events %s --out new-%s\n\n",
		printable.Text(r.Schema), r.sampled(), programName(), quote(printable.Text(r.events)), schema.FileName)
}

// sampled says how many records were looked at, when not all were.
func (r *surveyReport) sampled() string {
	if r.LookedAt == r.Records {
		return ""
	}
	return fmt.Sprintf(" (%s of %s looked at)", thousands(r.LookedAt), count(r.Records, "record"))
}

// writeTo adds the notable fields and the most frequent undeclared keys.
func (r *surveyReport) writeTo(w *strings.Builder) {
	if r == nil {
		return
	}
	r.writeFields(w)
	if len(r.Undeclared) == 0 {
		return
	}
	fmt.Fprintf(w, "\nkeys that %s does not declare%s\n", printable.Text(r.Schema), r.sampled())
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	in, shown := "in", 0
	if r.Missed > 0 {
		in = "in at least"
	}
	for _, k := range r.Undeclared {
		if shown == mostSurveyKeys || k.Events <= r.Missed { // a key that has no room may be as frequent
			break
		}
		shown++
		fmt.Fprintf(table, "  %s\t%s %s of events\n", shorten(k.Key), in, printable.Percent(k.Events, r.Events))
	}
	flushTable(table)
	switch more := len(r.Undeclared) - shown; {
	case r.Missed > 0:
		fmt.Fprintln(w, "  and many others")
	case more > 0:
		fmt.Fprintf(w, "  %s more: --format json has them\n", thousands(int64(more)))
	}
}

func (r *surveyReport) writeFields(w *strings.Builder) {
	var notable []event.FieldCount
	for _, f := range r.Fields {
		if f.Notable() {
			notable = append(notable, f)
		}
	}
	if len(notable) == 0 || r.Described == 0 { // the warning has said so
		return
	}
	fmt.Fprintf(w, "\nfields of %s%s\n", printable.Text(r.Schema), r.sampled())
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, f := range notable[:min(len(notable), mostSurveyFields)] {
		malformed := ""
		if f.Conforming < f.Events {
			malformed = "\tmalformed in " + printable.Percent(f.Events-f.Conforming, r.Events)
		}
		fmt.Fprintf(table, "  %s\tin %s of events%s\n", shorten(f.Field), printable.Percent(f.Events, r.Events), malformed)
	}
	flushTable(table)
	if more := len(notable) - mostSurveyFields; more > 0 {
		fmt.Fprintf(w, "  %s more: --format json has them\n", thousands(int64(more)))
	}
}
