package main

import (
	"fmt"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

var (
	addresses = regexp.MustCompile(`https?://[^\s)]+`)
	fileNames = regexp.MustCompile(`[\w./-]*\w\.(?:go|py|sh|awk|md)\b`)
)

// madeFiles are files that a reader of the documentation makes, or a script.
var madeFiles = []string{"send.py", "send.go", "functions/edit_test.go"}

// missingFiles returns where a file is named that does not exist: in comments of Go and in pages, and in scripts
// where the name begins with a folder of the project.
func (p *Project) missingFiles() []string {
	base := map[string]bool{}
	for _, name := range p.Files {
		base[path.Base(name)] = true
	}
	var missing []string
	find := func(file string, line int, text string, inScript bool) {
		for _, name := range fileNames.FindAllString(addresses.ReplaceAllString(text, ""), -1) {
			folder, _, below := strings.Cut(name, "/")
			if inScript && !(below && p.hasFile(folder)) || slices.Contains(madeFiles, name) {
				continue
			}
			if !p.hasFile(path.Clean(name)) && !p.hasFile(path.Join(path.Dir(file), name)) && (below || !base[name]) {
				missing = append(missing, fmt.Sprintf("%s:%d: %s", file, line, name))
			}
		}
	}
	for _, file := range p.Go {
		for _, group := range file.Syntax.Comments {
			for _, c := range group.List {
				line := p.FileSet.Position(c.Pos()).Line
				for at, text := range strings.Split(c.Text, "\n") {
					find(file.Path, line+at, text, false)
				}
			}
		}
	}
	for _, page := range p.Pages {
		for at, text := range page.Lines {
			find(page.Path, at+1, text, false)
		}
	}
	for _, name := range p.Files {
		if !isScript(name) {
			continue
		}
		text, err := os.ReadFile(filepath.Join(p.Root, filepath.FromSlash(name)))
		if err != nil {
			missing = append(missing, err.Error())
			continue
		}
		for at, line := range strings.Split(string(text), "\n") {
			find(name, at+1, line, true)
		}
	}
	return missing
}

// isScript reports whether a file is a program of another language than Go, or lists commands for a tool.
func isScript(name string) bool {
	switch path.Ext(name) {
	case ".py", ".sh", ".yml", ".yaml":
		return true
	}
	return name == "Makefile" || name == ".ci/run"
}
