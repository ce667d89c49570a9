package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"firehose-pipeline/event"
	"firehose-pipeline/schema"
	config "firehose-pipeline/settings"
)

// eventSchemaName returns the path of the event schema in the metadata of a synthesised template, seen from the
// project's folder.
func eventSchemaName(template []byte) (string, error) {
	var stack struct{ Metadata struct{ EventSchema string } }
	if err := json.Unmarshal(template, &stack); err != nil {
		return "", fmt.Errorf("reading the template: %w", err)
	}
	if stack.Metadata.EventSchema == "" {
		return schema.FileName, nil
	}
	return stack.Metadata.EventSchema, nil
}

// readEventSchema returns the text of the event schema that a synthesised template names in its metadata, a path seen
// from the project's folder.
func readEventSchema(root string, template []byte) ([]byte, error) {
	name, err := eventSchemaName(template)
	if err != nil {
		return nil, err
	}
	text, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(name)))
	if err != nil {
		return nil, fmt.Errorf("reading the event schema: %w", err)
	}
	return text, nil
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
