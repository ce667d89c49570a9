package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"firehose-pipeline/internal/testkit/casefile"
	"firehose-pipeline/settings"
)

// settingKeys returns the keys of every setting, in the order of the README's table.
func settingKeys(t *testing.T) []string {
	t.Helper()
	var keys []string
	for _, s := range settings.List() {
		keys = append(keys, s.Key)
	}
	return keys
}

func cases(t *testing.T) []*casefile.Case {
	t.Helper()
	all, err := casefile.Read("testdata/settings")
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// The template lines of the cases under testdata/settings: what a setting does to the template. A line is
//
//	count <type> = <number>
//	<type> <start of the logical id> <path of a property> = <JSON>
//	<type> <start of the logical id> <path of a property> absent
func TestSettingsReachTheTemplate(t *testing.T) {
	lines := 0
	for _, c := range cases(t) {
		if len(c.Template) == 0 {
			continue
		}
		t.Run(c.Name, func(t *testing.T) {
			if len(c.Env) > 0 {
				t.Fatal("a case with template lines must have no environment variables")
			}
			result := synth(t, string(c.Context))
			for _, line := range c.Template {
				lines++
				if err := assertTemplate(t, result, line); err != nil {
					t.Errorf("%s: %v", line, err)
				}
			}
		})
	}
	if lines < 20 {
		t.Errorf("testdata/settings: must say what settings do to the template (got %d lines)", lines)
	}
}

func assertTemplate(t *testing.T, result *template, line string) error {
	t.Helper()
	left, right, compares := strings.Cut(line, " = ")
	if !compares {
		left, compares = strings.CutSuffix(line, " absent")
		if !compares {
			return errors.New("must end in ` = JSON` or ` absent`")
		}
	}
	words := strings.Fields(left)
	var expected any
	if right != "" {
		if err := json.Unmarshal([]byte(right), &expected); err != nil {
			return fmt.Errorf("must compare with JSON: %w", err)
		}
	}
	if len(words) == 2 && words[0] == "count" {
		if got := float64(len(result.of(words[1]))); got != expected {
			return fmt.Errorf("got %v", got)
		}
		return nil
	}
	if len(words) != 3 {
		return errors.New("must name a type, a logical id and a path")
	}
	_, r := result.one(t, words[0], words[1])
	got, present := at(r.Properties, words[2])
	switch {
	case right == "" && present:
		return fmt.Errorf("got %v", got)
	case right != "" && !present:
		return errors.New("is absent")
	case right != "" && !reflect.DeepEqual(got, expected):
		return fmt.Errorf("got %v", got)
	}
	return nil
}

// The built app, with wrong settings: every problem, one line each, exit status 1, no template, no stack trace, and no CDK
// started for it.
func TestTheBuiltAppRefusesWrongSettings(t *testing.T) {
	app := filepath.Join(t.TempDir(), "firehose-pipeline")
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	if out, err := exec.CommandContext(ctx, "go", "build", "-o", app, ".").CombinedOutput(); err != nil {
		t.Fatalf("building the app: %v\n%s", err, out)
	}
	refused := 0
	for _, c := range cases(t) {
		if len(c.Errors) == 0 {
			continue
		}
		refused++
		t.Run(c.Name, func(t *testing.T) {
			out := t.TempDir()
			cmd := exec.CommandContext(ctx, app)
			// Neither PATH nor HOME: a wrong setting must be found before Node is looked for.
			cmd.Env = []string{"CDK_CONTEXT_JSON=" + string(c.Context), "CDK_OUTDIR=" + filepath.Join(out, "cdk.out")}
			for _, name := range slices.Sorted(maps.Keys(c.Env)) {
				cmd.Env = append(cmd.Env, name+"="+c.Env[name])
			}
			var stdout, stderr bytes.Buffer
			cmd.Stdout, cmd.Stderr = &stdout, &stderr
			err := cmd.Run()
			var exit *exec.ExitError
			if !errors.As(err, &exit) || exit.ExitCode() != 1 {
				t.Errorf("exit status: must be 1 (got %v)", err)
			}
			got := strings.Split(strings.TrimSuffix(stderr.String(), "\n"), "\n")
			expected := slices.Clone(c.Errors)
			for i := range expected { // what is wrong with the context as a whole is named by the variable it came in
				if strings.HasPrefix(expected[i], "context: ") && !slices.Equal(got, expected) {
					expected[i] = "CDK_CONTEXT_JSON" + strings.TrimPrefix(expected[i], "context")
				}
			}
			if !slices.Equal(got, expected) {
				t.Errorf("stderr: must be\n%s\n(got\n%s)", strings.Join(expected, "\n"), strings.Join(got, "\n"))
			}
			if stdout.Len() > 0 {
				t.Errorf("stdout: must be empty (got %s)", stdout.String())
			}
			if left, err := os.ReadDir(out); err != nil || len(left) > 0 {
				t.Errorf("template: must not be written (got %v, %v)", left, err)
			}
		})
	}
	if refused < 40 {
		t.Errorf("testdata/settings: must hold 40 wrong contexts (got %d)", refused)
	}
}
