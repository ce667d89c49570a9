package searchsetup

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"firehose-pipeline/internal/testkit/shopschema"
)

var update = flag.Bool("update", false, "write golden files")

func arn(name string) string { return "arn:aws:iam::123456789012:role/" + name }

// properties are not the event schema's, so that a field added there does not change the golden files.
func properties() object {
	return object{
		"event_id":  object{"type": "keyword", "ignore_above": 10922},
		"amount":    object{"type": "double", "ignore_malformed": true},
		"timestamp": object{"type": "date", "format": "strict_date_optional_time", "ignore_malformed": true},
		"brand":     object{"type": "keyword", "ignore_above": 10922},
		"malformed": object{"type": "object", "enabled": false},
	}
}

func wanted(d *fakeDomain) State {
	return State{
		Endpoint: d.server.URL, Index: "realtime-events", Rotation: "OneDay", Shards: 1, Replicas: 0, RetentionDays: 30,
		Properties:    properties(),
		WriterRoleARN: arn("firehose"), AdminRoleARNs: []string{arn("admin")}, ReaderRoleARNs: []string{arn("reader")},
	}
}

// fakeClock makes waiting free: it moves on when someone sleeps, and so does the domain's time.
type fakeClock struct {
	domain *fakeDomain // nil for none
	t      time.Time
	pauses []time.Duration
}

func newFakeClock(d *fakeDomain) *fakeClock {
	return &fakeClock{domain: d, t: time.Now()} // contexts' deadlines are in real time
}

func (c *fakeClock) Now() time.Time { return c.t }

func (c *fakeClock) Pause(_ context.Context, d time.Duration) error {
	c.t = c.t.Add(d)
	c.pauses = append(c.pauses, d)
	if c.domain != nil {
		c.domain.pass(d)
	}
	return nil
}

func newSetup(t *testing.T, d *fakeDomain, state State, log *bytes.Buffer) (*Setup, *fakeClock) {
	t.Helper()
	s, err := New(state, nil)
	if err != nil {
		t.Fatal(err)
	}
	clock := newFakeClock(d)
	s.Clock = clock
	if log == nil {
		log = &bytes.Buffer{}
	}
	s.Client.Log = slog.New(slog.NewJSONHandler(log, nil))
	return s, clock
}

// apply applies the state to the domain, a minute after the last change, and returns the writes that it needed.
func apply(t *testing.T, d *fakeDomain, state State, old *State) []write {
	t.Helper()
	writes, _ := applyLogged(t, d, state, old)
	return writes
}

// applyLogged is apply with the log.
func applyLogged(t *testing.T, d *fakeDomain, state State, old *State) ([]write, string) {
	t.Helper()
	d.takeWrites()
	d.pass(time.Minute)
	var log bytes.Buffer
	s, _ := newSetup(t, d, state, &log)
	if err := s.Apply(t.Context(), state, old); err != nil {
		t.Fatal(err)
	}
	return d.takeWrites(), log.String()
}

func targets(writes []write) []string {
	out := []string{}
	for _, w := range writes {
		out = append(out, w.Method+" "+w.Path)
	}
	return out
}

func wantTargets(t *testing.T, got []write, want ...string) {
	t.Helper()
	if !slices.Equal(targets(got), want) {
		t.Errorf("writes:\n%s\nwant:\n%s", strings.Join(targets(got), "\n"), strings.Join(want, "\n"))
	}
}

func golden(t *testing.T, name string, writes []write) {
	t.Helper()
	var got bytes.Buffer
	for _, w := range writes {
		fmt.Fprintf(&got, "%s %s\n", w.Method, w.Path)
		if len(w.Body) > 0 {
			if err := json.Indent(&got, w.Body, "", "  "); err != nil {
				t.Fatal(err)
			}
			got.WriteByte('\n')
		}
		got.WriteByte('\n')
	}
	file := filepath.Join("testdata", name+".golden")
	if *update {
		if err := os.WriteFile(file, got.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got.String() != string(want) {
		t.Errorf("%s differs (-update writes it); got:\n%s", file, got.String())
	}
}

func TestApply(t *testing.T) {
	t.Run("create, update and remove as recorded", func(t *testing.T) {
		d := newFakeDomain(t)
		state := wanted(d)
		golden(t, "create", apply(t, d, state, nil))
		d.indices["realtime-events-2026-01-01"] = &fakeIndex{replicas: "0", properties: properties()}
		apply(t, d, state, nil)

		old := state
		state.Replicas, state.RetentionDays, state.AdminRoleARNs, state.ReaderRoleARNs = 1, 7, []string{arn("second")},
			[]string{arn("reader"), arn("second")}
		state.Properties = properties()
		state.Properties["colour"] = object{"type": "keyword", "ignore_above": 10922}
		golden(t, "update", apply(t, d, state, &old))

		s, _ := newSetup(t, d, state, nil)
		if err := s.Remove(t.Context(), state); err != nil {
			t.Fatal(err)
		}
		golden(t, "remove", d.takeWrites())
	})
	t.Run("the event schema's mapping is one that the server takes, and reads back", func(t *testing.T) {
		d := newFakeDomain(t)
		state := wanted(d)
		state.Properties = shopschema.Load().IndexProperties()
		apply(t, d, state, nil)
		wantTargets(t, apply(t, d, state, nil))
	})
	t.Run("a second and a third run write nothing", func(t *testing.T) {
		d := newFakeDomain(t)
		d.indices["realtime-events-2026-01-01"] = &fakeIndex{replicas: "1", properties: object{}}
		apply(t, d, wanted(d), nil)
		wantTargets(t, apply(t, d, wanted(d), nil))
		state := wanted(d)
		wantTargets(t, apply(t, d, state, &state))
	})
	t.Run("others' mappings stay, on create, update and remove", func(t *testing.T) {
		d := newFakeDomain(t)
		state := wanted(d)
		apply(t, d, state, nil)
		d.mappings["realtime-events-reader"]["backend_roles"] = []any{"by-hand", arn("reader")}
		old := state
		state.AdminRoleARNs, state.ReaderRoleARNs = []string{arn("second"), arn("second")}, nil
		apply(t, d, state, &old)
		for role, want := range map[string][]string{
			"all_access":             {masterARN, "by-hand", arn("second")},
			"security_manager":       {masterARN, arn("second")},
			"realtime-events-reader": {"by-hand"},
		} {
			if got := d.backendRoles(role); !slices.Equal(got, want) {
				t.Errorf("%s: got %q, want %q", role, got, want)
			}
		}
		s, _ := newSetup(t, d, state, nil)
		if err := s.Remove(t.Context(), state); err != nil {
			t.Fatal(err)
		}
		if got, want := d.backendRoles("all_access"), []string{masterARN, "by-hand"}; !slices.Equal(got, want) {
			t.Errorf("all_access after remove: got %q, want %q", got, want)
		}
	})
	t.Run("a role mapped by hand before counts as mapped", func(t *testing.T) {
		d := newFakeDomain(t)
		d.mappings["all_access"] = fakeMapping(masterARN, arn("admin"))
		for _, w := range apply(t, d, wanted(d), nil) {
			if strings.HasSuffix(w.Path, "/all_access") {
				t.Errorf("wrote %s", w.Body)
			}
		}
	})
	t.Run("a server without the role security_manager gets all_access alone", func(t *testing.T) {
		d := newFakeDomain(t)
		delete(d.roles, "security_manager")
		delete(d.mappings, "security_manager")
		apply(t, d, wanted(d), nil)
		if got := d.backendRoles("all_access"); !slices.Contains(got, arn("admin")) {
			t.Errorf("all_access: got %q", got)
		}
	})
	t.Run("several roles removed at once", func(t *testing.T) {
		d := newFakeDomain(t)
		state := wanted(d)
		state.AdminRoleARNs = []string{arn("a"), arn("b"), arn("c")}
		apply(t, d, state, nil)
		old := state
		state.AdminRoleARNs = []string{arn("b")}
		apply(t, d, state, &old)
		if got, want := d.backendRoles("all_access"),
			[]string{masterARN, "by-hand", arn("b")}; !slices.Equal(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
	})
	t.Run("a changed writer is mapped and the old one not", func(t *testing.T) {
		d := newFakeDomain(t)
		state := wanted(d)
		apply(t, d, state, nil)
		old := state
		state.WriterRoleARN = arn("firehose2")
		wantTargets(t, apply(t, d, state, &old), "PATCH /_plugins/_security/api/rolesmapping/realtime-events-writer")
		if got, want := d.backendRoles("realtime-events-writer"), []string{arn("firehose2")}; !slices.Equal(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
	})
	t.Run("a role changed by hand is mended", func(t *testing.T) {
		d := newFakeDomain(t)
		apply(t, d, wanted(d), nil)
		d.roles["realtime-events-reader"]["cluster_permissions"] = []any{"*"}
		wantTargets(t, apply(t, d, wanted(d), nil), "PUT /_plugins/_security/api/roles/realtime-events-reader")
	})
	t.Run("an invalid state makes no call", func(t *testing.T) {
		d := newFakeDomain(t)
		state := wanted(d)
		state.Shards = 0
		s, _ := newSetup(t, d, state, nil)
		if err := s.Apply(t.Context(), state, nil); err == nil || d.calls != 0 {
			t.Errorf("error %v after %d calls", err, d.calls)
		}
	})
}

func TestIndices(t *testing.T) {
	t.Run("a changed retention reaches new and existing indices, and nothing else changes", func(t *testing.T) {
		d := newFakeDomain(t)
		state := wanted(d)
		d.indices["realtime-events-2026-01-01"] = &fakeIndex{replicas: "0", properties: object{}}
		d.indices["realtime-events-summary"] = &fakeIndex{replicas: "0", properties: object{}}
		d.indices["realtime-events-2026-01-02"] = &fakeIndex{replicas: "0", properties: object{}, policyID: "theirs"}
		apply(t, d, state, nil)
		state.RetentionDays = 7
		wantTargets(t, apply(t, d, state, nil),
			"PUT /_plugins/_ism/policies/realtime-events-retention?if_seq_no=1&if_primary_term=1",
			"POST /_plugins/_ism/change_policy/realtime-events-2026-01-01")
		d.runJobs()
		if got := d.indices["realtime-events-2026-01-01"].policySeq; got != 2 {
			t.Errorf("the index follows version %d of the policy, want 2", got)
		}
		if got := d.indices["realtime-events-summary"].policyID; got != "" {
			t.Errorf("policy %q took an index that is not the pipeline's", got)
		}
		if got := d.indices["realtime-events-2026-01-02"].policyID; got != "theirs" {
			t.Errorf("policy %q took over another's index", got)
		}
	})
	t.Run("an index left on an old version of the policy is caught up", func(t *testing.T) {
		d := newFakeDomain(t)
		apply(t, d, wanted(d), nil)
		d.indices["realtime-events-2026-01-01"] = &fakeIndex{replicas: "0", properties: properties(),
			policyID: "realtime-events-retention", policySeq: 0}
		d.indices["realtime-events-2026-01-02"] = &fakeIndex{replicas: "0", properties: properties(),
			policyID: "realtime-events-retention", policySeq: -1}
		wantTargets(t, apply(t, d, wanted(d), nil), "POST /_plugins/_ism/change_policy/realtime-events-2026-01-01")
	})
	t.Run("more indices than one address holds", func(t *testing.T) {
		d := newFakeDomain(t)
		for i := range 120 {
			d.indices[fmt.Sprintf("realtime-events-2026-01-01-%03d", i)] = &fakeIndex{replicas: "0",
				properties: properties()}
		}
		apply(t, d, wanted(d), nil)
		for name, index := range d.indices {
			if index.policyID != "realtime-events-retention" {
				t.Errorf("%s: policy %q", name, index.policyID)
			}
		}
		wantTargets(t, apply(t, d, wanted(d), nil))
	})
	t.Run("an added field reaches the template and existing indices", func(t *testing.T) {
		d := newFakeDomain(t)
		d.indices["realtime-events-2026-01-01"] = &fakeIndex{replicas: "0", properties: properties()}
		state := wanted(d)
		apply(t, d, state, nil)
		state.Properties["colour"] = object{"type": "keyword"}
		got := apply(t, d, state, nil)
		wantTargets(t, got, "PUT /_index_template/realtime-events", "PUT /realtime-events-2026-01-01/_mapping")
		if want := `{"properties":{"colour":{"type":"keyword"}}}`; string(got[1].Body) != want {
			t.Errorf("got %s, want %s", got[1].Body, want)
		}
	})
	t.Run("a removed field leaves the template", func(t *testing.T) {
		d := newFakeDomain(t)
		state := wanted(d)
		apply(t, d, state, nil)
		delete(state.Properties, "brand")
		wantTargets(t, apply(t, d, state, nil), "PUT /_index_template/realtime-events")
	})
	t.Run("a field of another type is named in the log and changes in new indices only", func(t *testing.T) {
		d := newFakeDomain(t)
		d.indices["realtime-events-2026-01-01"] = &fakeIndex{replicas: "0", properties: properties()}
		state := wanted(d)
		apply(t, d, state, nil)
		state.Properties["brand"] = object{"type": "long"}
		writes, log := applyLogged(t, d, state, nil)
		wantTargets(t, writes, "PUT /_index_template/realtime-events")
		if !strings.Contains(log, `"index":"realtime-events-2026-01-01","field":"brand","type":"keyword","declared":"long"`) {
			t.Errorf("log: %s", log)
		}
	})
	t.Run("a changed number of replicas reaches existing indices", func(t *testing.T) {
		d := newFakeDomain(t)
		d.indices["realtime-events-2026-01-01"] = &fakeIndex{replicas: "0", properties: properties()}
		state := wanted(d)
		apply(t, d, state, nil)
		state.Replicas = 1
		wantTargets(t, apply(t, d, state, nil), "PUT /_index_template/realtime-events",
			"PUT /realtime-events-2026-01-01/_settings")
	})
	t.Run("without rotation no policy takes the one index", func(t *testing.T) {
		d := newFakeDomain(t)
		d.indices["realtime-events"] = &fakeIndex{replicas: "0", properties: object{}}
		state := wanted(d)
		state.Rotation = "NoRotation"
		apply(t, d, state, nil)
		if got := d.indices["realtime-events"].policyID; got != "" {
			t.Errorf("policy %q", got)
		}
		if got := len(d.indices["realtime-events"].properties); got == 0 {
			t.Error("no fields were added")
		}
	})
	t.Run("an index deleted in between does not fail the setup", func(t *testing.T) {
		d := newFakeDomain(t)
		d.indices["realtime-events-2026-01-01"] = &fakeIndex{replicas: "0", properties: properties()}
		d.reject = func(_ int, r *http.Request) (int, string) {
			if strings.Contains(r.URL.Path, "/_ism/add/") {
				delete(d.indices, "realtime-events-2026-01-01")
			}
			return 0, ""
		}
		apply(t, d, wanted(d), nil)
	})
}

func TestWaiting(t *testing.T) {
	t.Run("403, 429, 503 and a closed connection of a young domain are waited for", func(t *testing.T) {
		d := newFakeDomain(t)
		d.reject = func(call int, _ *http.Request) (int, string) {
			switch call {
			case 1: // on a fresh connection, where net/http does not try again by itself
				panic(http.ErrAbortHandler)
			case 2:
				return 503, "OpenSearch Security not initialized."
			case 3, 4:
				return 403, `{"Message":"User: anonymous is not authorized"}`
			case 5:
				return 429, ""
			}
			return 0, ""
		}
		s, clock := newSetup(t, d, wanted(d), nil)
		if err := s.Apply(t.Context(), wanted(d), nil); err != nil {
			t.Fatal(err)
		}
		if len(clock.pauses) != 5 {
			t.Errorf("pauses: %v", clock.pauses)
		}
		for i, p := range clock.pauses {
			if full := time.Second << i; p < full/2 || p > full {
				t.Errorf("pause %d is %v, want between half of %v and all of it", i, p, full)
			}
		}
	})
	t.Run("a write whose answer was lost is not repeated", func(t *testing.T) {
		d := newFakeDomain(t)
		lost := 0
		d.reject = func(_ int, r *http.Request) (int, string) {
			if r.Method == "PATCH" && lost == 0 {
				lost++
				d.mappings["all_access"]["backend_roles"] = append(d.mappings["all_access"]["backend_roles"].([]any),
					arn("admin"))
				return 504, "upstream timed out"
			}
			return 0, ""
		}
		apply(t, d, wanted(d), nil)
		if got, want := d.backendRoles("all_access"),
			[]string{masterARN, "by-hand", arn("admin")}; !slices.Equal(got, want) || lost != 1 {
			t.Errorf("got %q, want %q (lost %d)", got, want, lost)
		}
	})
	t.Run("it gives up in time to answer, naming the call and the last answer", func(t *testing.T) {
		d := newFakeDomain(t)
		d.reject = func(int, *http.Request) (int, string) { return 403, "not yet" }
		s, clock := newSetup(t, d, wanted(d), nil)
		start := clock.t
		ctx, cancel := context.WithDeadline(t.Context(), start.Add(5*time.Minute))
		defer cancel()
		err := s.Apply(ctx, wanted(d), nil)
		want := `reading role "realtime-events-writer": GET /_plugins/_security/api/roles/realtime-events-writer answered 403: not yet`
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "gave up after") {
			t.Errorf("error: %v\nwant: %s", err, want)
		}
		if waited := clock.t.Sub(start); waited > 5*time.Minute-answerMargin ||
			waited < 5*time.Minute-answerMargin-maxPause {
			t.Errorf("waited %v", waited)
		}
	})
	t.Run("without a deadline it gives up too", func(t *testing.T) {
		d := newFakeDomain(t)
		d.server.Close()
		s, clock := newSetup(t, d, wanted(d), nil)
		start := clock.t
		if err := s.Apply(t.Context(), wanted(d), nil); err == nil ||
			!strings.Contains(err.Error(), "connection refused") {
			t.Errorf("error: %v", err)
		}
		if waited := clock.t.Sub(start); waited > defaultPatience {
			t.Errorf("waited %v", waited)
		}
	})
	t.Run("another 4xx is final", func(t *testing.T) {
		d := newFakeDomain(t)
		d.reject = func(_ int, r *http.Request) (int, string) {
			if r.Method == "PUT" {
				return 400, strings.Repeat("x", 10*maxQuoted)
			}
			return 0, ""
		}
		s, clock := newSetup(t, d, wanted(d), nil)
		err := s.Apply(t.Context(), wanted(d), nil)
		if err == nil || !strings.HasPrefix(err.Error(),
			`putting role "realtime-events-writer": PUT /_plugins/_security/api/roles/realtime-events-writer answered 400: xxx`) {
			t.Errorf("error: %v", err)
		}
		if len(err.Error()) > 2*maxQuoted || len(clock.pauses) != 0 {
			t.Errorf("%d bytes, pauses %v", len(err.Error()), clock.pauses)
		}
	})
	t.Run("a conflict is read again", func(t *testing.T) {
		d := newFakeDomain(t)
		state := wanted(d)
		apply(t, d, state, nil)
		state.RetentionDays = 7
		once := true
		d.reject = func(_ int, r *http.Request) (int, string) {
			if r.Method == "PUT" && once {
				once = false
				d.policies["realtime-events-retention"].seqNo = 77 // someone else wrote in between
			}
			return 0, ""
		}
		wantTargets(t, apply(t, d, state, nil), "PUT /_plugins/_ism/policies/realtime-events-retention?if_seq_no=77&if_primary_term=1")
	})
	t.Run("endless conflicts end", func(t *testing.T) {
		d := newFakeDomain(t)
		d.reject = func(_ int, r *http.Request) (int, string) {
			if r.Method == "PUT" {
				return 409, "conflict"
			}
			return 0, ""
		}
		s, clock := newSetup(t, d, wanted(d), nil)
		if err := s.Apply(t.Context(), wanted(d), nil); !hasStatus(err, 409) || len(clock.pauses) != maxConflicts-1 {
			t.Errorf("error %v after pauses %v", err, clock.pauses)
		}
	})
	t.Run("a slow answer is cut off by the context", func(t *testing.T) {
		d := newFakeDomain(t)
		ctx, cancel := context.WithCancel(t.Context())
		d.reject = func(_ int, r *http.Request) (int, string) {
			cancel()
			<-r.Context().Done()
			return 500, ""
		}
		s, _ := newSetup(t, d, wanted(d), nil)
		s.Clock = nil // the machine's, whose pause ends with the context
		if err := s.Apply(ctx, wanted(d), nil); err == nil || !strings.Contains(err.Error(), context.Canceled.Error()) {
			t.Errorf("error: %v", err)
		}
	})
}

func TestRemove(t *testing.T) {
	t.Run("a domain is left as it was, its indices unmanaged and in place", func(t *testing.T) {
		d := newFakeDomain(t)
		d.indices["realtime-events-2026-01-01"] = &fakeIndex{replicas: "0", properties: object{}}
		before := asJSON([]any{d.roles, d.mappings, d.templates})
		apply(t, d, wanted(d), nil)
		d.pass(time.Minute)
		s, _ := newSetup(t, d, wanted(d), nil)
		if err := s.Remove(t.Context(), wanted(d)); err != nil {
			t.Fatal(err)
		}
		if after := asJSON([]any{d.roles, d.mappings, d.templates}); !reflect.DeepEqual(before, after) {
			t.Errorf("before: %v\nafter: %v", before, after)
		}
		if index := d.indices["realtime-events-2026-01-01"]; index == nil || index.policyID != "" ||
			len(d.policies) != 0 {
			t.Errorf("index %+v, policies %v", index, d.policies)
		}
	})
	t.Run("an empty domain has nothing to remove", func(t *testing.T) {
		d := newFakeDomain(t)
		s, _ := newSetup(t, d, wanted(d), nil)
		if err := s.Remove(t.Context(), wanted(d)); err != nil {
			t.Fatal(err)
		}
		wantTargets(t, d.takeWrites())
	})
	t.Run("one refusal does not keep the rest", func(t *testing.T) {
		d := newFakeDomain(t)
		apply(t, d, wanted(d), nil)
		d.reject = func(_ int, r *http.Request) (int, string) {
			if strings.Contains(r.URL.Path, "/roles/realtime-events-writer") {
				return 403, "no"
			}
			return 0, ""
		}
		s, _ := newSetup(t, d, wanted(d), nil)
		if err := s.Remove(t.Context(), wanted(d)); !hasStatus(err, 403) {
			t.Errorf("error: %v", err)
		}
		if len(d.templates) != 0 || len(d.policies) != 0 || d.roles["realtime-events-reader"] != nil {
			t.Errorf("left: %v %v", d.templates, d.policies)
		}
	})
}
