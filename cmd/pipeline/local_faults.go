package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"

	"firehose-pipeline/local/audit"
	"firehose-pipeline/local/fault"
)

// faults is a repeatable flag that takes the name of a fault, with a parameter if wanted.
type faults struct{ fault.Plan }

func (f *faults) Set(text string) error { return f.Add(text) }
func (f *faults) Type() string          { return "NAME[:PARAMETER]" }

// faultHelp describes the faults for the help.
func faultHelp() string {
	var b strings.Builder
	b.WriteString(`--fault injects a failure seen on AWS, into the real processes where possible. A share applies to that fraction of
the things named (the first one is always hit); a duration is in model time. The report says how often each fault
occurred, and a fault that never occurred fails the run. --fault all injects every fault that the stack can have;
parameters given with others take precedence. The same --fault-seed, events, --rate and settings give the same
failures. With --opensearch, search faults take as much real time as a real outage. The faults, with their defaults:
`)
	table := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	for _, k := range fault.Kinds {
		of := "of time"
		if k.Window == 0 {
			of = "of " + k.Of
		}
		fmt.Fprintf(table, "  %s:%s\t%s\t%s\n", k.Name, k.Parameter(), of, k.Does)
	}
	flushTable(table)
	return b.String()
}

// writeFaults reports how often each fault occurred.
func writeFaults(w io.Writer, counts map[fault.Name]int64) {
	if len(counts) == 0 {
		return
	}
	fmt.Fprint(w, "\nfaults, and how often each occurred\n")
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, k := range fault.Kinds {
		if n, asked := counts[k.Name]; asked {
			fmt.Fprintf(table, "  %s\t%s\n", k.Name, thousands(n))
		}
	}
	flushTable(table)
}

// neverFired returns the faults that did not occur.
func neverFired(counts map[fault.Name]int64) []string {
	var names []string
	for _, k := range fault.Kinds {
		if n, asked := counts[k.Name]; asked && n == 0 {
			names = append(names, string(k.Name))
		}
	}
	return names
}

// writeRepeated reports duplicates, and the losses that AWS declares.
func writeRepeated(w io.Writer, c *audit.Report) {
	d := c.Duplicates
	for _, line := range []struct {
		n    int64
		what string
	}{
		{d.Letters, "dead letters more than once, identified by their ids"},
		{d.Stored, "documents in the index whose dead letters name them: their responses were lost"},
		{d.Overwritten, "documents resent, overwritten by their ids"},
		{d.Reread, "records read again from the data stream, each delivered as one of its own"},
	} {
		if line.n > 0 {
			fmt.Fprintf(w, "  duplicates: %s %s\n", thousands(line.n), line.what)
		}
	}
	for _, where := range slices.Sorted(maps.Keys(c.Losses)) {
		fmt.Fprintf(w, "  declared losses: %s of the %s, rejected by S3 for as long as the records are kept\n",
			count(c.Losses[where], "record"), where)
	}
}
