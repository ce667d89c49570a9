package local

import (
	"context"

	"firehose-pipeline/event"
	"firehose-pipeline/local/fault"
	"firehose-pipeline/local/lambda"
)

// planFaults takes the faults of the options that the stack can have.
func (p *Pipeline) planFaults() error {
	plan, err := fault.Applicable(p.o.Faults, p.config.Streams)
	if err != nil {
		return err
	}
	if !plan.Empty() {
		p.faults = fault.New(plan, p.o.FaultSeed)
	}
	return nil
}

// addSearchFaults puts the faults of search before the domain.
func (p *Pipeline) addSearchFaults() {
	if p.faults.On(fault.OfSearch...) {
		p.search = fault.NewSearch(p.faults, p.search)
	}
}

// invokeWithFaults returns a transform's Invoke, with the faults of the run.
func (p *Pipeline) invokeWithFaults(
	stream event.Stream, f *lambda.Function, retries int,
) func(context.Context, []byte) (lambda.Result, error) {
	if p.faults.On(fault.OfTransform...) {
		return fault.NewTransform(p.faults, stream, f, retries).Invoke
	}
	return f.Invoke
}
