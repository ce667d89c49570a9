package schema_test

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"firehose-pipeline/internal/testkit/casefile"
	"firehose-pipeline/schema"
)

var update = flag.Bool("update", false, "write down what the tests see as expected")

// Each file in testdata/invalid is a schema and, behind ten dashes, one line for each problem.
func TestInvalid(t *testing.T) {
	const folder = "testdata/invalid"
	cases := readCases(t, folder)
	if len(cases) < 60 {
		t.Errorf("%d cases", len(cases))
	}
	for _, c := range cases {
		t.Run(c.Name, func(t *testing.T) {
			s, err := schema.Parse(c.Context)
			var problems *schema.Error
			if !errors.As(err, &problems) || s != nil {
				t.Fatalf("got %v, %v", s, err)
			}
			got := strings.Split(problems.Error(), "\n")
			for _, p := range problems.Problems {
				if p.Message == "" || p.Pointer != "" && p.Pointer[0] != '/' {
					t.Errorf("no message or no pointer: %q", p)
				}
			}
			if *update {
				c.Errors = got
				if err := os.WriteFile(filepath.Join(folder, c.Name+".txt"), c.Text(), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if !slices.Equal(got, c.Errors) {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(c.Errors, "\n"))
			}
		})
	}
}

// readCases reads the cases of a folder.
func readCases(t *testing.T, folder string) []*casefile.Case {
	t.Helper()
	if *update {
		addSeparatorLines(t, folder)
	}
	cases, err := casefile.Read(folder)
	if err != nil {
		t.Fatal(err)
	}
	return cases
}

// addSeparatorLines gives new cases, which end with the separator, an expectation to be replaced.
func addSeparatorLines(t *testing.T, folder string) {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(folder, "*.txt"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(string(text), "\n----------\n") {
			if err := os.WriteFile(path, append(text, "error: to be written\n"...), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// Each file in testdata/valid is a schema and, behind ten dashes, all that is read from it.
func TestValid(t *testing.T) {
	const folder = "testdata/valid"
	cases := readCases(t, folder)
	for _, c := range cases {
		t.Run(c.Name, func(t *testing.T) {
			s, err := schema.Parse(c.Context)
			if err != nil {
				t.Fatal(err)
			}
			got := describe(t, s)
			if *update {
				c.Errors, c.Template = nil, got
				if err := os.WriteFile(filepath.Join(folder, c.Name+".txt"), c.Text(), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if !slices.Equal(got, c.Template) {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(c.Template, "\n"))
			}
		})
	}
}

var protectionText = [...]string{"", " hash", " redact", " drop"}

func innermost(of *schema.Type) *schema.Type {
	for of.Elem != nil {
		of = of.Elem
	}
	return of
}

// describe writes a schema in lines.
func describe(t *testing.T, s *schema.Schema) []string {
	t.Helper()
	var lines []string
	add := func(format string, args ...any) { lines = append(lines, fmt.Sprintf(format, args...)) }
	if s.Title+s.Description != "" {
		add("about %q, %q", s.Title, s.Description)
	}
	for _, c := range s.Columns() {
		add("column %s %s %q", c.Name, c.Type, c.Comment)
	}
	mappings := s.KeyMappings()
	for _, column := range slices.Sorted(mapKeys(mappings)) {
		add("key of %s = %q", column, mappings[column])
	}
	var walk func(fields []*schema.Field)
	walk = func(fields []*schema.Field) {
		for _, f := range fields {
			text := fmt.Sprintf("field %s", f.Pointer)
			if f.Required {
				text += " required"
			}
			text += protectionText[f.Protect]
			add("%s%s", text, boundsOf(f.Declared))
			elem := f.Declared
			for elem.Kind == schema.Array || elem.Kind == schema.Map {
				elem = elem.Elem
				if text := boundsOf(elem) + protectionText[elem.Protect]; text != "" {
					add("element of %s%s", f.Pointer, text)
				}
			}
			walk(elem.Fields)
			if (f.Protect == schema.Hash || f.Protect == schema.Redact) && f.Type.Kind != schema.String {
				t.Errorf("%s: protected, and of kind %d", f.Pointer, f.Type.Kind)
			}
			if f.Protect == schema.Unprotected && elem.Protect == schema.Unprotected && f.Type != f.Declared {
				t.Errorf("%s: not protected, and of another type than declared", f.Pointer)
			}
			if behind := innermost(f.Type); elem.Protect != schema.Unprotected && behind.Kind != schema.String || behind.Protect != schema.Unprotected {
				t.Errorf("%s: protected elements are of type %+v", f.Pointer, behind)
			}
		}
	}
	walk(s.Fields)
	if s.EventID != nil {
		add("id %s", s.EventID.Pointer)
	}
	if s.EventType != nil {
		add("type %s", s.EventType.Pointer)
	}
	for _, key := range s.Untyped {
		add("untyped %q", key)
	}
	for _, e := range s.Enrich {
		add("enrich %s", describeEnrichment(e))
	}
	for _, w := range s.Warnings {
		add("warning %s", w)
	}
	add("index %s", marshal(t, s.IndexProperties()))
	return lines
}

func mapKeys(m map[string]string) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		for key := range m {
			if !yield(key) {
				return
			}
		}
	}
}

func boundsOf(t *schema.Type) string {
	text := ""
	if t.Enum != nil {
		text += fmt.Sprintf(" enum %q", t.Enum)
	}
	if t.MaxLength >= 0 {
		text += fmt.Sprintf(" maxLength %d", t.MaxLength)
	}
	low, high := fmt.Sprint(t.Bounds.Min), fmt.Sprint(t.Bounds.Max)
	if t.Kind == schema.BigInt {
		low, high = fmt.Sprint(t.Bounds.MinInt), fmt.Sprint(t.Bounds.MaxInt)
	}
	if t.Bounds.HasMin {
		text += " minimum " + low
	}
	if t.Bounds.HasMax {
		text += " maximum " + high
	}
	return text
}

func describeEnrichment(e *schema.Enrichment) string {
	text := fmt.Sprintf("%s kind %d", e.Name, e.Kind)
	optional := func(name string, value *string) {
		if value != nil {
			text += fmt.Sprintf(" %s=%q", name, *value)
		}
	}
	switch {
	case e.ProcessedAt:
		text += " processedAt"
	case e.Status != nil:
		text += fmt.Sprintf(" status %q %q", e.Status.Complete, e.Status.Partial)
	case e.Constant != nil:
		text += " constant " + e.Constant.JSON
	case e.Presence != nil:
		text += " presence " + e.Presence.Field.Pointer
		optional("present", e.Presence.Present)
		optional("absent", e.Presence.Absent)
	case e.Truth != nil:
		text += fmt.Sprintf(" truth %s %q %q", e.Truth.Field.Pointer, e.Truth.True, e.Truth.False)
		optional("absent", e.Truth.Absent)
	case e.Bands != nil:
		text += " bands " + e.Bands.Field.Pointer
		for _, b := range e.Bands.Bands {
			text += fmt.Sprintf(" %s %v:%q", map[bool]string{false: "above", true: "from"}[b.Inclusive], b.Bound, b.Value)
		}
		optional("otherwise", e.Bands.Otherwise)
		optional("invalid", e.Bands.Invalid)
		optional("absent", e.Bands.Absent)
	case e.Categories != nil:
		text += " categories " + e.Categories.Field.Pointer
		for _, set := range e.Categories.Sets {
			text += fmt.Sprintf(" %q:%q", set.Value, set.Members)
		}
		optional("otherwise", e.Categories.Otherwise)
		optional("absent", e.Categories.Absent)
	case e.Score != nil:
		text += " score"
		for _, w := range e.Score.Weights {
			text += fmt.Sprintf(" %s:%v", w.Field.Pointer, w.Weight)
		}
	}
	return text
}

// FuzzParse looks for schemas that stop the parser, and for columns that the stores would not accept.
func FuzzParse(f *testing.F) {
	for _, folder := range []string{"testdata/invalid", "testdata/valid"} {
		cases, err := casefile.Read(folder)
		if err != nil {
			f.Fatal(err)
		}
		for _, c := range cases {
			if len(c.Context) < 2000 {
				f.Add(string(c.Context))
			}
		}
	}
	f.Add(string(readFile(f, shopFile)))
	f.Fuzz(func(t *testing.T, text string) {
		s, err := schema.Parse([]byte(text))
		if err != nil {
			var problems *schema.Error
			if !errors.As(err, &problems) || len(problems.Problems) == 0 || s != nil {
				t.Fatalf("%T %v", err, s)
			}
			return
		}
		seen := map[string]bool{}
		for _, c := range s.Columns() {
			odd := strings.Trim(c.Name, "abcdefghijklmnopqrstuvwxyz0123456789_") != ""
			if seen[c.Name] || odd || c.Type == "" || len(c.Comment) > 255 {
				t.Errorf("column %+v", c)
			}
			seen[c.Name] = true
		}
		for column, key := range s.KeyMappings() {
			if column == "" || key == "" || column == key {
				t.Errorf("key of %q: %q", column, key)
			}
		}
		if len(s.IndexProperties()) == 0 || s.DDL("t", "s3://b/") == "" || s.Enrich[0].Name != "processed_timestamp" {
			t.Error("an incomplete schema")
		}
		if changes := schema.Diff(s, s); len(changes) > 0 {
			t.Errorf("differs from itself: %v", changes)
		}
	})
}
