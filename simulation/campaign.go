package simulation

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"firehose-pipeline/simulation/judge"
)

// Campaign is a run of many seeds, in a process for each processor.
type Campaign struct {
	From, Seeds uint64
	// Worker returns the command of a worker, which calls [Work].
	Worker func(from, to uint64) *exec.Cmd
	// Progress is called about twice a second, with the seeds that are done and the time since the begin.
	Progress func(done uint64, elapsed time.Duration)
	// Stop ends the campaign with the first seed that fails.
	Stop bool
}

// Summary is what became of a campaign.
type Summary struct {
	Seeds uint64 `json:"seeds"`
	Steps int    `json:"steps"`
	// Histories is the exclusive or of the hashes of all histories: equal on every machine.
	Histories uint64   `json:"histories"`
	Failed    []Failed `json:"failed"`
	Covered   Coverage `json:"covered"`
	Seconds   float64  `json:"seconds"`
}

// Failed is a seed that broke promises.
type Failed struct {
	Seed       uint64            `json:"seed"`
	Violations []judge.Violation `json:"violations"`
}

// report is a line that a worker writes: from time to time, and for each seed that fails.
type report struct {
	Next    uint64   `json:"next"` // the first seed that is not done
	Steps   int      `json:"steps"`
	Hash    uint64   `json:"hash"`
	Covered Coverage `json:"covered,omitempty"`
	Failed  *Failed  `json:"failed,omitempty"`
}

// block is how many seeds a worker gets at a time.
const block = 500

// silence is how long a worker may write nothing.
const silence = 2 * time.Minute

// Run runs the campaign. A worker that dies or hangs counts as the failure of its seed.
func (c *Campaign) Run() Summary {
	began := time.Now()
	summary := Summary{Covered: Coverage{}}
	var mu sync.Mutex
	next, end := c.From, c.From+c.Seeds
	take := func() (from, to uint64, ok bool) {
		mu.Lock()
		defer mu.Unlock()
		if next >= end || c.Stop && len(summary.Failed) > 0 {
			return 0, 0, false
		}
		from, to = next, min(next+block, end)
		next = to
		return from, to, true
	}
	var shown time.Time
	note := func(r report, done uint64) {
		mu.Lock()
		defer mu.Unlock()
		summary.Seeds += done
		summary.Steps += r.Steps
		summary.Histories ^= r.Hash
		summary.Covered.Add(r.Covered)
		if r.Failed != nil {
			summary.Failed = append(summary.Failed, *r.Failed)
		}
		if c.Progress != nil && (time.Since(shown) > time.Second/2 || summary.Seeds == c.Seeds) {
			shown = time.Now()
			c.Progress(summary.Seeds, time.Since(began))
		}
	}
	var working sync.WaitGroup
	for range runtime.NumCPU() {
		working.Go(func() {
			for from, to, ok := take(); ok; from, to, ok = take() {
				c.runBlock(from, to, note)
			}
		})
	}
	working.Wait()
	slices.SortFunc(summary.Failed, func(a, b Failed) int { return int(int64(a.Seed - b.Seed)) })
	summary.Seconds = time.Since(began).Seconds()
	return summary
}

// runBlock runs a block of seeds in workers: a further one after a worker has died.
func (c *Campaign) runBlock(from, to uint64, note func(report, uint64)) {
	for from < to {
		worker := c.Worker(from, to)
		out, err := worker.StdoutPipe()
		if err == nil {
			var stderr strings.Builder
			worker.Stderr = &limited{to: &stderr}
			if err = worker.Start(); err == nil {
				watch := time.AfterFunc(silence, func() { _ = worker.Process.Kill() })
				from = readReports(out, from, watch, note)
				if err = worker.Wait(); err != nil {
					err = fmt.Errorf("%w\n%s", err, stderr.String())
				}
				watch.Stop()
			}
		}
		if from < to {
			if err == nil {
				err = fmt.Errorf("the worker ended early")
			}
			note(report{Failed: &Failed{from, []judge.Violation{{Rule: "crash", Text: err.Error()}}}}, 1)
			from++
		}
	}
}

// limited keeps the beginning of what is written.
type limited struct{ to *strings.Builder }

// Write implements io.Writer.
func (l *limited) Write(p []byte) (int, error) {
	l.to.Write(p[:min(len(p), max(0, 4000-l.to.Len()))])
	return len(p), nil
}

// readReports reads a worker's reports, and returns the first seed that is not done.
func readReports(out io.Reader, from uint64, watch *time.Timer, note func(report, uint64)) uint64 {
	lines := bufio.NewScanner(out)
	lines.Buffer(nil, 1<<24)
	for lines.Scan() {
		var r report
		if json.Unmarshal(lines.Bytes(), &r) != nil || r.Next == 0 { // the test binary's own output
			continue
		}
		watch.Reset(silence)
		note(r, r.Next-from)
		from = r.Next
	}
	return from
}

// Work runs seeds and writes reports: a worker's part of a [Campaign].
func Work(t *testing.T, from, to uint64, out io.Writer) error {
	// One thing happens after the other, and a run has little memory: neither a second processor nor frequent garbage
	// collection is of use.
	runtime.GOMAXPROCS(1)
	debug.SetGCPercent(800)
	dir, err := StateFolder()
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	encoder := json.NewEncoder(out)
	sum := report{Covered: Coverage{}}
	wrote := time.Now()
	for seed := from; seed < to; seed++ {
		result := Run(t, NewPlan(seed), dir, false)
		sum.Next = seed + 1
		sum.Steps += result.Steps
		sum.Hash ^= result.Hash
		sum.Covered.Add(result.Covered)
		if result.Failed() {
			sum.Failed = &Failed{seed, result.Violations}
		}
		if sum.Failed != nil || time.Since(wrote) > time.Second/2 || seed == to-1 {
			if err := encoder.Encode(sum); err != nil {
				return err
			}
			sum, wrote = report{Covered: Coverage{}}, time.Now()
		}
	}
	return nil
}

// StateFolder makes a folder for state files: in memory where the system has such a place, because they are synced.
func StateFolder() (string, error) {
	parent := "/dev/shm"
	if info, err := os.Stat(parent); err != nil || !info.IsDir() {
		parent = os.TempDir()
	}
	return os.MkdirTemp(parent, "simulation-")
}

// cleanFolder removes the files of a run.
func cleanFolder(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if err := os.Remove(filepath.Join(dir, e.Name())); err != nil {
			return err
		}
	}
	return nil
}

// Table returns the table of faults and call sites, and why cells are empty, in Markdown.
func (c Coverage) Table() string {
	var b strings.Builder
	b.WriteString("| Call |")
	for _, f := range Faults {
		fmt.Fprintf(&b, " %s |", f)
	}
	b.WriteString("\n|" + strings.Repeat(" --- |", len(Faults)+1) + "\n")
	for _, site := range Sites {
		fmt.Fprintf(&b, "| %s |", site)
		for _, f := range Faults {
			cell := "–"
			if slices.Contains(applicable[site], f) {
				cell = fmt.Sprint(c[site][f])
			}
			fmt.Fprintf(&b, " %s |", cell)
		}
		b.WriteByte('\n')
	}
	b.WriteString("\nWhere a fault cannot come about (–):\n\n")
	for _, f := range Faults {
		if absent[f] != "" {
			fmt.Fprintf(&b, "- %s: %s\n", f, absent[f])
		}
	}
	return b.String()
}

// Missed returns the cells of the table that could have been hit and were not.
func (c Coverage) Missed() (missed []string) {
	for _, site := range Sites {
		for _, f := range applicable[site] {
			if c[site][f] == 0 {
				missed = append(missed, fmt.Sprintf("%s: %s", site, f))
			}
		}
	}
	return missed
}
