package schema_test

import (
	"errors"
	"flag"
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
	if *update {
		addSeparatorLines(t, folder)
	}
	cases, err := casefile.Read(folder)
	if err != nil {
		t.Fatal(err)
	}
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
