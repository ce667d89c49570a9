//go:build opensearch

package search

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"firehose-pipeline/event"
	"firehose-pipeline/functions/searchsetup"
)

// writes counts the requests that change something.
type writes struct {
	to   http.RoundTripper
	done []string
}

func (w *writes) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Method != http.MethodGet {
		w.done = append(w.done, r.Method+" "+r.URL.Path)
	}
	return w.to.RoundTrip(r)
}

func newSetup(t *testing.T, state searchsetup.State) (*searchsetup.Setup, *writes) {
	t.Helper()
	s, err := searchsetup.New(state, searchsetup.Basic(server.Master.Name, server.Master.Password))
	if err != nil {
		t.Fatal(err)
	}
	w := &writes{to: server.Client().Transport}
	s.Client.HTTP, s.Client.Log = &http.Client{Transport: w}, slog.New(slog.DiscardHandler)
	s.NoStateManagement = !server.StateManagement()
	return s, w
}

// mapped returns the backend roles of a role.
func mapped(t *testing.T, role string) []string {
	t.Helper()
	got := decode[map[string]struct {
		BackendRoles []string `json:"backend_roles"`
	}](t, ask(t, server.Master, 200, "GET", "/_plugins/_security/api/rolesmapping/"+role, ""))
	return got[role].BackendRoles
}

// The setup is run again by every deployment that changes it. With index state management its requests are here too;
// TestRetention tests their effects.
func TestSetupAgain(t *testing.T) {
	const admin = "arn:aws:iam::111122223333:role/Admin"
	state := searchsetup.State{
		Endpoint: server.URL.String(), Index: "orders", Rotation: "OneDay", Shards: 1, Replicas: 0, RetentionDays: 30,
		Properties: event.IndexProperties(), WriterRoleARN: writerARN,
		AdminRoleARNs: []string{admin}, ReaderRoleARNs: []string{analyst},
	}
	apply := func(state searchsetup.State, old *searchsetup.State) []string {
		t.Helper()
		s, w := newSetup(t, state)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if err := s.Apply(ctx, state, old); err != nil {
			t.Fatal(err)
		}
		return w.done
	}
	byHand := func() {
		t.Helper()
		for _, role := range []string{"all_access", "orders-reader"} {
			ask(t, server.Master, 200, "PATCH", "/_plugins/_security/api/rolesmapping/"+role,
				`[{"op":"add","path":"/backend_roles/-","value":"by-hand"}]`)
		}
	}
	others := func() {
		t.Helper()
		for _, role := range []string{"all_access", "orders-reader"} {
			if !slices.Contains(mapped(t, role), "by-hand") {
				t.Errorf("%s: the mapping made by hand is gone: %v", role, mapped(t, role))
			}
		}
		if !slices.Contains(mapped(t, "all_access"), server.Master.BackendRole) {
			t.Errorf("the master role is no longer mapped: %v", mapped(t, "all_access"))
		}
	}

	apply(state, nil)
	byHand()
	ask(t, server.Master, 201, "PUT", "/orders-2026-09-21/_doc/1?refresh=true", `{"event_id":"1","colour":"red"}`)
	waitManaged(t, "orders-2026-09-21", "orders-retention")
	t.Run("a second and a third run change nothing", func(t *testing.T) {
		for range 2 {
			if done := apply(state, nil); len(done) != 0 {
				t.Errorf("writes %v", done)
			}
		}
		others()
	})
	t.Run("a changed retention and an added field change just their parts", func(t *testing.T) {
		changed := state
		changed.RetentionDays = 7
		changed.Properties = event.IndexProperties()
		changed.Properties["colour"] = map[string]any{"type": "keyword"}
		done := apply(changed, &state)
		want := []string{"PUT /_index_template/orders", "PUT /orders-2026-09-21/_mapping"}
		if server.StateManagement() {
			want = append(want, "PUT /_plugins/_ism/policies/orders-retention",
				"POST /_plugins/_ism/change_policy/orders-2026-09-21")
		}
		if !slices.Equal(done, want) {
			t.Errorf("writes %v, want %v", done, want)
		}
		for target, want := range map[string]string{"/orders-2026-09-21/_mapping": `"colour":{"type":"keyword"}`,
			"/_index_template/orders": `"colour":{"type":"keyword"}`} {
			if answer := string(ask(t, server.Master, 200, "GET", target, "")); !strings.Contains(answer, want) {
				t.Errorf("%s: %s", target, answer)
			}
		}
		others()
		state = changed
	})
	t.Run("roles that leave the settings are unmapped, and no others", func(t *testing.T) {
		changed := state
		changed.AdminRoleARNs, changed.ReaderRoleARNs = nil, nil
		apply(changed, &state)
		if got := mapped(t, "orders-reader"); fmt.Sprint(got) != "[by-hand]" {
			t.Errorf("readers %v", got)
		}
		if got := mapped(t, "all_access"); slices.Contains(got, admin) {
			t.Errorf("admins %v", got)
		}
		others()
		apply(state, &changed)
		if got := mapped(t, "security_manager"); !slices.Contains(got, admin) {
			t.Errorf("admins %v", got)
		}
	})
	t.Run("deleted and created anew", func(t *testing.T) {
		s, _ := newSetup(t, state)
		for range 2 { // the second finds nothing
			if err := s.Remove(t.Context(), state); err != nil {
				t.Fatal(err)
			}
		}
		for _, target := range []string{"/_plugins/_security/api/roles/orders-writer",
			"/_plugins/_security/api/rolesmapping/orders-reader", "/_index_template/orders"} {
			ask(t, server.Master, 404, "GET", target, "")
		}
		if got := mapped(t, "all_access"); slices.Contains(got, admin) || !slices.Contains(got, "by-hand") {
			t.Errorf("admins after delete: %v", got)
		}
		ask(t, server.Master, 200, "GET", "/orders-2026-09-21/_doc/1", "")
		apply(state, nil)
		if got := mapped(t, "orders-writer"); fmt.Sprint(got) != "["+writerARN+"]" {
			t.Errorf("writers %v", got)
		}
		waitManaged(t, "orders-2026-09-21", "orders-retention")
		if done := apply(state, nil); len(done) != 0 {
			t.Errorf("writes of a run after that: %v", done)
		}
	})
	t.Run("as the custom resource runs it, errors name the call and the answer", func(t *testing.T) {
		wrong := state
		wrong.Properties = map[string]any{"event_id": map[string]any{"type": "no such type"}}
		s, _ := newSetup(t, wrong)
		err := s.Apply(t.Context(), wrong, nil)
		if err == nil || !strings.Contains(err.Error(), "PUT /_index_template/orders answered 400") ||
			!strings.Contains(err.Error(), "no such type") {
			t.Errorf("got %v", err)
		}
	})
	ask(t, server.Master, 200, "DELETE", "/orders-2026-09-21", "")
}
