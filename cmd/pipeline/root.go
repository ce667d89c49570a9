package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"firehose-pipeline/internal/printable"
)

// The exit statuses besides 0. A command that was interrupted and has reported exits as a shell expects of it.
const (
	exitFailed      = 1
	exitUsage       = 2
	exitNotEvery    = 3 // pipeline trace: the event is not in every store
	exitUndecided   = 4 // pipeline trace: a place that decides was not looked at
	exitInterrupted = 130
)

// usageError is a mistake in how the command was called: an unknown flag, a value that is not accepted.
type usageError struct{ err error }

func (e usageError) Error() string { return e.err.Error() }
func (e usageError) Unwrap() error { return e.err }

func usage(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

// errReported ends a command whose output has the problem already.
var errReported = errors.New("reported")

// errInterrupted ends a command that was stopped by a signal after it has reported.
var errInterrupted = errors.New("interrupted")

// programName is the command for the next commands that a report shows: by its path when the user called it by a
// relative one, such as .build/pipeline.
func programName() string {
	if name := os.Args[0]; !filepath.IsAbs(name) && strings.ContainsRune(name, filepath.Separator) {
		return quote(name)
	}
	return "pipeline"
}

// run is the command as a function: it returns the exit status. Nothing leaves it that a terminal would obey.
func run(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	stdout, stderr = &printable.Writer{Out: stdout}, &printable.Writer{Out: stderr}
	root := &cobra.Command{
		Use:               "pipeline",
		Short:             "Run, feed and repair the pipeline",
		SilenceUsage:      true,
		SilenceErrors:     true,
		CompletionOptions: cobra.CompletionOptions{HiddenDefaultCmd: true},
		Args:              noArguments,
		RunE:              func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	root.SetArgs(args)
	root.SetIn(stdin)
	root.SetOut(stdout)
	root.SetErr(stderr)
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usage("%s", printable.Text(err.Error())) })
	root.AddCommand(newLocal(), newSend(), newReplay(), newTrace(), newSchema(), newCost())

	command, err := root.ExecuteC()
	var mistake usageError
	switch {
	case err == nil:
		return 0
	case errors.Is(err, errReported):
		return exitFailed
	case errors.Is(err, errNotEverywhere):
		return exitNotEvery
	case errors.Is(err, errUndecided):
		return exitUndecided
	case errors.Is(err, errInterrupted):
		if err != errInterrupted { // which has reported
			fmt.Fprintln(stderr, errorText(err))
		}
		return exitInterrupted
	case errors.As(err, &mistake):
		fmt.Fprintf(stderr, "%s: %s\nSee '%[1]s --help'.\n", command.CommandPath(), errorText(err))
		return exitUsage
	}
	fmt.Fprintln(stderr, errorText(err))
	return exitFailed
}

// noArguments rejects arguments that are neither a flag nor a command.
func noArguments(c *cobra.Command, args []string) error {
	if len(args) > 0 {
		return usage("unknown argument %q", args[0])
	}
	return nil
}
