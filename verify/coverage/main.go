package main

import (
	"cmp"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"text/tabwriter"

	"golang.org/x/tools/cover"
)

// measured are the packages of the table, as patterns of the go command.
var measured = []string{"./constructs", "./functions/...", "./settings", "./event", "./errorobject", "./deadletter",
	"./replay", "./producer", "./local/..."}

const module = "firehose-pipeline/"

func main() {
	if err := run(os.Args[1:], os.Stdout); err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "coverage:", err)
		os.Exit(1)
	}
}

func run(args []string, out io.Writer) error {
	flags := flag.NewFlagSet("coverage", flag.ContinueOnError)
	profile := flags.String("profile", "", "read this `file` of go test -coverprofile instead of running the tests")
	list := flags.Bool("list", false, "also list the statements that no test reaches")
	tests := flags.String("tests", "./...", "`packages` whose tests are run, separated by spaces")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() > 0 {
		return fmt.Errorf("must have no arguments but flags (got %q)", flags.Args())
	}
	if *profile == "" {
		*profile = filepath.Join(".build", "coverage.out")
		if err := runTests(*profile, strings.Fields(*tests)); err != nil {
			return err
		}
	}
	read, err := cover.ParseProfiles(*profile)
	if err != nil {
		return err
	}
	if len(read) == 0 {
		return fmt.Errorf("%s: must have statements", *profile)
	}
	found, err := classifyProfiles(".", read)
	if err != nil {
		return err
	}
	if *list {
		for _, p := range found {
			for _, u := range p.places {
				fmt.Fprintf(out, "%s:%d: %s: %s\n", u.file, u.line, u.kind, u.text)
			}
		}
	}
	return printTable(out, found)
}

// runTests runs the tests of the packages; their output goes to standard error.
func runTests(profile string, packages []string) error {
	if err := os.MkdirAll(filepath.Dir(profile), 0o755); err != nil {
		return err
	}
	command := exec.Command("go", append([]string{"test", "-vet=off", "-timeout", "60m", "-coverprofile", profile,
		"-coverpkg", strings.Join(measured, ",")}, packages...)...)
	command.Stdout, command.Stderr = os.Stderr, os.Stderr
	if err := command.Run(); err != nil {
		return fmt.Errorf("go test: %w", err)
	}
	return nil
}

// printTable prints a row for each package, and the sum.
func printTable(out io.Writer, packages []*measuredPackage) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(w, "statements\tcovered\tuncovered\t%s\tpackage\t\n", strings.Join(kindNames(), "\t"))
	sum := &measuredPackage{path: "all"}
	for _, p := range packages {
		sum.add(p)
	}
	for _, p := range append(packages, sum) {
		share := 100 * float64(p.covered) / float64(max(p.statements, 1))
		fmt.Fprintf(w, "%d\t%.1f %%\t%d\t", p.statements, share, p.statements-p.covered)
		for _, kind := range kinds {
			fmt.Fprintf(w, "%s\t", cmp.Or(strings.TrimPrefix(strconv.Itoa(p.uncovered[kind]), "0"), "-"))
		}
		fmt.Fprintf(w, "%s\t\n", strings.TrimPrefix(p.path, module))
	}
	return w.Flush()
}
