package searchsetup

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"firehose-pipeline/internal/testkit/callrecord"
)

// fakeDomain answers the calls of the setup as OpenSearch 2.19 with its security and index management plugins does, and
// rejects the same requests. All answers were compared with a real 2.19.1, with the plugins. Time passes only with
// [fakeDomain.pass], and the jobs of index state management run only with [fakeDomain.runJobs].
type fakeDomain struct {
	t      *testing.T
	server *httptest.Server

	mu        sync.Mutex
	calls     int
	passed    time.Duration
	roles     map[string]object
	mappings  map[string]object
	templates map[string]any
	policies  map[string]*fakePolicy
	indices   map[string]*fakeIndex
	audit     object
	seqNo     int64
	writes    []write
	requests  []Call // METHOD and path of all that came, unescaped
	config    bool   // .opendistro-ism-config is there: a policy was put once
	settings  object // persistent settings of the cluster, flat
	full      bool   // flood stage: every index has block 12, those of the plugins too

	// reject, when set, may answer a request first: a status other than 0 is the answer.
	reject func(call int, r *http.Request) (status int, answer string)
	// check, when set, sees every request with its body.
	check func(r *http.Request, body []byte)
}

type fakePolicy struct {
	seqNo int64
	body  map[string]any
}

// fakeIndex is an index. One that a test puts into the map is older than all policies; [fakeDomain.makeIndex] makes a
// new one.
type fakeIndex struct {
	replicas   string
	properties object
	closed     bool
	block      string // read_only, read_only_allow_delete or metadata: the setting index.blocks.<block>

	// Index state management's job for the index, if policyID is set. The job has a copy of the policy of its own.
	policyID    string
	policySeq   int64  // of the policy's version; -1: the job has not run yet
	pending     string // policy that change_policy has written, which the job's next run takes
	copied      int64  // version of the copy while policySeq is -1
	failed      bool   // the action failed for good
	disabled    bool   // the job runs no more
	made        bool   // after the policies up to version created, so that templates take it
	created     int64
	unmanaged   bool          // auto_manage: false, which remove leaves behind: templates skip the index
	shownFrom   time.Duration // until then explain, a search, shows shownBefore
	shownBefore string
}

// refreshInterval is how long a search does not show a write to .opendistro-ism-config.
const refreshInterval = time.Second

// pass lets time pass.
func (d *fakeDomain) pass(t time.Duration) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.passed += t
}

// setPolicy sets the policy of an index, which explain shows after the next refresh.
func (d *fakeDomain) setPolicy(index *fakeIndex, id string, copied int64) {
	index.shownBefore, index.shownFrom = index.policyID, d.passed+refreshInterval
	index.policyID, index.policySeq, index.copied = id, -1, copied
	index.pending, index.failed, index.disabled = "", false, false
}

// makeIndex makes an index as Firehose does, by writing to it: index template and policy of the highest priority take
// it.
func (d *fakeDomain) makeIndex(name string) *fakeIndex {
	d.mu.Lock()
	defer d.mu.Unlock()
	index := &fakeIndex{replicas: "1", properties: object{}}
	for _, t := range d.templates {
		template := t.(map[string]any)
		for _, pattern := range template["index_patterns"].([]any) {
			if fakeMatch(pattern.(string), name) {
				inner := template["template"].(map[string]any)
				index.replicas = inner["settings"].(map[string]any)["index"].(map[string]any)["number_of_replicas"].(string)
				index.properties = asJSON(inner["mappings"].(map[string]any)["properties"]).(map[string]any)
			}
		}
	}
	index.made, index.created = true, d.seqNo
	d.takeTemplate(name, index)
	d.indices[name] = index
	return index
}

// takeTemplate gives a new index to the policy whose template matches at the highest priority.
func (d *fakeDomain) takeTemplate(name string, index *fakeIndex) {
	if !index.made || index.unmanaged || index.policyID != "" {
		return
	}
	best := -1.0
	for id, p := range d.policies {
		for _, t := range p.templates() {
			if p.seqNo <= index.created && fakeMatch(t.pattern, name) && t.priority > best {
				best = t.priority
				d.setPolicy(index, id, p.seqNo)
			}
		}
	}
}

// runJobs lets index state management run each job once, at which an index takes a pending change. It deletes nothing.
// A job whose action failed is disabled then.
func (d *fakeDomain) runJobs() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.passed += 5 * time.Minute
	if d.full || d.settings["plugins.index_state_management.enabled"] == "false" {
		return
	}
	for name, index := range d.indices {
		d.takeTemplate(name, index)
		switch {
		case index.policyID == "" || index.disabled:
		case index.failed:
			index.disabled = true
		case index.pending != "":
			// The version that the policy has now, not that of the moment of change_policy.
			if p := d.policies[index.pending]; p != nil {
				index.policyID, index.policySeq, index.pending = index.pending, p.seqNo, ""
			}
		case index.policySeq < 0:
			index.policySeq = index.copied
		}
	}
}

type fakeTemplate struct {
	pattern  string
	priority float64
}

func (p *fakePolicy) templates() (out []fakeTemplate) {
	list, _ := p.body["ism_template"].([]any)
	for _, t := range list {
		t := t.(map[string]any)
		for _, pattern := range t["index_patterns"].([]any) {
			out = append(out, fakeTemplate{pattern.(string), t["priority"].(float64)})
		}
	}
	return out
}

// putPolicy puts the policy of somebody else, for indices that begin with a prefix.
func (d *fakeDomain) putPolicy(id, prefix string, priority int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.seqNo++
	d.config = true
	d.policies[id] = &fakePolicy{d.seqNo, asJSON(object{"policy_id": id, "states": []object{}, "ism_template": []object{
		{"index_patterns": []string{prefix + "*"}, "priority": priority}}}).(map[string]any)}
}

func fakeMatch(pattern, name string) bool {
	return regexp.MustCompile("^" + strings.ReplaceAll(regexp.QuoteMeta(pattern), `\*`, ".*") + "$").MatchString(name)
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
		settings:  object{},
		audit:     object{"enabled": false, "audit": object{"log_request_body": true, "resolve_indices": true}},
	}
	d.server = httptest.NewServer(callrecord.Handler("SearchSetupRole", d))
	t.Cleanup(d.server.Close)
	return d
}

func fakeMapping(roles ...string) object {
	return object{"backend_roles": asJSON(append([]string{}, roles...)), "hosts": []any{}, "users": []any{},
		"and_backend_roles": []any{}, "reserved": false, "hidden": false}
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
	d.requests = append(d.requests, Call{r.Method, r.URL.Path})
	if !listed(r.Method, r.URL.Path) {
		d.t.Errorf("%s %s: must be listed by State.Calls", r.Method, r.URL.Path)
	}
	if line := r.Method + " " + r.URL.RequestURI() + " " + r.Proto; len(line) > 4096 {
		status, out := problem(400, "too_long_http_line_exception", "An HTTP line is larger than 4096 bytes.")
		d.answer(w, status, out)
		return
	}
	if d.check != nil {
		d.check(r, body)
	}
	if d.reject != nil {
		if status, answer := d.reject(d.calls, r); status != 0 {
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
	if text, ok := out.(plainText); ok {
		io.WriteString(w, string(text))
		return
	}
	if err := json.NewEncoder(w).Encode(out); err != nil {
		d.t.Errorf("answering: %v", err)
	}
}

// plainText is an answer that is not JSON.
type plainText string

// problem is an error as OpenSearch answers it.
func problem(status int, kind, reason string) (int, any) {
	cause := object{"type": kind, "reason": reason}
	return status, object{"error": object{"root_cause": []object{cause}, "type": kind, "reason": reason},
		"status": status}
}

const (
	floodBlock    = "[TOO_MANY_REQUESTS/12/disk usage exceeded flood-stage watermark, index has read-only-allow-delete block];"
	readOnlyBlock = "[FORBIDDEN/5/index read-only (api)];"
	metadataBlock = "[FORBIDDEN/9/index metadata (api)];"
)

// indexBlock is the answer to a change of an index that is blocked.
func (d *fakeDomain) indexBlock(name string, index *fakeIndex) (int, any) {
	switch {
	case d.full || index.block == "read_only_allow_delete":
		return problem(429, "cluster_block_exception", "index ["+name+"] blocked by: "+floodBlock)
	case index.block == "read_only":
		return problem(403, "cluster_block_exception", "index ["+name+"] blocked by: "+readOnlyBlock)
	case index.block == "metadata":
		return problem(403, "cluster_block_exception", "index ["+name+"] blocked by: "+metadataBlock)
	}
	return 0, nil
}

func (d *fakeDomain) route(r *http.Request, in any) (int, any) {
	segments := strings.Split(strings.TrimPrefix(r.URL.Path, "/"), "/")
	body, _ := in.(map[string]any)
	security := strings.HasPrefix(r.URL.Path, "/_plugins/_security/")
	switch key := r.Method + " " + strings.Join(segments[:len(segments)-1], "/"); {
	case security && d.full && r.Method != "GET":
		return 500, object{"status": "INTERNAL_SERVER_ERROR",
			"message": "Error index [.opendistro_security] blocked by: " + floodBlock}
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
	case key == "GET _plugins/_ism" && segments[2] == "policies":
		return d.listPolicies(r.URL.Query())
	case key == "GET _plugins/_ism/explain":
		return d.explain(strings.Split(segments[3], ","))
	case key == "POST _plugins/_ism/add", key == "POST _plugins/_ism/change_policy", key == "POST _plugins/_ism/remove",
		key == "POST _plugins/_ism/retry":
		return d.ism(segments[2], strings.Split(segments[3], ","), body)
	case key == "GET _cluster" && segments[1] == "settings":
		if r.URL.Query().Get("flat_settings") != "true" {
			d.t.Error("the setup reads flat settings")
		}
		return 200, object{"persistent": d.settings, "transient": object{}}
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
	return 400, object{"status": "error", "reason": "Invalid configuration",
		"invalid_keys": object{"keys": strings.Join(keys, ",")}}
}

func securityMissing(kind, name string) (int, any) {
	return 404, object{"status": "NOT_FOUND", "message": fmt.Sprintf("%s '%s' not found.", kind, name)}
}

func (d *fakeDomain) role(method, name string, in any) (int, any) {
	role, exists := d.roles[name]
	switch method {
	case "PUT":
		body, _ := in.(map[string]any)
		if keys := unknown(body, "description", "cluster_permissions", "index_permissions",
			"tenant_permissions"); keys != nil {
			return invalid(keys...)
		}
		if role["reserved"] == true {
			return 403, object{"status": "FORBIDDEN", "message": "Resource '" + name + "' is reserved."}
		}
		for _, p := range body["index_permissions"].([]any) {
			if keys := unknown(p.(map[string]any), "index_patterns", "allowed_actions", "dls", "fls",
				"masked_fields"); keys != nil {
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
				return 400, object{"status": "BAD_REQUEST",
					"message": fmt.Sprintf("Unsupported patch operation: %v", op)}
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
			return 400, object{"error": fmt.Sprintf("unknown parameter %v on mapper [%s] of type [%v]", keys, name,
				p["type"])}
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
		keys := append(unknown(body, "index_patterns", "priority", "composed_of", "template"),
			unknown(template, "settings", "mappings")...)
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
	if method != "PUT" && !d.config {
		return problem(404, "index_not_found_exception", "no such index [.opendistro-ism-config]")
	}
	if method != "GET" && d.full {
		return problem(429, "cluster_block_exception", "index [.opendistro-ism-config] blocked by: "+floodBlock)
	}
	switch method {
	case "PUT":
		policy, _ := body["policy"].(map[string]any)
		allowed, set := d.settings["plugins.index_state_management.allow_list"].([]any)
		if set && !slices.Contains(allowed, "delete") {
			return 403, plainText("You have actions that are not allowed in your policy [delete]")
		}
		put := &fakePolicy{body: policy}
		for other, theirs := range d.policies {
			for _, a := range put.templates() {
				for _, b := range theirs.templates() {
					x, y := stem(a.pattern), stem(b.pattern)
					if other != id && a.priority == b.priority && (strings.HasPrefix(x, y) || strings.HasPrefix(y, x)) {
						return problem(400, "index_management_exception", fmt.Sprintf(
							"New policy %s has an ISM template with index pattern [%s] "+
								"matching existing policy templates, please use a different priority than %v", id,
							a.pattern, a.priority))
					}
				}
			}
		}
		version := query.Get("if_seq_no")
		if exists != (version != "") || exists && (version != strconv.FormatInt(p.seqNo, 10) ||
			query.Get("if_primary_term") != "1") {
			reason := "version conflict, document already exists"
			if !exists {
				reason = "version conflict, required seqNo [" + version + "], but no document was found"
			}
			return problem(409, "version_conflict_engine_exception", "["+id+"]: "+reason)
		}
		keys := append(unknown(body, "policy"), unknown(policy, "description", "default_state", "states",
			"ism_template")...)
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
			return problem(400, "illegal_argument_exception", fmt.Sprintf("illegal policy: %v", keys))
		}
		d.seqNo++
		d.config = true
		// The members that the server adds to a policy. The answer to a PUT has another schema version than that to a
		// GET.
		policy["policy_id"], policy["last_updated_time"], policy["error_notification"] = id, 1.7e12, nil
		for _, template := range policy["ism_template"].([]any) {
			template.(map[string]any)["last_updated_time"] = 1.7e12
		}
		d.policies[id] = &fakePolicy{d.seqNo, policy}
		answer := maps.Clone(policy)
		answer["schema_version"], policy["schema_version"] = 1, 21.0
		return created(exists), object{"_id": id, "_version": 1, "_seq_no": d.seqNo, "_primary_term": 1,
			"policy": object{"policy": answer}}
	case "DELETE":
		if !exists {
			return problem(404, "status_exception", "Policy "+id+" is not found")
		}
		delete(d.policies, id)
		return 200, object{"_index": ".opendistro-ism-config", "_id": id, "result": "deleted", "forced_refresh": true}
	}
	if !exists {
		return problem(404, "status_exception", "Policy not found")
	}
	return 200, object{"_id": id, "_version": 1, "_seq_no": p.seqNo, "_primary_term": 1, "policy": p.body}
}

// stem is a pattern up to its first asterisk.
func stem(pattern string) string {
	before, _, _ := strings.Cut(pattern, "*")
	return before
}

func (d *fakeDomain) listPolicies(query url.Values) (int, any) {
	size := 20
	if n, err := strconv.Atoi(query.Get("size")); err == nil {
		size = n
	}
	list := []any{}
	for _, id := range slices.Sorted(maps.Keys(d.policies)) {
		if len(list) < size {
			list = append(list, object{"_id": id, "_seq_no": d.policies[id].seqNo, "_primary_term": 1,
				"policy": d.policies[id].body})
		}
	}
	return 200, object{"policies": list, "total_policies": len(d.policies)}
}

// explain leaves out missing indices, unless all are missing.
func (d *fakeDomain) explain(names []string) (int, any) {
	out, managed := object{}, 0
	for _, name := range names {
		index := d.indices[name]
		if index == nil {
			continue
		}
		id := index.policyID
		if d.passed < index.shownFrom {
			id = index.shownBefore
		}
		const current, old = "index.plugins.index_state_management.policy_id",
			"index.opendistro.index_state_management.policy_id"
		if id == "" {
			out[name] = object{current: nil, old: nil, "enabled": nil}
			continue
		}
		managed++
		answer := object{current: id, old: id, "policy_id": id, "index": name, "index_uuid": "uuid-" + name,
			"enabled": !index.disabled}
		if index.policySeq >= 0 {
			answer["policy_seq_no"], answer["policy_primary_term"] = index.policySeq, 1
			answer["state"] = object{"name": "kept", "start_time": 1.7e12}
			answer["action"] = object{"name": "transition", "start_time": 1.7e12, "index": -1,
				"failed": false, "consumed_retries": 0, "last_retry_time": 0}
			answer["retry_info"] = object{"failed": false, "consumed_retries": 0}
			answer["info"] = object{"message": "Evaluating transition conditions [index=" + name + "]"}
		}
		if index.failed {
			answer["state"] = object{"name": "deleted", "start_time": 1.7e12}
			answer["action"] = object{"name": "delete", "start_time": 1.7e12, "index": 0,
				"failed": true, "consumed_retries": 3, "last_retry_time": 1.7e12}
			answer["step"] = object{"name": "attempt_delete", "start_time": 1.7e12, "step_status": "failed"}
			answer["info"] = object{"cause": "index [" + name + "] blocked by: " + readOnlyBlock,
				"message": "Failed to delete index [index=" + name + "]"}
		}
		out[name] = answer
	}
	if len(out) == 0 {
		return problem(400, "action_request_validation_exception", "Validation Failed: 1: no documents to get;")
	}
	out["total_managed_indices"] = managed
	return 200, out
}

// ism serves what changes jobs. A missing index fails the whole request, except for add, which leaves it out.
func (d *fakeDomain) ism(action string, names []string, body map[string]any) (int, any) {
	if !d.config && action != "remove" && action != "retry" {
		return problem(404, "index_not_found_exception", "no such index [.opendistro-ism-config]")
	}
	for _, name := range names {
		if d.indices[name] == nil && action != "add" {
			return problem(404, "index_not_found_exception", "no such index ["+name+"]")
		}
	}
	id, _ := body["policy_id"].(string)
	policy := d.policies[id]
	if (action == "add" || action == "change_policy") && policy == nil {
		return problem(404, "status_exception", "Could not find policy="+id)
	}
	if d.full && action != "add" {
		return problem(429, "cluster_block_exception", "index [.opendistro-ism-config] blocked by: "+floodBlock)
	}
	updated, failed := 0, []any{}
	for _, name := range names {
		index := d.indices[name]
		if index == nil {
			continue
		}
		reason := ""
		switch {
		case index.closed && action != "change_policy" && action != "retry":
			reason = "This index is closed"
		case action == "add" && index.policyID != "":
			reason = "This index already has a policy, use the update policy API to update index policies"
		case action == "add" && d.full:
			reason = "Failed to add policy due to ClusterBlockingException: index [.opendistro-ism-config] blocked by: " + floodBlock
		case action == "add":
			d.setPolicy(index, id, policy.seqNo)
		case action == "change_policy" && index.policyID == "":
			reason = "This index is not being managed"
		case action == "change_policy":
			index.pending = id
		case action == "remove" && index.policyID == "":
			reason = "This index does not have a policy to remove"
		case action == "remove" && index.block == "metadata":
			return problem(500, "index_management_exception",
				"Failed to remove policy because ISM auto_manage setting update requests failed with exception:")
		case action == "remove": // a read-only index too: the plugin lifts and restores the block
			d.setPolicy(index, "", 0)
			index.unmanaged = true
		case action == "retry" && index.policyID == "":
			reason = "This index is not being managed."
		case action == "retry" && !index.failed:
			reason = "This index is not in failed state."
		case action == "retry":
			index.failed, index.disabled = false, false
		}
		if reason == "" {
			updated++
			continue
		}
		failed = append(failed, object{"index_name": name, "index_uuid": "uuid-" + name, "reason": reason})
	}
	return 200, object{"updated_indices": updated, "failures": len(failed) > 0, "failed_indices": failed}
}

// index serves the settings and mappings of existing indices.
func (d *fakeDomain) index(r *http.Request, segments []string, body map[string]any) (int, any) {
	if r.Method == "PUT" {
		index := d.indices[segments[0]]
		if index == nil {
			return problem(404, "index_not_found_exception", "no such index ["+segments[0]+"]")
		}
		if status, answer := d.indexBlock(segments[0], index); status != 0 {
			return status, answer
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
	expand := strings.Split(r.URL.Query().Get("expand_wildcards"), ",")
	out := object{}
	for _, pattern := range strings.Split(segments[0], ",") {
		if excluded, ok := strings.CutPrefix(pattern, "-"); ok {
			delete(out, excluded)
			continue
		}
		found := false
		for name, index := range d.indices {
			state := "open"
			if index.closed {
				state = "closed"
			}
			// A name without an asterisk is found whatever its state.
			if fakeMatch(pattern, name) && (!strings.Contains(pattern, "*") || slices.Contains(expand, state)) {
				found = true
				out[name] = object{"settings": object{"index": object{"number_of_replicas": index.replicas}},
					"mappings": object{"properties": index.properties}}
			}
		}
		if !found && !strings.Contains(pattern, "*") && r.URL.Query().Get("ignore_unavailable") != "true" {
			return problem(404, "index_not_found_exception", "no such index ["+pattern+"]")
		}
	}
	blocks := ""
	for _, name := range slices.Sorted(maps.Keys(out)) {
		if d.indices[name].block == "metadata" {
			blocks += "index [" + name + "] blocked by: " + metadataBlock
		}
	}
	if blocks != "" {
		return problem(403, "cluster_block_exception", blocks)
	}
	return 200, out
}
