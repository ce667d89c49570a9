package schema_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"firehose-pipeline/schema"
)

// Each file in testdata/diff has {"old": schema, "new": schema} and, behind ten dashes, the changes with their
// verdicts.
func TestDiff(t *testing.T) {
	const folder = "testdata/diff"
	cases := readCases(t, folder)
	if len(cases) < 30 {
		t.Errorf("%d cases", len(cases))
	}
	for _, c := range cases {
		t.Run(c.Name, func(t *testing.T) {
			var pair struct{ Old, New json.RawMessage }
			if err := json.Unmarshal(c.Context, &pair); err != nil {
				t.Fatal(err)
			}
			before, after := parse(t, pair.Old), parse(t, pair.New)
			got := describeChanges(schema.Diff(before, after))
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
			for _, s := range []*schema.Schema{before, after} {
				if changes := schema.Diff(s, s); len(changes) > 0 {
					t.Errorf("a schema differs from itself: %v", changes)
				}
			}
		})
	}
}

func parse(t testing.TB, text []byte) *schema.Schema {
	t.Helper()
	s, err := schema.Parse(text)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return s
}

func describeChanges(changes []schema.Change) []string {
	if len(changes) == 0 {
		return []string{"no change"}
	}
	var lines []string
	for _, c := range changes {
		verdict := "works"
		if c.Breaks {
			verdict = "BREAKS"
		}
		lines = append(lines, fmt.Sprintf("%s %s", verdict, c), "  new data: "+c.NewData, "  old objects: "+c.OldObjects,
			"  indices: "+c.Indices, "  stack: "+string(c.Stack))
	}
	return lines
}

// A schema of 900 fields, of which half are replaced at once: the indices that exist keep the old half.
func TestDiffBeyondIndexLimit(t *testing.T) {
	before, after := parse(t, wide(900, "a", "string")), parse(t, wide(900, "b", "string"))
	changes := schema.Diff(before, after)
	last := changes[len(changes)-1]
	if last.Kind != "too many fields" || last.Stack != schema.StackRejected || !last.Breaks {
		t.Errorf("got %+v", last)
	}
	if changes := schema.Diff(before, before); len(changes) > 0 {
		t.Errorf("got %v", changes)
	}
}

// wide is a schema of n properties.
func wide(n int, prefix, typ string) []byte {
	var b strings.Builder
	b.WriteString(`{"type":"object","properties":{`)
	for i := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `"%s%d":{"type":"%s"}`, prefix, i, typ)
	}
	b.WriteString(`}}`)
	return []byte(b.String())
}
