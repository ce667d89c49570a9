package main

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"firehose-pipeline/internal/functionbuild"
	"firehose-pipeline/internal/resultcache"
	config "firehose-pipeline/settings"
)

const (
	// appCommand is the app of cdk.json whose inputs are known. The template of another one is never reused.
	appCommand = "sh internal/functionbuild/hostenv.sh go build -o .build/firehose-pipeline . && .build/firehose-pipeline"
	// validationVariable switches the CDK's validator off with "false".
	validationVariable = "CDK_VALIDATION"
	// overflowVariable names a file with more context.
	overflowVariable = "CONTEXT_OVERFLOW_LOCATION_ENV"
)

// synthesisInputs are all that a template depends on: cdk.json and cdk.context.json, the context with -c, the variables
// that the settings read and those of the CDK, jsii, Node.js and Go, the event schema, the sources of the app and of
// the functions, the modules with their check sums, and the versions of Go and Node.js.
type synthesisInputs struct {
	key   resultcache.Key
	notes []string // of the settings, which the app prints
}

// readInputs returns the inputs, and false when they are not all known: the app of cdk.json is another one, or the
// settings are wrong, or something is missing. The app then says more about it than a reader of its inputs can.
func (p cdkProject) readInputs(ctx context.Context) (synthesisInputs, bool) {
	if p.app != appCommand || os.Getenv(overflowVariable) != "" {
		return synthesisInputs{}, false
	}
	var input resultcache.Input
	input.Add("version", []byte("1"))
	input.Add("cdk.json", p.file)
	input.Add("context", p.context)
	lookup := func(name string) (string, bool) {
		value, ok := os.LookupEnv(name)
		input.Add("variable", fmt.Appendf(nil, "%s %t %s", name, ok, value))
		return value, ok
	}
	settings, notes, err := config.Load(p.context, lookup)
	if err != nil {
		return synthesisInputs{}, false
	}
	variables := slices.DeleteFunc(os.Environ(), func(v string) bool { return !concernsTools(v) })
	slices.Sort(variables)
	input.Add("tools' variables", []byte(strings.Join(variables, "\x00")))
	for _, name := range []string{"cdk.context.json", "go.mod", "go.sum", "internal/functionbuild/hostenv.sh",
		filepath.FromSlash(settings.EventSchema)} {
		text, err := os.ReadFile(filepath.Join(p.root, name))
		if err != nil && !(name == "cdk.context.json" && os.IsNotExist(err)) {
			return synthesisInputs{}, false
		}
		input.Add("file "+name, text)
	}
	sources, err := p.readSources(ctx)
	if err != nil {
		return synthesisInputs{}, false
	}
	for _, source := range sources {
		input.Add("source", []byte(source))
	}
	return synthesisInputs{input.Key(), notes}, true
}

// concernsTools reports whether an entry of the environment can change what the CDK, jsii, Node.js and Go do.
func concernsTools(entry string) bool {
	name, _, _ := strings.Cut(entry, "=")
	for _, prefix := range []string{"CDK_", "JSII_", "NODE_", "AWS_CDK_"} {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	return slices.Contains([]string{"GODEBUG", "GOEXPERIMENT", "GOTOOLCHAIN"}, name)
}

// readSources returns the hashes of the sources of app and functions, and the versions of the tools, in this order.
func (p cdkProject) readSources(ctx context.Context) ([]string, error) {
	sources := make([]string, 4)
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() (err error) {
		host := functionbuild.Target{OS: runtime.GOOS, Arch: runtime.GOARCH}
		sources[0], err = functionbuild.HashApp(ctx, p.root, host)
		return err
	})
	group.Go(func() error {
		hashes, err := functionbuild.Hashes(ctx, p.root, functionbuild.Lambda)
		sources[1] = fmt.Sprint(hashes) // sorted by name
		return err
	})
	for i, command := range [][]string{{"go", "env", "GOVERSION"}, {cmp.Or(os.Getenv("JSII_NODE"), "node"), "--version"}} {
		group.Go(func() error {
			cmd := exec.CommandContext(ctx, command[0], command[1:]...)
			cmd.Dir = p.root
			out, err := cmd.Output()
			sources[2+i] = string(out)
			return err
		})
	}
	return sources, group.Wait()
}
