package simulation

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"golang.org/x/term"
)

var (
	seeds   = flag.Uint64("seeds", 2000, "how many seeds TestSimulate runs")
	from    = flag.Uint64("from", 1, "the first of them")
	one     = flag.Uint64("seed", 0, "run this seed alone, and print its history")
	first   = flag.Bool("first", false, "stop at the first seed that fails")
	summary = flag.String("summary", "", "write the outcome to this file, as JSON")
	same    = flag.Uint64("same", 100, "how many seeds TestSameSeedSameHistory runs twice")
	worker  = flag.Uint64("worker", 0, "run the seeds up to this one, and write reports: for TestSimulate's own use")
)

// TestSimulate runs seeds. `make simulate SEEDS=N` runs more of them, `make simulate SEED=N` one.
func TestSimulate(t *testing.T) {
	switch {
	case *worker > 0:
		if err := Work(t, *from, *worker, os.Stdout); err != nil {
			t.Fatal(err)
		}
		return
	case *one > 0:
		showSeed(t, *one)
		return
	}
	binary, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c := Campaign{From: *from, Seeds: *seeds, Stop: *first, Worker: func(from, to uint64) *exec.Cmd {
		return exec.Command(binary, "-test.run=^TestSimulate$", fmt.Sprint("-from=", from), fmt.Sprint("-worker=", to))
	}}
	if term.IsTerminal(int(os.Stderr.Fd())) {
		c.Progress = func(done uint64, elapsed time.Duration) {
			fmt.Fprintf(os.Stderr, "\r%d of %d seeds, %.0f a second ", done, *seeds, float64(done)/elapsed.Seconds())
		}
		defer fmt.Fprintln(os.Stderr)
	}
	s := c.Run()
	printSummary(t, s)
	if *summary != "" {
		text, err := json.Marshal(s)
		if err == nil {
			err = os.WriteFile(*summary, text, 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// maxNamed is how many seeds that fail are named.
const maxNamed = 10

func printSummary(t *testing.T, s Summary) {
	t.Helper()
	fmt.Printf("%d seeds, %d calls, in %.1f s: %.0f seeds a second; histories %016x\n\n%s\n", s.Seeds, s.Steps,
		s.Seconds, float64(s.Seeds)/s.Seconds, s.Histories, s.Covered.Table())
	if missed := s.Covered.Missed(); s.Seeds >= 2000 && len(missed) > 0 {
		t.Errorf("no seed had these faults: %s", strings.Join(missed, "; "))
	}
	for i, f := range s.Failed {
		if i == maxNamed {
			t.Errorf("and %d more seeds", len(s.Failed)-i)
			break
		}
		t.Errorf("make simulate SEED=%d\n\t%s", f.Seed, f.Violations[0])
	}
}

// showSeed runs one seed, and prints its history; one that fails is reduced.
func showSeed(t *testing.T, seed uint64) {
	t.Helper()
	dir := stateFolder(t)
	plan := NewPlan(seed)
	result := Run(t, plan, dir, true)
	if !result.Failed() {
		fmt.Printf("%s\nseed %d: %d steps, no violation, history %016x\n", result.Trace, seed, result.Steps, result.Hash)
		return
	}
	reduced, shortest := Reduce(t, plan, dir)
	fmt.Printf("%s\nseed %d: reduced from %d steps to %d, with %d lines, %d operations and %d faults\n",
		shortest.Trace, seed, result.Steps, shortest.Steps, len(reduced.Lines), len(reduced.Operations),
		len(shortest.Faults))
	for _, v := range shortest.Violations {
		t.Errorf("%s", v)
	}
}

func stateFolder(t *testing.T) string {
	t.Helper()
	dir, err := StateFolder()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}
