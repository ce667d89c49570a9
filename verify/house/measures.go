package main

import (
	"cmp"
	"go/ast"
	"path"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// MaxColumns is the largest width of a line.
const MaxColumns = 120

// longFunction is the number of lines above which a function counts as long.
const longFunction = 60

// Measures are the figures of a project.
type Measures struct {
	Files     Sizes `json:"files"`
	Lines     int   `json:"lines"`
	TestFiles int   `json:"testFiles"`
	TestLines int   `json:"testLines"`

	Functions     Sizes `json:"functions"`
	LongFunctions int   `json:"functionsOver60Lines"`
	SingleWord    Share `json:"singleWordFunctionNames"`

	Comments Language `json:"comments"`
	Pages    Language `json:"documentation"`

	WideLines     Share `json:"linesOver120Columns"`
	WideTestLines Share `json:"testLinesOver120Columns"`
	PairedTests   Share `json:"pairedTestFiles"`
	Documented    Share `json:"documentedExported"`
	PackageDocs   Share `json:"packagesWithComment"`
	DocFiles      Share `json:"packagesWithCommentInDocFile"`
	Examples      int   `json:"exampleFunctions"`
	Fuzz          int   `json:"fuzzTargets"`
	ReadmeLines   int   `json:"readmeLines"`

	Repeated         int     `json:"repeatedPlaces"`
	RepeatedPer10000 float64 `json:"repeatedPlacesPer10000Lines"`
}

// Sizes describe a distribution of numbers of lines.
type Sizes struct {
	Count  int `json:"count"`
	Median int `json:"median"`
	P90    int `json:"p90"`
	P99    int `json:"p99"`
	Max    int `json:"max"`
}

// Share is a part of a whole.
type Share struct {
	Part  int `json:"part"`
	Whole int `json:"whole"`
}

// Percent returns the share in percent, 0 of nothing.
func (s Share) Percent() float64 {
	if s.Whole == 0 {
		return 0
	}
	return 100 * float64(s.Part) / float64(s.Whole)
}

// add counts one more of the whole.
func (s *Share) add(part bool) {
	s.Whole++
	if part {
		s.Part++
	}
}

// newSizes summarises numbers, which it sorts.
func newSizes(numbers []int) Sizes {
	if len(numbers) == 0 {
		return Sizes{}
	}
	slices.Sort(numbers)
	at := func(share float64) int { return numbers[int(share*float64(len(numbers)-1))] }
	return Sizes{Count: len(numbers), Median: at(0.5), P90: at(0.9), P99: at(0.99), Max: at(1)}
}

// Measure returns the figures.
func (p *Project) Measure() Measures {
	var m Measures
	var files, functions []int
	for _, file := range p.Go {
		wide := &m.WideLines
		if file.Test {
			m.TestFiles++
			m.TestLines += len(file.Lines)
			m.PairedTests.add(p.isPaired(file.Path))
			m.countTestFunctions(file)
			wide = &m.WideTestLines
		}
		for _, line := range file.Lines {
			wide.add(isWide(line))
		}
		if !file.isMeasured() {
			continue
		}
		files = append(files, len(file.Lines))
		m.Lines += len(file.Lines)
		for _, function := range functionsOf(file) {
			lines := p.FileSet.Position(function.End()).Line - p.FileSet.Position(function.Pos()).Line + 1
			functions = append(functions, lines)
			if lines > longFunction {
				m.LongFunctions++
			}
			m.SingleWord.add(isSingleWord(function.Name.Name))
		}
		for _, documented := range exportedOf(file) {
			m.Documented.add(documented)
		}
		m.Comments.count(commentTexts(file))
	}
	m.Files, m.Functions = newSizes(files), newSizes(functions)
	p.measurePackages(&m)
	for _, page := range p.Pages {
		m.Pages.count([]string{page.proseText()})
		if page.Path == "README.md" {
			m.ReadmeLines = len(page.Lines)
		}
	}
	m.Repeated = len(p.repeatedPlaces())
	m.RepeatedPer10000 = 10_000 * float64(m.Repeated) / float64(m.Lines+m.TestLines)
	return m
}

func (m *Measures) countTestFunctions(file *GoFile) {
	for _, function := range functionsOf(file) {
		switch {
		case function.Recv != nil:
		case strings.HasPrefix(function.Name.Name, "Example"):
			m.Examples++
		case strings.HasPrefix(function.Name.Name, "Fuzz"):
			m.Fuzz++
		}
	}
}

// measurePackages counts packages with a comment, and with one in doc.go.
func (p *Project) measurePackages(m *Measures) {
	type comments struct{ any, doc bool }
	packages := map[string]comments{}
	for _, file := range p.Go {
		if file.Generated || strings.HasSuffix(file.Syntax.Name.Name, "_test") {
			continue
		}
		folder := path.Dir(file.Path)
		found := packages[folder]
		if file.Syntax.Doc != nil {
			found.any = true
			found.doc = found.doc || path.Base(file.Path) == "doc.go"
		}
		packages[folder] = found
	}
	for _, found := range packages {
		m.PackageDocs.add(found.any)
		m.DocFiles.add(found.doc)
	}
}

// isPaired reports whether a test file has a source file beside it.
func (p *Project) isPaired(test string) bool {
	return p.hasFile(strings.TrimSuffix(test, "_test.go") + ".go")
}

func isWide(line string) bool {
	return len(line) > MaxColumns && utf8.RuneCountInString(line) > MaxColumns
}

// isSingleWord reports whether a name in camelCase has one word. Initials, as in ServeHTTP, are one.
func isSingleWord(name string) bool {
	words, lower := 0, true
	for at, letter := range name {
		upper := unicode.IsUpper(letter)
		if at == 0 || upper && lower {
			words++
		}
		lower = !upper
	}
	return words == 1
}

func functionsOf(file *GoFile) []*ast.FuncDecl {
	var functions []*ast.FuncDecl
	for _, declaration := range file.Syntax.Decls {
		if function, ok := declaration.(*ast.FuncDecl); ok {
			functions = append(functions, function)
		}
	}
	return functions
}

// exportedOf returns, for everything exported that a file declares, whether it has a comment. A comment of a group in
// parentheses is not one of its members.
func exportedOf(file *GoFile) []bool {
	var documented []bool
	for _, declaration := range file.Syntax.Decls {
		switch d := declaration.(type) {
		case *ast.FuncDecl:
			if d.Name.IsExported() && (d.Recv == nil || ast.IsExported(receiverName(d))) {
				documented = append(documented, d.Doc != nil)
			}
		case *ast.GenDecl:
			own := d.Doc
			if d.Lparen.IsValid() {
				own = nil
			}
			for _, spec := range d.Specs {
				switch s := spec.(type) {
				case *ast.TypeSpec:
					if s.Name.IsExported() {
						documented = append(documented, cmp.Or(s.Doc, s.Comment, own) != nil)
					}
				case *ast.ValueSpec:
					for _, name := range s.Names {
						if name.IsExported() {
							documented = append(documented, cmp.Or(s.Doc, s.Comment, own) != nil)
						}
					}
				}
			}
		}
	}
	return documented
}

// receiverName returns the name of a method's type.
func receiverName(method *ast.FuncDecl) string {
	kind := method.Recv.List[0].Type
	for {
		switch t := kind.(type) {
		case *ast.StarExpr:
			kind = t.X
		case *ast.IndexExpr:
			kind = t.X
		case *ast.IndexListExpr:
			kind = t.X
		case *ast.Ident:
			return t.Name
		default:
			return ""
		}
	}
}
