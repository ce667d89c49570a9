package main

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"firehose-pipeline/event"
	"firehose-pipeline/schema"
	config "firehose-pipeline/settings"
)

// readEventSchema returns the event schema that a synthesised template names in its metadata: its path, seen from the
// project's folder, and its text.
func readEventSchema(root string, template []byte) (name string, text []byte, err error) {
	var stack struct{ Metadata struct{ EventSchema string } }
	if err := json.Unmarshal(template, &stack); err != nil {
		return "", nil, fmt.Errorf("reading the template: %w", err)
	}
	name = cmp.Or(stack.Metadata.EventSchema, schema.FileName)
	if text, err = os.ReadFile(filepath.Join(root, filepath.FromSlash(name))); err != nil {
		return "", nil, fmt.Errorf("reading the event schema: %w", err)
	}
	return name, text, nil
}

// projectSchema returns the path of the event schema that cdk.json and the environment select.
func projectSchema(root string) (string, error) {
	text, err := os.ReadFile(filepath.Join(root, "cdk.json"))
	if err != nil {
		return "", err
	}
	var project struct{ Context json.RawMessage }
	if err := json.Unmarshal(text, &project); err != nil {
		return "", fmt.Errorf("reading cdk.json: %w", err)
	}
	s, _, err := config.Load(project.Context, os.LookupEnv)
	if err != nil {
		return "", fmt.Errorf("reading cdk.json: %w", err)
	}
	return filepath.Join(root, filepath.FromSlash(s.EventSchema)), nil
}

// findSchema returns the path of the event schema: the given one or, when that is empty, the project's. Outside of a
// project it returns neither path nor error.
func findSchema(path string) (string, error) {
	if path != "" {
		return path, nil
	}
	root, err := projectRoot()
	if err != nil {
		return "", nil
	}
	if path, err = projectSchema(root); err != nil {
		return "", err
	}
	if _, err := os.Stat(path); errors.Is(err, os.ErrNotExist) {
		return "", nil
	}
	return path, nil
}

// loadLayout loads and compiles the event schema in path or, when that is empty, the project's. Without a project it
// returns nil and no error.
func loadLayout(path string) (*event.Layout, error) {
	path, err := findSchema(path)
	if path == "" || err != nil {
		return nil, err
	}
	s, err := schema.Load(path)
	if err != nil {
		return nil, err
	}
	return event.Compile(s)
}
