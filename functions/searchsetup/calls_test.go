package searchsetup

import (
	"regexp"
	"slices"
	"strings"
	"testing"
)

// listed reports whether the setup of an index of these tests lists the call. The fake domain asks it about every
// request.
func listed(method, path string) bool {
	for _, index := range []string{"realtime-events", longIndex, "events"} {
		if slices.ContainsFunc(State{Index: index}.Calls(), func(c Call) bool { return c.covers(method, path) }) {
			return true
		}
	}
	return false
}

func (c Call) covers(method, path string) bool {
	pattern := "^" + strings.ReplaceAll(regexp.QuoteMeta(c.Path), `\*`, ".*") + "$"
	return c.Method == method && regexp.MustCompile(pattern).MatchString(path)
}

// longIndex is the longest name that the settings accept.
var longIndex = strings.Repeat("i", 80)

// A listed call that is never sent would be a right too many in the domain's access policy.
func TestListedCallsAreMade(t *testing.T) {
	d := newFakeDomain(t)
	state := wanted(d)
	d.mappings = map[string]object{}
	d.indices[nextDay] = oldIndex()
	apply(t, d, state, nil)
	d.makeIndex(firstDay).failed = true
	changed := state
	changed.Replicas, changed.RetentionDays, changed.Properties = 1, 7, properties()
	changed.Properties["colour"] = object{"type": "keyword"}
	changed.WriterRoleARN, changed.AdminRoleARNs, changed.ReaderRoleARNs = arn("w"), []string{arn("a")},
		[]string{arn("r")}
	apply(t, d, changed, &state)
	s, _ := newSetup(t, d, changed, nil)
	if err := s.Remove(t.Context(), changed); err != nil {
		t.Fatal(err)
	}
	for _, c := range state.Calls() {
		if !slices.ContainsFunc(d.requests, func(r Call) bool { return c.covers(r.Method, r.Path) }) {
			t.Errorf("%s %s is never sent", c.Method, c.Path)
		}
	}
}

func TestUnlistedCall(t *testing.T) {
	for _, c := range []Call{
		{"GET", "/_cat/indices"}, {"DELETE", "/realtime-events-2026-01-01"},
		{"PUT", "/_plugins/_security/api/roles/all_access"},
		{"POST", "/_plugins/_ism/add/someone-2026"}, {"GET", "/_plugins/_ism/policies/other"},
		{"PUT", "/_cluster/settings"},
	} {
		if listed(c.Method, c.Path) {
			t.Errorf("%s %s is listed", c.Method, c.Path)
		}
	}
}
