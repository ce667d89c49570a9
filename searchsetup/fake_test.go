package searchsetup

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// fakeDomain answers the calls of the setup as OpenSearch 2.19 with its security and index management plugins does, and
// refuses what they refuse. The security and template answers were compared with a real 2.19.1.
type fakeDomain struct {
	t      *testing.T
	server *httptest.Server

	mu        sync.Mutex
	calls     int
	roles     map[string]object
	mappings  map[string]object
	templates map[string]any
	policies  map[string]*fakePolicy
	indices   map[string]*fakeIndex
	audit     object
	seqNo     int64
	writes    []write

	// refuse, when set, may answer a request first: a status other than 0 is the answer.
	refuse func(call int, r *http.Request) (status int, answer string)
	// check, when set, sees every request with its body.
	check func(r *http.Request, body []byte)
}

type fakePolicy struct {
	seqNo int64
	body  any
}

type fakeIndex struct {
	replicas   string
	properties object
	policyID   string
	policySeq  int64 // of the policy's version; -1: ISM has not looked at the index yet
}

// write is a request that changed something.
type write struct {
	Method string          `json:"method"`
	Path   string          `json:"path"`
	Body   json.RawMessage `json:"body,omitempty"`
}

const masterARN = "arn:aws:iam::123456789012:role/setup"

func newFakeDomain(t *testing.T) *fakeDomain {
	d := &fakeDomain{
		t: t,
		roles: map[string]object{
			"all_access":       {"reserved": true, "static": true},
			"security_manager": {"reserved": true, "static": true},
		},
		mappings: map[string]object{
			"all_access":       fakeMapping(masterARN, "by-hand"),
			"security_manager": fakeMapping(masterARN),
		},
		templates: map[string]any{},
		policies:  map[string]*fakePolicy{},
		indices:   map[string]*fakeIndex{},
		audit:     object{"enabled": false, "audit": object{"log_request_body": true, "resolve_indices": true}},
	}
	d.server = httptest.NewServer(d)
	t.Cleanup(d.server.Close)
	return d
}

func fakeMapping(roles ...string) object {
	return object{"backend_roles": asJSON(append([]string{}, roles...)), "hosts": []any{}, "users": []any{}, "and_backend_roles": []any{}, "reserved": false, "hidden": false}
}

func (d *fakeDomain) backendRoles(role string) []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	var out []string
	if m, ok := d.mappings[role]; ok {
		for _, r := range m["backend_roles"].([]any) {
			out = append(out, r.(string))
		}
	}
	return out
}

// takeWrites returns the writes since the last call.
func (d *fakeDomain) takeWrites() []write {
	d.mu.Lock()
	defer d.mu.Unlock()
	out := d.writes
	d.writes = nil
	return out
}

func (d *fakeDomain) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	d.mu.Lock()
	defer d.mu.Unlock()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		d.t.Errorf("reading body: %v", err)
	}
	d.calls++
	if d.check != nil {
		d.check(r, body)
	}
	if d.refuse != nil {
		if status, answer := d.refuse(d.calls, r); status != 0 {
			w.WriteHeader(status)
			io.WriteString(w, answer)
			return
		}
	}
	if len(body) > 0 && r.Header.Get("Content-Type") != "application/json" {
		d.answer(w, 406, object{"error": "Content-Type header [] is not supported"})
		return
	}
	var in any
	if len(body) > 0 {
		if err := json.Unmarshal(body, &in); err != nil {
			d.answer(w, 400, object{"error": err.Error()})
			return
		}
	}
	status, out := d.route(r, in)
	if r.Method != http.MethodGet && status < 300 {
		d.writes = append(d.writes, write{r.Method, r.URL.RequestURI(), body})
	}
	d.answer(w, status, out)
}

func (d *fakeDomain) answer(w http.ResponseWriter, status int, out any) {
	w.WriteHeader(status)
	if err := json.NewEncoder(w).Encode(out); err != nil {
		d.t.Errorf("answering: %v", err)
	}
}

func (d *fakeDomain) route(r *http.Request, in any) (int, any) {
	segments := strings.Split(strings.TrimPrefix(r.URL.Path, "/"), "/")
	body, _ := in.(map[string]any)
	switch key := r.Method + " " + strings.Join(segments[:len(segments)-1], "/"); {
	case strings.HasSuffix(key, " _plugins/_security/api/roles"):
		return d.role(r.Method, segments[4], in)
	case strings.HasSuffix(key, " _plugins/_security/api/rolesmapping"):
		return d.mapping(r.Method, segments[4], in)
	case key == "GET _plugins/_security/api" && segments[3] == "audit":
		return 200, object{"_readonly": []any{}, "config": d.audit}
	case key == "PATCH _plugins/_security/api" && segments[3] == "audit":
		return d.patchAudit(in)
	case strings.HasSuffix(key, " _index_template"):
		return d.template(r.Method, segments[1], body)
	case strings.HasSuffix(key, " _plugins/_ism/policies"):
		return d.policy(r.Method, segments[3], r.URL.Query(), body)
	case key == "GET _plugins/_ism/explain", key == "POST _plugins/_ism/add", key == "POST _plugins/_ism/change_policy", key == "POST _plugins/_ism/remove":
		return d.ism(segments[2], strings.Split(segments[3], ","), body)
	case len(segments) >= 2 && (segments[1] == "_settings" || segments[1] == "_mapping"):
		return d.index(r, segments, body)
	}
	return 400, object{"error": fmt.Sprintf("no handler found for uri [%s] and method [%s]", r.URL.Path, r.Method)}
}

// unknown returns the members of v that are not among the names.
func unknown(v map[string]any, names ...string) (keys []string) {
	for key := range v {
		if !slices.Contains(names, key) {
			keys = append(keys, key)
		}
	}
	return keys
}

func invalid(keys ...string) (int, any) {
	return 400, object{"status": "error", "reason": "Invalid configuration", "invalid_keys": object{"keys": strings.Join(keys, ",")}}
}

func securityMissing(kind, name string) (int, any) {
	return 404, object{"status": "NOT_FOUND", "message": fmt.Sprintf("%s '%s' not found.", kind, name)}
}

func (d *fakeDomain) role(method, name string, in any) (int, any) {
	role, exists := d.roles[name]
	switch method {
	case "PUT":
		body, _ := in.(map[string]any)
		if keys := unknown(body, "description", "cluster_permissions", "index_permissions", "tenant_permissions"); keys != nil {
			return invalid(keys...)
		}
		if role["reserved"] == true {
			return 403, object{"status": "FORBIDDEN", "message": "Resource '" + name + "' is reserved."}
		}
		for _, p := range body["index_permissions"].([]any) {
			if keys := unknown(p.(map[string]any), "index_patterns", "allowed_actions", "dls", "fls", "masked_fields"); keys != nil {
				return invalid(keys...)
			}
		}
		body["reserved"], body["hidden"], body["static"] = false, false, false
		d.roles[name] = body
		return created(exists), object{"status": "OK"}
	case "DELETE":
		if !exists {
			return securityMissing("role", name)
		}
		delete(d.roles, name)
		return 200, object{"status": "OK"}
	}
	if !exists {
		return securityMissing("role", name)
	}
	return 200, object{name: role}
}

func created(existed bool) int {
	if existed {
		return 200
	}
	return 201
}

func (d *fakeDomain) mapping(method, name string, in any) (int, any) {
	mapping, exists := d.mappings[name]
	switch method {
	case "PUT":
		if _, ok := d.roles[name]; !ok {
			return securityMissing("role", name)
		}
		body, _ := in.(map[string]any)
		if keys := unknown(body, "backend_roles", "hosts", "users", "and_backend_roles", "description"); keys != nil {
			return invalid(keys...)
		}
		d.mappings[name] = fakeMapping()
		for key, value := range body {
			d.mappings[name][key] = value
		}
		return created(exists), object{"status": "OK"}
	case "PATCH":
		if !exists {
			return securityMissing("rolesmapping", name)
		}
		list := slices.Clone(mapping["backend_roles"].([]any))
		for _, op := range in.([]any) {
			op := op.(map[string]any)
			at, ok := strings.CutPrefix(op["path"].(string), "/backend_roles/")
			i, err := strconv.Atoi(at)
			switch {
			case op["op"] == "add" && ok && at == "-":
				list = append(list, op["value"])
			case op["op"] == "remove" && ok && err == nil && i < len(list):
				list = slices.Delete(list, i, i+1)
			default:
				return 400, object{"status": "BAD_REQUEST", "message": fmt.Sprintf("Unsupported patch operation: %v", op)}
			}
		}
		mapping["backend_roles"] = list
		return 200, object{"status": "OK"}
	case "DELETE":
		if !exists {
			return securityMissing("rolesmapping", name)
		}
		delete(d.mappings, name)
		return 200, object{"status": "OK"}
	}
	if !exists {
		return securityMissing("rolesmapping", name)
	}
	return 200, object{name: mapping}
}

func (d *fakeDomain) patchAudit(in any) (int, any) {
	for _, op := range in.([]any) {
		op := op.(map[string]any)
		to := d.audit
		name, ok := strings.CutPrefix(op["path"].(string), "/config/")
		if rest, inner := strings.CutPrefix(name, "audit/"); inner {
			to, name = d.audit["audit"].(object), rest
		}
		if _, known := to[name]; !ok || !known || op["op"] != "add" {
			return 400, object{"status": "BAD_REQUEST", "message": fmt.Sprintf("Unsupported patch operation: %v", op)}
		}
		to[name] = op["value"]
	}
	return 200, object{"status": "OK", "message": "Resource updated."}
}

// fieldParameters are the parameters that OpenSearch takes for each type, of those that may be met here.
var fieldParameters = map[string][]string{
	"keyword": {"type", "ignore_above"}, "boolean": {"type"}, "double": {"type", "ignore_malformed"},
	"long": {"type", "ignore_malformed"}, "date": {"type", "format", "ignore_malformed"}, "object": {"type", "enabled"},
}

func badProperty(properties map[string]any) (int, any) {
	for name, p := range properties {
		p := p.(map[string]any)
		known, ok := fieldParameters[fmt.Sprint(p["type"])]
		if keys := unknown(p, known...); !ok || keys != nil {
			return 400, object{"error": fmt.Sprintf("unknown parameter %v on mapper [%s] of type [%v]", keys, name, p["type"])}
		}
	}
	return 0, nil
}

var knownSettings = []string{
	"number_of_shards", "number_of_replicas", "mapping.total_fields.limit", "search.slowlog.threshold.query.warn",
	"search.slowlog.threshold.fetch.warn", "indexing.slowlog.threshold.index.warn", "indexing.slowlog.source",
}

// settingNames flattens nested settings.
func settingNames(prefix string, v any) (names []string) {
	m, ok := v.(map[string]any)
	if !ok {
		return []string{strings.TrimPrefix(prefix, ".")}
	}
	for key, value := range m {
		names = append(names, settingNames(prefix+"."+key, value)...)
	}
	return names
}

func (d *fakeDomain) template(method, name string, body map[string]any) (int, any) {
	got, exists := d.templates[name]
	switch method {
	case "PUT":
		template, _ := body["template"].(map[string]any)
		mappings, _ := template["mappings"].(map[string]any)
		keys := append(unknown(body, "index_patterns", "priority", "composed_of", "template"), unknown(template, "settings", "mappings")...)
		keys = append(keys, unknown(mappings, "dynamic", "date_detection", "properties")...)
		for _, setting := range settingNames("", template["settings"].(map[string]any)["index"]) {
			if !slices.Contains(knownSettings, setting) {
				keys = append(keys, setting)
			}
		}
		if keys != nil {
			return 400, object{"error": fmt.Sprintf("unknown settings or fields %v", keys)}
		}
		if status, answer := badProperty(mappings["properties"].(map[string]any)); status != 0 {
			return status, answer
		}
		d.templates[name] = body
		return 200, object{"acknowledged": true}
	case "DELETE":
		if !exists {
			return 404, object{"error": "index_template [" + name + "] missing", "status": 404}
		}
		delete(d.templates, name)
		return 200, object{"acknowledged": true}
	}
	if !exists {
		return 404, object{"error": "index template matching [" + name + "] not found", "status": 404}
	}
	return 200, object{"index_templates": []any{object{"name": name, "index_template": got}}}
}

func (d *fakeDomain) policy(method, id string, query url.Values, body map[string]any) (int, any) {
	p, exists := d.policies[id]
	switch method {
	case "PUT":
		version := query.Get("if_seq_no")
		if exists != (version != "") || exists && (version != strconv.FormatInt(p.seqNo, 10) || query.Get("if_primary_term") != "1") {
			return 409, object{"error": "version conflict, document already exists", "status": 409}
		}
		policy, _ := body["policy"].(map[string]any)
		keys := append(unknown(body, "policy"), unknown(policy, "description", "default_state", "states", "ism_template")...)
		states := map[any]bool{}
		for _, s := range policy["states"].([]any) {
			states[s.(map[string]any)["name"]] = true
		}
		for _, s := range policy["states"].([]any) {
			keys = append(keys, unknown(s.(map[string]any), "name", "actions", "transitions")...)
			for _, transition := range s.(map[string]any)["transitions"].([]any) {
				if !states[transition.(map[string]any)["state_name"]] {
					keys = append(keys, "transition to an unknown state")
				}
			}
			for _, action := range s.(map[string]any)["actions"].([]any) {
				keys = append(keys, unknown(action.(map[string]any), "retry", "delete")...)
			}
		}
		if keys != nil || !states[policy["default_state"]] {
			return 400, object{"error": fmt.Sprintf("illegal policy: %v", keys)}
		}
		d.seqNo++
		// What the server adds to a policy.
		policy["policy_id"], policy["schema_version"], policy["last_updated_time"] = id, 21.0, 1.7e12
		policy["error_notification"], policy["user"] = nil, object{"name": masterARN}
		for _, template := range policy["ism_template"].([]any) {
			template.(map[string]any)["last_updated_time"] = 1.7e12
		}
		d.policies[id] = &fakePolicy{d.seqNo, policy}
		return created(exists), object{"_id": id, "_seq_no": d.seqNo, "_primary_term": 1, "policy": object{"policy": policy}}
	case "DELETE":
		if !exists {
			return 404, object{"error": "not found", "status": 404}
		}
		delete(d.policies, id)
		return 200, object{"_id": id, "result": "deleted"}
	}
	if !exists {
		return 404, object{"error": object{"type": "status_exception", "reason": "Policy not found"}, "status": 404}
	}
	return 200, object{"_id": id, "_version": 1, "_seq_no": p.seqNo, "_primary_term": 1, "policy": p.body}
}

func (d *fakeDomain) ism(action string, names []string, body map[string]any) (int, any) {
	for _, name := range names {
		if d.indices[name] == nil {
			return 404, object{"error": object{"type": "index_not_found_exception", "reason": "no such index [" + name + "]"}, "status": 404}
		}
	}
	id, _ := body["policy_id"].(string)
	if action == "add" || action == "change_policy" {
		if d.policies[id] == nil {
			return 404, object{"error": "Could not find policy=" + id, "status": 404}
		}
	}
	explained, failed := object{"total_managed_indices": len(names)}, []any{}
	for _, name := range names {
		index := d.indices[name]
		switch {
		case action == "explain" && index.policyID == "":
			explained[name] = object{"index.plugins.index_state_management.policy_id": nil, "enabled": nil}
		case action == "explain" && index.policySeq < 0:
			explained[name] = object{"index.plugins.index_state_management.policy_id": index.policyID, "enabled": true}
		case action == "explain":
			explained[name] = object{"index.plugins.index_state_management.policy_id": index.policyID, "policy_seq_no": index.policySeq, "enabled": true}
		case action == "add" && index.policyID != "":
			failed = append(failed, object{"index_name": name, "reason": "This index already has a policy, use the update policy API to update index policies"})
		case action == "change_policy" && index.policyID == "", action == "remove" && index.policyID == "":
			failed = append(failed, object{"index_name": name, "reason": "This index does not have a policy to change or remove"})
		case action == "remove":
			index.policyID = ""
		default:
			index.policyID, index.policySeq = id, d.policies[id].seqNo
		}
	}
	if action == "explain" {
		return 200, explained
	}
	return 200, object{"updated_indices": len(names) - len(failed), "failures": len(failed) > 0, "failed_indices": failed}
}

// index serves the settings and mappings of existing indices.
func (d *fakeDomain) index(r *http.Request, segments []string, body map[string]any) (int, any) {
	if r.Method == "PUT" {
		index := d.indices[segments[0]]
		if index == nil {
			return 404, object{"error": "no such index [" + segments[0] + "]", "status": 404}
		}
		if segments[1] == "_settings" {
			index.replicas = body["index"].(map[string]any)["number_of_replicas"].(string)
			return 200, object{"acknowledged": true}
		}
		properties := body["properties"].(map[string]any)
		if status, answer := badProperty(properties); status != 0 {
			return status, answer
		}
		for name, p := range properties {
			if old, ok := index.properties[name].(map[string]any); ok && old["type"] != p.(map[string]any)["type"] {
				return 400, object{"error": fmt.Sprintf("mapper [%s] cannot be changed", name)}
			}
			index.properties[name] = p
		}
		return 200, object{"acknowledged": true}
	}
	out := object{}
	for _, pattern := range strings.Split(segments[0], ",") {
		match := regexp.MustCompile("^" + strings.ReplaceAll(regexp.QuoteMeta(pattern), `\*`, ".*") + "$")
		found := false
		for name, index := range d.indices {
			if match.MatchString(name) {
				found = true
				out[name] = object{"settings": object{"index": object{"number_of_replicas": index.replicas}}, "mappings": object{"properties": index.properties}}
			}
		}
		if !found && !strings.Contains(pattern, "*") && r.URL.Query().Get("ignore_unavailable") != "true" {
			return 404, object{"error": "no such index [" + pattern + "]", "status": 404}
		}
	}
	return 200, out
}
