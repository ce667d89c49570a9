package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"time"
)

// The ends of a mutation.
const (
	caught   = "caught"
	survived = "SURVIVED"
	failed   = "error" // it does not compile, or its check cannot be used
)

// result is the end of one mutation.
type result struct {
	mutation
	Outcome string  `json:"outcome"`
	By      string  `json:"by,omitempty"` // the test that noticed it; "time limit" for one that did not end
	Seconds float64 `json:"seconds"`      // of the tests, without compilation
	Problem string  `json:"problem,omitempty"`
}

// bench runs checks in a copy of the project.
type bench struct {
	root    string // of the copy
	timeout time.Duration
	sound   map[check]error   // of checks that have run without a fault
	built   map[string]string // tests without a fault, by package
}

func newBench(root string, timeout time.Duration) *bench {
	return &bench{root: root, timeout: timeout, sound: map[check]error{}, built: map[string]string{}}
}

// runMutation plants the fault, runs the check, and takes the fault out again.
func (b *bench) runMutation(ctx context.Context, m mutation) (r result) {
	r = result{mutation: m, Outcome: failed}
	known, ran := b.sound[m.Check]
	if !ran {
		known = b.runSound(ctx, m.Check)
		b.sound[m.Check] = known
	}
	if known != nil {
		r.Problem = known.Error()
		return r
	}
	name := filepath.Join(b.root, filepath.FromSlash(m.File))
	changed, err := m.changedText(b.root)
	if err == nil {
		var before []byte
		if before, err = os.ReadFile(name); err == nil {
			defer func() {
				if err := os.WriteFile(name, before, 0o644); err != nil {
					r.Outcome, r.Problem = failed, err.Error()
				}
			}()
			err = os.WriteFile(name, changed, 0o644)
		}
	}
	if err != nil {
		r.Problem = err.Error()
		return r
	}
	// The tests of another package may not link the changed one.
	if folder := path.Dir(m.File); strings.HasSuffix(m.File, ".go") && folder != m.Check.Package {
		if text, err := b.runCommand(ctx, b.root, "go", "build", "-o", os.DevNull, "./"+folder); err != nil {
			r.Problem = fmt.Sprintf("does not compile: %v\n%s", err, text)
			return r
		}
	}
	binary := filepath.Join(b.root, "changed.test")
	if err := b.compileTests(ctx, m.Check.Package, binary); err != nil {
		r.Problem = err.Error()
		return r
	}
	tests, err := b.runTests(ctx, binary, m.Check)
	r.Seconds = tests.seconds
	switch {
	case err != nil:
		r.Problem = err.Error()
	case tests.failedTest != "":
		r.Outcome, r.By = caught, tests.failedTest
	default:
		r.Outcome = survived
	}
	return r
}

// runSound runs a check without a fault: it must pass, and run a test.
func (b *bench) runSound(ctx context.Context, c check) error {
	binary, built := b.built[c.Package]
	if !built {
		binary = filepath.Join(b.root, fmt.Sprintf("sound-%d.test", len(b.built)))
		if err := b.compileTests(ctx, c.Package, binary); err != nil {
			return err
		}
		b.built[c.Package] = binary
	}
	tests, err := b.runTests(ctx, binary, c)
	switch {
	case err != nil:
		return err
	case tests.failedTest != "":
		return fmt.Errorf("%s fails without a fault: %s\n%s", c, tests.failedTest, tests.output)
	case !tests.passed:
		return fmt.Errorf("%s runs no test", c)
	}
	return nil
}

// tests is a run of tests.
type tests struct {
	failedTest string // the first one; empty when all passed
	passed     bool   // at least one
	seconds    float64
	output     string
}

// compileTests compiles the tests of a package.
func (b *bench) compileTests(ctx context.Context, folder, binary string) error {
	text, err := b.runCommand(ctx, b.root, "go", "test", "-vet=off", "-c",
		"-ldflags=-s -w", "-o", binary, "./"+folder) // no debugging information: it takes long to link
	if err != nil {
		return fmt.Errorf("does not compile: %w\n%s", err, text)
	}
	return nil
}

// runTests runs the check's tests until the first one fails. The error is that of an interruption.
func (b *bench) runTests(ctx context.Context, binary string, c check) (tests, error) {
	args := []string{"-test.v", "-test.failfast", "-test.timeout=" + b.timeout.String()}
	if c.Run != "" {
		args = append(args, "-test.run="+c.Run)
	}
	start := time.Now()
	text, err := b.runCommand(ctx, filepath.Join(b.root, filepath.FromSlash(c.Package)), binary, args...)
	t := readTests(text)
	t.seconds = time.Since(start).Seconds()
	if err != nil && ctx.Err() != nil {
		return t, ctx.Err()
	}
	var limit *limitError
	switch {
	case errors.As(err, &limit):
		t.failedTest = "time limit"
	case err != nil && t.failedTest == "":
		t.failedTest = "the process: " + err.Error()
	case err == nil:
		t.failedTest = ""
	}
	return t, nil
}

var (
	startedTest = regexp.MustCompile(`(?m)^=== RUN +(\S+)$`)
	endedTest   = regexp.MustCompile(`(?m)^ *--- (FAIL|PASS): (\S+) \(`)
	panicked    = regexp.MustCompile(`(?m)^(panic|fatal error): `)
)

// readTests reads the output of a test binary with -test.v.
func readTests(text string) tests {
	t := tests{output: text}
	for _, match := range endedTest.FindAllStringSubmatch(text, -1) {
		switch {
		case match[1] == "PASS":
			t.passed = true
		case t.failedTest == "" || strings.HasPrefix(match[2], t.failedTest+"/"): // a subtest follows its test
			t.failedTest = match[2]
		}
	}
	if at := panicked.FindStringIndex(text); at != nil {
		if started := startedTest.FindAllStringSubmatch(text[:at[0]], -1); started != nil {
			t.failedTest = started[len(started)-1][1]
		}
		if strings.Contains(text, "panic: test timed out") {
			t.failedTest = "time limit"
		}
	}
	return t
}

// limitError says that a command was stopped at the time limit.
type limitError struct{ limit time.Duration }

func (e *limitError) Error() string { return fmt.Sprintf("stopped after %v", e.limit) }

// buildLimit is the time for a compilation with a cold cache.
const buildLimit = 15 * time.Minute

// runCommand runs a command in a group of processes, which ends with it, and returns its output.
func (b *bench) runCommand(ctx context.Context, folder, name string, args ...string) (string, error) {
	limit := buildLimit
	if name != "go" {
		limit = b.timeout + 15*time.Second // the tests' own limit comes first
	}
	limited, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	command := exec.CommandContext(limited, name, args...)
	command.Dir = folder
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	command.Cancel = func() error { return syscall.Kill(-command.Process.Pid, syscall.SIGKILL) }
	command.WaitDelay = 5 * time.Second
	var out bytes.Buffer
	command.Stdout, command.Stderr = &out, &out
	err := command.Run()
	if command.Process != nil {
		_ = syscall.Kill(-command.Process.Pid, syscall.SIGKILL) // processes that a killed test has left behind
	}
	if limited.Err() != nil && ctx.Err() == nil {
		err = &limitError{limit}
	}
	return out.String(), err
}
