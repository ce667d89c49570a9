package functiontest

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"log"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"testing"
	"time"

	"firehose-pipeline/internal/functionbuild"
	"firehose-pipeline/internal/testkit/shopschema"
	"firehose-pipeline/local/lambda"
)

// root is the module's folder, as the tests see it.
var root = findRoot()

// findRoot returns the nearest folder above the working directory that has a go.mod; "." when there is none.
func findRoot() string {
	for folder := "."; len(folder) < 100; folder = filepath.Join("..", folder) {
		if _, err := os.Stat(filepath.Join(folder, "go.mod")); err == nil {
			return folder
		}
	}
	return "."
}

// binaries has the folder of each function's bootstrap.
var binaries = map[string]string{}

// Main builds the functions named for this machine, as they are built for the stack, runs the tests, and ends the
// process.
func Main(m *testing.M, names ...string) { os.Exit(run(m, names)) }

func run(m *testing.M, names []string) int {
	dir, err := os.MkdirTemp("", "functions")
	if err != nil {
		log.Print(err)
		return 1
	}
	defer os.RemoveAll(dir)
	here := functionbuild.Target{OS: runtime.GOOS, Arch: runtime.GOARCH}
	for _, name := range names {
		binaries[name] = filepath.Join(dir, name)
		if err := os.Mkdir(binaries[name], 0o755); err != nil {
			log.Print(err)
			return 1
		}
		if err := shopschema.Write(binaries[name]); err != nil {
			log.Print(err)
			return 1
		}
		if err := functionbuild.Build(context.Background(), root, name, binaries[name], here); err != nil {
			log.Print(err)
			return 1
		}
	}
	return m.Run()
}

// lines keeps a function's log.
type lines struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

// Function is a running function and its log.
type Function struct {
	*lambda.Function
	log        *lines
	t          *testing.T
	AnswerSize int // of the last batch
}

// Start starts a function with a time limit of a minute.
func Start(t *testing.T, name string, environment map[string]string) *Function {
	t.Helper()
	return StartWithin(t, name, environment, time.Minute)
}

// StartWithin starts a function with a time limit.
func StartWithin(t *testing.T, name string, environment map[string]string, limit time.Duration) *Function {
	t.Helper()
	// a file that the test cache then watches
	if _, err := os.Stat(filepath.Join(root, "functions", name, "bootstrap", "main.go")); err != nil {
		t.Fatal(err)
	}
	environment["STACK"] = "pipeline-test"
	f := &Function{log: &lines{}, t: t}
	var err error
	f.Function, err = lambda.Start(t.Context(), lambda.Config{
		Name:        "pipeline-test-" + name,
		Binary:      Binary(name),
		MemoryMB:    256,
		Timeout:     limit,
		Environment: environment,
		Log:         f.log,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(f.Close)
	return f
}

// MustInvoke returns the function's answer; an error of the function ends the test.
func (f *Function) MustInvoke(payload []byte) []byte {
	f.t.Helper()
	result, err := f.Invoke(f.t.Context(), payload)
	if err != nil {
		f.t.Fatal(err)
	}
	if err := result.Error(); err != nil {
		f.t.Fatal(err)
	}
	return result.Payload
}

// Metrics returns the function's metric lines, each one JSON object with an _aws member. It closes the function first:
// its output is complete only then.
func (f *Function) Metrics() []map[string]any {
	f.t.Helper()
	f.Close()
	var found []map[string]any
	scanner := bufio.NewScanner(&f.log.text)
	for scanner.Scan() {
		var line map[string]any
		if json.Unmarshal(scanner.Bytes(), &line) == nil && line["_aws"] != nil {
			found = append(found, line)
		}
	}
	if err := scanner.Err(); err != nil {
		f.t.Fatal(err)
	}
	return found
}

// Binary returns the path of a function's binary.
func Binary(name string) string { return filepath.Join(binaries[name], "bootstrap") }

// Log returns the function's log. It is complete once the function is closed.
func (f *Function) Log() string {
	f.log.mu.Lock()
	defer f.log.mu.Unlock()
	return f.log.text.String()
}
