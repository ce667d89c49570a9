package main

import (
	"bytes"
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
)

// sharedFaults occur with the share of -share, high enough that some batches fail for good.
var sharedFaults = []string{"transform-crash", "transform-hang", "transform-timeout", "transform-error",
	"transform-oversize"}

// otherFaults have shares and durations on both sides of every time limit.
var otherFaults = []string{
	"transform-missing:0.5", "transform-doubled:0.5", "s3-down", "s3-down:25h", "search-down", "search-403",
	"search-429:0.5",
	"search-429-documents", "search-lost:0.5", "search-lost:1", "sqs-partial:0.05", "sqs-throttled:0.05",
	"handler-killed:0.01", "handler-timeout:0.5", "handler-timeout:1", "notifications-doubled:0.5",
	"notifications-late:0.5",
}

// kinesisFaults are those of a data stream. "all" comes again with them: of a stack with ingestion kinesis.
var kinesisFaults = []string{"kinesis-throttled:0.2", "kinesis-lost:0.2", "kinesis-reread:0.1", "kinesis-reshard:0.2",
	"all"}

// The built command and the events that it gets, from the root of the project.
const (
	pipelineCommand = ".build/pipeline"
	storeEvents     = "testdata/store-events.ndjson"
)

const logLines = 30 // of a failed command that are printed

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "faults:", err)
		os.Exit(1)
	}
}

// options are the flags.
type options struct {
	each, together int
	rate, share    string
	out            string
}

func parseFlags(args []string) (options, error) {
	var o options
	flags := flag.NewFlagSet("faults", flag.ContinueOnError)
	flags.IntVar(&o.each, "each", 4000, "`events` with each fault alone, 0 for none")
	flags.IntVar(&o.together, "together", 100_000, "`events` with all faults, 0 for none")
	flags.StringVar(&o.rate, "rate", "200", "`events` a second of the model")
	flags.StringVar(&o.share, "share", "0.8", "`share` of the transform's invocations that fail")
	flags.StringVar(&o.out, "out", "", "`folder` for the reports (default none is kept)")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	if flags.NArg() > 0 || o.each < 0 || o.together < 0 || o.each+o.together == 0 {
		return o, fmt.Errorf("-each, -together: must be 0 or more, not both 0, and the only arguments (got %d, %d, %q)",
			o.each, o.together, flags.Args())
	}
	return o, nil
}

func run(ctx context.Context, args []string, out io.Writer) error {
	o, err := parseFlags(args)
	if err != nil {
		return err
	}
	work, err := os.MkdirTemp("", "faults")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	if o.out == "" {
		o.out = filepath.Join(work, "reports")
	}
	if err := os.MkdirAll(o.out, 0o777); err != nil {
		return err
	}
	data, err := os.ReadFile(storeEvents)
	if err != nil {
		return fmt.Errorf("%w (faults runs in the project's root)", err)
	}
	r := &runner{options: o, work: work, shop: shopEvents(data), out: out}
	if err := r.buildPipeline(ctx); err != nil {
		return err
	}
	fmt.Fprint(out, tableHead)
	if o.each > 0 {
		for _, fault := range eachFault(o.share) {
			if err := r.runFault(ctx, fault, o.each); err != nil {
				return err
			}
		}
	}
	if o.together > 0 {
		if err := r.runFault(ctx, "all", o.together); err != nil {
			return err
		}
	}
	return r.runDataStream(ctx)
}

// runDataStream runs the faults of a data stream, and then all, with ingestion kinesis.
func (r *runner) runDataStream(ctx context.Context) error {
	var err error
	if r.template, err = r.synthesise(ctx, "kinesis"); err != nil {
		return err
	}
	for _, fault := range kinesisFaults {
		events := r.each
		if fault == "all" {
			events = r.together
		}
		if events == 0 {
			continue
		}
		if err := r.runFault(ctx, fault, events); err != nil {
			return fmt.Errorf("ingestion kinesis: %w", err)
		}
	}
	return nil
}

// eachFault returns the values of --fault that are run one by one.
func eachFault(share string) []string {
	var faults []string
	for _, name := range sharedFaults {
		faults = append(faults, name+":"+share)
	}
	return append(faults, otherFaults...)
}

// runner runs the pipeline with one fault after the other.
type runner struct {
	options
	work, template string
	shop           []string
	out            io.Writer
}

// buildPipeline builds the command and synthesises the template.
func (r *runner) buildPipeline(ctx context.Context) (err error) {
	if err := runCommand(exec.CommandContext(ctx, "go", "build", "-o", pipelineCommand, "./cmd/pipeline")); err != nil {
		return err
	}
	r.template, err = r.synthesise(ctx, "direct")
	return err
}

// synthesise returns the path of the template with an ingestion.
func (r *runner) synthesise(ctx context.Context, ingestion string) (string, error) {
	stack := filepath.Join(r.work, "stack-"+ingestion)
	synth := exec.CommandContext(ctx, "npx", "--no-install", "cdk", "synth", "--quiet", "--output", stack, "-c",
		"environment=dev", "-c", "ingestion="+ingestion)
	if err := runCommand(synth); err != nil {
		return "", err
	}
	templates, err := filepath.Glob(filepath.Join(stack, "*.template.json"))
	if err != nil {
		return "", err
	}
	if len(templates) != 1 {
		return "", fmt.Errorf("cdk synth: must write one template (got %q)", templates)
	}
	return templates[0], nil
}

// runFault sends events through the pipeline with a fault, checks the report and prints its row.
func (r *runner) runFault(ctx context.Context, fault string, events int) error {
	path := filepath.Join(r.options.out, strings.NewReplacer(":", "-", ".", "-").Replace(fault)+".json")
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	defer file.Close()
	input, output := io.Pipe()
	go func() { output.CloseWithError(writeEvents(output, r.shop, events)) }()
	defer input.Close()
	command := exec.CommandContext(ctx, pipelineCommand, "local", "--template", r.template, "--events", "-",
		"--out", filepath.Join(r.work, "out"), "--rate", r.rate, "--check", "--format", "json", "--fault", fault)
	command.Stdin, command.Stdout = input, file
	if err := runCommand(command); err != nil {
		return fmt.Errorf("--fault %s: %w", fault, err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	row, err := checkReport(text, fault)
	if err != nil {
		return fmt.Errorf("--fault %s: %w", fault, err)
	}
	fmt.Fprintln(r.out, row)
	return nil
}

// runCommand runs a command; the error of one that fails holds the end of its output.
func runCommand(command *exec.Cmd) error {
	var log bytes.Buffer
	command.Stderr = &log
	if command.Stdout == nil {
		command.Stdout = &log
	}
	command.Cancel = func() error { return command.Process.Signal(os.Interrupt) }
	err := command.Run()
	if err == nil {
		return nil
	}
	lines := strings.Split(strings.TrimRight(log.String(), "\n"), "\n")
	return errors.Join(fmt.Errorf("%s: %w", filepath.Base(command.Path), err),
		errors.New(strings.Join(lines[max(0, len(lines)-logLines):], "\n")))
}
