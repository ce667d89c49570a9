package local

import (
	"errors"
	"fmt"
	"io"
	"math"
	"runtime"
	"time"

	"firehose-pipeline/event"
	"firehose-pipeline/local/fault"
	"firehose-pipeline/local/firehose"
	"firehose-pipeline/local/opensearch"
)

// Options describe a run. Template, StackName, EventSchema, Functions and Out are required.
type Options struct {
	Template  []byte // the synthesised CloudFormation template
	StackName string
	// EventSchema is the text of the event schema, as the transform has it beside its binary.
	EventSchema []byte
	// Functions are the binaries of the functions, built for this machine: "transform" and "errorhandler". The
	// transform's is not needed where the template has none.
	Functions map[string]string
	// Out is the folder for the results. It is made if it does not exist; what an earlier run left there is removed;
	// any other content is rejected.
	Out string
	// Serve makes the clock run by itself, at Speed virtual seconds a second (default 1): records arrive when they are
	// put. Without it record i of each stream arrives at Start + i/Rate, and Speed only says how fast that time passes
	// at most (0: as fast as possible).
	Serve bool
	Speed float64
	Rate  float64   // records a virtual second in each stream, default 1000
	Start time.Time // default: now, to the second
	// Invocations of each transform may run at once, 1 to [firehose.MaxInvocations]. The default is one for each two
	// processors, at most 2: both streams invoke, and the streams work beside.
	Invocations int
	// Check keeps what Pipeline.Check needs: about 60 bytes a record, in a file.
	Check bool
	// ThrottleShards enforces the limits of each shard of a data stream.
	ThrottleShards bool
	// Taken is called with each record that a stream has accepted, one at a time for each stream, and with each that a
	// data stream has accepted as one of the lake; nil: it is not called.
	Taken func(stream event.Stream, record []byte)
	// Log gets the functions' output, line by line.
	Log io.Writer
	// OpenSearch is a real server that the search stream delivers to; nil: documents go to files.
	OpenSearch *opensearch.Options
	// Faults are the failures to inject; FaultSeed decides when: the same seed, records, Rate and template have the
	// same failures.
	Faults    fault.Plan
	FaultSeed uint64
	// S3Listen and SQSListen are host:port on loopback, default any free port.
	S3Listen, SQSListen string
}

// setDefaults fills in defaults and checks the options.
func (o *Options) setDefaults() error {
	if o.Speed == 0 && o.Serve {
		o.Speed = 1
	}
	if o.Rate == 0 {
		o.Rate = 1000
	}
	if o.Invocations == 0 {
		o.Invocations = max(1, min(runtime.NumCPU()/2, 2))
	}
	if o.Start.IsZero() {
		o.Start = time.Now().UTC().Truncate(time.Second)
	}
	o.Start = o.Start.UTC()
	var problems []error
	if o.Out == "" {
		problems = append(problems, errors.New("out: must be set"))
	}
	if o.Speed < 0 || math.IsNaN(o.Speed) || math.IsInf(o.Speed, 0) {
		problems = append(problems, fmt.Errorf("speed: must not be negative (got %v)", o.Speed))
	}
	if o.Rate < 0 || math.IsNaN(o.Rate) || math.IsInf(o.Rate, 0) {
		problems = append(problems, fmt.Errorf("rate: must be above 0 (got %v)", o.Rate))
	}
	if o.Invocations < 1 || o.Invocations > firehose.MaxInvocations {
		problems = append(problems, fmt.Errorf("invocations: must be 1 to %d (got %d)", firehose.MaxInvocations, o.Invocations))
	}
	return errors.Join(problems...)
}
