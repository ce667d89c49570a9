package searchsetup

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"

	"firehose-pipeline/internal/clock"
)

// Setup brings one domain into a wanted state.
type Setup struct {
	Client *Client
	Clock  clock.Clock // nil: the machine's
	// NoStateManagement lets a server do without the plugin for index state management: then nothing is deleted by age,
	// and the log says so. A domain of Amazon OpenSearch Service has it always, and there its absence is an error.
	NoStateManagement bool
}

// New returns a setup for the state's endpoint. sign may be nil for a server without authentication.
func New(state State, sign Signer) (*Setup, error) {
	base, err := state.baseURL()
	if err != nil {
		return nil, err
	}
	return &Setup{Client: &Client{Base: base, Sign: sign}}, nil
}

func (s *Setup) log() *slog.Logger {
	if s.Client.Log != nil {
		return s.Client.Log
	}
	return slog.Default()
}

// Apply makes the domain what state says. old is the state of the last Apply, or nil: what only old names is unmapped,
// and entries that others made stay. It waits for a domain that rejects or does not answer yet until shortly before the
// context's deadline (without one, ten minutes). The error names the call and its last answer.
//
// When Index changes, the roles, the template and the retention of the old name stay: its indices must still be
// readable and be deleted when their time comes.
//
// Problems for an operator are warnings in the log and fail nothing: indices that are closed, blocked, or managed by
// another policy; a policy that takes new indices; index state management that is switched off. An index whose deletion
// has failed for good is handed back to index state management.
func (s *Setup) Apply(ctx context.Context, state State, old *State) error {
	if err := state.Validate(); err != nil {
		return err
	}
	if old == nil {
		old = &State{}
	}
	if old.Index != "" && old.Index != state.Index {
		s.log().Info("the old index keeps its roles, template and retention", "old", old.Index, "new", state.Index)
	}
	if state.Rotation == "NoRotation" {
		s.log().Info("without rotation nothing is deleted by age", "index", state.Index)
	}
	var version policyVersion
	var rewritten, unmanaged bool
	steps := []func(context.Context) error{
		func(ctx context.Context) error { return s.putRole(ctx, state.writerRole(), writerRole(state)) },
		func(ctx context.Context) error { return s.putRole(ctx, state.readerRole(), readerRole(state)) },
		func(ctx context.Context) error {
			writer := []string{state.WriterRoleARN}
			return s.mapRoles(ctx, state.writerRole(), writer, namesMissing([]string{old.WriterRoleARN}, writer))
		},
		func(ctx context.Context) error {
			return s.mapRoles(ctx, state.readerRole(), state.ReaderRoleARNs,
				namesMissing(old.ReaderRoleARNs, state.ReaderRoleARNs))
		},
		func(ctx context.Context) error {
			return s.mapAdmins(ctx, state.AdminRoleARNs, namesMissing(old.AdminRoleARNs, state.AdminRoleARNs))
		},
		func(ctx context.Context) error { return s.putTemplate(ctx, state) },
		func(ctx context.Context) error { return s.updateIndices(ctx, state) },
		func(ctx context.Context) (err error) {
			version, rewritten, err = s.putPolicy(ctx, state)
			if s.NoStateManagement && errors.Is(err, errNoStateManagement) {
				s.log().Warn("nothing is deleted by age", "reason", err.Error())
				unmanaged, err = true, nil
			}
			return err
		},
		func(ctx context.Context) error {
			if unmanaged {
				return nil
			}
			return s.checkRetention(ctx, state)
		},
		func(ctx context.Context) error {
			if unmanaged {
				return nil
			}
			return s.attachPolicy(ctx, state, version, rewritten)
		},
		func(ctx context.Context) error { return s.activateAudit(ctx) },
	}
	giveUp := s.giveUp(ctx)
	warned := false
	for _, step := range steps {
		err := s.retryStep(ctx, giveUp, func(ctx context.Context) error {
			err := step(ctx)
			if advice := blockOf(err).adviceText(); advice != "" && !warned {
				warned = true
				s.log().Warn("waiting: "+advice, "error", err.Error())
			}
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// namesMissing returns the members of old that now does not have.
func namesMissing(old, now []string) []string {
	var out []string
	for _, s := range old {
		if !slices.Contains(now, s) {
			out = append(out, s)
		}
	}
	return out
}

// Remove takes from the domain what Apply put there: the roles with their mappings, the admins' mappings, the template
// and the retention policy. Indices, what others made and the audit log stay. It tries everything once and returns all
// errors joined; a server that does not answer at all ends it.
//
// The indices are no longer deleted by age then, but for closed ones: their jobs have a copy of the policy, which the
// server takes from open indices only. The log names them.
func (s *Setup) Remove(ctx context.Context, state State) error {
	steps := []func(context.Context) error{
		func(ctx context.Context) error { return s.mapAdmins(ctx, nil, state.AdminRoleARNs) },
		func(ctx context.Context) error { return s.deleteRole(ctx, state.writerRole()) },
		func(ctx context.Context) error { return s.deleteRole(ctx, state.readerRole()) },
		func(ctx context.Context) error { return s.deleteTemplate(ctx, state) },
		func(ctx context.Context) error { return s.deletePolicy(ctx, state) },
	}
	var problems []error
	for _, step := range steps {
		err := withAdvice(step(ctx))
		problems = append(problems, err)
		if hasStatus(err, 0) {
			return fmt.Errorf("the server cannot be reached: %w", errors.Join(problems...))
		}
	}
	return errors.Join(problems...)
}
