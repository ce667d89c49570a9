//go:build verify

package constructs_test

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// The most that is accepted of Checkov. A change lowers a number, or says in its message why it raises one.
const (
	maxCheckovEntries  = 8
	maxCheckovFindings = 26
)

// checkovReport is what verify/checkov/run.py prints.
type checkovReport struct {
	Summary struct {
		Skipped       int `json:"skipped"`
		ParsingErrors int `json:"parsing_errors"`
	} `json:"summary"`
	Results struct {
		Passed []checkovFinding `json:"passed_checks"`
		Failed []checkovFinding `json:"failed_checks"`
	} `json:"results"`
}

type checkovFinding struct {
	Rule     string `json:"check_id"`
	Name     string `json:"check_name"`
	File     string `json:"file_path"` // below the folder, begins with /
	Resource string `json:"resource"`  // type and logical id, with a dot between them
}

// openBucket is a template with a finding, whatever else there is.
const openBucket = `{"AWSTemplateFormatVersion": "2010-09-09",
	"Resources": {"Open": {"Type": "AWS::S3::Bucket", "Properties": {"AccessControl": "PublicRead"}}}}`

// writeTemplates writes the templates of the variants, and the open bucket's, to a folder. It returns the variants by
// file, and the paths of constructs by file and logical id.
func writeTemplates(t *testing.T, folder string) (names, paths map[string]string) {
	t.Helper()
	write := func(name string, content []byte) {
		if err := os.WriteFile(filepath.Join(folder, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	names, paths = map[string]string{}, map[string]string{}
	for _, name := range securityVariants {
		file := strings.NewReplacer(" ", "-", ",", "").Replace(name) + ".template.json"
		names["/"+file] = name
		text, err := json.Marshal(synth(t, variants[name]).cdk.ToJSON())
		if err != nil {
			t.Fatal(err)
		}
		var content struct {
			Resources map[string]struct{ Metadata map[string]any }
		}
		if err := json.Unmarshal(text, &content); err != nil {
			t.Fatal(err)
		}
		for id, resource := range content.Resources {
			path, _ := resource.Metadata["aws:cdk:path"].(string)
			_, path, _ = strings.Cut(path, "/") // the stack
			paths["/"+file+" "+id] = strings.TrimPrefix(path, "Default/")
		}
		write(file, text)
	}
	write("open.template.json", []byte(openBucket))
	return names, paths
}

func TestSecurityRulesOfCheckov(t *testing.T) {
	accepted := readAcceptances(t)
	folder := t.TempDir()
	names, paths := writeTemplates(t, folder)
	start := time.Now()
	report := runCheckov(t, folder)
	if report.Summary.Skipped != 0 || report.Summary.ParsingErrors != 0 {
		t.Errorf("must skip nothing and read everything (got %+v)", report.Summary)
	}
	passed := map[string]int{}
	for _, check := range report.Results.Passed {
		passed[check.File]++
	}
	for file := range names {
		if passed[file] < 50 {
			t.Errorf("%s: at least 50 checks must pass (got %d)", file, passed[file])
		}
	}
	open := 0
	findings := map[string]bool{}
	for _, check := range report.Results.Failed {
		if check.File == "/open.template.json" {
			open++
			continue
		}
		_, id, _ := strings.Cut(check.Resource, ".")
		path := paths[check.File+" "+id]
		name := names[check.File]
		if err := accepted.accept(check.Rule, path, load(t, variants[name])); err != nil {
			t.Errorf("%s: %v: %s: %s", name, err, check.Resource, check.Name)
		}
		findings[check.Rule+" "+path] = true
	}
	if open == 0 {
		t.Error("Checkov finds nothing in an open bucket, so that it proves nothing")
	}
	entries, err := accepted.checkUsed(isCheckov)
	if err != nil {
		t.Error(err)
	}
	t.Logf("Checkov: %d templates, %d checks passed, %d distinct findings, accepted by %d comments, in %.0f s",
		len(names), len(report.Results.Passed), len(findings), entries, time.Since(start).Seconds())
	if entries > maxCheckovEntries || len(findings) > maxCheckovFindings {
		t.Errorf("must be at most %d findings and %d comments", maxCheckovFindings, maxCheckovEntries)
	}
}

// runCheckov checks the templates of a folder. Anything on standard error is a failure: a warning, or a connection that
// Checkov tried to make.
func runCheckov(t *testing.T, folder string) checkovReport {
	t.Helper()
	var output, warnings bytes.Buffer
	command := exec.Command(fromRoot(".build/checkov/bin/python"), fromRoot("verify/checkov/run.py"), folder)
	command.Stdout, command.Stderr = &output, &warnings
	if err := command.Run(); err != nil || warnings.Len() > 0 {
		t.Fatalf("verify/checkov/run.py: %v\n%s (make verify installs Checkov)", err, warnings.Bytes())
	}
	var report checkovReport
	if err := json.Unmarshal(output.Bytes(), &report); err != nil {
		t.Fatalf("the report of Checkov: %v", err)
	}
	return report
}
