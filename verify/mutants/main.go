package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// The exit codes.
const (
	exitSurvived = 1
	exitUnfit    = 2
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// options are the flags.
type options struct {
	root, only   string
	list, asJSON bool
	timeout      time.Duration
}

func parseOptions(args []string, stderr io.Writer) (o options, err error) {
	flags := flag.NewFlagSet("mutants", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.StringVar(&o.root, "root", ".", "`folder` of the project")
	flags.StringVar(&o.only, "only", "", "run these `names` or groups, separated by commas")
	flags.BoolVar(&o.list, "list", false, "print the table and run nothing")
	flags.BoolVar(&o.asJSON, "json", false, "print JSON")
	flags.DurationVar(&o.timeout, "timeout", 3*time.Minute, "time limit of the tests of one mutation, without compilation")
	flags.Usage = func() {
		fmt.Fprint(stderr, "Plants one fault at a time in a copy of the project and reports the test that notices it.\n"+
			"Exit code: 0 all were noticed, 1 one survived, 2 the table does not fit the project or a check is unsound.\n\n"+
			"Usage: make mutants, or go run ./verify/mutants [flags]\n\n")
		flags.PrintDefaults()
	}
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	if flags.NArg() > 0 {
		return o, fmt.Errorf("must have no arguments but flags (got %q)", flags.Args())
	}
	if o.timeout <= 0 {
		return o, fmt.Errorf("--timeout: must be more than 0 (got %v)", o.timeout)
	}
	return o, nil
}

// run returns the exit code.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	o, err := parseOptions(args, stderr)
	if errors.Is(err, flag.ErrHelp) {
		return 0
	}
	if err == nil {
		var code int
		if code, err = runTable(ctx, o, stdout, stderr); err == nil {
			return code
		}
	}
	fmt.Fprintln(stderr, "mutants:", err)
	return exitUnfit
}

func runTable(ctx context.Context, o options, stdout, stderr io.Writer) (code int, err error) {
	mutations, err := selectMutations(allMutations(), o.only)
	if err != nil {
		return 0, err
	}
	if o.list {
		return 0, printTable(stdout, mutations, o.asJSON)
	}
	if problems := findProblems(o.root, mutations); len(problems) > 0 {
		return 0, fmt.Errorf("the table does not fit the project:\n%s", strings.Join(problems, "\n"))
	}
	folder, err := os.MkdirTemp("", "mutants-")
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()
	copied := filepath.Join(folder, "project")
	if err := copyProject(ctx, o.root, copied); err != nil {
		return 0, err
	}
	report := newReport(stdout, stderr, len(mutations), o.asJSON)
	b := newBench(copied, o.timeout)
	for _, m := range mutations {
		report.showRunning(m)
		r := b.runMutation(ctx, m)
		if ctx.Err() != nil {
			report.clearProgress()
			return 0, errors.New("interrupted")
		}
		if err := report.addResult(r); err != nil {
			return 0, err
		}
	}
	return report.finish()
}
