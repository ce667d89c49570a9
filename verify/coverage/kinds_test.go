package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/tools/cover"
)

const source = `package p

func f(n int) (int, error) {
	if n == 1 {
		return 0, fmt.Errorf("one")
	}
	if n == 2 {
		return 0, err
	}
	if n == 3 {
		panic("three")
	}
	if n == 4 {
		return 4, nil
	}
	return n, nil
}
`

// blocks are the bodies of source's conditions, and its last statement, which is covered.
const blocks = `mode: set
firehose-pipeline/p/p.go:4.12,6.3 1 0
firehose-pipeline/p/p.go:7.12,9.3 1 0
firehose-pipeline/p/p.go:10.12,12.3 1 0
firehose-pipeline/p/p.go:13.12,15.3 1 0
firehose-pipeline/p/p.go:16.2,16.15 1 1
`

func classifySource(t *testing.T, text string) []*measuredPackage {
	t.Helper()
	root := t.TempDir()
	if err := os.Mkdir(filepath.Join(root, "p"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(root, "p", "p.go"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	profiles, err := cover.ParseProfilesFromReader(strings.NewReader(blocks))
	if err != nil {
		t.Fatal(err)
	}
	found, err := classifyProfiles(root, profiles)
	if err != nil || len(found) != 1 {
		t.Fatalf("got %v, %v", found, err)
	}
	return found
}

func TestClassifyProfiles(t *testing.T) {
	p := classifySource(t, source)[0]
	if p.path != "firehose-pipeline/p" || p.statements != 5 || p.covered != 1 {
		t.Errorf("got %s with %d of %d statements", p.path, p.covered, p.statements)
	}
	want := []place{
		{"p/p.go", 5, errorReturn, `return 0, fmt.Errorf("one")`}, {"p/p.go", 8, errorReturn, `return 0, err`},
		{"p/p.go", 11, panicking, `panic("three")`}, {"p/p.go", 14, anyOther, `return 4, nil`},
	}
	if fmt.Sprint(p.places) != fmt.Sprint(want) {
		t.Errorf("got %v", p.places)
	}
	inMain := classifySource(t, strings.Replace(source, "package p", "package main", 1))[0]
	if inMain.uncovered[program] != 4 {
		t.Errorf("a main package: got %v", inMain.uncovered)
	}
}

func TestTableHasTheSum(t *testing.T) {
	var out strings.Builder
	found := classifySource(t, source)
	if err := printTable(&out, append(found, &measuredPackage{path: module + "q", statements: 5, covered: 5})); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	if got := strings.Join(strings.Fields(lines[len(lines)-1]), " "); got != "10 60.0 % 4 1 2 1 - all" {
		t.Errorf("got %q of\n%s", got, out.String())
	}
}

func TestAnotherVersionOfTheFile(t *testing.T) {
	root := t.TempDir()
	if err := os.Mkdir(filepath.Join(root, "p"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(root, "p", "p.go"), []byte("package p\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	profiles, err := cover.ParseProfilesFromReader(strings.NewReader(blocks))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := classifyProfiles(root, profiles); err == nil || !strings.Contains(err.Error(), "another version") {
		t.Errorf("got %v", err)
	}
}
