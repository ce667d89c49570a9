package main

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/doc/comment"
	"go/parser"
	"go/token"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// modulePath begins the import paths of the project's packages.
const modulePath = "firehose-pipeline"

// linkText is an identifier, a package or one of its identifiers.
var linkText = regexp.MustCompile(`^\*?[A-Za-z][\w./-]*$`)

// names are the identifiers of a package: those of the top level, and methods and fields as Type.Name.
type names map[string]bool

// addFile adds the declarations of a file.
func (n names) addFile(file *ast.File) {
	for _, declaration := range file.Decls {
		switch d := declaration.(type) {
		case *ast.FuncDecl:
			if d.Recv == nil {
				n[d.Name.Name] = true
			} else {
				n[receiverName(d)+"."+d.Name.Name] = true
			}
		case *ast.GenDecl:
			for _, spec := range d.Specs {
				switch s := spec.(type) {
				case *ast.TypeSpec:
					n[s.Name.Name] = true
					n.addMembers(s)
				case *ast.ValueSpec:
					for _, name := range s.Names {
						n[name.Name] = true
					}
				}
			}
		}
	}
}

// addMembers adds the fields of a struct type, or the methods of an interface type.
func (n names) addMembers(spec *ast.TypeSpec) {
	var members *ast.FieldList
	switch t := spec.Type.(type) {
	case *ast.StructType:
		members = t.Fields
	case *ast.InterfaceType:
		members = t.Methods
	default:
		return
	}
	for _, member := range members.List {
		for _, name := range member.Names {
			n[spec.Name.Name+"."+name.Name] = true
		}
	}
}

// link is a reference in brackets to an identifier or a package.
type link struct {
	file       *GoFile
	group      *ast.CommentGroup
	text       string
	importPath string // empty for the file's own package
	name       string // Name or Type.Name; empty for a package
}

// brokenLinks returns the links of comments whose target does not exist.
func (p *Project) brokenLinks() ([]string, error) {
	own := p.packageNames()
	var links []link
	foreign := map[string]names{}
	for _, file := range p.Go {
		folder := path.Dir(file.Path)
		for _, l := range linksOf(file, p.importsOf(folder)) {
			if l.name == "" && own[folder][l.importPath] {
				continue // an identifier that is not exported
			}
			links = append(links, l)
			if l.importPath != "" && !isOwn(l.importPath) {
				foreign[l.importPath] = nil
			}
		}
	}
	if err := p.readPackages(foreign); err != nil {
		return nil, err
	}
	var broken []string
	for _, l := range links {
		known := own[path.Dir(l.file.Path)]
		switch {
		case isOwn(l.importPath):
			known = own[path.Clean("."+strings.TrimPrefix(l.importPath, modulePath))]
		case l.importPath != "":
			known = foreign[l.importPath]
		}
		if known == nil || l.name != "" && !known[l.name] {
			broken = append(broken, fmt.Sprintf("%s: [%s]", p.linkPosition(l), l.text))
		}
	}
	return broken, nil
}

func isOwn(importPath string) bool {
	return importPath == modulePath || strings.HasPrefix(importPath, modulePath+"/")
}

// packageNames returns the identifiers of the project's packages by folder, those of tests among them.
func (p *Project) packageNames() map[string]names {
	packages := map[string]names{}
	for _, file := range p.Go {
		folder := path.Dir(file.Path)
		if packages[folder] == nil {
			packages[folder] = names{}
		}
		packages[folder].addFile(file.Syntax)
	}
	return packages
}

// importsOf returns the import paths of a folder's files by the names that the files use.
func (p *Project) importsOf(folder string) map[string]string {
	imports := map[string]string{}
	for _, file := range p.Go {
		if path.Dir(file.Path) != folder {
			continue
		}
		for _, spec := range file.Syntax.Imports {
			importPath, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				continue // the parser has accepted it
			}
			name := path.Base(importPath)
			if spec.Name != nil {
				name = spec.Name.Name
			} else if isMajorVersion(name) {
				name = path.Base(path.Dir(importPath))
			}
			imports[name] = importPath
		}
		if name := file.Syntax.Name.Name; imports[name] == "" {
			imports[name] = path.Join(modulePath, folder)
		}
	}
	return imports
}

// isMajorVersion reports whether the last part of an import path is v2 or the like.
func isMajorVersion(name string) bool {
	digits, isVersion := strings.CutPrefix(name, "v")
	_, err := strconv.Atoi(digits)
	return isVersion && err == nil
}

// linksOf returns the links of a file's comments. The standard library's packages need no import.
func linksOf(file *GoFile, imports map[string]string) []link {
	reader := comment.Parser{
		LookupPackage: func(name string) (string, bool) {
			if importPath, ok := imports[name]; ok {
				return importPath, true
			}
			return name, true
		},
		LookupSym: func(string, string) bool { return true },
	}
	var links []link
	for _, group := range file.Syntax.Comments {
		for _, l := range docLinks(reader.Parse(group.Text()).Content) {
			if !linkText.MatchString(plainText(l.Text)) {
				continue // code, such as [5]
			}
			name := l.Name
			if l.Recv != "" {
				name = l.Recv + "." + l.Name
			}
			links = append(links, link{file, group, plainText(l.Text), l.ImportPath, name})
		}
	}
	return links
}

// docLinks returns the links in blocks of a comment.
func docLinks(blocks []comment.Block) []*comment.DocLink {
	var links []*comment.DocLink
	for _, block := range blocks {
		switch b := block.(type) {
		case *comment.Paragraph:
			links = append(links, textLinks(b.Text)...)
		case *comment.Heading:
			links = append(links, textLinks(b.Text)...)
		case *comment.List:
			for _, item := range b.Items {
				links = append(links, docLinks(item.Content)...)
			}
		}
	}
	return links
}

func textLinks(texts []comment.Text) []*comment.DocLink {
	var links []*comment.DocLink
	for _, text := range texts {
		if l, ok := text.(*comment.DocLink); ok {
			links = append(links, l)
		}
	}
	return links
}

func plainText(texts []comment.Text) string {
	var plain strings.Builder
	for _, text := range texts {
		if p, ok := text.(comment.Plain); ok {
			plain.WriteString(string(p))
		}
	}
	return plain.String()
}

// linkPosition returns the line in which a link is.
func (p *Project) linkPosition(l link) string {
	at := p.FileSet.Position(l.group.Pos())
	for _, c := range l.group.List {
		if before, _, found := strings.Cut(c.Text, "["+l.text+"]"); found {
			return fmt.Sprintf("%s:%d", l.file.Path, p.FileSet.Position(c.Pos()).Line+strings.Count(before, "\n"))
		}
	}
	return fmt.Sprintf("%s:%d", l.file.Path, at.Line)
}

// readPackages fills in the identifiers of packages outside the project; those of a package that does not exist stay
// nil.
func (p *Project) readPackages(packages map[string]names) error {
	if len(packages) == 0 {
		return nil
	}
	arguments := []string{"list", "-e", "-find", "-f", "{{if not .Error}}{{.ImportPath}}\t{{.Dir}}{{end}}"}
	for importPath := range packages {
		arguments = append(arguments, importPath)
	}
	slices.Sort(arguments[5:])
	command := exec.Command("go", arguments...)
	command.Dir = p.Root
	var problems bytes.Buffer
	command.Stderr = &problems
	out, err := command.Output()
	if err != nil {
		return fmt.Errorf("go list: %w: %s", err, problems.String())
	}
	for found := range strings.Lines(string(out)) {
		importPath, folder, ok := strings.Cut(strings.TrimSpace(found), "\t")
		if !ok || folder == "" {
			continue
		}
		known, err := readNames(folder)
		if err != nil {
			return err
		}
		packages[importPath] = known
	}
	return nil
}

// readNames returns the identifiers that the files of a folder declare, for whatever system they are.
func readNames(folder string) (names, error) {
	files, err := filepath.Glob(filepath.Join(folder, "*.go"))
	if err != nil {
		return nil, err
	}
	known, set := names{}, token.NewFileSet()
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(set, name, nil, parser.SkipObjectResolution)
		if err != nil {
			return nil, err
		}
		known.addFile(file)
	}
	return known, nil
}
