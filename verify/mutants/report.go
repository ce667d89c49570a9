package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"text/tabwriter"

	"firehose-pipeline/internal/plural"
)

// report prints results as they come, or all of them as JSON at the end. A terminal shows the running one.
type report struct {
	stdout, stderr io.Writer
	asJSON         bool
	screen         bool
	all            int
	results        []result
}

func newReport(stdout, stderr io.Writer, all int, asJSON bool) *report {
	r := &report{stdout: stdout, stderr: stderr, all: all, asJSON: asJSON, results: []result{}}
	if file, ok := stderr.(*os.File); ok {
		info, err := file.Stat()
		r.screen = err == nil && info.Mode()&os.ModeCharDevice != 0
	}
	return r
}

// showRunning shows the running mutation on a terminal.
func (r *report) showRunning(m mutation) {
	if r.screen {
		fmt.Fprintf(r.stderr, "\r\x1b[K%d of %d: %s", len(r.results)+1, r.all, m.Name)
	}
}

func (r *report) clearProgress() {
	if r.screen {
		fmt.Fprint(r.stderr, "\r\x1b[K")
	}
}

func (r *report) addResult(result result) error {
	r.clearProgress()
	r.results = append(r.results, result)
	if r.asJSON {
		return nil
	}
	_, err := fmt.Fprintf(r.stdout, "%-8s  %-11s  %-36s  %5.1f s  %s%s\n", result.Outcome, result.Group, result.Name,
		result.Seconds, result.By, result.Problem)
	return err
}

// finish prints the sum and returns the exit code.
func (r *report) finish() (code int, err error) {
	counts := map[string]int{}
	for _, result := range r.results {
		counts[result.Outcome]++
	}
	switch {
	case counts[failed] > 0:
		code = exitUnfit
	case counts[survived] > 0:
		code = exitSurvived
	}
	if r.asJSON {
		return code, encodeJSON(r.stdout, map[string]any{"caught": counts[caught], "survived": counts[survived],
			"errors": counts[failed], "mutations": r.results})
	}
	_, err = fmt.Fprintf(r.stdout, "%s: %d caught, %d survived, %d with an error\n",
		fmt.Sprintf(plural.Of(int64(len(r.results)), "%d mutation{|s}"), len(r.results)),
		counts[caught], counts[survived], counts[failed])
	return code, err
}

func encodeJSON(out io.Writer, value any) error {
	encoder := json.NewEncoder(out)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	return encoder.Encode(value)
}

// printTable prints mutations and their checks.
func printTable(out io.Writer, mutations []mutation, asJSON bool) error {
	if asJSON {
		return encodeJSON(out, mutations)
	}
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for _, m := range mutations {
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\n", m.Group, m.Name, m.File, m.Check)
	}
	return table.Flush()
}
