package constructs

import (
	"context"
	"io"

	"firehose-pipeline/internal/functionbuild"
	"firehose-pipeline/schema"
)

// FunctionAsset is one built function: the folder that holds its bootstrap and nothing else, and the hash of its
// sources. It is an alias, so that an app outside this module, which cannot import internal packages, has a name for
// the type.
type FunctionAsset = functionbuild.Asset

// BuildFunctions compiles the pipeline's functions for Lambda (provided.al2023 on arm64) with the host's Go, and
// returns them by name, as [PipelineProps] want them. ModuleDir is the folder of this module's go.mod; an app in
// another module gets it from `go list -m -f '{{.Dir}}' firehose-pipeline`. The functions go to folders of cacheDir
// that are named by hash, and an existing folder is not built again. Progress gets one line for each build. It fails
// without a Go command, when a function does not compile, and when cacheDir cannot be written. eventSchema is the text
// of the event schema, which the functions that read it have in their folders.
func BuildFunctions(
	ctx context.Context,
	moduleDir, cacheDir string,
	eventSchema []byte,
	progress io.Writer,
) (map[string]FunctionAsset, error) {
	return functionbuild.BuildAll(ctx, moduleDir, cacheDir, functionbuild.Lambda, assetFiles(eventSchema), progress)
}

// NameFunctions returns the functions as [BuildFunctions] does, with the same hashes, and compiles nothing: each has
// the empty folder dir. It is for a template that is only read, by the local model; a deployment of it would fail.
func NameFunctions(ctx context.Context, moduleDir, dir string, eventSchema []byte) (map[string]FunctionAsset, error) {
	return functionbuild.NameAll(ctx, moduleDir, dir, functionbuild.Lambda, assetFiles(eventSchema))
}

// assetFiles are the files that functions find beside their executables.
func assetFiles(eventSchema []byte) functionbuild.Files {
	return functionbuild.Files{"transform": {schema.FileName: eventSchema}}
}
