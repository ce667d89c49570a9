package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// mutation is one fault. The file, a slash-separated path from the root of the project, has the text exactly once.
type mutation struct {
	Name  string `json:"name"`
	File  string `json:"file"`
	Old   string `json:"old"`
	New   string `json:"new"`
	Check check  `json:"check"`
	Group string `json:"group"` // set by allMutations
}

// check is the tests of one package that have to notice a fault.
type check struct {
	Package string `json:"package"` // folder from the root of the project, with slashes
	Run     string `json:"run"`     // as go test -run; empty: all
}

// String returns the command of the check.
func (c check) String() string {
	if c.Run == "" {
		return "go test ./" + c.Package
	}
	return fmt.Sprintf("go test ./%s -run '%s'", c.Package, c.Run)
}

// testsOf returns the check of these tests of the package; none: all of its tests.
func testsOf(folder string, tests ...string) check {
	if len(tests) == 0 {
		return check{Package: folder}
	}
	return check{folder, "^(" + strings.Join(tests, "|") + ")$"}
}

// group is mutations of one kind.
type group struct {
	name      string
	mutations []mutation
}

// allMutations returns the whole table.
func allMutations() []mutation {
	var all []mutation
	for _, g := range slices.Concat(stackGroups, functionGroups, operatorGroups) {
		for _, m := range g.mutations {
			m.Group = g.name
			all = append(all, m)
		}
	}
	return all
}

// selectMutations returns the mutations whose name or group is in names, separated by commas; all when it is empty.
func selectMutations(all []mutation, names string) ([]mutation, error) {
	if names == "" {
		return all, nil
	}
	wanted := map[string]bool{}
	for _, name := range strings.Split(names, ",") {
		known := func(m mutation) bool { return m.Name == name || m.Group == name }
		if !slices.ContainsFunc(all, known) {
			return nil, fmt.Errorf("--only: must be names or groups that --list shows (got %q)", name)
		}
		wanted[name] = true
	}
	var selected []mutation
	for _, m := range all {
		if wanted[m.Name] || wanted[m.Group] {
			selected = append(selected, m)
		}
	}
	return selected, nil
}

// findProblems returns the contradictions between the table and the project in root: repeated names, and texts that
// their files do not have exactly once.
func findProblems(root string, mutations []mutation) []string {
	var problems []string
	known := map[string]bool{}
	for _, m := range mutations {
		if known[m.Name] {
			problems = append(problems, m.Name+": the name must be unique")
		}
		known[m.Name] = true
		if _, err := m.changedText(root); err != nil {
			problems = append(problems, err.Error())
		}
		if info, err := os.Stat(filepath.Join(root, filepath.FromSlash(m.Check.Package))); err != nil || !info.IsDir() {
			problems = append(problems, fmt.Sprintf("%s: there is no package %s", m.Name, m.Check.Package))
		}
	}
	return problems
}

// changedText returns the file's text with the fault.
func (m mutation) changedText(root string) ([]byte, error) {
	text, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(m.File)))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", m.Name, err)
	}
	if n := bytes.Count(text, []byte(m.Old)); n != 1 {
		return nil, fmt.Errorf("%s: %s must have the text exactly once (found %d times): %q", m.Name, m.File, n, m.Old)
	}
	if m.Old == m.New {
		return nil, fmt.Errorf("%s: the text and its replacement must differ", m.Name)
	}
	return bytes.Replace(text, []byte(m.Old), []byte(m.New), 1), nil
}
