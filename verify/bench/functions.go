package main

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"path/filepath"
	"runtime"
	"slices"
	"time"

	"firehose-pipeline/internal/functionbuild"
	"firehose-pipeline/internal/testkit/sampleevents"
	"firehose-pipeline/local/lambda"
)

var here = functionbuild.Target{OS: runtime.GOOS, Arch: runtime.GOARCH}

// functions are the Lambda functions that run through the Runtime API. Echo and hello do no work: they show the cost
// of aws-lambda-go's client and of its start. The sample is one whose schema and events are nested.
var functions = []struct{ name, binary, buffers, sample string }{
	{name: "transform", binary: "transform"},
	{name: "echo", binary: "echo"},
	{name: "echo, large buffers", binary: "echo", buffers: "large"},
	{name: "hello-world", binary: "hello"},
	{name: "idiomatic", binary: "idiomatic"},
	{name: "python", binary: "python"},
	{name: "transform, sensor", binary: "transform", sample: "sensor"},
}

// functionCost has the figures of one function, of each the lowest.
type functionCost struct {
	name            string
	init, initCPU   time.Duration
	first, firstCPU time.Duration
	warm, warmCPU   time.Duration
	inits           []time.Duration
	peakMemory      int64
	memory          []int64 // with memorySizes, of the transform and the echo
}

// memorySizes are the bytes of the events with which memory is measured: the most that Firehose sends as the stack
// configures it, and the most that it can be configured to send.
var memorySizes = []int{512 << 10, 3 << 20}

// warmInvocations are measured together: a single one is too short for the CPU clock of another process.
const warmInvocations = 20

func (b *bench) startFunction(i int) (*lambda.Function, error) {
	f := functions[i]
	return lambda.Start(b.ctx, lambda.Config{
		Name: f.binary, Binary: b.binaries[i], MemoryMB: 1024, Timeout: time.Minute,
		Environment: map[string]string{"STREAM": "lake", "DROP_EVENT_TYPES": `["heartbeat"]`, "STACK": "bench",
			"BUFFERS": f.buffers},
	})
}

// invokeFunction returns the result of a successful invocation.
func (b *bench) invokeFunction(f *lambda.Function, request []byte) (lambda.Result, error) {
	result, err := f.Invoke(b.ctx, request)
	if err == nil {
		err = result.Error()
	}
	return result, err
}

func (b *bench) measureFunctions(r *report) error {
	requests := make([][]byte, len(functions))
	r.functions = make([]functionCost, len(functions))
	for i, f := range functions {
		binary, request := filepath.Join(b.dir, f.binary), sampleevents.Request(sampleevents.Mix(500)...)
		if f.sample != "" {
			var err error
			if binary, err = b.sampleFunction(f.sample); err != nil {
				return err
			}
			if request, err = b.sampleRequest(f.sample); err != nil {
				return err
			}
		}
		b.binaries, requests[i] = append(b.binaries, binary), request
		r.functions[i] = functionCost{name: functions[i].name, init: math.MaxInt64, initCPU: math.MaxInt64,
			first:    math.MaxInt64,
			firstCPU: math.MaxInt64, warm: math.MaxInt64, warmCPU: math.MaxInt64}
	}
	fmt.Fprintln(b.progress, "measuring starts and first invocations through the Runtime API")
	for range 3 * b.rounds { // a start is short, and so more disturbed than the rest
		// at random: none always follows the one that leaves the caches coldest
		for _, i := range rand.Perm(len(functions)) {
			if err := b.measureStart(i, requests[i], &r.functions[i]); err != nil {
				return fmt.Errorf("starting %s: %w", functions[i].name, err)
			}
		}
	}
	fmt.Fprintln(b.progress, "measuring warm invocations through the Runtime API")
	var warm []*lambda.Function
	defer func() {
		for _, f := range warm {
			f.Close()
		}
	}()
	for i := range functions {
		f, err := b.startFunction(i)
		if err != nil {
			return err
		}
		warm = append(warm, f)
	}
	for range b.rounds + 1 { // the first warms up
		for _, i := range rand.Perm(len(functions)) {
			if err := b.measureWarm(warm[i], requests[i], &r.functions[i]); err != nil {
				return fmt.Errorf("invoking %s: %w", functions[i].name, err)
			}
		}
	}
	fmt.Fprintln(b.progress, "measuring memory")
	for i := range functions[:2] { // the answers of the baselines would be too large
		for _, size := range memorySizes {
			peak, err := b.measureMemory(i, sampleevents.Request(sampleevents.Size(size)...))
			if err != nil {
				return fmt.Errorf("invoking %s: %w", functions[i].name, err)
			}
			r.functions[i].memory = append(r.functions[i].memory, peak)
		}
	}
	return nil
}

// measureMemory returns the largest resident set of a function that gets the request again and again.
func (b *bench) measureMemory(i int, request []byte) (peak int64, err error) {
	f, err := b.startFunction(i)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	for range 2 * warmInvocations {
		result, err := b.invokeFunction(f, request)
		if err != nil {
			return 0, err
		}
		peak = result.PeakMemory
	}
	return peak, nil
}

func (b *bench) measureStart(i int, request []byte, c *functionCost) error {
	f, err := b.startFunction(i)
	if err != nil {
		return err
	}
	defer f.Close()
	result, err := b.invokeFunction(f, request)
	if err != nil {
		return err
	}
	c.inits = append(c.inits, result.Init)
	c.init, c.initCPU = min(c.init, result.Init), min(c.initCPU, result.InitCPU)
	c.first, c.firstCPU = min(c.first, result.Duration), min(c.firstCPU, result.CPU)
	return nil
}

func (b *bench) measureWarm(f *lambda.Function, request []byte, c *functionCost) error {
	var wall, cpu time.Duration
	for range warmInvocations {
		result, err := b.invokeFunction(f, request)
		if err != nil {
			return err
		}
		wall, cpu = wall+result.Duration, cpu+result.CPU
		c.peakMemory = result.PeakMemory
	}
	c.warm, c.warmCPU = min(c.warm, wall/warmInvocations), min(c.warmCPU, cpu/warmInvocations)
	return nil
}

func median[T cmp.Ordered](values []T) T {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[len(sorted)/2]
}
