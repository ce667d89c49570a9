package main

import (
	"cmp"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/tools/cover"
)

// kind is a kind of statement that no test reaches.
type kind string

const (
	program     kind = "main"  // in a main package: a process of its own
	errorReturn kind = "error" // passes on an error, mostly of the operating system or an AWS SDK
	panicking   kind = "panic" // for a case that cannot happen
	anyOther    kind = "other" // behaviour
)

var kinds = []kind{anyOther, errorReturn, panicking, program}

func kindNames() []string {
	names := make([]string, len(kinds))
	for i, k := range kinds {
		names[i] = string(k)
	}
	return names
}

// place is a block of statements that no test reaches.
type place struct {
	file string // below the project's folder
	line int
	kind kind
	text string // of its first line
}

// measuredPackage has the figures of a package.
type measuredPackage struct {
	path                string
	statements, covered int
	uncovered           map[kind]int // statements
	places              []place
}

func (p *measuredPackage) add(other *measuredPackage) {
	p.statements += other.statements
	p.covered += other.covered
	if p.uncovered == nil {
		p.uncovered = map[kind]int{}
	}
	for k, n := range other.uncovered {
		p.uncovered[k] += n
	}
}

// classifyProfiles returns the packages of the profiles in the order of their paths; root has their sources.
func classifyProfiles(root string, profiles []*cover.Profile) ([]*measuredPackage, error) {
	packages := map[string]*measuredPackage{}
	for _, profile := range profiles {
		name := path.Dir(profile.FileName)
		p := cmp.Or(packages[name], &measuredPackage{path: name, uncovered: map[kind]int{}})
		packages[name] = p
		if err := p.addFile(root, profile); err != nil {
			return nil, err
		}
	}
	return slices.SortedFunc(maps.Values(packages), func(a, b *measuredPackage) int {
		return strings.Compare(a.path, b.path)
	}), nil
}

func (p *measuredPackage) addFile(root string, profile *cover.Profile) error {
	file, ok := strings.CutPrefix(profile.FileName, module)
	if !ok {
		return fmt.Errorf("%s: must be a file of the project", profile.FileName)
	}
	source, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(file)))
	if err != nil {
		return err
	}
	lines := strings.Split(string(source), "\n")
	files := token.NewFileSet()
	parsed, err := parser.ParseFile(files, file, source, parser.SkipObjectResolution)
	if err != nil {
		return err
	}
	for _, block := range profile.Blocks {
		p.statements += block.NumStmt
		if block.Count > 0 {
			p.covered += block.NumStmt
			continue
		}
		if block.EndLine > len(lines) {
			return fmt.Errorf("%s: the profile is of another version of the file", file)
		}
		if block.NumStmt == 0 {
			continue
		}
		k := classifyBlock(files, parsed, block)
		p.uncovered[k] += block.NumStmt
		statements := findStatements(files, parsed, block)
		line := block.StartLine
		if len(statements) > 0 {
			line = files.Position(statements[0].Pos()).Line
		}
		p.places = append(p.places, place{file, line, k, strings.TrimSpace(lines[line-1])})
	}
	return nil
}

// classifyBlock returns the kind of a block by its last statement.
func classifyBlock(files *token.FileSet, file *ast.File, block cover.ProfileBlock) kind {
	if file.Name.Name == "main" {
		return program
	}
	statements := findStatements(files, file, block)
	if len(statements) == 0 {
		return anyOther
	}
	switch last := statements[len(statements)-1].(type) {
	case *ast.ReturnStmt:
		if len(last.Results) > 0 && isError(last.Results[len(last.Results)-1]) {
			return errorReturn
		}
	case *ast.ExprStmt:
		if call, ok := last.X.(*ast.CallExpr); ok {
			if name, ok := call.Fun.(*ast.Ident); ok && name.Name == "panic" {
				return panicking
			}
		}
	}
	return anyOther
}

// isError reports whether an expression is an error by its form: a name with err in it, or a call that makes one.
func isError(expression ast.Expr) bool {
	switch e := expression.(type) {
	case *ast.Ident:
		return strings.Contains(strings.ToLower(e.Name), "err")
	case *ast.CallExpr:
		if selector, ok := e.Fun.(*ast.SelectorExpr); ok {
			if name, ok := selector.X.(*ast.Ident); ok {
				return name.Name == "errors" || name.Name == "fmt" && selector.Sel.Name == "Errorf"
			}
		}
	}
	return false
}

// findStatements returns the statements that begin in a block, in their order, without those inside of others.
func findStatements(files *token.FileSet, file *ast.File, block cover.ProfileBlock) []ast.Stmt {
	var found []ast.Stmt
	ast.Inspect(file, func(n ast.Node) bool {
		statement, ok := n.(ast.Stmt)
		if !ok {
			return true
		}
		if _, ok := n.(*ast.BlockStmt); ok {
			return true
		}
		at := files.Position(statement.Pos())
		after := at.Line > block.StartLine || at.Line == block.StartLine && at.Column >= block.StartCol
		before := at.Line < block.EndLine || at.Line == block.EndLine && at.Column < block.EndCol
		if after && before {
			found = append(found, statement)
			return false
		}
		return true
	})
	return found
}
