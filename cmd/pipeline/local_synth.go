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

	"golang.org/x/sync/errgroup"

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

// findProject returns the project's folder: that of --project or, when it is empty, the one around the working
// directory.
func findProject(given string) (string, error) {
	if given != "" {
		return given, nil
	}
	return projectRoot()
}

// errTooEarly ends a command that was interrupted while it was getting ready.
var errTooEarly = fmt.Errorf("%w before anything was put", errInterrupted)

// templateSuffix ends the name of a template that the CDK writes; the rest is the stack's name.
const templateSuffix = ".template.json"

// readTemplate reads a synthesised template and takes the stack's name from the file's.
func readTemplate(path string) (synthesised, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return synthesised{}, err
	}
	name := filepath.Base(path)
	stackName, ok := strings.CutSuffix(name, templateSuffix)
	if !ok {
		stackName = strings.TrimSuffix(name, filepath.Ext(name))
	}
	if stackName == "" {
		return synthesised{}, fmt.Errorf("%s: the name must be <stack>%s", path, templateSuffix)
	}
	return synthesised{stackName, text}, nil
}

// buildFunctions builds the functions for this machine, without the files beside them.
func buildFunctions(ctx context.Context, root string, progress io.Writer) (map[string]functionbuild.Asset, error) {
	target := functionbuild.Target{OS: runtime.GOOS, Arch: runtime.GOARCH}
	builds, err := functionbuild.BuildAll(ctx, root, filepath.Join(root, ".build", "functions"), target, nil, progress)
	if err != nil && ctx.Err() != nil {
		return nil, errTooEarly
	}
	return builds, err
}

// packFunctions puts the event schema beside the functions that read it, and returns their binaries by name.
func packFunctions(builds map[string]functionbuild.Asset, eventSchema []byte) (map[string]string, error) {
	assets, err := functionbuild.AddFiles(builds, functionbuild.Files{"transform": {schema.FileName: eventSchema}})
	if err != nil {
		return nil, err
	}
	binaries := map[string]string{}
	for name, asset := range assets {
		binaries[name] = filepath.Join(asset.Dir, "bootstrap")
	}
	return binaries, nil
}

// prepareStack synthesises the stack and builds the functions, at the same time: the compiler of the one leaves cores
// to the other. The error is the first one, which also ends the other work.
func prepareStack(ctx context.Context, root string, given settings, progress io.Writer) (result synthesised,
	builds map[string]functionbuild.Asset, err error) {
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() (err error) {
		result, err = synthesise(ctx, root, given, progress)
		return err
	})
	group.Go(func() (err error) {
		builds, err = buildFunctions(ctx, root, progress)
		return err
	})
	return result, builds, group.Wait()
}
