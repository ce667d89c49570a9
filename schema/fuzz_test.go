package schema_test

import (
	"errors"
	"strings"
	"testing"

	"firehose-pipeline/internal/testkit/casefile"
	"firehose-pipeline/schema"
)

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
