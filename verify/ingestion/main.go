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
	"slices"
	"strings"
	"syscall"
	"time"
)

// limit is the most that kinesis may need, as a multiple of direct.
const limit = 1.15

const (
	pipelineCommand = ".build/pipeline"
	storeEvents     = "testdata/store-events.ndjson"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "ingestion:", err)
		os.Exit(1)
	}
}

type bench struct {
	ctx       context.Context
	work      string
	events    string
	count     int
	templates map[string]string // by ingestion
}

func run(ctx context.Context, args []string, out io.Writer) error {
	flags := flag.NewFlagSet("ingestion", flag.ContinueOnError)
	count := flags.Int("events", 100_000, "`events` of a run")
	rounds := flags.Int("rounds", 7, "turns of each ingestion")
	direct := flags.String("direct", "", "synthesised template `file` with ingestion direct (default: synthesise it)")
	kinesis := flags.String("kinesis", "", "the same with ingestion kinesis")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *count < 1 || *rounds < 1 || flags.NArg() > 0 {
		return fmt.Errorf("-events, -rounds: must be 1 or more, and nothing else given (got %d, %d, %q)", *count, *rounds,
			flags.Args())
	}
	work, err := os.MkdirTemp("", "ingestion")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	b := &bench{ctx: ctx, work: work, events: filepath.Join(work, "events.ndjson"), count: *count,
		templates: map[string]string{"direct": *direct, "kinesis": *kinesis}}
	if err := b.prepare(); err != nil {
		return err
	}
	var ratios []float64
	fmt.Fprintln(out, "round  direct µs/event  kinesis µs/event  ratio")
	for round := range *rounds {
		first, second := "direct", "kinesis"
		if round%2 == 1 { // neither always goes first
			first, second = second, first
		}
		used := map[string]time.Duration{}
		for _, ingestion := range []string{first, second} {
			if used[ingestion], err = b.measure(ingestion); err != nil {
				return err
			}
		}
		ratio := float64(used["kinesis"]) / float64(used["direct"])
		ratios = append(ratios, ratio)
		fmt.Fprintf(out, "%5d  %15.1f  %16.1f  %5.3f\n", round+1, perEvent(used["direct"], *count),
			perEvent(used["kinesis"], *count), ratio)
	}
	slices.Sort(ratios)
	median := ratios[len(ratios)/2]
	fmt.Fprintf(out, "median ratio: %.3f (at most %.2f)\n", median, limit)
	if median > limit {
		return fmt.Errorf("ingestion kinesis needs %.3f times the CPU of direct for an event, more than %.2f", median, limit)
	}
	return nil
}

func perEvent(used time.Duration, events int) float64 {
	return float64(used.Microseconds()) / float64(events)
}

// prepare builds the command, synthesises the templates that were not given, and writes the events.
func (b *bench) prepare() error {
	if err := runCommand(exec.CommandContext(b.ctx, "go", "build", "-o", pipelineCommand, "./cmd/pipeline")); err != nil {
		return err
	}
	for ingestion, path := range b.templates {
		if path != "" {
			continue
		}
		stack := filepath.Join(b.work, ingestion)
		if err := runCommand(exec.CommandContext(b.ctx, "npx", "--no-install", "cdk", "synth", "--quiet", "--output", stack,
			"-c", "environment=dev", "-c", "ingestion="+ingestion)); err != nil {
			return err
		}
		found, err := filepath.Glob(filepath.Join(stack, "*.template.json"))
		if err != nil || len(found) != 1 {
			return fmt.Errorf("cdk synth: must write one template (got %q, %v)", found, err)
		}
		b.templates[ingestion] = found[0]
	}
	return b.writeEvents()
}

// writeEvents repeats the sample's events, each with an id of its own.
func (b *bench) writeEvents() error {
	sample, err := os.ReadFile(storeEvents)
	if err != nil {
		return fmt.Errorf("%w (ingestion runs in the project's root)", err)
	}
	lines := strings.Split(strings.TrimSpace(string(sample)), "\n")
	var text strings.Builder
	for i := range b.count {
		line := lines[i%len(lines)]
		fmt.Fprintf(&text, "{\"n\":%d,%s\n", i, strings.TrimPrefix(line, "{"))
	}
	return os.WriteFile(b.events, []byte(text.String()), 0o600)
}

// measure runs the pipeline once, and returns the CPU time of the command and of the functions that it started.
func (b *bench) measure(ingestion string) (time.Duration, error) {
	command := exec.CommandContext(b.ctx, pipelineCommand, "local", "--template", b.templates[ingestion], "--events",
		b.events, "--out", filepath.Join(b.work, "out"), "--format", "json")
	if err := runCommand(command); err != nil {
		return 0, err
	}
	// That of processes which the command has waited for is included.
	return command.ProcessState.UserTime() + command.ProcessState.SystemTime(), nil
}

func runCommand(command *exec.Cmd) error {
	command.Cancel = func() error { return command.Process.Signal(os.Interrupt) }
	out, err := command.CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s: %w\n%s", filepath.Base(command.Path), err, out)
	}
	return nil
}
