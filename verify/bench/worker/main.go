package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/emmansun/base64"

	"firehose-pipeline/event"
	"firehose-pipeline/functions/transform"
	"firehose-pipeline/internal/jsonscan"
	"firehose-pipeline/internal/testkit/shopschema"
	"firehose-pipeline/schema"
	"firehose-pipeline/verify/bench/baselines/idiomatic"
)

type contender interface {
	// prepare is not measured.
	prepare(request []byte) error
	run() ([]byte, error)
}

func main() {
	if err := run(os.Args[1:], os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(args []string, in io.Reader, out io.Writer) error {
	c, err := newContender(args)
	if err != nil {
		return err
	}
	prepared := ""
	for lines := bufio.NewScanner(in); lines.Scan(); {
		words := strings.Fields(lines.Text())
		if len(words) != 3 {
			return fmt.Errorf("worker: want a command and two arguments (got %q)", lines.Text())
		}
		if words[1] != prepared {
			request, err := os.ReadFile(words[1])
			if err != nil {
				return err
			}
			if err := c.prepare(request); err != nil {
				return err
			}
			prepared = words[1]
		}
		switch words[0] {
		case "answer":
			answer, err := c.run()
			if err != nil {
				return err
			}
			if err := os.WriteFile(words[2], answer, 0o600); err != nil {
				return err
			}
			fmt.Fprintln(out, "ok")
		case "run":
			n, err := strconv.Atoi(words[2])
			if err != nil {
				return err
			}
			cpu, allocations, err := measure(c, n)
			if err != nil {
				return err
			}
			fmt.Fprintln(out, cpu.Nanoseconds(), allocations)
		default:
			return fmt.Errorf("worker: unknown command %q", words[0])
		}
	}
	return nil
}

// newContender makes the contender that the arguments name: the transform with the shop's schema, or with that of the
// file named after it.
func newContender(args []string) (contender, error) {
	if len(args) == 2 && args[0] == "transform" {
		s, err := schema.Load(args[1])
		if err != nil {
			return nil, err
		}
		return newTransform(s)
	}
	switch strings.Join(args, " ") {
	case "transform":
		return newTransform(shopschema.Load())
	case "idiomatic":
		return newIdiomatic(), nil
	case "floor":
		return &floor{}, nil
	case "floor-std":
		return &floor{standard: true}, nil
	}
	return nil, fmt.Errorf("worker: want transform, perhaps with a schema's file, idiomatic, floor or floor-std (got %q)",
		args)
}

// measure counts the CPU time of the process, so the garbage collector's, too.
func measure(c contender, n int) (time.Duration, uint64, error) {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	start, err := cpuTime()
	if err != nil {
		return 0, 0, err
	}
	for range n {
		if _, err := c.run(); err != nil {
			return 0, 0, err
		}
	}
	end, err := cpuTime()
	runtime.ReadMemStats(&after)
	return end - start, after.Mallocs - before.Mallocs, err
}

func cpuTime() (time.Duration, error) {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		return 0, fmt.Errorf("reading CPU time: %w", err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano()), nil
}

// transformContender is this project's handler, set up as functions/transform sets it up.
type transformContender struct {
	handler  *transform.Handler
	requests [][]byte
}

func newTransform(s *schema.Schema) (*transformContender, error) {
	settings := transform.Settings{Stream: "lake", DropEventTypes: []string{"heartbeat"}, Stack: "bench",
		ReuseAnswer: true, HashKey: bytes.Repeat([]byte{'k'}, event.MinHashKey)}
	var err error
	if settings.Layout, err = event.Compile(s); err != nil {
		return nil, err
	}
	handler, err := transform.New(settings, io.Discard, io.Discard)
	if err != nil {
		return nil, err
	}
	return &transformContender{handler: handler}, nil
}

func (c *transformContender) prepare(request []byte) error {
	c.requests = bytes.Split(request, []byte("\n"))
	return nil
}

func (c *transformContender) run() (answer []byte, err error) {
	for _, request := range c.requests {
		if answer, err = c.handler.Invoke(context.Background(), request); err != nil {
			return nil, err
		}
	}
	return answer, nil
}

// idiomaticContender decodes and encodes as lambda.Start does around a handler of this kind.
type idiomaticContender struct {
	handler *idiomatic.Handler
	request []byte
}

func newIdiomatic() *idiomaticContender {
	return &idiomaticContender{handler: &idiomatic.Handler{Lake: true, DropEventTypes: []string{"heartbeat"},
		Now: time.Now}}
}

func (c *idiomaticContender) prepare(request []byte) error {
	c.request = request
	return nil
}

func (c *idiomaticContender) run() ([]byte, error) {
	var event events.KinesisFirehoseEvent
	if err := json.Unmarshal(c.request, &event); err != nil {
		return nil, err
	}
	response, err := c.handler.Handle(context.Background(), event)
	if err != nil {
		return nil, err
	}
	return json.Marshal(response)
}

// floor is the work that every transform has to do: base64 with vector instructions both ways, and the validation of
// each record's JSON and UTF-8. It finds no field, adds nothing, and reads and writes no envelope. It does not encode
// records that its validator rejects.
type floor struct {
	standard         bool // validate with encoding/json
	texts            [][]byte
	decoded, encoded []byte
}

func (f *floor) prepare(request []byte) error {
	var batch struct {
		Records []struct {
			Data string `json:"data"`
		} `json:"records"`
	}
	if err := json.Unmarshal(request, &batch); err != nil {
		return err
	}
	f.texts = nil
	for _, r := range batch.Records {
		f.texts = append(f.texts, []byte(r.Data))
	}
	f.decoded, f.encoded = make([]byte, len(request)+64), make([]byte, len(request)+64)
	return nil
}

func (f *floor) run() ([]byte, error) {
	written := 0
	for _, text := range f.texts {
		n, err := base64.StdEncoding.Decode(f.decoded, text)
		if err != nil {
			return nil, err
		}
		record := f.decoded[:n]
		if f.standard {
			if !json.Valid(record) {
				continue
			}
		} else if end, problem := jsonscan.Value(record, 0); problem != jsonscan.None || end != n {
			continue
		}
		base64.StdEncoding.Encode(f.encoded[written:], record)
		written += base64.StdEncoding.EncodedLen(n)
	}
	return f.encoded[:written], nil
}
