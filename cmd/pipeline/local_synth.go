package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"firehose-pipeline/internal/functionbuild"
	"firehose-pipeline/schema"
)

// modulePath is the line by which the project's folder is known.
const modulePath = "module firehose-pipeline"

// projectRoot finds the project's folder: the working directory or the nearest one above it.
func projectRoot() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for start := dir; ; dir = filepath.Dir(dir) {
		text, err := os.ReadFile(filepath.Join(dir, "go.mod"))
		if err == nil && bytes.HasPrefix(text, []byte(modulePath)) {
			return dir, nil
		}
		if dir == filepath.Dir(dir) {
			return "", fmt.Errorf("looking for the project: no go.mod with %q in %s or above: run the command in "+
				"the project's folder, or name it with --project", modulePath, start)
		}
	}
}

// errTooEarly ends a command that was interrupted while it was getting ready.
var errTooEarly = fmt.Errorf("%w before anything was put", errInterrupted)

// templateSuffix ends the name of a template that the CDK writes; the rest is the stack's name.
const templateSuffix = ".template.json"

// readTemplate reads a synthesised template and takes the stack's name from the file's.
func readTemplate(path string) (text []byte, stackName string, err error) {
	text, err = os.ReadFile(path)
	if err != nil {
		return nil, "", err
	}
	name := filepath.Base(path)
	stackName, ok := strings.CutSuffix(name, templateSuffix)
	if !ok {
		stackName = strings.TrimSuffix(name, filepath.Ext(name))
	}
	if stackName == "" {
		return nil, "", fmt.Errorf("%s: the name must be <stack>%s", path, templateSuffix)
	}
	return text, stackName, nil
}

// buildFunctions builds the functions for this machine and returns their binaries by name.
func buildFunctions(ctx context.Context, root string, eventSchema []byte, progress io.Writer) (map[string]string,
	error) {
	files := functionbuild.Files{"transform": {schema.FileName: eventSchema}}
	target := functionbuild.Target{OS: runtime.GOOS, Arch: runtime.GOARCH}
	assets, err := functionbuild.BuildAll(ctx, root, filepath.Join(root, ".build", "functions"), target, files,
		progress)
	if err != nil {
		if ctx.Err() != nil {
			return nil, errTooEarly
		}
		return nil, err
	}
	binaries := map[string]string{}
	for name, asset := range assets {
		binaries[name] = filepath.Join(asset.Dir, "bootstrap")
	}
	return binaries, nil
}
