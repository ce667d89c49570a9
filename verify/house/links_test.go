package main

import (
	"sync"
	"testing"
)

// readOwn reads this project, once.
var readOwn = sync.OnceValues(func() (*Project, error) { return ReadProject("../..") })

func ownProject(t *testing.T) *Project {
	t.Helper()
	project, err := readOwn()
	if err != nil {
		t.Fatal(err)
	}
	return project
}

func TestLinksOfCommentsExist(t *testing.T) {
	broken, err := ownProject(t).brokenLinks()
	if err != nil {
		t.Fatal(err)
	}
	for _, place := range broken {
		t.Errorf("%s does not exist", place)
	}
}

func TestNamedFilesExist(t *testing.T) {
	for _, place := range ownProject(t).missingFiles() {
		t.Errorf("%s does not exist", place)
	}
}
