package searchsetup

import (
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// Every request that the setup makes, by method and path as it is on the wire. The policies of the domain and of the setup's role
// are held against this file: a request that is not in it is refused on AWS.
func TestCalls(t *testing.T) {
	d := newFakeDomain(t)
	asked := map[string]bool{}
	d.check = func(r *http.Request, _ []byte) { asked[r.Method+" "+r.URL.EscapedPath()] = true }
	state := wanted(d)
	apply(t, d, state, nil)
	for _, name := range []string{"realtime-events-2026-01-01", "realtime-events-2026-01-02"} {
		d.indices[name] = &fakeIndex{replicas: "1", properties: object{}, policySeq: -1}
	}
	apply(t, d, state, &state) // adds replicas, fields and the policy to existing indices
	old := state
	state.RetentionDays, state.AdminRoleARNs, state.ReaderRoleARNs = 7, []string{arn("second")}, []string{arn("second")}
	apply(t, d, state, &old) // changes mappings and the policy
	s, _ := newSetup(t, state, nil)
	if err := s.Remove(t.Context(), state); err != nil {
		t.Fatal(err)
	}

	var lines []string
	for call := range asked {
		lines = append(lines, call+"\n")
	}
	slices.Sort(lines)
	got := strings.Join(lines, "")
	// Each call of the package's sources is among them, by what follows securityAPI, ismAPI or path( there.
	for _, call := range []string{
		"GET /_plugins/_security/api/roles/", "PUT /_plugins/_security/api/roles/", "DELETE /_plugins/_security/api/roles/",
		"GET /_plugins/_security/api/rolesmapping/", "PUT /_plugins/_security/api/rolesmapping/", "PATCH /_plugins/_security/api/rolesmapping/",
		"DELETE /_plugins/_security/api/rolesmapping/", "GET /_plugins/_security/api/audit", "PATCH /_plugins/_security/api/audit",
		"GET /_index_template/", "PUT /_index_template/", "DELETE /_index_template/",
		"GET /_plugins/_ism/policies/", "PUT /_plugins/_ism/policies/", "DELETE /_plugins/_ism/policies/", "GET /_plugins/_ism/explain/",
		"POST /_plugins/_ism/add/", "POST /_plugins/_ism/change_policy/", "POST /_plugins/_ism/remove/",
		"GET /realtime-events%2Crealtime-events-2%2A/_settings", "GET /realtime-events%2Crealtime-events-2%2A/_mapping",
		"PUT /realtime-events-2026-01-01/_settings", "PUT /realtime-events-2026-01-01/_mapping",
	} {
		if !strings.Contains("\n"+got, "\n"+call) {
			t.Errorf("must make a call %s… (got\n%s)", call, got)
		}
	}
	file := filepath.Join("testdata", "calls.txt")
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s differs (-update writes it); got:\n%s", file, got)
	}
}
