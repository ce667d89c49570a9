package searchsetup

import (
	"encoding/json"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"
)

// The answers of the fake are what OpenSearch 2.19.1 with its plugin for index state management was seen to answer.
func TestFakeDomain(t *testing.T) {
	const policies, explainAPI = "/_plugins/_ism/policies/", "/_plugins/_ism/explain/"
	policy := func(pattern string) string {
		text, err := json.Marshal(object{"policy": retentionPolicy(State{Index: strings.TrimSuffix(pattern, "-2*"),
			RetentionDays: 30})})
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	type exchange struct {
		method, target, body string
		status               int
		has, hasNot          string // parts of the answer, divided by |
	}
	ask := func(t *testing.T, d *fakeDomain, x exchange) {
		t.Helper()
		r, err := http.NewRequest(x.method, d.server.URL+x.target, strings.NewReader(x.body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/json")
		response, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		answer, err := io.ReadAll(response.Body)
		if err != nil {
			t.Fatal(err)
		}
		if response.StatusCode != x.status {
			t.Errorf("%s %s: must be answered %d (got %d: %s)", x.method, x.target, x.status, response.StatusCode,
				answer)
		}
		for _, part := range strings.Split(x.has, "|") {
			if !strings.Contains(string(answer), part) {
				t.Errorf("%s %s: must be answered with %s (got %s)", x.method, x.target, part, answer)
			}
		}
		for _, part := range strings.Split(x.hasNot, "|") {
			if part != "" && strings.Contains(string(answer), part) {
				t.Errorf("%s %s: must be answered without %s (got %s)", x.method, x.target, part, answer)
			}
		}
	}
	post := func(action, names string, status int, has string) exchange {
		body := `{"policy_id":"` + policyID + `"}`
		if action == "remove" || action == "retry" {
			body = ""
		}
		return exchange{"POST", "/_plugins/_ism/" + action + "/" + names, body, status, has, ""}
	}
	explain := func(names string, status int, has, hasNot string) exchange {
		return exchange{"GET", explainAPI + names, "", status, has, hasNot}
	}
	get := func(target string, status int, has string) exchange {
		return exchange{"GET", target, "", status, has, ""}
	}
	put := func(query string, status int, has, hasNot string) exchange {
		return exchange{"PUT", policies + policyID + query, policy("realtime-events-2*"), status, has, hasNot}
	}
	const unmanaged = `"index.opendistro.index_state_management.policy_id":null|"index.plugins.index_state_management.policy_id":null|"enabled":null`
	const managedBy = `"index.plugins.index_state_management.policy_id":"` + policyID + `"|"policy_id":"` + policyID +
		`"|"index":"` + firstDay +
		`"|"index_uuid":|"enabled":true|"total_managed_indices":1`
	none := func(reason string) string {
		return `"updated_indices":0|"failures":true|"index_name":"` + firstDay + `"|"index_uuid":|"reason":"` + reason +
			`"`
	}

	t.Run("a domain on which no policy was ever put", func(t *testing.T) {
		d := newFakeDomain(t)
		d.indices[firstDay] = oldIndex()
		for _, x := range []exchange{
			get(policies+policyID, 404, `"root_cause":[{|"type":"index_not_found_exception"|no such index [.opendistro-ism-config]`),
			get("/_plugins/_ism/policies", 200, `"policies":[]|"total_policies":0`),
			{"DELETE", policies + policyID, "", 404, "index_not_found_exception", ""},
			explain(firstDay, 200, unmanaged+`|"total_managed_indices":0`, "policy_seq_no"),
			post("add", firstDay, 404, "[.opendistro-ism-config]"),
			post("change_policy", firstDay, 404, "[.opendistro-ism-config]"),
			post("remove", firstDay, 200, none("This index does not have a policy to remove")),
			put("?if_seq_no=1&if_primary_term=1", 409,
				`"type":"version_conflict_engine_exception"|but no document was found`, ""),
			put("", 201, `"_version":1|"_seq_no":1|"_primary_term":1|"schema_version":1`, `"user"|"schema_version":21`),
			get(policies+policyID, 200, `"_seq_no":1|"schema_version":21|"error_notification":null|"last_updated_time"`),
			put("", 409, "version conflict, document already exists", ""),
		} {
			ask(t, d, x)
		}
	})
	t.Run("a policy that is not there", func(t *testing.T) {
		d := newFakeDomain(t)
		d.putPolicy("theirs", "other-", 100)
		ask(t, d, get(policies+policyID, 404, `"reason":"Policy not found"`))
		ask(t, d, post("add", firstDay, 404, "Could not find policy="+policyID))
		ask(t, d, exchange{"DELETE", policies + policyID, "", 404, "Policy " + policyID + " is not found", ""})
		d.putPolicy("overlaps", "realtime-events-2026-", 100)
		ask(t, d, put("", 400, `"type":"index_management_exception"|please use a different priority than 100`, ""))
	})
	t.Run("the life of a job", func(t *testing.T) {
		d := newFakeDomain(t)
		d.indices[firstDay] = oldIndex()
		ask(t, d, put("", 201, "", ""))
		ask(t, d, post("change_policy", firstDay, 200, none("This index is not being managed")))
		ask(t, d, post("retry", firstDay, 200, none("This index is not being managed.")))
		ask(t, d, post("add", firstDay, 200, `"updated_indices":1|"failures":false|"failed_indices":[]`))
		ask(t, d, explain(firstDay, 200, unmanaged, policyID))
		ask(t, d, post("add", firstDay, 200, none("This index already has a policy, use the update policy API to update index policies")))
		d.pass(time.Second)
		ask(t, d, explain(firstDay, 200, managedBy, "policy_seq_no"))
		d.runJobs()
		ask(t, d, explain(firstDay, 200, managedBy+`|"policy_seq_no":1|"state":|"action":|"info":|"failed":false`, ""))
		ask(t, d, put("?if_seq_no=1&if_primary_term=1", 200, `"_seq_no":2`, ""))
		ask(t, d, post("change_policy", firstDay, 200, `"updated_indices":1`))
		ask(t, d, explain(firstDay, 200, `"policy_seq_no":1`, ""))
		d.runJobs()
		ask(t, d, explain(firstDay, 200, `"policy_seq_no":2`, ""))
		ask(t, d, post("retry", firstDay, 200, none("This index is not in failed state.")))
		d.indices[firstDay].failed = true
		d.runJobs()
		ask(t, d, explain(firstDay, 200, `"enabled":false|"failed":true|"consumed_retries":3|"step_status":"failed"|"cause":"index [`, ""))
		ask(t, d, put("?if_seq_no=2&if_primary_term=1", 200, `"_seq_no":3`, ""))
		ask(t, d, post("change_policy", firstDay, 200, `"updated_indices":1|"failures":false`)) // without effect
		d.runJobs()
		ask(t, d, explain(firstDay, 200, `"policy_seq_no":2|"enabled":false`, ""))
		ask(t, d, post("retry", firstDay, 200, `"updated_indices":1|"failed_indices":[]`))
		ask(t, d, put("?if_seq_no=3&if_primary_term=1", 200, `"_seq_no":4`, ""))
		d.runJobs() // takes the pending change, with the policy's version of now
		ask(t, d, explain(firstDay, 200, `"policy_seq_no":4|"enabled":true`, ""))
		d.indices[firstDay].closed = true
		ask(t, d, post("remove", firstDay, 200, none("This index is closed")))
		d.indices[firstDay].closed = false
		ask(t, d, post("remove", firstDay, 200, `"updated_indices":1`))
		d.pass(time.Second)
		ask(t, d, explain(firstDay, 200, unmanaged, ""))
		if !d.indices[firstDay].unmanaged {
			t.Error("remove must set auto_manage to false")
		}
		d.indices[firstDay].closed = true
		ask(t, d, post("add", firstDay, 200, none("This index is closed")))
	})
	t.Run("missing indices", func(t *testing.T) {
		d := newFakeDomain(t)
		d.indices[firstDay] = oldIndex()
		ask(t, d, put("", 201, "", ""))
		both := firstDay + "," + nextDay
		ask(t, d, explain(both, 200, firstDay, nextDay))
		ask(t, d, explain(nextDay, 400, "Validation Failed: 1: no documents to get;", ""))
		ask(t, d, post("add", both, 200, `"updated_indices":1|"failed_indices":[]`))
		ask(t, d, post("add", nextDay, 200, `"updated_indices":0|"failures":false|"failed_indices":[]`))
		for _, action := range []string{"change_policy", "remove", "retry"} {
			ask(t, d, post(action, both, 404, "no such index ["+nextDay+"]"))
		}
	})
	t.Run("a request line of 4096 bytes and one of more", func(t *testing.T) {
		d := newFakeDomain(t)
		d.indices[firstDay] = oldIndex()
		fixed := len("GET  HTTP/1.1") + len(explainAPI) + len(firstDay+",")
		for n, status := range map[int]int{4096: 200, 4097: 400} {
			has := map[int]string{200: firstDay, 400: "too_long_http_line_exception"}[status]
			ask(t, d, explain(firstDay+","+strings.Repeat("x", n-fixed), status, has, ""))
		}
	})
	t.Run("a page of policies", func(t *testing.T) {
		d := newFakeDomain(t)
		for i := range 25 {
			d.putPolicy("p"+strconv.Itoa(10+i), "p"+strconv.Itoa(10+i), 1)
		}
		ask(t, d, exchange{"GET", "/_plugins/_ism/policies", "", 200, `"p29"|"total_policies":25`, `"p30"`})
		ask(t, d, get("/_plugins/_ism/policies?size=30", 200, `"p34"`))
	})
}
