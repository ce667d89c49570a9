package searchsetup

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"reflect"
	"slices"
	"strings"
)

const ismAPI = "/_plugins/_ism"

// retentionPolicy is an Index State Management policy that deletes a rotated index at its age. The default retry is spelled
// out as the server answers it.
func retentionPolicy(s State) object {
	return object{
		"description":   "Deletes the indices of " + s.Index + " by age",
		"default_state": "kept",
		"states": []object{
			{"name": "kept", "actions": []object{}, "transitions": []object{
				{"state_name": "deleted", "conditions": object{"min_index_age": fmt.Sprintf("%dd", s.RetentionDays)}},
			}},
			{"name": "deleted", "transitions": []object{}, "actions": []object{
				{"retry": object{"count": 3, "backoff": "exponential", "delay": "1m"}, "delete": object{}},
			}},
		},
		"ism_template": []object{{"index_patterns": []string{s.rotatedPattern()}, "priority": 100}},
	}
}

// policyVersion is what identifies a version of a policy.
type policyVersion struct {
	SeqNo       int64 `json:"_seq_no"`
	PrimaryTerm int64 `json:"_primary_term"`
}

// putPolicy creates the policy, or replaces one that differs, and reports its version and whether it was written. A
// replacement names the version it replaces; if that is no longer the current one the server answers 409.
func (s *Setup) putPolicy(ctx context.Context, state State) (version policyVersion, written bool, err error) {
	target := ismAPI + path("policies", state.policyID())
	var got struct {
		policyVersion
		Policy any `json:"policy"`
	}
	err = s.Client.call(ctx, http.MethodGet, target, nil, &got)
	put := target
	switch {
	case err == nil:
		added := []string{"policy_id", "last_updated_time", "schema_version", "error_notification", "user"}
		if reflect.DeepEqual(without(got.Policy, added...), asJSON(retentionPolicy(state))) {
			return got.policyVersion, false, nil
		}
		put += fmt.Sprintf("?if_seq_no=%d&if_primary_term=%d", got.SeqNo, got.PrimaryTerm)
	case withoutHandler(err):
		return policyVersion{}, false, fmt.Errorf("%w: %w", errNoStateManagement, err)
	case !hasStatus(err, http.StatusNotFound):
		return policyVersion{}, false, fmt.Errorf("reading retention policy %q: %w", state.policyID(), err)
	}
	if err := s.Client.call(ctx, http.MethodPut, put, object{"policy": retentionPolicy(state)}, &version); err != nil {
		return policyVersion{}, false, fmt.Errorf("putting retention policy %q: %w", state.policyID(), err)
	}
	return version, true, nil
}

// errNoStateManagement: the server lacks the plugin.
var errNoStateManagement = errors.New("the server has no index state management")

// withoutHandler reports whether the server does not know the path at all.
func withoutHandler(err error) bool {
	var e *CallError
	return errors.As(err, &e) && e.Status == http.StatusBadRequest && strings.Contains(e.Answer, "no handler found for uri")
}

// managed is how Index State Management sees one index.
type managed struct {
	PolicyID string // empty: not managed
	// SeqNo is the version of the policy that the index follows; negative until ISM has first looked at the index, and
	// where it does not tell (before OpenSearch 2.11).
	SeqNo int64
}

// attachPolicy puts the rotated indices that exist already under the policy: its ism_template reaches new ones only, and
// an index goes on following the version of the policy that it began with. rewritten says that the policy has just changed.
func (s *Setup) attachPolicy(ctx context.Context, state State, version policyVersion, rewritten bool) error {
	indices, err := s.managedIndices(ctx, state)
	if err != nil {
		return err
	}
	var add, change []string
	for name, index := range indices {
		switch {
		case index.PolicyID == "":
			add = append(add, name)
		case index.PolicyID != state.policyID():
			s.log().Warn("another policy manages the index", "index", name, "policy", index.PolicyID)
		case rewritten, index.SeqNo >= 0 && index.SeqNo != version.SeqNo:
			change = append(change, name)
		}
	}
	if err := s.ism(ctx, "add", add, object{"policy_id": state.policyID()}); err != nil {
		return err
	}
	return s.ism(ctx, "change_policy", change, object{"policy_id": state.policyID()})
}

// detachPolicy takes the indices from under the policy, so that it can be deleted.
func (s *Setup) detachPolicy(ctx context.Context, state State) error {
	indices, err := s.managedIndices(ctx, state)
	if err != nil {
		return err
	}
	maps.DeleteFunc(indices, func(_ string, index managed) bool { return index.PolicyID != state.policyID() })
	return s.ism(ctx, "remove", slices.Collect(maps.Keys(indices)), nil)
}

// managedIndices asks how the rotated indices are managed. It lists them first: with no index to explain, the answer of
// explain depends on the version.
func (s *Setup) managedIndices(ctx context.Context, state State) (map[string]managed, error) {
	names, err := s.indices(ctx, state)
	if err != nil {
		return nil, err
	}
	maps.DeleteFunc(names, func(name, _ string) bool { return !state.rotated(name) })
	indices := make(map[string]managed, len(names))
	for chunk := range slices.Chunk(slices.Sorted(maps.Keys(names)), 50) { // a URL may be 4 KB long
		// The answer holds "total_managed_indices", a number, beside the indices.
		var got map[string]any
		if err := s.Client.call(ctx, http.MethodGet, ismAPI+path("explain", strings.Join(chunk, ",")), nil, &got); err != nil {
			return nil, fmt.Errorf("reading the policies of indices: %w", err)
		}
		for _, name := range chunk {
			answer, ok := got[name].(map[string]any)
			if !ok {
				continue // deleted since it was listed
			}
			indices[name] = managedFrom(answer)
		}
	}
	return indices, nil
}

func managedFrom(answer map[string]any) managed {
	m := managed{SeqNo: -1}
	if id, ok := answer["index.plugins.index_state_management.policy_id"].(string); ok {
		m.PolicyID = id
	}
	if n, ok := answer["policy_seq_no"].(float64); ok {
		m.SeqNo = int64(n)
	}
	return m
}

// ism posts an action for indices by name. The server answers 200 also when some of them failed: one that ISM took over,
// moved on to be deleted, or deleted in the meantime. Such an index is named in the log; the next run sees it again.
func (s *Setup) ism(ctx context.Context, action string, names []string, body any) error {
	slices.Sort(names)
	for chunk := range slices.Chunk(names, 50) {
		var got struct {
			FailedIndices []struct {
				Index  string `json:"index_name"`
				Reason string `json:"reason"`
			} `json:"failed_indices"`
		}
		err := s.Client.call(ctx, http.MethodPost, ismAPI+path(action, strings.Join(chunk, ",")), body, &got)
		var call *CallError
		if gone(err) && errors.As(err, &call) { // an index, deleted since it was listed, or the policy
			call.overtaken = true
		}
		if err != nil {
			return fmt.Errorf("asking index state management to %s: %w", action, err)
		}
		for _, failed := range got.FailedIndices {
			s.log().Warn("index state management left an index out", "action", action, "index", failed.Index, "reason", failed.Reason)
		}
	}
	return nil
}

// deletePolicy deletes the policy and leaves the indices, no longer managed.
func (s *Setup) deletePolicy(ctx context.Context, state State) error {
	detachErr := s.detachPolicy(ctx, state)
	if s.NoStateManagement && withoutHandler(detachErr) {
		detachErr = nil
	}
	err := s.Client.call(ctx, http.MethodDelete, ismAPI+path("policies", state.policyID()), nil, nil)
	if hasStatus(err, http.StatusNotFound) || s.NoStateManagement && withoutHandler(err) {
		err = nil
	}
	if err != nil {
		err = fmt.Errorf("deleting retention policy %q: %w", state.policyID(), err)
	}
	return errors.Join(detachErr, err)
}
