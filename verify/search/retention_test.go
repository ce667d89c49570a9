//go:build opensearch

package search

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"firehose-pipeline/event"
	"firehose-pipeline/functions/searchsetup"
)

// explained is what index state management tells about one index.
type explained struct {
	PolicyID string `json:"index.plugins.index_state_management.policy_id"`
	SeqNo    *int64 `json:"policy_seq_no"`
	Enabled  *bool
	Action   struct {
		Name   string
		Failed bool
	}
}

// explain asks about one index; ok is false when there is none.
func explain(t *testing.T, index string) (e explained, ok bool) {
	t.Helper()
	status, answer, err := server.Do(t.Context(), server.Master, "GET", "/_plugins/_ism/explain/"+index, "")
	if err != nil {
		t.Fatal(err)
	}
	if status == 400 && bytes.Contains(answer, []byte("no documents to get")) {
		return explained{}, false
	}
	if status != 200 {
		t.Fatalf("explaining %s: must be answered 200 (got %d: %.600s)", index, status, answer)
	}
	part, ok := decode[map[string]json.RawMessage](t, answer)[index]
	if !ok {
		return explained{}, false
	}
	return decode[explained](t, part), true
}

// waitUntil asks twice a second. Jobs run once a minute.
func waitUntil(t *testing.T, what string, within time.Duration, reached func() bool) {
	t.Helper()
	ticker := time.NewTicker(500 * time.Millisecond)
	defer ticker.Stop()
	for deadline := time.Now().Add(within); !reached(); {
		if time.Now().After(deadline) {
			t.Fatalf("not after %v: %s", within, what)
		}
		<-ticker.C
	}
}

// waitManaged waits until index state management shows that a policy has an index: up to a second after it was written.
// On a server without it there is nothing to wait for.
func waitManaged(t *testing.T, index, policy string) {
	t.Helper()
	if !server.StateManagement() {
		return
	}
	waitUntil(t, fmt.Sprintf("%s is managed by %s", index, policy), 10*time.Second, func() bool {
		e, ok := explain(t, index)
		return ok && e.PolicyID == policy
	})
}

// What the setup's requests about retention bring about: TestSetupAgain has the requests themselves. Indices cannot be
// made old here, so the policy is given an age of a minute by hand where deletion matters.
func TestRetention(t *testing.T) {
	if !server.StateManagement() {
		t.Skip("OPENSEARCH_HOME is not set: this server has no index state management (docs/local.md)")
	}
	name := strings.Repeat("k", 80)
	policy, day := name+"-retention", func(i int) string { return fmt.Sprintf("%s-2026-01-01-%02d", name, i) }
	state := searchsetup.State{
		Endpoint: server.URL.String(), Index: name, Rotation: "OneHour", Shards: 1, Replicas: 0, RetentionDays: 30,
		Properties: event.IndexProperties(), WriterRoleARN: writerARN,
	}
	apply := func(state searchsetup.State) (done []string, log string) {
		t.Helper()
		var out bytes.Buffer
		s, w := newSetup(t, state)
		s.Client.Log = slog.New(slog.NewJSONHandler(&out, nil))
		if err := s.Apply(t.Context(), state, nil); err != nil {
			t.Fatal(err)
		}
		return w.done, out.String()
	}
	count := func(done []string, prefix string) (n int) {
		for _, request := range done {
			if strings.HasPrefix(request, prefix) {
				n++
			}
		}
		return n
	}
	seqNo := func() int64 {
		return decode[struct {
			SeqNo int64 `json:"_seq_no"`
		}](t, ask(t, server.Master, 200, "GET", "/_plugins/_ism/policies/"+policy, "")).SeqNo
	}
	const indices = 60
	waitFollowed := func(except ...int) { // by all indices but some, which may take two runs
		t.Helper()
		want := seqNo()
		for i := range indices {
			if slices.Contains(except, i) {
				continue
			}
			waitUntil(t, fmt.Sprintf("%s follows version %d", day(i), want), 3*time.Minute, func() bool {
				e, _ := explain(t, day(i))
				return e.SeqNo != nil && *e.SeqNo == want
			})
		}
	}
	defer func() { // not a Cleanup, whose context has ended
		ask(t, server.Master, 200, "DELETE", "/"+name+"-*?expand_wildcards=all", "")
		s, _ := newSetup(t, state)
		if err := s.Remove(t.Context(), state); err != nil {
			t.Error(err)
		}
	}()
	for i := range indices / 2 { // before the policy: it has to be added
		ask(t, server.Master, 200, "PUT", "/"+day(i), `{"settings":{"number_of_replicas":0}}`)
	}
	summary := name + "-summary"
	ask(t, server.Master, 200, "PUT", "/"+summary, `{"settings":{"number_of_replicas":0}}`)
	done, _ := apply(state)
	if n := count(done, "POST /_plugins/_ism/add/"); n != 1 {
		t.Errorf("must add in one request (got %d): %v", n, done)
	}
	for i := range indices / 2 {
		ask(t, server.Master, 200, "PUT", "/"+day(indices/2+i), "{}")
	}
	for i := range indices {
		waitManaged(t, day(i), policy)
	}
	if e, _ := explain(t, summary); e.PolicyID != "" {
		t.Errorf("%s is managed by %q", summary, e.PolicyID)
	}
	if done, log := apply(state); len(done) != 0 || strings.Contains(log, `"WARN"`) {
		t.Errorf("writes of a second run: %v; log:\n%s", done, log)
	}

	t.Run("a changed retention reaches all indices", func(t *testing.T) {
		state.RetentionDays = 7
		done, _ := apply(state)
		if n := count(done, "POST /_plugins/_ism/change_policy/"); n != 2 {
			t.Errorf("must change in two requests (got %d): %v", n, done)
		}
		waitFollowed()
		if done, _ := apply(state); len(done) != 0 {
			t.Errorf("writes after the jobs' run: %v", done)
		}
	})
	t.Run("a block keeps one index as it is, and the others get the field", func(t *testing.T) {
		blocked := day(0)
		ask(t, server.Master, 200, "PUT", "/"+blocked+"/_settings", `{"index.blocks.metadata":true}`)
		state.Properties = event.IndexProperties()
		state.Properties["colour"] = map[string]any{"type": "keyword"}
		done, log := apply(state)
		if n := count(done, "PUT /"+name+"-"); n != indices-1 || !strings.Contains(log, blocked) {
			t.Errorf("must write to %d indices (got %d); log:\n%s", indices-1, n, log)
		}
		ask(t, server.Master, 200, "PUT", "/"+blocked+"/_settings", `{"index.blocks.metadata":null}`)
	})
	t.Run("a policy of a higher priority is named, and one of the same refused", func(t *testing.T) {
		theirs := func(priority int) string {
			return fmt.Sprintf(`{"policy":{"description":"theirs","default_state":"s","states":[{"name":"s","actions":[],"transitions":[]}],
				"ism_template":[{"index_patterns":["kkk*"],"priority":%d}]}}`, priority)
		}
		ask(t, server.Master, 400, "PUT", "/_plugins/_ism/policies/theirs", theirs(100))
		ask(t, server.Master, 201, "PUT", "/_plugins/_ism/policies/theirs", theirs(200))
		if _, log := apply(state); !strings.Contains(log, `"policy":"theirs","pattern":"kkk*","priority":200`) {
			t.Errorf("log:\n%s", log)
		}
		ask(t, server.Master, 200, "DELETE", "/_plugins/_ism/policies/theirs", "")
	})
	t.Run("closed indices are named", func(t *testing.T) {
		closed := day(1)
		ask(t, server.Master, 200, "POST", "/"+closed+"/_close", "")
		state.RetentionDays = 8
		_, log := apply(state)
		if !strings.Contains(log, "a closed index keeps the retention") || !strings.Contains(log, closed) {
			t.Errorf("log:\n%s", log)
		}
	})
	t.Run("a deletion that failed is revived", func(t *testing.T) {
		failing, free := day(2), day(3)
		waitFollowed(1) // a pending change takes the version that the policy has then: that by hand would reach all
		ask(t, server.Master, 200, "PUT", "/"+failing+"/_settings", `{"index.blocks.read_only":true}`)
		was := decode[struct {
			SeqNo  int64           `json:"_seq_no"`
			Term   int64           `json:"_primary_term"`
			Policy json.RawMessage `json:"policy"`
		}](t, ask(t, server.Master, 200, "GET", "/_plugins/_ism/policies/"+policy, ""))
		byHand := strings.NewReplacer(`"8d"`, `"1m"`, `"count":3`, `"count":0`).Replace(string(was.Policy))
		version := fmt.Sprintf("?if_seq_no=%d&if_primary_term=%d", was.SeqNo, was.Term)
		ask(t, server.Master, 200, "PUT", "/_plugins/_ism/policies/"+policy+version, `{"policy":`+byHand+`}`)
		ask(t, server.Master, 200, "POST", "/_plugins/_ism/change_policy/"+failing+","+free, `{"policy_id":"`+policy+`"}`)
		waitUntil(t, free+" is deleted", 8*time.Minute, func() bool {
			_, there := explain(t, free)
			return !there
		})
		waitUntil(t, "the job of "+failing+" is disabled", 8*time.Minute, func() bool {
			e, _ := explain(t, failing)
			return e.Action.Failed && e.Enabled != nil && !*e.Enabled
		})
		ask(t, server.Master, 200, "PUT", "/"+failing+"/_settings", `{"index.blocks.read_only":null}`)
		done, log := apply(state)
		retry := "POST /_plugins/_ism/retry/" + failing
		if !slices.Contains(done, retry) || !strings.Contains(log, "deleting the index had failed") {
			t.Errorf("writes %v; log:\n%s", done, log)
		}
		waitUntil(t, failing+" is deleted", 5*time.Minute, func() bool {
			_, there := explain(t, failing)
			return !there
		})
	})
	t.Run("removed: open indices are let go, and the closed one is named", func(t *testing.T) {
		var out bytes.Buffer
		s, _ := newSetup(t, state)
		s.Client.Log = slog.New(slog.NewJSONHandler(&out, nil))
		if err := s.Remove(t.Context(), state); err != nil {
			t.Fatal(err)
		}
		closed, open := day(1), day(indices-1)
		if log := out.String(); !strings.Contains(log, "a closed index is still deleted by age") || !strings.Contains(log, closed) {
			t.Errorf("log:\n%s", log)
		}
		waitUntil(t, open+" is not managed", 10*time.Second, func() bool {
			e, ok := explain(t, open)
			return ok && e.PolicyID == ""
		})
		if e, ok := explain(t, closed); !ok || e.PolicyID != policy {
			t.Errorf("%s: must be managed by %s (got %+v)", closed, policy, e)
		}
		ask(t, server.Master, 404, "GET", "/_plugins/_ism/policies/"+policy, "")
	})
}
