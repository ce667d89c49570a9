package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"

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

// synthesise runs the CDK app as `cdk synth` does, with the context of cdk.json and what given adds to it, and returns
// the template. When the app rejects the settings, the error is its output.
func synthesise(ctx context.Context, root string, given settings, notes io.Writer) (text []byte, stackName string,
	err error) {
	var project struct {
		App     string
		Context map[string]any
	}
	file := filepath.Join(root, "cdk.json")
	if text, err = os.ReadFile(file); err == nil {
		err = json.Unmarshal(text, &project)
	}
	if err == nil && project.App == "" {
		err = errors.New("no app")
	}
	if err != nil {
		return nil, "", fmt.Errorf("reading %s: %w", file, err)
	}
	settings := map[string]any{}
	maps.Copy(settings, project.Context)
	for key, value := range given {
		settings[key] = value
	}
	contextJSON, err := json.Marshal(settings)
	if err != nil {
		return nil, "", fmt.Errorf("encoding the context: %w", err)
	}
	dir, err := os.MkdirTemp("", "pipeline-synth-")
	if err != nil {
		return nil, "", fmt.Errorf("synthesising: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()

	app := exec.CommandContext(ctx, "sh", "-c", project.App)
	ownGroup(app)
	app.WaitDelay = 5 * time.Second
	app.Dir = root
	app.Env = append(os.Environ(), "CDK_CONTEXT_JSON="+string(contextJSON), "CDK_OUTDIR="+dir,
		// jsii says a screenful about versions of node that it has not been tested with.
		"JSII_SILENCE_WARNING_UNTESTED_NODE_VERSION=1", "JSII_SILENCE_WARNING_DEPRECATED_NODE_VERSION=1",
		"JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION=1")
	var said bytes.Buffer
	app.Stdout, app.Stderr = &said, &said
	if err := app.Run(); err != nil {
		if ctx.Err() != nil {
			return nil, "", errTooEarly
		}
		if text := strings.TrimSpace(said.String()); text != "" {
			return nil, "", errors.New(text)
		}
		return nil, "", fmt.Errorf("synthesising: %s: %w", project.App, err)
	}
	_, _ = said.WriteTo(notes) // which may be nowhere
	templates, err := filepath.Glob(filepath.Join(dir, "*"+templateSuffix))
	if err != nil {
		return nil, "", fmt.Errorf("synthesising: %w", err)
	}
	if len(templates) != 1 {
		return nil, "", fmt.Errorf("synthesising: the app wrote %d templates, want 1", len(templates))
	}
	return readTemplate(templates[0])
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
