package searchsetup

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

const (
	firstDay = "realtime-events-2026-01-01"
	nextDay  = "realtime-events-2026-01-02"
	policyID = "realtime-events-retention"
	// putSecond replaces the first version of the policy.
	putSecond = "PUT /_plugins/_ism/policies/" + policyID + "?if_seq_no=1&if_primary_term=1"
)

// oldIndex is an index of a day before the setup first ran.
func oldIndex() *fakeIndex { return &fakeIndex{replicas: "0", properties: properties()} }

func wantLog(t *testing.T, log string, want ...string) {
	t.Helper()
	for _, text := range want {
		if !strings.Contains(log, text) {
			t.Errorf("log must have %s, got:\n%s", text, log)
		}
	}
}

// warning is the beginning of a line of the log.
func warning(message string) string { return `"level":"WARN","msg":"` + message + `"` }

func wantNoWarning(t *testing.T, log string) {
	t.Helper()
	if strings.Contains(log, `"level":"WARN"`) {
		t.Errorf("log must have no warning, got:\n%s", log)
	}
}

func TestRetention(t *testing.T) {
	t.Run("a new index is taken by the policy's template, and the setup has nothing to write", func(t *testing.T) {
		d := newFakeDomain(t)
		apply(t, d, wanted(d), nil)
		index := d.makeIndex(firstDay)
		d.makeIndex("realtime-events-summary")
		writes, log := applyLogged(t, d, wanted(d), nil)
		wantTargets(t, writes)
		wantNoWarning(t, log)
		if index.policyID != policyID || d.indices["realtime-events-summary"].policyID != "" {
			t.Errorf("policies %q and %q", index.policyID, d.indices["realtime-events-summary"].policyID)
		}
		d.runJobs()
		if index.policySeq != 1 {
			t.Errorf("the index follows version %d, want 1", index.policySeq)
		}
		wantTargets(t, apply(t, d, wanted(d), nil))
	})
	t.Run("a changed retention is posted until the job's next run has taken it", func(t *testing.T) {
		d := newFakeDomain(t)
		state := wanted(d)
		apply(t, d, state, nil)
		index := d.makeIndex(firstDay)
		d.runJobs()
		state.RetentionDays = 7
		change := "POST /_plugins/_ism/change_policy/" + firstDay
		wantTargets(t, apply(t, d, state, nil), putSecond, change)
		wantTargets(t, apply(t, d, state, nil), change) // explain does not show a pending change
		d.runJobs()
		wantTargets(t, apply(t, d, state, nil))
		if index.policySeq != 2 {
			t.Errorf("the index follows version %d, want 2", index.policySeq)
		}
	})
	t.Run("a setup within the second in which explain shows nothing yet adds again, without a warning",
		func(t *testing.T) {
			d := newFakeDomain(t)
			apply(t, d, wanted(d), nil)
			d.makeIndex(firstDay)
			var log bytes.Buffer
			s, _ := newSetup(t, d, wanted(d), &log)
			d.takeWrites()
			if err := s.Apply(t.Context(), wanted(d), nil); err != nil {
				t.Fatal(err)
			}
			wantTargets(t, d.takeWrites(), "POST /_plugins/_ism/add/"+firstDay)
			wantNoWarning(t, log.String())
		})
	t.Run("an index that another policy took meanwhile is named in the log", func(t *testing.T) {
		d := newFakeDomain(t)
		d.indices[firstDay] = oldIndex()
		d.reject = func(_ int, r *http.Request) (int, string) {
			if strings.Contains(r.URL.Path, "/_ism/add/") {
				d.setPolicy(d.indices[firstDay], "theirs", 1)
			}
			return 0, ""
		}
		_, log := applyLogged(t, d, wanted(d), nil)
		wantLog(t, log, `another policy manages the index","index":"`+firstDay+`","policy":"theirs"`)
	})
	t.Run("a policy that somebody changed by hand is put back, with its version", func(t *testing.T) {
		d := newFakeDomain(t)
		apply(t, d, wanted(d), nil)
		d.makeIndex(firstDay)
		d.runJobs()
		d.policies[policyID].seqNo, d.policies[policyID].body["description"] = 9, "by hand"
		wantTargets(t, apply(t, d, wanted(d), nil),
			"PUT /_plugins/_ism/policies/"+policyID+"?if_seq_no=9&if_primary_term=1",
			"POST /_plugins/_ism/change_policy/"+firstDay)
	})
	t.Run("indices deleted between list and explain are gone, all of them or some", func(t *testing.T) {
		for _, left := range []int{0, 1} {
			d := newFakeDomain(t)
			apply(t, d, wanted(d), nil)
			d.indices[firstDay], d.indices[nextDay] = oldIndex(), oldIndex()
			d.reject = func(_ int, r *http.Request) (int, string) {
				if strings.Contains(r.URL.Path, "/_ism/explain/") {
					delete(d.indices, firstDay)
					if left == 0 {
						delete(d.indices, nextDay)
					}
				}
				return 0, ""
			}
			want := []string{"POST /_plugins/_ism/add/" + nextDay}
			wantTargets(t, apply(t, d, wanted(d), nil), want[:left]...)
		}
	})
	for _, action := range []string{"change_policy", "retry"} {
		t.Run("an index deleted between explain and "+action+" does not fail the setup", func(t *testing.T) {
			d := newFakeDomain(t)
			state := wanted(d)
			apply(t, d, state, nil)
			d.makeIndex(firstDay).failed = true
			d.makeIndex(nextDay)
			d.reject = func(_ int, r *http.Request) (int, string) {
				if strings.Contains(r.URL.Path, "/_ism/"+action+"/") {
					delete(d.indices, firstDay)
				}
				return 0, ""
			}
			state.RetentionDays = 7
			apply(t, d, state, nil)
			d.runJobs()
			if got := d.indices[nextDay].policySeq; got != 2 {
				t.Errorf("the other index follows version %d, want 2", got)
			}
		})
	}
}

func TestFailedDeletion(t *testing.T) {
	failed := func(t *testing.T) (*fakeDomain, *fakeIndex) {
		d := newFakeDomain(t)
		apply(t, d, wanted(d), nil)
		index := d.makeIndex(firstDay)
		d.makeIndex(nextDay)
		d.runJobs()
		index.failed = true
		d.runJobs()
		if !index.disabled {
			t.Fatal("the job must be disabled")
		}
		return d, index
	}
	retry := "POST /_plugins/_ism/retry/" + firstDay
	t.Run("it is tried again by a run that changes nothing", func(t *testing.T) {
		d, index := failed(t)
		writes, log := applyLogged(t, d, wanted(d), nil)
		wantTargets(t, writes, retry)
		wantLog(t, log, warning("deleting the index failed earlier: retrying")+
			`,"index":"`+firstDay+`","cause":"index [`+firstDay+`] blocked by`)
		if index.failed || index.disabled {
			t.Errorf("the job is not revived: %+v", index)
		}
	})
	t.Run("it is revived before the changed policy, which a disabled job would never take", func(t *testing.T) {
		d, index := failed(t)
		state := wanted(d)
		state.RetentionDays = 31
		wantTargets(t, apply(t, d, state, nil), putSecond, retry,
			"POST /_plugins/_ism/change_policy/"+firstDay+"%2C"+nextDay)
		d.runJobs()
		if index.policySeq != 2 {
			t.Errorf("the index follows version %d, want 2", index.policySeq)
		}
		wantTargets(t, apply(t, d, state, nil))
	})
	t.Run("a job that does not run and did not fail is named in the log", func(t *testing.T) {
		d := newFakeDomain(t)
		apply(t, d, wanted(d), nil)
		d.makeIndex(firstDay).disabled = true
		_, log := applyLogged(t, d, wanted(d), nil)
		wantLog(t, log, `index state management skipped an index","action":"retry","index":"`+firstDay+
			`","reason":"This index is not in failed state."`)
	})
	t.Run("a failed index of another policy is left alone", func(t *testing.T) {
		d := newFakeDomain(t)
		index := oldIndex()
		index.policyID, index.failed = "theirs", true
		d.indices[firstDay] = index
		for _, target := range targets(apply(t, d, wanted(d), nil)) {
			if strings.Contains(target, "retry") {
				t.Error(target)
			}
		}
	})
}

func TestLongNames(t *testing.T) {
	for rotation, suffix := range map[string]func(int) string{
		"OneHour":  func(i int) string { return fmt.Sprintf("-2026-01-%02d-%02d", 1+i/24, i%24) },
		"OneDay":   func(i int) string { return time.Date(2026, 1, 1+i, 0, 0, 0, 0, time.UTC).Format("-2006-01-02") },
		"OneWeek":  func(i int) string { return fmt.Sprintf("-%d-w%02d", 2022+i/50, 1+i%50) },
		"OneMonth": func(i int) string { return fmt.Sprintf("-%d-%02d", 2000+i/12, 1+i%12) },
	} {
		t.Run(rotation, func(t *testing.T) {
			d := newFakeDomain(t)
			state := wanted(d)
			state.Index, state.Rotation = longIndex, rotation
			for i := range 120 {
				d.indices[longIndex+suffix(i)] = oldIndex()
			}
			apply(t, d, state, nil)
			d.runJobs()
			for _, index := range d.indices {
				index.failed = true
			}
			changed := state
			changed.RetentionDays = 7
			apply(t, d, changed, &state)
			d.runJobs()
			apply(t, d, state, &changed) // as a rollback does
			d.runJobs()
			for name, index := range d.indices {
				if index.policySeq != 3 || index.failed {
					t.Errorf("%s: version %d, failed %t", name, index.policySeq, index.failed)
				}
			}
			s, _ := newSetup(t, d, state, nil)
			if err := s.Remove(t.Context(), state); err != nil {
				t.Error(err)
			}
			for name, index := range d.indices {
				if index.policyID != "" {
					t.Errorf("%s: still managed", name)
				}
			}
		})
	}
	t.Run("an error names the answer, not all of a long path", func(t *testing.T) {
		e := &CallError{Method: "GET", Path: "/" + strings.Repeat("p", 3000), Status: 400, Answer: "why"}
		if got := e.Error(); len(got) > 300 || !strings.HasSuffix(got, "answered 400: why") {
			t.Errorf("got %s", got)
		}
	})
}

func TestBlockedIndices(t *testing.T) {
	for block, kind := range map[string]string{
		"read_only": "FORBIDDEN/5", "read_only_allow_delete": "TOO_MANY_REQUESTS/12", "metadata": "FORBIDDEN/9",
	} {
		t.Run(block+" keeps one index as it is, and the others change", func(t *testing.T) {
			d := newFakeDomain(t)
			state := wanted(d)
			apply(t, d, state, nil)
			blocked, free := d.makeIndex(firstDay), d.makeIndex(nextDay)
			d.runJobs()
			blocked.block = block
			changed := state
			changed.Replicas, changed.RetentionDays, changed.Properties = 1, 7, properties()
			changed.Properties["colour"] = object{"type": "keyword"}
			writes, log := applyLogged(t, d, changed, &state)
			wantTargets(t, writes, "PUT /_index_template/realtime-events", "PUT /"+nextDay+"/_settings",
				"PUT /"+nextDay+"/_mapping",
				putSecond,
				"POST /_plugins/_ism/change_policy/"+firstDay+"%2C"+nextDay)
			wantLog(t, log, warning("a block keeps the index as it is")+
				`,"index":"`+firstDay+`"`, kind)
			if blocked.replicas != "0" || free.replicas != "1" || free.properties["colour"] == nil {
				t.Errorf("replicas %s and %s, properties %v", blocked.replicas, free.replicas, free.properties)
			}
			s, _ := newSetup(t, d, changed, nil)
			if err := s.Remove(t.Context(), changed); (err != nil) != (block == "metadata") {
				t.Errorf("removing: %v", err)
			}
			if free.policyID != "" || (blocked.policyID != "") != (block == "metadata") {
				t.Errorf("after Remove %q manages the free index, %q the blocked", free.policyID, blocked.policyID)
			}
		})
	}
	t.Run("a block without anything to write to the index is let be", func(t *testing.T) {
		d := newFakeDomain(t)
		apply(t, d, wanted(d), nil)
		d.makeIndex(firstDay).block = "read_only"
		writes, log := applyLogged(t, d, wanted(d), nil)
		wantTargets(t, writes)
		wantNoWarning(t, log)
	})
	t.Run("many indices whose metadata is blocked", func(t *testing.T) {
		d := newFakeDomain(t)
		for i := range 30 {
			index := oldIndex()
			index.block = "metadata"
			d.indices[fmt.Sprintf("realtime-events-2026-01-%02d", i+1)] = index
		}
		d.indices["realtime-events-2026-02-01"] = &fakeIndex{replicas: "0", properties: object{}}
		apply(t, d, wanted(d), nil)
		if len(d.indices["realtime-events-2026-02-01"].properties) == 0 ||
			d.indices["realtime-events-2026-01-30"].policyID != policyID {
			t.Errorf("indices %+v", d.indices["realtime-events-2026-01-30"])
		}
	})
}

func TestFullDisk(t *testing.T) {
	const advice = "the disks are full (flood stage): indices accept no writes, and nothing is deleted by age. " +
		"Delete the oldest indices by hand, then deploy again"
	full := func(t *testing.T, change func(*State)) (err error, log string, waited time.Duration) {
		t.Helper()
		d := newFakeDomain(t)
		state := wanted(d)
		apply(t, d, state, nil)
		d.makeIndex(firstDay)
		d.runJobs()
		d.full = true
		change(&state)
		var out bytes.Buffer
		s, clock := newSetup(t, d, state, &out)
		start := clock.t
		ctx, cancel := context.WithDeadline(t.Context(), start.Add(15*time.Minute))
		defer cancel()
		err = s.Apply(ctx, state, nil)
		return err, out.String(), clock.t.Sub(start)
	}
	for name, change := range map[string]func(*State){
		"retention": func(s *State) { s.RetentionDays = 7 },
		"roles":     func(s *State) { s.ReaderRoleARNs = []string{arn("second")} },
	} {
		t.Run("changed "+name+" are waited for, and the error says what to do", func(t *testing.T) {
			err, log, waited := full(t, change)
			if err == nil || !strings.HasPrefix(err.Error(), advice) || !strings.Contains(err.Error(), "blocked by") {
				t.Errorf("error: %v", err)
			}
			if waited < 14*time.Minute {
				t.Errorf("waited %v", waited)
			}
			if strings.Count(log, `"level":"WARN"`) != 1 || !strings.Contains(log, advice) {
				t.Errorf("log must warn once, got:\n%s", log)
			}
		})
	}
	t.Run("nothing to change passes", func(t *testing.T) {
		if err, _, _ := full(t, func(*State) {}); err != nil {
			t.Error(err)
		}
	})
	t.Run("an index that add could not write is waited for", func(t *testing.T) {
		d := newFakeDomain(t)
		apply(t, d, wanted(d), nil)
		d.indices[firstDay] = oldIndex()
		d.full = true
		d.reject = func(call int, _ *http.Request) (int, string) {
			d.full = d.passed < 5*time.Minute
			return 0, ""
		}
		_, log := applyLogged(t, d, wanted(d), nil)
		if d.indices[firstDay].policyID != policyID {
			t.Errorf("the index is not managed; log:\n%s", log)
		}
		wantLog(t, log, advice)
	})
	for _, reason := range []string{
		"blocked by: [FORBIDDEN/6/cluster read-only (api)];",
		"index [.opendistro-ism-config] blocked by: [FORBIDDEN/8/index write (api)];",
		"blocked by: [FORBIDDEN/8/index write (api)];",
	} {
		t.Run("waited for, with advice: "+reason, func(t *testing.T) {
			d := newFakeDomain(t)
			d.reject = func(_ int, r *http.Request) (int, string) {
				if r.Method == "PUT" && strings.HasPrefix(r.URL.Path, "/_index_template/") {
					return 403, `{"error":{"type":"cluster_block_exception","reason":"` + reason + `"},"status":403}`
				}
				return 0, ""
			}
			s, clock := newSetup(t, d, wanted(d), nil)
			err := s.Apply(t.Context(), wanted(d), nil)
			if err == nil || !strings.HasPrefix(err.Error(), "the domain accepts no writes") || len(clock.pauses) < 10 {
				t.Errorf("error %v after pauses %v", err, clock.pauses)
			}
		})
	}
	t.Run("a cluster that is read-only keeps an index from nothing alone", func(t *testing.T) {
		b := parseBlock([]byte(`"reason":"index [a] blocked by: [FORBIDDEN/6/cluster read-only (api), FORBIDDEN/5/index read-only (api)];"`))
		if b.blocksOnly("a") || b.adviceText() == "" {
			t.Errorf("got %+v", b)
		}
	})
}

func TestClosedIndices(t *testing.T) {
	// wantUnmanaged applies the setup to an index that is closed, and maybe blocked.
	wantUnmanaged := func(t *testing.T, block string) {
		t.Helper()
		d := newFakeDomain(t)
		d.indices[firstDay] = oldIndex()
		d.indices[firstDay].closed, d.indices[firstDay].block = true, block
		writes, log := applyLogged(t, d, wanted(d), nil)
		for _, target := range targets(writes) {
			if strings.Contains(target, firstDay) {
				t.Error(target)
			}
		}
		wantLog(t, log, warning("a closed index is not deleted by age: open it and add the policy, or delete it")+
			`,"index":"`+firstDay+`"`)
	}
	t.Run("one that was closed before the setup is never managed, and named", func(t *testing.T) { wantUnmanaged(t, "") })
	t.Run("one that was closed after it keeps its retention, and is named once that changes", func(t *testing.T) {
		d := newFakeDomain(t)
		state := wanted(d)
		apply(t, d, state, nil)
		d.makeIndex(firstDay).closed = true
		d.runJobs()
		writes, log := applyLogged(t, d, state, nil)
		wantTargets(t, writes)
		wantNoWarning(t, log)
		state.RetentionDays = 7
		writes, log = applyLogged(t, d, state, nil)
		wantTargets(t, writes, putSecond)
		wantLog(t, log, warning("a closed index keeps the retention that it was closed with: open it and change its policy, or delete it")+
			`,"index":"`+firstDay+`"`)
	})
	t.Run("a block on a closed index changes nothing of that", func(t *testing.T) { wantUnmanaged(t, "metadata") })
	t.Run("Remove names those that go on being deleted by age", func(t *testing.T) {
		d := newFakeDomain(t)
		apply(t, d, wanted(d), nil)
		closed, open := d.makeIndex(firstDay), d.makeIndex(nextDay)
		closed.closed = true
		d.runJobs()
		var log bytes.Buffer
		s, _ := newSetup(t, d, wanted(d), &log)
		if err := s.Remove(t.Context(), wanted(d)); err != nil {
			t.Fatal(err)
		}
		wantLog(t, log.String(), warning("a closed index is still deleted by age: open it and remove its policy")+
			`,"index":"`+firstDay+`"`)
		if open.policyID != "" || !open.unmanaged || closed.policyID != policyID || len(d.policies) != 0 {
			t.Errorf("open %+v, closed %+v, policies %v", open, closed, d.policies)
		}
	})
	t.Run("indices that Remove left come under the policy again with the next setup", func(t *testing.T) {
		d := newFakeDomain(t)
		apply(t, d, wanted(d), nil)
		index := d.makeIndex(firstDay)
		d.runJobs()
		s, _ := newSetup(t, d, wanted(d), nil)
		if err := s.Remove(t.Context(), wanted(d)); err != nil {
			t.Fatal(err)
		}
		d.runJobs() // templates skip it
		if index.policyID != "" {
			t.Errorf("managed by %q", index.policyID)
		}
		apply(t, d, wanted(d), nil)
		if index.policyID != policyID {
			t.Errorf("managed by %q", index.policyID)
		}
	})
}

func TestOtherPolicies(t *testing.T) {
	t.Run("a template of the same priority fails the deployment at once, and the error names its policy",
		func(t *testing.T) {
			d := newFakeDomain(t)
			d.putPolicy("theirs", "real", 100)
			d.putPolicy("unrelated", "other-", 100)
			s, clock := newSetup(t, d, wanted(d), nil)
			err := s.Apply(t.Context(), wanted(d), nil)
			want := `policy "theirs" has an ism_template "real*" of the same priority: ` +
				"delete it, or give it a priority below 100"
			if err == nil || !strings.Contains(err.Error(), want) ||
				!strings.Contains(err.Error(), "please use a different priority than 100") ||
				strings.Contains(err.Error(), `"unrelated"`) {
				t.Errorf("error: %v", err)
			}
			if len(clock.pauses) != 0 {
				t.Errorf("pauses %v", clock.pauses)
			}
		})
	t.Run("one of a higher priority is named on the first run already", func(t *testing.T) {
		d := newFakeDomain(t)
		for i := range 30 { // more than one page
			d.putPolicy(fmt.Sprintf("a-%d", i), fmt.Sprintf("a-%d-", i), 200)
		}
		d.putPolicy("theirs", "", 200)
		_, log := applyLogged(t, d, wanted(d), nil)
		wantLog(t, log, warning("another policy applies to new indices: its retention counts, not this one")+
			`,"policy":"theirs","pattern":"*","priority":200`)
		if strings.Count(log, `"level":"WARN"`) != 1 {
			t.Errorf("log:\n%s", log)
		}
		if index := d.makeIndex(firstDay); index.policyID != "theirs" {
			t.Errorf("managed by %q", index.policyID)
		}
	})
	t.Run("one of a lower priority loses", func(t *testing.T) {
		d := newFakeDomain(t)
		d.putPolicy("theirs", "", 0)
		_, log := applyLogged(t, d, wanted(d), nil)
		wantNoWarning(t, log)
		if index := d.makeIndex(firstDay); index.policyID != policyID {
			t.Errorf("managed by %q", index.policyID)
		}
	})
	t.Run("an index of another policy stays with it, and is named", func(t *testing.T) {
		d := newFakeDomain(t)
		d.indices[firstDay] = oldIndex()
		d.indices[firstDay].policyID = "theirs\x1b[31m\u202e"
		_, log := applyLogged(t, d, wanted(d), nil)
		wantLog(t, log, `another policy manages the index","index":"`+firstDay+`","policy":"theirs\\u001b[31m\\u202e"`)
	})
}

func TestOverlap(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want bool
	}{
		{"events-2*", "*", true}, {"events-2*", "events-2*", true}, {"events-2*", "events-*", true},
		{"events-2*", "*-2026", true},
		{"events-2*", "e*s-2026-*", true}, {"events-2*", "events-2", true}, {"events-2*", "events-1*", false},
		{"events-2*", "events", false},
		{"events-2*", "other-*", false}, {"events-2*", "", false}, {"events-2*", "e**2", true}, {"a*b", "b*a", false},
		{"a*b*", "*ba", true},
		{"*", "*", true}, {strings.Repeat("*a", 100), strings.Repeat("a", 99) + "b*", true}, // and at once
	} {
		if got := patternsOverlap(c.a, c.b); got != c.want || patternsOverlap(c.b, c.a) != c.want {
			t.Errorf("%q and %q: got %t, want %t", c.a, c.b, got, c.want)
		}
	}
	t.Run("a template that leaves our indices out does not match", func(t *testing.T) {
		for exclusion, want := range map[string]string{"-events-*": "", "-events-2*": "", "-*": "", "-events-3*": "*",
			"-events-2026-*": "*"} {
			if got := overlappingPattern([]string{exclusion, "*"}, "events-2*"); got != want {
				t.Errorf("%s: got %q, want %q", exclusion, got, want)
			}
		}
	})
}

func TestStateManagementSettings(t *testing.T) {
	t.Run("an action that is not allowed fails at once, in the server's words", func(t *testing.T) {
		d := newFakeDomain(t)
		d.settings["plugins.index_state_management.allow_list"] = []any{"read_only"}
		s, clock := newSetup(t, d, wanted(d), nil)
		err := s.Apply(t.Context(), wanted(d), nil)
		if err == nil || !strings.Contains(err.Error(),
			"You have actions that are not allowed in your policy [delete]") ||
			!strings.Contains(err.Error(), "plugins.index_state_management.allow_list") {
			t.Errorf("error: %v", err)
		}
		if len(clock.pauses) != 0 {
			t.Errorf("pauses %v", clock.pauses)
		}
	})
	for setting, value := range map[string]any{
		"plugins.index_state_management.enabled":    "false",
		"plugins.index_state_management.allow_list": []any{"read_only"},
		"opendistro.index_state_management.enabled": "false",
	} {
		t.Run(setting+" is named in the log", func(t *testing.T) {
			d := newFakeDomain(t)
			apply(t, d, wanted(d), nil)
			d.settings[setting] = value
			writes, log := applyLogged(t, d, wanted(d), nil)
			wantTargets(t, writes)
			wantLog(t, log, warning("nothing is deleted by age: a cluster setting forbids it")+
				`,"setting":"`+setting+`"`)
		})
	}
	for _, target := range []string{"/_cluster/settings", "/_plugins/_ism/policies"} {
		t.Run(target+" refused fails nothing, and is in the log", func(t *testing.T) {
			d := newFakeDomain(t)
			d.reject = func(_ int, r *http.Request) (int, string) {
				if r.URL.Path == target {
					return 403, "no"
				}
				return 0, ""
			}
			_, log := applyLogged(t, d, wanted(d), nil)
			wantLog(t, log, `"level":"WARN","msg":"not checked:`, "GET "+target)
		})
	}
}

// The server's words may hold anything, and end in CloudFormation's events, in a terminal and in logs.
func TestServersWordsAreEscaped(t *testing.T) {
	const words = "red \x1b[31m \u202e \u009b \x00"
	clean := func(t *testing.T, text string) {
		t.Helper()
		if slices.ContainsFunc([]rune(text), func(r rune) bool {
			return r != '\n' &&
				(r < ' ' || r >= 0x7f && r < 0xa0 || r == 0x202e)
		}) {
			t.Errorf("must have no control characters: %q", text)
		}
	}
	t.Run("in an error", func(t *testing.T) {
		d := newFakeDomain(t)
		d.reject = func(int, *http.Request) (int, string) { return 400, words }
		s, _ := newSetup(t, d, wanted(d), nil)
		err := s.Apply(t.Context(), wanted(d), nil)
		if err == nil || !strings.Contains(err.Error(), `red \u001b[31m \u202e \u009b \u0000`) {
			t.Fatalf("error: %q", err)
		}
		clean(t, err.Error())
	})
	t.Run("in the log", func(t *testing.T) {
		d := newFakeDomain(t)
		apply(t, d, wanted(d), nil)
		index := d.makeIndex(firstDay)
		index.properties["brand"] = object{"type": "x" + words}
		d.indices[nextDay] = oldIndex()
		d.putPolicy("p"+words, "realtime-events-2\u202e", 200)
		d.reject = func(_ int, r *http.Request) (int, string) {
			if strings.Contains(r.URL.Path, "/_ism/add/") {
				return 200, fmt.Sprintf(`{"failed_indices":[{"index_name":%q,"reason":%q}]}`, nextDay,
					"left out: \u202e")
			}
			return 0, ""
		}
		_, log := applyLogged(t, d, wanted(d), nil)
		wantLog(t, log, "keeps the field's old type", "another policy applies to new indices", "skipped an index")
		clean(t, log)
	})
}
