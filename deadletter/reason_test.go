package deadletter

import (
	"go/ast"
	"go/parser"
	"go/token"
	"slices"
	"strconv"
	"testing"

	"firehose-pipeline/errorobject"
	"firehose-pipeline/event"
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

// The codes of Firehose's error objects that say why, by the stage that failed. The reason decides whether a replay
// makes sense.
func TestReasonsOfCodes(t *testing.T) {
	for _, c := range []struct {
		stage         errorobject.Stage
		code, message string
		want          Reason
	}{
		{errorobject.Conversion, "DataFormatConversion.AccessDenied", "", ConversionRefused},
		{errorobject.Conversion, "DataFormatConversion.InvalidGlueRole", "", ConversionRefused},
		{errorobject.Conversion, "DataFormatConversion.EntityNotFound", "", ConversionSchema},
		{errorobject.Conversion, "DataFormatConversion.ThrottledByGlue", "", ConversionUnavailable},
		{errorobject.Conversion, "DataFormatConversion.NewCode", "", Other},
		{errorobject.Search, "403", `{"type":"cluster_block_exception"}`, SearchBlocked},
		{errorobject.Search, "403", "security_exception", SearchRefused},
		{errorobject.Search, "401", "", SearchRefused},
		{errorobject.Search, "404", "index_not_found_exception", SearchIndexMissing},
		{errorobject.Search, "409", "", SearchConflict},
		{errorobject.Search, "413", "", SearchTooLarge},
		{errorobject.Search, "429", "", SearchUnavailable},
		{errorobject.Search, "503", "", SearchUnavailable},
		{errorobject.Search, "400", "mapper_parsing_exception", SearchRejected},
		{errorobject.Search, "302", "", Other},
		{errorobject.Search, "OS.MalformedData", "", SearchRejected},
		{errorobject.Search, "ES.ResponseEntryCountMismatch", "", SearchRejected},
		{errorobject.Search, "OS.AccessDenied", "", SearchRefused},
		{errorobject.Search, "OS.ConnectionTimeout", "", SearchUnavailable},
		{errorobject.Search, "OS.NewCode", "", Other},
		{errorobject.Search, "NewCode", "", Other},
		{errorobject.Transform, "Lambda.NewCode", "", Other},
		{errorobject.UnknownStage, "NewCode", "", Other},
	} {
		failure := &errorobject.Failure{Stage: c.stage, ErrorCode: c.code, ErrorMessage: c.message}
		source := errorobject.Source{Stream: event.Search, Stage: c.stage}
		if got, offset := ReasonFor(source, failure); got != c.want || offset != 0 {
			t.Errorf("%s %s %s: got %s at %d, want %s", c.stage, c.code, c.message, got, offset, c.want)
		}
	}
}
