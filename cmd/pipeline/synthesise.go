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
	"strings"
	"time"

	"firehose-pipeline/internal/functionbuild"
	"firehose-pipeline/internal/resultcache"
)

// synthesised is a synthesised template with the name of its stack.
type synthesised struct {
	StackName string
	Template  []byte
}

// synthesise returns the template that the CDK app writes as `cdk synth` does, with the context of cdk.json and what
// given adds to it. When the app rejects the settings, the error is its output. Without a change the template of an
// earlier call is returned: see [synthesisInputs].
func synthesise(ctx context.Context, root string, given settings, notes io.Writer) (synthesised, error) {
	project, err := readProject(root, given)
	if err != nil {
		return synthesised{}, err
	}
	folder := resultcache.Folder{Path: filepath.Join(root, ".build", "synthesised"), Max: 50}
	before, known := project.readInputs(ctx)
	if known {
		if result, ok := readSynthesised(folder, before.key); ok {
			for _, note := range before.notes {
				fmt.Fprintln(notes, "note:", note)
			}
			return result, nil
		}
	}
	result, err := project.runApp(ctx, notes)
	if err != nil || !known {
		return result, err
	}
	// What was changed meanwhile may be in the template, or not.
	if after, ok := project.readInputs(ctx); ok && after.key == before.key {
		if err := writeSynthesised(folder, after.key, result); err != nil {
			fmt.Fprintln(notes, "note: the next run synthesises the stack again:", err)
		}
	}
	return result, nil
}

func readSynthesised(folder resultcache.Folder, key resultcache.Key) (result synthesised, ok bool) {
	text, ok := folder.Read(key)
	return result, ok && json.Unmarshal(text, &result) == nil && result.StackName != ""
}

func writeSynthesised(folder resultcache.Folder, key resultcache.Key, result synthesised) error {
	text, err := json.Marshal(result)
	if err != nil {
		return err
	}
	return folder.Write(key, text)
}

// cdkProject is a project with the context of one synthesis.
type cdkProject struct {
	root    string
	file    []byte // cdk.json
	app     string // the command of cdk.json
	context []byte // JSON
}

func readProject(root string, given settings) (p cdkProject, err error) {
	p.root = root
	var content struct {
		App     string
		Context map[string]any
	}
	file := filepath.Join(root, "cdk.json")
	if p.file, err = os.ReadFile(file); err == nil {
		err = json.Unmarshal(p.file, &content)
	}
	if p.app = content.App; err == nil && p.app == "" {
		err = errors.New("no app")
	}
	if err != nil {
		return p, fmt.Errorf("reading %s: %w", file, err)
	}
	all := map[string]any{}
	maps.Copy(all, content.Context)
	for key, value := range given {
		all[key] = value
	}
	if p.context, err = json.Marshal(all); err != nil {
		return p, fmt.Errorf("encoding the context: %w", err)
	}
	return p, nil
}

// runApp runs the app. It neither validates the template nor builds the functions for Lambda: nothing is deployed.
func (p cdkProject) runApp(ctx context.Context, notes io.Writer) (result synthesised, err error) {
	dir, err := os.MkdirTemp("", "pipeline-synth-")
	if err != nil {
		return result, fmt.Errorf("synthesising: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()

	app := exec.CommandContext(ctx, "sh", "-c", p.app)
	ownGroup(app)
	app.WaitDelay = 5 * time.Second
	app.Dir = p.root
	app.Env = append(os.Environ(), "CDK_CONTEXT_JSON="+string(p.context), "CDK_OUTDIR="+dir,
		functionbuild.TemplateOnly+"=true", "CDK_CLI_VERSION=",
		// jsii says a screenful about versions of node that it has not been tested with.
		"JSII_SILENCE_WARNING_UNTESTED_NODE_VERSION=1", "JSII_SILENCE_WARNING_DEPRECATED_NODE_VERSION=1",
		"JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION=1")
	if os.Getenv(validationVariable) == "" {
		app.Env = append(app.Env, validationVariable+"=false")
	}
	var said bytes.Buffer
	app.Stdout, app.Stderr = &said, &said
	if err := app.Run(); err != nil {
		if ctx.Err() != nil {
			return result, errTooEarly
		}
		if text := strings.TrimSpace(said.String()); text != "" {
			return result, errors.New(text)
		}
		return result, fmt.Errorf("synthesising: %s: %w", p.app, err)
	}
	_, _ = said.WriteTo(notes) // which may be nowhere
	templates, err := filepath.Glob(filepath.Join(dir, "*"+templateSuffix))
	if err != nil {
		return result, fmt.Errorf("synthesising: %w", err)
	}
	if len(templates) != 1 {
		return result, fmt.Errorf("synthesising: the app wrote %d templates, want 1", len(templates))
	}
	return readTemplate(templates[0])
}
