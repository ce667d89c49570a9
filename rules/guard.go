package rules

import (
	"bytes"
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
)

// Text is the rule file.
//
//go:embed firehose.guard
var Text []byte

// Package is the npm package with cfn-guard, below the folder node_modules.
const Package = "@cdklabs/cdk-validator-cfnguard"

// Guard is an installed cfn-guard.
type Guard struct {
	// Executable is its path.
	Executable string
	// Version is the version of the npm package that brings it.
	Version string
}

// Find returns the cfn-guard of a folder node_modules. The error says what to do when it is not there.
func Find(modules string) (Guard, error) {
	system := map[string]string{"linux": "ubuntu", "darwin": "macos"}[runtime.GOOS]
	machine := map[string]string{"amd64": "x86_64", "arm64": "aarch64"}[runtime.GOARCH]
	if system == "" || machine == "" {
		return Guard{}, fmt.Errorf("%s has no cfn-guard for %s/%s", Package, runtime.GOOS, runtime.GOARCH)
	}
	folder := filepath.Join(modules, filepath.FromSlash(Package))
	text, err := os.ReadFile(filepath.Join(folder, "package.json"))
	if errors.Is(err, os.ErrNotExist) {
		return Guard{}, fmt.Errorf("%s is not installed: run npm ci", folder)
	}
	if err != nil {
		return Guard{}, fmt.Errorf("reading the version of cfn-guard: %w", err)
	}
	var described struct{ Version string }
	if err := json.Unmarshal(text, &described); err != nil || described.Version == "" {
		return Guard{}, fmt.Errorf("%s: package.json has no version (%w)", folder, err)
	}
	executable, err := filepath.Abs(filepath.Join(folder, "bin", system, machine, "cfn-guard"))
	if err != nil {
		return Guard{}, fmt.Errorf("finding cfn-guard: %w", err)
	}
	return Guard{Executable: executable, Version: described.Version}, nil
}

// Finding is one place in a template that breaks a rule.
type Finding struct {
	// Template is the path of the file.
	Template string
	// Rule is the name of the rule.
	Rule string
	// Message says what AWS requires.
	Message string
	// Resource is the logical id; empty when the rule is about none.
	Resource string
	// Property is the path of the property below the resource, separated by dots. When a property is missing, it is
	// that of the part that lacks it.
	Property string
}

// String returns one line.
func (f Finding) String() string {
	place := strings.Trim(f.Resource+"."+f.Property, ".")
	return fmt.Sprintf("%s: %s: %s (%s)", f.Template, place, f.Message, f.Rule)
}

// exit statuses of cfn-guard validate.
const (
	statusPass = 0
	statusFail = 19
)

// Check runs the rules over templates, in JSON or YAML, and returns the findings in the order of the templates and of
// the rules. The error is of cfn-guard or of a template that it cannot read.
func (g Guard) Check(ctx context.Context, templates ...string) ([]Finding, error) {
	file, err := os.CreateTemp("", "*.guard")
	if err != nil {
		return nil, fmt.Errorf("writing the rules: %w", err)
	}
	defer os.Remove(file.Name())
	_, err = file.Write(Text)
	if err := errors.Join(err, file.Close()); err != nil {
		return nil, fmt.Errorf("writing the rules: %w", err)
	}
	arguments := []string{"validate", "--structured", "--output-format", "json", "--show-summary", "none",
		"--rules", file.Name()}
	for _, template := range templates {
		arguments = append(arguments, "--data", template)
	}
	command := exec.CommandContext(ctx, g.Executable, arguments...)
	var problems bytes.Buffer
	command.Stderr = &problems
	output, err := command.Output()
	if err != nil && command.ProcessState == nil {
		return nil, fmt.Errorf("starting cfn-guard: %w", err)
	}
	status := command.ProcessState.ExitCode()
	if status != statusPass && status != statusFail {
		return nil, fmt.Errorf("cfn-guard ended with status %d: %s", status, bytes.TrimSpace(problems.Bytes()))
	}
	var reports []fileReport
	if err := json.Unmarshal(output, &reports); err != nil {
		return nil, fmt.Errorf("reading the report of cfn-guard: %w", err)
	}
	if len(reports) != len(templates) {
		return nil, fmt.Errorf("cfn-guard checked %d of %d templates", len(reports), len(templates))
	}
	return collectFindings(templates, reports), nil
}
