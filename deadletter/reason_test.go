package deadletter

import (
	"go/ast"
	"go/parser"
	"go/token"
	"slices"
	"strconv"
	"testing"
)

// Every constant of type Reason is in Reasons, once.
func TestReasonsAreAll(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "reason.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	constants := 0
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok || len(spec.Values) != 1 {
			return true
		}
		if kind, ok := spec.Type.(*ast.Ident); !ok || kind.Name != "Reason" {
			return true
		}
		constants++
		name, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
		if err != nil || !slices.Contains(Reasons, Reason(name)) {
			t.Errorf("Reasons lacks %s (%v)", name, err)
		}
		return true
	})
	if constants < 20 {
		t.Errorf("found %d constants, want them all", constants)
	}
	sorted := slices.Sorted(slices.Values(Reasons))
	if len(slices.Compact(sorted)) != len(Reasons) {
		t.Errorf("Reasons has one twice: %v", Reasons)
	}
}
