package main

import (
	"strings"
	"testing"
)

// A text that its file has no more, or more than once, is found here and not by the next run of all mutations.
func TestTableFitsTheProject(t *testing.T) {
	for _, problem := range findProblems("../..", allMutations()) {
		t.Error(problem)
	}
	if n := len(allMutations()); n < 60 {
		t.Errorf("must have at least 60 mutations (got %d)", n)
	}
}

func TestFindProblems(t *testing.T) {
	root := writeProject(t, map[string]string{"a/a.txt": "one two two"})
	good := mutation{Name: "good", File: "a/a.txt", Old: "one", New: "1", Check: testsOf("a")}
	for want, change := range map[string]func(*mutation){
		"":                       func(m *mutation) {},
		"the name must be":       func(m *mutation) { m.Name = "good" },
		"(found 2 times)":        func(m *mutation) { m.Old = "two" },
		"(found 0 times)":        func(m *mutation) { m.Old = "three" },
		"must differ":            func(m *mutation) { m.New = m.Old },
		"no such file":           func(m *mutation) { m.File = "a/b.txt" },
		"there is no package bb": func(m *mutation) { m.Check.Package = "bb" },
	} {
		m := good
		m.Name = "other"
		change(&m)
		problems := strings.Join(findProblems(root, []mutation{good, m}), "\n")
		if (problems == "") != (want == "") || !strings.Contains(problems, want) {
			t.Errorf("must be %q (got %q)", want, problems)
		}
	}
}

func TestSelectMutations(t *testing.T) {
	all := []mutation{{Name: "a", Group: "x"}, {Name: "b", Group: "x"}, {Name: "c", Group: "y"}}
	for names, want := range map[string]string{"": "abc", "x": "ab", "b,y": "bc", "z": ""} {
		selected, err := selectMutations(all, names)
		var got string
		for _, m := range selected {
			got += m.Name
		}
		if got != want || (err != nil) != (want == "") {
			t.Errorf("%q: must be %q (got %q, %v)", names, want, got, err)
		}
	}
}
