package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	testscript.Main(cleaning{m}, map[string]func(){"pipeline": main})
}

// cleaning runs the tests and removes their shared folder.
type cleaning struct{ *testing.M }

func (c cleaning) Run() int {
	status := c.M.Run()
	if shared != "" {
		if err := os.RemoveAll(shared); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
	}
	return status
}

// shopFile is the event schema of the tests' events, whatever the project's own.
const shopFile = "internal/testkit/shopschema/event-schema.json"

// shared is the folder of the stack, once it is built.
var shared string

// stack is the project's template, synthesised as the command does it, and its functions for this machine.
type stack struct {
	root, template string
	functions      map[string]string
}

// build makes the stack once for all tests.
var build = sync.OnceValues(func() (*stack, error) {
	root, err := projectRoot()
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	result, builds, err := prepareStack(ctx, root, settings{"environment": "dev", "eventSchema": shopFile}, io.Discard)
	if err != nil {
		return nil, err
	}
	_, eventSchema, err := readEventSchema(root, result.Template)
	if err != nil {
		return nil, err
	}
	functions, err := packFunctions(builds, eventSchema)
	if err != nil {
		return nil, err
	}
	shared, err = os.MkdirTemp("", "pipeline-test-")
	if err != nil {
		return nil, err
	}
	s := &stack{root, filepath.Join(shared, result.StackName+templateSuffix), functions}
	return s, os.WriteFile(s.template, result.Template, 0o644)
})

func buildStack(t *testing.T) *stack {
	t.Helper()
	s, err := build()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestScript runs the command as a person does; testdata/script has one file a subject.
func TestScript(t *testing.T) {
	s := buildStack(t)
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		UpdateScripts:       *update,
		Setup: func(e *testscript.Env) error {
			for _, name := range []string{"GOCACHE", "GOPATH", "GOMODCACHE", "GOFLAGS", "GOPROXY"} {
				if value, ok := os.LookupEnv(name); ok {
					e.Setenv(name, value)
				}
			}
			home, err := os.UserHomeDir()
			if err != nil {
				return err
			}
			e.Setenv("HOME", home) // the go command's caches
			e.Setenv("PROJECT", s.root)
			e.Setenv("TEMPLATE", s.template)
			e.Setenv("EVENTS", filepath.Join(s.root, "testdata"))
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"longline": longLine,
			"await":    await,
		},
	})
}

// longLine writes a file with a short line, one that is bytes longer than a record may be, and another short one:
// longline file bytes.
func longLine(ts *testscript.TestScript, _ bool, args []string) {
	var more int
	if _, err := fmt.Sscan(args[1], &more); err != nil {
		ts.Fatalf("longline: %v", err)
	}
	text := `{"event_id":"before"}` + "\n" + `{"event_id":"` + strings.Repeat("x", 1024000+more-15) + `"}` + "\n" +
		`{"event_id":"after"}`
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(text), 0o644))
}

// await waits until a file has a text: await file text.
func await(ts *testscript.TestScript, _ bool, args []string) {
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if text, err := os.ReadFile(ts.MkAbs(args[0])); err == nil && strings.Contains(string(text), args[1]) {
			return
		}
	}
	ts.Fatalf("%s does not have %q", args[0], args[1])
}
