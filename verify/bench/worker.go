package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"firehose-pipeline/internal/testkit/sampleevents"
)

// contenders of the handlers alone, in the order of the report. The first is this project's.
var contenders = []string{"transform", "python", "idiomatic", "floor", "floor-std"}

// worker is a contender's process: worker/doc.go lists its commands.
type worker struct {
	name string
	in   io.WriteCloser
	out  *bufio.Reader
	cmd  *exec.Cmd
}

// startWorker starts the contender that the arguments name; the process of an earlier commit has another binary.
func (b *bench) startWorker(binary string, args ...string) (*worker, error) {
	name := strings.Join(args, " ")
	cmd := exec.CommandContext(b.ctx, filepath.Join(b.dir, binary), args...)
	if name == "python" {
		cmd = exec.CommandContext(b.ctx, b.python, "-B", filepath.Join(b.root, "verify/bench/baselines/python/worker.py"))
	}
	cmd.Env = append(os.Environ(), "STREAM=lake", `DROP_EVENT_TYPES=["heartbeat"]`)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("starting %s: %w", name, err)
	}
	return &worker{name: name, in: in, out: bufio.NewReader(out), cmd: cmd}, nil
}

// stopWorkers ends the processes.
func stopWorkers(workers []*worker) error {
	var all []error
	for _, w := range workers {
		all = append(all, w.in.Close(), w.cmd.Wait())
	}
	return errors.Join(all...)
}

// startWorkers starts all contenders; stop ends them.
func (b *bench) startWorkers() (workers []*worker, stop func() error, err error) {
	stop = func() error { return stopWorkers(workers) }
	for _, name := range contenders {
		w, err := b.startWorker("worker", name)
		if err != nil {
			return nil, nil, errors.Join(err, stop())
		}
		workers = append(workers, w)
	}
	return workers, stop, nil
}

// sendCommand sends one command and scans the values of its answer.
func (w *worker) sendCommand(values []any, command string, args ...any) error {
	if _, err := fmt.Fprintln(w.in, append([]any{command}, args...)...); err != nil {
		return fmt.Errorf("asking %s: %w", w.name, err)
	}
	if _, err := fmt.Fscanln(w.out, values...); err != nil {
		return fmt.Errorf("asking %s to %s: %w", w.name, command, err)
	}
	return nil
}

// cost is the lowest cost of a record of a contender.
type cost struct {
	cpu         time.Duration // of all records of the payload
	allocations float64       // a record
}

// batchSizes are numbers of records in a request. In each size the same events are sent, as many as the largest has: a
// processor learns a small batch that it sees again and again by heart.
var batchSizes = []int{50, 500, 2000, 4000}

// turn is the time for which a contender runs in a turn.
const turn = 100 * time.Millisecond

// raceWorkers lets the workers take turns at their loads, which may differ, and returns the lowest cost of each.
func (b *bench) raceWorkers(workers []*worker, loads []*load) ([]cost, error) {
	times := make([]int, len(workers))
	best := make([]cost, len(workers))
	for i := range best {
		best[i] = cost{math.MaxInt64, math.Inf(1)}
	}
	for round := range b.rounds + 1 {
		for _, i := range rand.Perm(len(workers)) {
			w, n := workers[i], max(times[i], 2)
			var nanoseconds, allocations int64
			if err := w.sendCommand([]any{&nanoseconds, &allocations}, "run", loads[i].file, n); err != nil {
				return nil, err
			}
			cpu := time.Duration(nanoseconds) / time.Duration(n)
			if round == 0 { // warms up and finds out how often it fits into a turn
				times[i] = max(1, int(turn/max(cpu, 1)))
				continue
			}
			best[i].cpu = min(best[i].cpu, cpu)
			best[i].allocations = min(best[i].allocations, float64(allocations)/float64(n*len(loads[i].records)))
		}
	}
	return best, nil
}

func (b *bench) measureHandlers(r *report) error {
	workers, stop, err := b.startWorkers()
	if err != nil {
		return err
	}
	err = b.raceHandlers(workers, r)
	return errors.Join(err, stop())
}

func (b *bench) raceHandlers(workers []*worker, r *report) error {
	loads, err := b.makeLoads()
	if err != nil {
		return err
	}
	for _, l := range loads {
		fmt.Fprintf(b.progress, "measuring the handlers with %s\n", l.name)
		same := make([]*load, len(workers))
		for i := range same {
			same[i] = l
		}
		costs, err := b.raceWorkers(workers, same)
		if err != nil {
			return err
		}
		r.handlers = append(r.handlers, handlerResult{l, costs})
	}
	fmt.Fprintln(b.progress, "measuring batches of different sizes")
	events := sampleevents.Mix(batchSizes[len(batchSizes)-1])
	own := make([]*worker, len(batchSizes))
	batches := make([]*load, len(batchSizes))
	for i, n := range batchSizes {
		own[i] = workers[0]
		var requests [][]byte
		for batch := range slices.Chunk(events, n) {
			requests = append(requests, sampleevents.Request(batch...))
		}
		batches[i] = &load{records: events, file: filepath.Join(b.dir, fmt.Sprintf("batches-of-%d.json", n))}
		if err := os.WriteFile(batches[i].file, bytes.Join(requests, []byte("\n")), 0o600); err != nil {
			return err
		}
	}
	if r.sizes, err = b.raceWorkers(own, batches); err != nil {
		return err
	}
	return nil
}
