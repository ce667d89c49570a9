package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"firehose-pipeline/internal/testkit/sampleevents"
	"firehose-pipeline/schema"
)

// samples are the schemas below testdata/samples that are measured, each with its events.
var samples = []string{"sensor", "audit-log", "web-analytics"}

// schemaCost has the cost of the transform with one schema, or of an earlier commit's with its own.
type schemaCost struct {
	name string
	load *load
	cost cost
}

// perByte is the CPU time of a byte of the events.
func (c *schemaCost) perByte() time.Duration {
	return c.cost.cpu * 1000 / time.Duration(c.load.bytes())
}

// measureSchemas races the transform with the shop's schema and mix500 against itself with the samples' schemas and
// events, and against an earlier commit with mix500 and dense where one is asked for.
func (b *bench) measureSchemas(r *report) (err error) {
	fmt.Fprintln(b.progress, "measuring schemas")
	var workers []*worker
	var loads []*load
	defer func() { err = errors.Join(err, stopWorkers(workers)) }()
	add := func(name string, l *load, binary string, args ...string) error {
		w, err := b.startWorker(binary, args...)
		if err != nil {
			return err
		}
		workers, loads = append(workers, w), append(loads, l)
		r.schemas = append(r.schemas, schemaCost{name: name, load: l})
		return nil
	}
	mix, dense := r.handlers[1].load, r.handlers[3].load
	if err := add("shop, mix500", mix, "worker", "transform"); err != nil {
		return err
	}
	for _, name := range samples {
		folder := filepath.Join(b.root, "testdata/samples", name)
		events, err := os.ReadFile(filepath.Join(folder, "events.ndjson"))
		if err != nil {
			return err
		}
		l, err := b.load(name, "the sample's events", bytes.Split(bytes.TrimSpace(events), []byte("\n")))
		if err != nil {
			return err
		}
		if err := add(name, l, "worker", "transform", filepath.Join(folder, schema.FileName)); err != nil {
			return err
		}
	}
	if b.before != "" {
		if err := add("shop, dense", dense, "worker", "transform"); err != nil {
			return err
		}
		for _, l := range []*load{mix, dense} {
			if err := add(b.before+", "+l.name, l, "worker-before", "transform"); err != nil {
				return err
			}
		}
	}
	costs, err := b.raceWorkers(workers, loads)
	if err != nil {
		return err
	}
	for i, c := range costs {
		r.schemas[i].cost = c
	}
	return nil
}

// buildBefore builds the worker of an earlier commit. Its commands have been the same since it is there.
func (b *bench) buildBefore() error {
	if b.before == "" {
		return nil
	}
	dir := filepath.Join(b.dir, "before")
	if err := os.Mkdir(dir, 0o700); err != nil {
		return err
	}
	archive := filepath.Join(b.dir, "before.tar")
	for _, command := range [][]string{
		{"git", "-C", b.root, "archive", "--output", archive, b.before},
		{"tar", "-xf", archive, "-C", dir},
	} {
		if out, err := exec.CommandContext(b.ctx, command[0], command[1:]...).CombinedOutput(); err != nil {
			return fmt.Errorf("-before: must be a commit of this repository (got %q): %w\n%s", b.before, err, out)
		}
	}
	return b.buildGo(dir, "worker-before", "./verify/bench/worker")
}

// sampleFunction makes a folder with the transform and a sample's schema, and returns the transform's path in it.
func (b *bench) sampleFunction(sample string) (string, error) {
	dir := filepath.Join(b.dir, "with-"+sample)
	if err := os.Mkdir(dir, 0o700); err != nil {
		return "", err
	}
	text, err := os.ReadFile(filepath.Join(b.root, "testdata/samples", sample, schema.FileName))
	if err != nil {
		return "", err
	}
	if err := os.WriteFile(filepath.Join(dir, schema.FileName), text, 0o600); err != nil {
		return "", err
	}
	return filepath.Join(dir, "transform"), os.Link(filepath.Join(b.dir, "transform"), filepath.Join(dir, "transform"))
}

// sampleRequest is a batch of a sample's events.
func (b *bench) sampleRequest(sample string) ([]byte, error) {
	events, err := os.ReadFile(filepath.Join(b.root, "testdata/samples", sample, "events.ndjson"))
	return sampleevents.Request(bytes.Split(bytes.TrimSpace(events), []byte("\n"))...), err
}

// writeSchemas writes the costs of schemas.
func (r *report) writeSchemas(line func(string, ...any)) {
	line("\nThe transform with the schemas and the events of `testdata/samples`, beside the shop's with mix500%s:\n",
		map[bool]string{true: ", and an earlier commit's"}[len(r.schemas) > len(samples)+1])
	line("| Schema | Events | µs a record | ns a byte | of mix500's cost a byte |")
	line("| --- | --- | --- | --- | --- |")
	for i := range r.schemas {
		s := &r.schemas[i]
		line("| %s | %d of %d bytes on average | %.2f | %.2f | %.2f × |", s.name, len(s.load.records),
			s.load.bytes()/len(s.load.records), microsecondsPer(s.cost.cpu, len(s.load.records)),
			float64(s.perByte())/1000, float64(s.perByte())/float64(r.schemas[0].perByte()))
	}
}

// judgeSchemas compares the costs of schemas with their targets.
func (r *report) judgeSchemas(row func(asked string, ok bool, format string, args ...any)) {
	shop := r.schemas[0]
	for i := range samples {
		s := &r.schemas[1+i]
		times := float64(s.perByte()) / float64(shop.perByte())
		row("the schema of "+s.name+": at most 2 × mix500's cost a byte", times <= 2, "%.2f ×", times)
	}
	if before := r.schemas[1+len(samples):]; len(before) > 0 {
		mix := float64(shop.cost.cpu) / float64(before[1].cost.cpu)
		row("mix500: at most 1.02 × "+before[1].name, mix <= 1.02, "%.3f ×", mix)
		dense := float64(before[0].cost.cpu) / float64(before[2].cost.cpu)
		row("dense: at most 1.02 × "+before[2].name, dense <= 1.02, "%.3f ×", dense)
	}
}
