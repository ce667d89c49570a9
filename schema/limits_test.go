package schema_test

import (
	"fmt"
	"strings"
	"testing"

	"firehose-pipeline/schema"
)

func TestLimits(t *testing.T) {
	long := strings.Repeat("x", 255)
	deepNames := func(n int) []byte { // a struct of n fields with names of 200 characters
		var b strings.Builder
		b.WriteString(`{"type":"object","properties":{"o":{"type":"object","properties":{`)
		for i := range n {
			if i > 0 {
				b.WriteByte(',')
			}
			fmt.Fprintf(&b, `"%s%d":{"type":"string"}`, strings.Repeat("n", 200), i)
		}
		b.WriteString(`}}}}`)
		return []byte(b.String())
	}
	described := func(n, copies int) []byte { // n strings with comments and names of columns to fill a template
		var b strings.Builder
		b.WriteString(`{"type":"object","properties":{`)
		for i := range n {
			if i > 0 {
				b.WriteByte(',')
			}
			fmt.Fprintf(&b, `"f%d":{"type":"string","description":"%s","x-column":"%s%d"}`, i, long,
				strings.Repeat("c", copies), i)
		}
		b.WriteString(`}}`)
		return []byte(b.String())
	}
	for _, c := range []struct {
		rule   string
		schema []byte
		want   string // empty: accepted
	}{
		{"900 columns", wide(900, "field_", "string"), ""},
		{"997 fields and the three that are added", wide(997, "f", "number"), ""},
		{"one more", wide(998, "f", "number"), "OpenSearch accepts 1000 fields in an index (index.mapping.total_fields.limit)"},
		{"a type of 131,072 characters", deepNames(650), "AWS Glue accepts types of 131072 characters"},
		{"a type below", deepNames(600), "the mapping of the search index may have 120000 bytes"},
		{"a long struct", deepNames(400), ""},
		{"900 columns with long comments", described(900, 10), ""},
		{"900 columns with long names, too", described(900, 240), "the columns and the mapping may take 700000 bytes"},
		{"a file of more than 1 MiB", []byte(`{"x":"` + strings.Repeat("x", 1<<20) + `"}`), "must be at most 1048576 bytes"},
	} {
		t.Run(c.rule, func(t *testing.T) {
			s, err := schema.Parse(c.schema)
			switch {
			case c.want == "" && err != nil:
				t.Errorf("got %.500v", err)
			case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
				t.Errorf("got %.500v, want %s", err, c.want)
			case err == nil && len(s.Columns()) == 0:
				t.Error("no columns")
			}
		})
	}
}
