package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// Project holds the files of a folder. Paths are relative to it and have slashes.
type Project struct {
	Root    string
	Files   []string // all files, sorted
	Go      []*GoFile
	Pages   []*Page // README.md, CONTRIBUTING.md, CHANGELOG.md and docs
	FileSet *token.FileSet
}

// GoFile is a parsed Go file.
type GoFile struct {
	Path      string
	Test      bool
	Generated bool
	Lines     []string
	Syntax    *ast.File
}

// isMeasured reports whether the figures are of this file.
func (f *GoFile) isMeasured() bool { return !f.Test && !f.Generated }

// Page is a Markdown file.
type Page struct {
	Path  string
	Lines []string
}

// ReadProject reads the Go and Markdown files below a folder. Folders that tools make are left out.
func ReadProject(root string) (*Project, error) {
	p := &Project{Root: root, FileSet: token.NewFileSet()}
	err := filepath.WalkDir(root, func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		relative, err := filepath.Rel(root, name)
		if err != nil {
			return err
		}
		if entry.IsDir() {
			if isLeftOut(entry.Name()) && relative != "." {
				return filepath.SkipDir
			}
			return nil
		}
		p.Files = append(p.Files, filepath.ToSlash(relative))
		return nil
	})
	if err != nil {
		return nil, err
	}
	slices.Sort(p.Files) // WalkDir has folders sorted, not paths
	for _, name := range p.Files {
		if err := p.readFile(name); err != nil {
			return nil, err
		}
	}
	if len(p.Go) == 0 {
		return nil, fmt.Errorf("%s: has no Go files", root)
	}
	return p, nil
}

// isLeftOut reports whether a folder is written by a tool.
func isLeftOut(folder string) bool {
	return folder == ".git" || folder == ".build" || folder == "node_modules" || folder == "cdk.out"
}

// readFile adds a file when it is one of Go's or a page.
func (p *Project) readFile(name string) error {
	isGo := strings.HasSuffix(name, ".go")
	if !isGo && !isPage(name) {
		return nil
	}
	text, err := os.ReadFile(filepath.Join(p.Root, filepath.FromSlash(name)))
	if err != nil {
		return err
	}
	lines := strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")
	if !isGo {
		p.Pages = append(p.Pages, &Page{Path: name, Lines: lines})
		return nil
	}
	syntax, err := parser.ParseFile(p.FileSet, name, text, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return err
	}
	p.Go = append(p.Go, &GoFile{
		Path: name, Test: strings.HasSuffix(name, "_test.go"), Generated: ast.IsGenerated(syntax), Lines: lines,
		Syntax: syntax,
	})
	return nil
}

// isPage reports whether a file is documentation.
func isPage(name string) bool {
	return path.Ext(name) == ".md" && (path.Dir(name) == "." || strings.HasPrefix(name, "docs/"))
}

// hasFile reports whether there is such a file or folder.
func (p *Project) hasFile(name string) bool {
	if _, found := slices.BinarySearch(p.Files, name); found {
		return true
	}
	at, _ := slices.BinarySearch(p.Files, name+"/")
	return at < len(p.Files) && strings.HasPrefix(p.Files[at], name+"/")
}

// positionOf returns the place of a node as path:line.
func (p *Project) positionOf(pos token.Pos) string {
	at := p.FileSet.Position(pos)
	return fmt.Sprintf("%s:%d", at.Filename, at.Line)
}
