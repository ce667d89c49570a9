package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"

	"firehose-pipeline/internal/functionbuild"
	"firehose-pipeline/internal/testkit/sampleevents"
	"firehose-pipeline/internal/testkit/shopschema"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout, os.Stderr); err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, out, progress io.Writer) error {
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	rounds := flags.Int("rounds", 15, "turns of each contender")
	before := flags.String("before", "", "also measure the transform of this earlier `commit`")
	update := flags.String("update", "",
		"also write the results into this `file`, between its lines <!-- bench --> and <!-- /bench -->")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *rounds < 1 || flags.NArg() > 0 {
		return fmt.Errorf("-rounds: must be 1 or more, and nothing else given (got %d, %q)", *rounds, flags.Args())
	}
	dir, err := os.MkdirTemp("", "bench")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	b := &bench{ctx: ctx, dir: dir, rounds: *rounds, before: *before, progress: progress}
	if err := b.prepareContenders(); err != nil {
		return err
	}
	var r report
	if r.machine, err = b.describeMachine(); err != nil {
		return err
	}
	if err := b.compareAnswers(); err != nil {
		return err
	}
	if err := b.measureHandlers(&r); err != nil {
		return err
	}
	if err := b.measureSchemas(&r); err != nil {
		return err
	}
	if err := b.measureFunctions(&r); err != nil {
		return err
	}
	text := r.writeMarkdown()
	if _, err := io.WriteString(out, text); err != nil {
		return err
	}
	if *update != "" {
		return writeBetween(*update, text)
	}
	return nil
}

// bench is one run of the benchmark.
type bench struct {
	ctx      context.Context
	dir      string
	rounds   int
	before   string // an earlier commit, empty for none
	progress io.Writer
	python   string   // path of the interpreter
	root     string   // folder of go.mod
	binaries []string // of functions
}

// load is a batch of records that the contenders get.
type load struct {
	name    string
	what    string
	records [][]byte
	request []byte
	file    string // which has the request
}

func (l *load) bytes() (n int) {
	for _, r := range l.records {
		n += len(r)
	}
	return n
}

func (b *bench) load(name, what string, records [][]byte) (*load, error) {
	l := &load{name: name, what: what, records: records, request: sampleevents.Request(records...),
		file: filepath.Join(b.dir, name+".json")}
	return l, os.WriteFile(l.file, l.request, 0o600)
}

// makeLoads returns the payloads; the targets are for the second.
func (b *bench) makeLoads() ([]*load, error) {
	var all []*load
	for _, l := range []struct {
		name, what string
		records    [][]byte
	}{
		{"small", "2,000 events of about 110 bytes", sampleevents.Small(2000)},
		{"mix500", "500 events of 200 bytes to 1 KB, 3 % malformed", sampleevents.Mix(500)},
		{"3mb", "3 MB of such events, in one request", sampleevents.Size(3 << 20)},
		{"dense", "500 events of the same sizes, of what is most work to read", sampleevents.Dense(500)},
	} {
		made, err := b.load(l.name, l.what, l.records)
		if err != nil {
			return nil, err
		}
		all = append(all, made)
	}
	return all, nil
}

// prepareContenders checks the machine's tools and builds the contenders.
func (b *bench) prepareContenders() error {
	python, err := exec.LookPath("python3")
	if err != nil {
		return errors.New("Python is missing: the baseline needs python3, 3.11 or later")
	}
	check := exec.CommandContext(b.ctx, python, "-c",
		"import sys; print(sys.executable); sys.exit(sys.version_info < (3, 11))")
	path, err := check.Output()
	if err != nil {
		return fmt.Errorf("Python is too old: the baseline needs python3, 3.11 or later (%s: %w)", python, err)
	}
	b.python = strings.TrimSpace(string(path))
	root, err := b.output("go", "list", "-m", "-f", "{{.Dir}}")
	if err != nil {
		return err
	}
	b.root = root
	fmt.Fprintln(b.progress, "building the contenders")
	if err := functionbuild.Build(b.ctx, b.root, "transform", b.dir, here); err != nil {
		return err
	}
	if err := shopschema.Write(b.dir); err != nil {
		return err
	}
	if err := os.Rename(filepath.Join(b.dir, "bootstrap"), filepath.Join(b.dir, "transform")); err != nil {
		return err
	}
	for name, from := range map[string]string{
		"worker": "./verify/bench/worker", "echo": "./verify/bench/functions/echo",
		"hello": "./verify/bench/functions/hello", "idiomatic": "./verify/bench/functions/idiomatic",
	} {
		if err := b.buildGo(b.root, name, from); err != nil {
			return err
		}
	}
	if err := b.buildBefore(); err != nil {
		return err
	}
	baseline := filepath.Join(b.root, "verify/bench/baselines/python")
	bootstrap := "#!" + b.python + "\nimport sys\nsys.dont_write_bytecode = True\nsys.path.insert(0, " +
		fmt.Sprintf("%q", baseline) + ")\nimport bootstrap\n"
	return os.WriteFile(filepath.Join(b.dir, "python"), []byte(bootstrap), 0o700)
}

func (b *bench) output(name string, args ...string) (string, error) {
	out, err := exec.CommandContext(b.ctx, name, args...).Output()
	if err != nil {
		return "", fmt.Errorf("running %s: %w", name, err)
	}
	return strings.TrimSpace(string(out)), nil
}

// buildGo builds a command of the module in root as functionbuild builds the functions.
func (b *bench) buildGo(root, name, from string) error {
	build := exec.CommandContext(b.ctx, "go", "build", "-trimpath", "-buildvcs=false", "-tags", "lambda.norpc",
		"-ldflags", "-s -w", "-o", filepath.Join(b.dir, name), from)
	build.Dir = root
	build.Env = append(os.Environ(), "CGO_ENABLED=0", "GOAMD64=v1", "GOARM64=v8.0")
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("building %s: %w\n%s", name, err, out)
	}
	return nil
}
