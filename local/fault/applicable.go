package fault

import (
	"slices"

	"firehose-pipeline/local/template"
)

// The faults of a part that a stack may not have.
var (
	OfTransform = []Name{TransformCrash, TransformHang, TransformTimeout, TransformError, TransformOversize,
		TransformMissing, TransformDoubled}
	OfSearch = []Name{SearchDown, SearchForbidden, SearchThrottled, SearchDocuments, SearchLost}
)

// OfKinesis are the faults of a data stream.
var OfKinesis = []Name{KinesisThrottled, KinesisLost, KinesisReread, KinesisReshard}

// Applicable returns the plan without the faults of parts that the stack does not have.
func Applicable(plan Plan, streams []template.Stream) (Plan, error) {
	var err error
	if !slices.ContainsFunc(streams, func(s template.Stream) bool { return s.Source != nil }) {
		if plan, err = plan.Without("the stack has no data stream (ingestion is direct)", OfKinesis...); err != nil {
			return plan, err
		}
	}
	if !slices.ContainsFunc(streams, func(s template.Stream) bool { return s.Transform != nil }) {
		if plan, err = plan.Without("the stack has no transform (enableDataTransformation is false)",
			OfTransform...); err != nil {
			return plan, err
		}
	}
	if !slices.ContainsFunc(streams, func(s template.Stream) bool { return s.Search != nil }) {
		return plan.Without("the stack has no search (enableOpenSearch is false)", OfSearch...)
	}
	return plan, nil
}
