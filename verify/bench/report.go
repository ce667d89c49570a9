package main

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"time"
)

// report has the figures of a run.
type report struct {
	machine   string
	handlers  []handlerResult
	sizes     []cost // by batchSizes
	schemas   []schemaCost
	functions []functionCost
}

type handlerResult struct {
	load  *load
	costs []cost // by contenders
}

// describeMachine names the machine, the time and the commit of the run.
func (b *bench) describeMachine() (string, error) {
	processor := "unknown processor"
	if info, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		for line := range strings.Lines(string(info)) {
			if name, value, found := strings.Cut(line, ":"); found && strings.TrimSpace(name) == "model name" {
				processor = strings.TrimSpace(value)
				break
			}
		}
	}
	python, err := b.output(b.python, "-c", "import platform; print(platform.python_version())")
	if err != nil {
		return "", err
	}
	commit := "no commit"
	git := exec.CommandContext(b.ctx, "git", "describe", "--always", "--dirty", "--abbrev=12", "--exclude=*")
	git.Dir = b.root
	if out, err := git.Output(); err == nil { // a copy without history is measured, too
		commit = "commit " + strings.TrimSpace(string(out))
	}
	return fmt.Sprintf("%s, %d CPUs, %s/%s, %s, Python %s, %s, %s.", processor, runtime.NumCPU(), runtime.GOOS,
		runtime.GOARCH,
		runtime.Version(), python, time.Now().UTC().Format("2006-01-02"), commit), nil
}

func microsecondsPer(d time.Duration, n int) float64 {
	return float64(d.Nanoseconds()) / float64(n) / 1000
}

func ms(d time.Duration) string { return fmt.Sprintf("%.2f", float64(d.Microseconds())/1000) }

func sizeName(bytes int) string {
	return strconv.FormatFloat(float64(bytes)/(1<<20), 'g', -1, 64) + " MB"
}

func mb(bytes int64) string { return fmt.Sprintf("%.1f", float64(bytes)/(1<<20)) }

func (r *report) writeMarkdown() string {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	line("%s\n", r.machine)
	line("CPU time, the lowest of turns taken in one run.\n")
	line("Handler only, µs a record and, in brackets, how many times that of the transform:\n")
	line("| Payload | transform | Python | idiomatic Go | floor | floor, encoding/json " +
		"| transform's share of the floor | allocations a record |")
	line("| --- | --- | --- | --- | --- | --- | --- | --- |")
	for _, h := range r.handlers {
		n := len(h.load.records)
		own := microsecondsPer(h.costs[0].cpu, n)
		cells := fmt.Sprintf("| %s: %s, %d KB | %.2f |", h.load.name, h.load.what, h.load.bytes()/1000, own)
		for _, c := range h.costs[1:] {
			cells += fmt.Sprintf(" %.2f (%.1f ×) |", microsecondsPer(c.cpu, n), microsecondsPer(c.cpu, n)/own)
		}
		line("%s %.0f %% | %.3f |", cells, 100*microsecondsPer(h.costs[3].cpu, n)/own, h.costs[0].allocations)
	}
	events := batchSizes[len(batchSizes)-1]
	line("\nThe same %d events in batches of different sizes:\n", events)
	line("| Records a batch | µs a record |")
	line("| --- | --- |")
	least, most := r.sizes[0].cpu, r.sizes[0].cpu
	for i, c := range r.sizes {
		least, most = min(least, c.cpu), max(most, c.cpu)
		line("| %d | %.2f |", batchSizes[i], microsecondsPer(c.cpu, events))
	}
	r.writeSchemas(line)
	line("\nAs Lambda functions, through the Runtime API, mix500, in ms; ready is from the start of the process " +
		"to its first request for an event:\n")
	line("| Function | ready | ready, median | CPU until ready | first invocation | its CPU | warm invocation " +
		"| its CPU | peak memory, MB |")
	line("| --- | --- | --- | --- | --- | --- | --- | --- | --- |")
	for _, f := range r.functions {
		line("| %s | %s | %s | %s | %s | %s | %s | %s | %s |", f.name, ms(f.init), ms(median(f.inits)), ms(f.initCPU),
			ms(f.first), ms(f.firstCPU),
			ms(f.warm), ms(f.warmCPU), mb(f.peakMemory))
	}
	b.WriteByte('\n')
	r.judgeRun(line, float64(most-least)/float64(least))
	return b.String()
}

// judgeRun compares the run with the transform's targets.
func (r *report) judgeRun(line func(string, ...any), spread float64) {
	mix := r.handlers[1].costs
	transform, echo, buffered, hello, python := r.functions[0], r.functions[1], r.functions[2], r.functions[3],
		r.functions[5]
	nested := r.functions[6]
	ratio := func(a, b time.Duration) float64 { return float64(a) / float64(b) }
	line("| Asked | Found | |")
	line("| --- | --- | --- |")
	row := func(asked string, ok bool, format string, args ...any) {
		verdict := "met"
		if !ok {
			verdict = "**not met**"
		}
		line("| %s | %s | %s |", asked, fmt.Sprintf(format, args...), verdict)
	}
	times := ratio(mix[1].cpu, mix[0].cpu)
	row("mix500: at least 35 × Python, aiming at 45 ×", times >= 35, "%.1f ×", times)
	times = ratio(mix[2].cpu, mix[0].cpu)
	row("mix500: at least 28 × idiomatic Go", times >= 28, "%.1f ×", times)
	share := ratio(mix[3].cpu, mix[0].cpu)
	row("mix500: at least 50 % of the floor", share >= 0.5, "%.0f %%", 100*share)
	row("mix500: at most 0.2 allocations a record", mix[0].allocations <= 0.2, "%.3f", mix[0].allocations)
	row("50 to 4,000 records: cost a record within 15 %", spread <= 0.15, "%.0f %%", 100*spread)
	over := ratio(transform.warmCPU, echo.warmCPU)
	row("warm, CPU: at most 1.35 × an echo on the same client", over <= 1.35,
		"%.2f × (%.2f × the echo with the transform's buffers)", over, ratio(transform.warmCPU, buffered.warmCPU))
	times = ratio(python.warmCPU, transform.warmCPU)
	row("warm, CPU: at least 10 × Python", times >= 10, "%.1f ×", times)
	start := ratio(transform.initCPU, hello.initCPU)
	row("start: at most 1.15 × a hello-world", start <= 1.15, "%.2f × its CPU (%.2f × its time)", start,
		ratio(transform.init, hello.init))
	start = ratio(nested.initCPU, hello.initCPU)
	row("start with the sensor's schema: at most 1.15 × a hello-world", start <= 1.15, "%.2f × its CPU (%.2f × its time)",
		start, ratio(nested.init, hello.init))
	r.judgeSchemas(row)
	for i, size := range memorySizes {
		bound := int64(3*size + 16<<20)
		row(fmt.Sprintf("peak memory with %s of events: below 3 × that + 16 MB", sizeName(size)),
			transform.memory[i] < bound, "%s of %s MB (echo: %s)",
			mb(transform.memory[i]), mb(bound), mb(echo.memory[i]))
	}
	line("\nOf a warm invocation's CPU the runtime client has %.0f %%.", 100*(1-ratio(mix[0].cpu, transform.warmCPU)))
}

// writeBetween replaces the text between two marks in a file.
func writeBetween(file, text string) error {
	const from, to = "<!-- bench -->\n", "<!-- /bench -->"
	content, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	before, rest, found := strings.Cut(string(content), from)
	_, after, end := strings.Cut(rest, to)
	if !found || !end {
		return fmt.Errorf("%s: has no lines %q and %q", file, strings.TrimSpace(from), to)
	}
	return os.WriteFile(file, []byte(before+from+"\n"+text+"\n"+to+after), 0o644)
}
