package local

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"firehose-pipeline/local/audit"
	"firehose-pipeline/local/firehose"
)

// Check compares every record put with the content of the folder of results: the rows of the lake's objects, the
// documents of the indices, the bodies of the dead-letter queue, the error objects that they come from, and the copies
// of the records as received. It is for a pipeline opened with Options.Check, after a Flush of everything.
// [audit.Check] has the rules.
func (p *Pipeline) Check(ctx context.Context) (audit.Report, error) {
	report := audit.Report{Findings: []audit.Finding{}}
	for _, s := range p.streams {
		if err := p.checkStream(ctx, s, &report); err != nil {
			return report, fmt.Errorf("checking %s stream: %w", s.info.Kind, err)
		}
	}
	if p.data != nil {
		if err := p.data.checkReaders(&report); err != nil {
			return report, err
		}
	}
	if p.files != nil {
		report.Duplicates.Overwritten = p.files.Overwritten()
	}
	return report, nil
}

func (p *Pipeline) checkStream(ctx context.Context, s *stream, report *audit.Report) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.expectations == nil:
		return errors.New("the run was not opened for a check")
	case s.pending:
		return errors.New("records have been put since the last flush")
	}
	return audit.Check(ctx, audit.Stream{Config: s.info.Config, Bucket: p.config.Bucket.Name, Folder: p.folder,
		Expectations: s.expectations, Offered: s.number, NumberOf: s.Number, Losses: s.declaredLosses()}, report)
}

// addLoss keeps a loss for Check.
func (s *stream) addLoss(d firehose.Discarded) {
	s.lossMu.Lock()
	defer s.lossMu.Unlock()
	s.losses = append(s.losses, d)
}

func (s *stream) declaredLosses() []firehose.Discarded {
	s.lossMu.Lock()
	defer s.lossMu.Unlock()
	return slices.Clone(s.losses)
}
