package searchsetup

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"time"

	"firehose-pipeline/internal/clock"
)

const (
	ismAPI      = "/_plugins/_ism"
	ismSettings = "plugins.index_state_management"

	// templatePriority of the policy's template: of several that match, the highest takes a new index.
	templatePriority = 100
)

// retentionPolicy is an Index State Management policy that deletes a rotated index at its age. The default retry is
// spelled out as the server answers it.
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
		"ism_template": []object{{"index_patterns": []string{s.rotatedPattern()}, "priority": templatePriority}},
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
	target := ismAPI + joinPath("policies", state.policyID())
	var got struct {
		policyVersion
		Policy any `json:"policy"`
	}
	err = s.Client.callServer(ctx, http.MethodGet, target, nil, &got)
	put := target
	switch {
	case err == nil:
		added := []string{"policy_id", "last_updated_time", "schema_version", "error_notification", "user"}
		if reflect.DeepEqual(withoutNames(got.Policy, added...), asJSON(retentionPolicy(state))) {
			return got.policyVersion, false, nil
		}
		put += fmt.Sprintf("?if_seq_no=%d&if_primary_term=%d", got.SeqNo, got.PrimaryTerm)
	case withoutHandler(err):
		return policyVersion{}, false, fmt.Errorf("%w: %w", errNoStateManagement, err)
	case !hasStatus(err, http.StatusNotFound):
		return policyVersion{}, false, fmt.Errorf("reading retention policy %q: %w", state.policyID(), err)
	}
	if err := s.Client.callServer(ctx, http.MethodPut, put, object{"policy": retentionPolicy(state)},
		&version); err != nil {
		err = s.explainPolicyError(ctx, state, err)
		return policyVersion{}, false, fmt.Errorf("putting retention policy %q: %w", state.policyID(), err)
	}
	return version, true, nil
}

// explainPolicyError adds to the server's words which setting or which policy is in the way. Neither goes away by
// waiting: the 403 of an action that is not allowed is not that of a young domain.
func (s *Setup) explainPolicyError(ctx context.Context, state State, err error) error {
	var e *CallError
	switch {
	case !errors.As(err, &e):
	case e.Status == http.StatusForbidden && strings.Contains(e.Answer, "not allowed in your policy"):
		e.final = true
		return fmt.Errorf("the cluster setting %s.allow_list must contain \"delete\": %w", ismSettings, err)
	case e.Status == http.StatusBadRequest && strings.Contains(e.Answer, "different priority"):
		others, otherErr := s.otherTemplates(ctx, state)
		if otherErr != nil {
			return errors.Join(err, otherErr)
		}
		for _, other := range others {
			if other.priority == templatePriority {
				err = fmt.Errorf("policy %q has an ism_template %q of the same priority: "+
					"delete it, or give it a priority below %d: %w", other.policy, other.pattern, templatePriority, err)
			}
		}
	}
	return err
}

// errNoStateManagement: the server lacks the plugin.
var errNoStateManagement = errors.New("the server has no index state management")

// withoutHandler reports whether the server does not know the path at all.
func withoutHandler(err error) bool {
	var e *CallError
	return errors.As(err, &e) && e.Status == http.StatusBadRequest &&
		strings.Contains(e.Answer, "no handler found for uri")
}

// managed is how index state management sees one index.
type managed struct {
	Closed  bool
	Blocked bool // its metadata is blocked

	PolicyID string // empty: not managed
	// SeqNo is the version of the policy that the index follows; negative until its job has first run.
	SeqNo int64
	// Stopped says that the job does not run any more: deleting the index has failed as often as the policy allows.
	// Only retry revives it. Until then it takes no change of its policy either, which the server accepts all the same.
	Stopped bool
	Info    string // the job's message about its last run
}

// attachPolicy puts the rotated indices that exist already under the policy: its ism_template reaches new ones only,
// and an index goes on following the version of the policy that it began with. rewritten says that the policy has just
// changed. Jobs that have failed are revived first.
func (s *Setup) attachPolicy(ctx context.Context, state State, version policyVersion, rewritten bool) error {
	indices, err := s.managedIndices(ctx, state)
	if err != nil {
		return err
	}
	var add, retry, change []string
	for _, name := range slices.Sorted(maps.Keys(indices)) {
		index := indices[name]
		outdated := rewritten || index.SeqNo >= 0 && index.SeqNo != version.SeqNo
		switch {
		case index.PolicyID != "" && index.PolicyID != state.policyID():
			s.warnOfOther(name, index)
		case index.Closed:
			s.warnOfClosed(name, index, outdated)
		case index.PolicyID == "":
			add = append(add, name)
		default:
			if index.Stopped {
				s.log().Warn("deleting the index failed earlier: retrying", "index", escapeText(name), "cause",
					index.Info)
				retry = append(retry, name)
			}
			if outdated {
				change = append(change, name)
			}
		}
	}
	policy := object{"policy_id": state.policyID()}
	leftOut, err := s.changeManagement(ctx, "add", add, policy)
	if err == nil {
		err = s.checkAdded(ctx, state, leftOut)
	}
	if err != nil {
		return err
	}
	for _, post := range []struct {
		action string
		names  []string
		body   any
	}{{"retry", retry, nil}, {"change_policy", change, policy}} {
		leftOut, err := s.changeManagement(ctx, post.action, post.names, post.body)
		if err != nil {
			return err
		}
		s.warnOfLeftOut(post.action, leftOut)
	}
	return nil
}

func (s *Setup) warnOfOther(name string, index managed) {
	s.log().Warn("another policy manages the index", "index", escapeText(name), "policy", escapeText(index.PolicyID))
}

// warnOfClosed names indices that the server does not change: neither add nor change_policy nor remove reach a closed
// index. The setup does not open it, because somebody closed it on purpose.
func (s *Setup) warnOfClosed(name string, index managed, outdated bool) {
	switch {
	case index.PolicyID == "" || index.Stopped:
		s.log().Warn("a closed index is not deleted by age: open it and add the policy, or delete it", "index",
			escapeText(name))
	case outdated:
		s.log().Warn("a closed index keeps the retention that it was closed with: "+
			"open it and change its policy, or delete it",
			"index", escapeText(name))
	}
}

// refreshTime is a little more than index state management takes to show a write.
const refreshTime = 1500 * time.Millisecond

// checkAdded looks again at indices that add left out. Mostly the policy had them already, and explain did not show it
// yet.
func (s *Setup) checkAdded(ctx context.Context, state State, missed []leftOut) error {
	if len(missed) == 0 {
		return nil
	}
	if err := clock.OrSystem(s.Clock).Pause(ctx, refreshTime); err != nil {
		return fmt.Errorf("waiting for index state management: %w", err)
	}
	names := make([]string, len(missed))
	for i, index := range missed {
		names[i] = index.Index
	}
	indices, err := s.explainIndices(ctx, names)
	if err != nil {
		return err
	}
	for _, index := range missed {
		switch got, there := indices[index.Index]; {
		case !there || got.PolicyID == state.policyID():
		case got.PolicyID != "":
			s.warnOfOther(index.Index, got)
		default:
			s.warnOfLeftOut("add", []leftOut{index})
		}
	}
	return nil
}

// detachPolicy takes the indices from under the policy, so that it can be deleted.
func (s *Setup) detachPolicy(ctx context.Context, state State) error {
	indices, err := s.managedIndices(ctx, state)
	if err != nil {
		return err
	}
	var free, blocked []string
	for _, name := range slices.Sorted(maps.Keys(indices)) {
		switch index := indices[name]; {
		case index.PolicyID != state.policyID():
		case index.Closed:
			s.log().Warn("a closed index is still deleted by age: open it and remove its policy", "index",
				escapeText(name))
		case index.Blocked:
			blocked = append(blocked, name)
		default:
			free = append(free, name)
		}
	}
	// The plugin writes a setting of each index, and fails the request for all if one rejects.
	var problems []error
	for _, names := range [][]string{free, blocked} {
		leftOut, err := s.changeManagement(ctx, "remove", names, nil)
		problems = append(problems, err)
		s.warnOfLeftOut("remove", leftOut)
	}
	return errors.Join(problems...)
}

// managedIndices asks how the rotated indices are managed, closed ones too. It lists them first: with no index to
// explain, the answer of explain depends on the version.
func (s *Setup) managedIndices(ctx context.Context, state State) (map[string]managed, error) {
	open, err := s.listIndices(ctx, state, "open")
	if err != nil {
		return nil, err
	}
	closed, err := s.listIndices(ctx, state, "closed")
	if err != nil {
		return nil, err
	}
	listed := map[string]managed{}
	for name := range open.replicas {
		listed[name] = managed{}
	}
	for _, name := range open.blocked {
		listed[name] = managed{Blocked: true}
	}
	for name := range closed.replicas {
		listed[name] = managed{Closed: true}
	}
	for _, name := range closed.blocked {
		listed[name] = managed{Closed: true, Blocked: true}
	}
	maps.DeleteFunc(listed, func(name string, _ managed) bool { return !state.isRotatedName(name) })
	indices, err := s.explainIndices(ctx, slices.Collect(maps.Keys(listed)))
	if err != nil {
		return nil, err
	}
	for name, index := range indices {
		index.Closed, index.Blocked = listed[name].Closed, listed[name].Blocked
		indices[name] = index
	}
	return indices, nil
}

// explainIndices asks how indices are managed. One that was deleted meanwhile is left out.
func (s *Setup) explainIndices(ctx context.Context, names []string) (map[string]managed, error) {
	indices := make(map[string]managed, len(names))
	for chunk := range chunkNames(names) {
		// The answer holds "total_managed_indices", a number, beside the indices.
		var got map[string]any
		err := s.Client.callServer(ctx, http.MethodGet, ismAPI+joinPath("explain", strings.Join(chunk, ",")), nil, &got)
		var call *CallError
		if hasStatus(err, http.StatusBadRequest) && errors.As(err, &call) &&
			strings.Contains(call.Answer, "no documents to get") {
			continue // all of the chunk were deleted
		}
		if err != nil {
			return nil, fmt.Errorf("reading the policies of indices: %w", err)
		}
		for _, name := range chunk {
			if answer, ok := got[name].(map[string]any); ok {
				indices[name] = managedFrom(answer)
			}
		}
	}
	return indices, nil
}

func managedFrom(answer map[string]any) managed {
	m := managed{SeqNo: -1}
	if id, ok := answer[ismIndexPolicy].(string); ok {
		m.PolicyID = id
	}
	if n, ok := answer["policy_seq_no"].(float64); ok {
		m.SeqNo = int64(n)
	}
	for _, part := range []string{"action", "retry_info"} {
		if part, ok := answer[part].(map[string]any); ok && part["failed"] == true {
			m.Stopped = true
		}
	}
	if answer["enabled"] == false {
		m.Stopped = true
	}
	if info, ok := answer["info"].(map[string]any); ok {
		for _, key := range []string{"message", "cause"} { // the cause, if there is one
			if text, ok := info[key].(string); ok {
				m.Info = quoteAnswer(text)
			}
		}
	}
	return m
}

const ismIndexPolicy = "index." + ismSettings + ".policy_id"

// maxRequestLine bounds the names in the path of a request, in bytes as they are on the wire. A server accepts a
// request line of 4096, its default of http.max_initial_line_length.
const maxRequestLine = 3500

// chunkNames cuts names so that each part, sorted and joined with commas, fits into the path of a request.
func chunkNames(names []string) iter.Seq[[]string] {
	names = slices.Sorted(slices.Values(names))
	return func(yield func([]string) bool) {
		start, size := 0, 0
		for i, name := range names {
			bytes := len(joinPath(name + ",")) // and a slash that is not sent
			if size += bytes; size > maxRequestLine && i > start {
				if !yield(names[start:i]) {
					return
				}
				start, size = i, bytes
			}
		}
		if start < len(names) {
			yield(names[start:])
		}
	}
}

// leftOut is an index that index state management did not do something with.
type leftOut struct {
	Index  string `json:"index_name"`
	Reason string `json:"reason"`
}

func (s *Setup) warnOfLeftOut(action string, indices []leftOut) {
	for _, index := range indices {
		s.log().Warn("index state management skipped an index",
			"action", action, "index", escapeText(index.Index), "reason", quoteAnswer(index.Reason))
	}
}

// changeManagement posts an action for indices by name. The server answers 200 also when some of them failed, which are
// returned: one that ISM took over, moved on to be deleted, or deleted in the meantime. The next run sees it again.
func (s *Setup) changeManagement(ctx context.Context, action string, names []string, body any) (all []leftOut,
	err error) {
	for chunk := range chunkNames(names) {
		target := ismAPI + joinPath(action, strings.Join(chunk, ","))
		var got struct {
			FailedIndices []leftOut `json:"failed_indices"`
		}
		err := s.Client.callServer(ctx, http.MethodPost, target, body, &got)
		var call *CallError
		if isGone(err) && errors.As(err, &call) { // an index, deleted since it was listed, or the policy
			call.overtaken = true
		}
		for _, failed := range got.FailedIndices {
			if b := parseBlock([]byte(failed.Reason)); b.adviceText() != "" { // in .opendistro-ism-config
				answer := quoteAnswer(failed.Reason)
				err = &CallError{Method: http.MethodPost, Path: target, Status: http.StatusOK, Answer: answer, block: b}
			}
		}
		if err != nil {
			return all, fmt.Errorf("requesting %s of index state management: %w", action, err)
		}
		all = append(all, got.FailedIndices...)
	}
	return all, nil
}

// deletePolicy deletes the policy and leaves the indices. Open ones are no longer managed; see [Setup.Remove] for
// closed ones.
func (s *Setup) deletePolicy(ctx context.Context, state State) error {
	detachErr := s.detachPolicy(ctx, state)
	if s.NoStateManagement && withoutHandler(detachErr) {
		detachErr = nil
	}
	err := s.Client.callServer(ctx, http.MethodDelete, ismAPI+joinPath("policies", state.policyID()), nil, nil)
	if hasStatus(err, http.StatusNotFound) || s.NoStateManagement && withoutHandler(err) {
		err = nil
	}
	if err != nil {
		err = fmt.Errorf("deleting retention policy %q: %w", state.policyID(), err)
	}
	return errors.Join(detachErr, err)
}
