package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"firehose-pipeline/functions/searchsetup"
	"firehose-pipeline/settings"
)

// iamStatement is one statement of the template, wherever it stands.
type iamStatement struct {
	owner      string // logical id of the role or of the resource that carries the policy
	effect     string
	principal  string // resource policies and trust policies
	actions    []string
	resources  []string
	conditions string
}

// statements collects every statement: roles' trust and inline policies, separate policies, policies of resources.
func statements(t *testing.T, template *template) []iamStatement {
	t.Helper()
	var found []iamStatement
	add := func(owner string, document any) {
		if text, ok := document.(string); ok { // a policy written as JSON text
			if err := json.Unmarshal([]byte(text), &document); err != nil {
				t.Fatalf("%s: policy is no JSON: %v", owner, err)
			}
		}
		policy, ok := document.(map[string]any)
		if !ok {
			t.Fatalf("%s: policy is no object (got %v)", owner, document)
		}
		for _, s := range listOf(policy["Statement"]) {
			statement := s.(map[string]any)
			found = append(found, iamStatement{
				owner:      owner,
				effect:     statement["Effect"].(string),
				principal:  render(statement["Principal"]),
				actions:    renderAll(statement["Action"]),
				resources:  renderAll(statement["Resource"]),
				conditions: render(statement["Condition"]),
			})
		}
	}
	for _, id := range sortedKeys(template.Resources) {
		r := template.Resources[id]
		switch r.Type {
		case "AWS::IAM::Role":
			add(id+" (trust)", r.Properties["AssumeRolePolicyDocument"])
			for _, policy := range listOf(r.Properties["Policies"]) {
				add(id, policy.(map[string]any)["PolicyDocument"])
			}
			if managed := r.Properties["ManagedPolicyArns"]; managed != nil {
				t.Errorf("%s: must have no managed policy: theirs are for every resource (got %v)", id, managed)
			}
		case "AWS::IAM::Policy", "AWS::IAM::ManagedPolicy", "AWS::S3::BucketPolicy", "AWS::SQS::QueuePolicy", "AWS::SNS::TopicPolicy", "AWS::Logs::ResourcePolicy":
			document := r.Properties["PolicyDocument"]
			if join, ok := at(document, "Fn::Join"); ok { // JSON text with references in it
				document = render(map[string]any{"Fn::Join": join})
			}
			add(id, document)
		case "AWS::KMS::Key":
			add(id, r.Properties["KeyPolicy"])
		case "AWS::OpenSearchService::Domain":
			add(id, r.Properties["AccessPolicies"])
		case "AWS::Lambda::Permission":
			conditions := []string{}
			for _, property := range []string{"SourceAccount", "SourceArn"} {
				if value := render(r.Properties[property]); value != "" {
					conditions = append(conditions, property+" "+value)
				}
			}
			found = append(found, iamStatement{
				owner: id, effect: "Allow", principal: "Service " + render(r.Properties["Principal"]), actions: renderAll(r.Properties["Action"]),
				resources: renderAll(r.Properties["FunctionName"]), conditions: strings.Join(conditions, "; "),
			})
		}
	}
	return found
}

func listOf(value any) []any {
	switch v := value.(type) {
	case nil:
		return nil
	case []any:
		return v
	default:
		return []any{v}
	}
}

func renderAll(value any) []string {
	var all []string
	for _, v := range listOf(value) {
		all = append(all, render(v))
	}
	return all
}

// render writes a value of the template as text: references as ${LogicalId} or ${LogicalId.Attribute}, the rest as JSON.
func render(value any) string {
	switch v := value.(type) {
	case nil:
		return ""
	case string:
		return v
	case map[string]any:
		if id, ok := v["Ref"].(string); ok {
			return "${" + id + "}"
		}
		if att, ok := v["Fn::GetAtt"].([]any); ok {
			return fmt.Sprintf("${%s.%s}", att[0], att[1])
		}
		if join, ok := v["Fn::Join"].([]any); ok {
			return strings.Join(renderAll(join[1]), join[0].(string))
		}
		if sub, ok := v["Fn::Sub"].(string); ok {
			return sub
		}
		var parts []string
		for _, key := range sortedKeys(v) {
			parts = append(parts, key+" "+render(v[key]))
		}
		return strings.Join(parts, "; ")
	case []any:
		parts := renderAll(v)
		slices.Sort(parts)
		return strings.Join(parts, ", ")
	default:
		return fmt.Sprint(v)
	}
}

// Every right of every role, one line each: a change of rights is a change of these files, seen in review.
func TestStatements(t *testing.T) {
	for _, name := range []string{"dev", "production", "tracing and concurrency", "smallest", "vpc new", "vpc existing"} {
		t.Run(name, func(t *testing.T) {
			var lines []string
			for _, s := range statements(t, synth(t, variants[name])) {
				for _, action := range s.actions {
					resources := s.resources
					if len(resources) == 0 {
						resources = []string{"-"}
					}
					for _, resource := range resources {
						line := strings.Join([]string{s.owner, s.effect, action, resource}, " | ")
						if s.principal != "" {
							line += " | by " + s.principal
						}
						if s.conditions != "" {
							line += " | if " + s.conditions
						}
						lines = append(lines, line)
					}
				}
			}
			slices.Sort(lines)
			golden(t, filepath.Join("testdata", "iam", strings.ReplaceAll(name, " ", "-")+".txt"), strings.Join(lines, "\n")+"\n")
		})
	}
}

// golden compares with a file under testdata, or rewrites it with -update.
func golden(t *testing.T, path, got string) {
	t.Helper()
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	expected, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v (go test -run %s -update writes it)", err, t.Name())
	}
	if got == string(expected) {
		return
	}
	before, after := strings.Split(string(expected), "\n"), strings.Split(got, "\n")
	for _, line := range before {
		if !slices.Contains(after, line) {
			t.Errorf("%s: is gone: %s", path, line)
		}
	}
	for _, line := range after {
		if !slices.Contains(before, line) {
			t.Errorf("%s: is new: %s", path, line)
		}
	}
	if !t.Failed() {
		t.Errorf("%s: the order of lines differs", path)
	}
}

// allowedStars are the actions that AWS grants on nothing narrower than *, with the reason.
var allowedStars = map[string]string{
	"xray:PutTelemetryRecords":            "X-Ray has no resources to name",
	"xray:PutTraceSegments":               "X-Ray has no resources to name",
	"ec2:DescribeNetworkInterfaces":       "EC2 describes everything or nothing",
	"ec2:DescribeSecurityGroups":          "EC2 describes everything or nothing",
	"ec2:DescribeSubnets":                 "EC2 describes everything or nothing",
	"ec2:DescribeVpcs":                    "EC2 describes everything or nothing",
	"kms:*":                               "in the key's own policy * is the key; this is the root statement that hands the key to IAM",
	"kms:Decrypt":                         "in the key's own policy * is the key",
	"kms:DescribeKey":                     "in the key's own policy * is the key",
	"kms:Encrypt":                         "in the key's own policy * is the key",
	"kms:GenerateDataKey":                 "in the key's own policy * is the key",
	"kms:GenerateDataKeyWithoutPlaintext": "in the key's own policy * is the key",
	"kms:ReEncryptFrom":                   "in the key's own policy * is the key",
	"kms:ReEncryptTo":                     "in the key's own policy * is the key",
}

// allowedPatterns are the action patterns that the CDK writes for the function that empties the bucket on destroy.
var allowedPatterns = []string{"s3:DeleteObject*", "s3:GetBucket*", "s3:List*"}

func TestNoRightIsWiderThanItMustBe(t *testing.T) {
	everyVariant(t, func(t *testing.T, _ settings.Settings, template *template) {
		for _, s := range statements(t, template) {
			if s.effect == "Deny" {
				continue
			}
			ofKey := strings.HasPrefix(s.owner, "EncryptionKey")
			for _, action := range s.actions {
				if strings.HasSuffix(action, "*") && !slices.Contains(allowedPatterns, action) && !(ofKey && action == "kms:*" && strings.Contains(s.principal, ":root")) {
					t.Errorf("%s: action %s is a pattern", s.owner, action)
				}
				if slices.Contains(allowedPatterns, action) && !(strings.HasPrefix(s.owner, "DataLakeBucketPolicy") && strings.Contains(s.principal, "S3AutoDeleteObjects")) {
					t.Errorf("%s: action %s is for the emptying function only", s.owner, action)
				}
				if slices.Contains(s.resources, "*") && (allowedStars[action] == "" || strings.HasPrefix(action, "kms:") && !ofKey) {
					t.Errorf("%s: %s on * has no reason", s.owner, action)
				}
			}
			if strings.Contains(s.principal, "AWS *") || s.principal == "*" {
				t.Errorf("%s: allows everybody", s.owner)
			}
		}
	})
}

// Firehose's Describe calls act on the domain's ARN without a path, its requests on the paths below it.
func TestSearchWriterHasBothFormsOfTheDomainsARN(t *testing.T) {
	domain := domainARN(t, "dev")
	granted := map[string][]string{}
	for _, s := range statements(t, synth(t, variants["dev"])) {
		if strings.HasPrefix(s.owner, "SearchWriterRole") {
			for _, action := range s.actions {
				granted[action] = append(granted[action], s.resources...)
			}
		}
	}
	for _, action := range []string{"es:DescribeDomain", "es:DescribeDomains", "es:DescribeDomainConfig"} {
		if !slices.Contains(granted[action], domain) || !slices.Contains(granted[action], domain+"/*") {
			t.Errorf("%s: must be granted on %s and %s/* (got %v)", action, domain, domain, granted[action])
		}
	}
}

func domainARN(t *testing.T, variant string) string {
	t.Helper()
	return "arn:${AWS::Partition}:es:${AWS::Region}:${AWS::AccountId}:domain/" + domainName(t, variant)
}

// matches reports whether IAM takes the text for the pattern: * is anything, slashes too.
func matches(pattern, text string) bool {
	parts := strings.Split(pattern, "*")
	for i, part := range parts {
		parts[i] = regexp.QuoteMeta(part)
	}
	return regexp.MustCompile("^(?:" + strings.Join(parts, ".*") + ")$").MatchString(text)
}

// admits reports whether a principal may send a request to the domain: by the domain's policy and, for a role of the stack, by the
// role's own. In one account either is enough, so that a request is refused only where neither allows it.
func admits(t *testing.T, template *template, domain, principal, method, path string) (byDomain, byRole bool) {
	t.Helper()
	for _, s := range statements(t, template) {
		ofDomain := strings.HasPrefix(s.owner, "SearchDomain") && !strings.Contains(s.owner, "LogPolicy")
		ofRole := strings.HasPrefix(principal, "Search") && strings.HasPrefix(s.owner, principal) && !strings.Contains(s.owner, "(trust)")
		if ofDomain {
			ofDomain = false
			for _, one := range strings.Split(strings.TrimPrefix(s.principal, "AWS "), ", ") {
				ofDomain = ofDomain || one == principal || strings.HasPrefix(principal, "Search") && strings.HasPrefix(one, "${"+principal)
			}
		}
		if !ofDomain && !ofRole || !slices.Contains(s.actions, "es:ESHttp"+method[:1]+strings.ToLower(method[1:])) {
			continue
		}
		for _, resource := range s.resources {
			if !matches(resource, domain+path) {
				continue
			}
			if s.effect == "Deny" || s.conditions != "" {
				t.Errorf("%s: must allow without a condition (got %s %s)", s.owner, s.effect, s.conditions)
			}
			byDomain, byRole = byDomain || ofDomain, byRole || ofRole
		}
	}
	return byDomain, byRole
}

// What each principal may ask the domain, and what it may not, by the policies alone: fine-grained access control is behind them.
func TestRequestsToTheDomain(t *testing.T) {
	const admin, reader = "arn:aws:iam::111122223333:role/Admin", "arn:aws:iam::111122223333:role/Analyst"
	const writer, setup, nobody = "SearchWriterRole", "SearchSetupRole", "arn:aws:iam::111122223333:role/Other"
	security := []string{
		"GET /_plugins/_security/api/rolesmapping/all_access", "PUT /_plugins/_security/api/rolesmapping/all_access",
		"PATCH /_plugins/_security/api/rolesmapping", "POST /_plugins/_security/api/internalusers/x", "DELETE /_plugins/_security/api/roles/x",
		"GET /_plugins/_security/authinfo", "PUT /_opendistro/_security/api/rolesmapping/all_access", "DELETE /_plugins/_security/api/cache",
	}
	destructive := []string{
		"DELETE /realtime-events-2026-01-31", "DELETE /_all", "DELETE /*", "PUT /_cluster/settings", "POST /_reindex", "POST /_aliases",
		"PUT /_index_template/x", "PUT /_snapshot/x", "DELETE /_snapshot/cs-automated-enc/x", "POST /.opendistro_security/_doc", "PUT /other-index",
		"PATCH /realtime-events-2026-01-31", "PUT /_plugins/_ism/policies/other", "POST /_plugins/_ism/remove/other",
	}
	reads := []string{"GET /realtime-events-2026-01-31/_search", "POST /realtime-events-2026-01-31/_search", "GET /_search", "POST /_msearch", "GET /_cat/indices"}
	var calls []string
	for _, call := range (searchsetup.State{Index: "realtime-events"}).Calls() {
		calls = append(calls, call.Method+" "+strings.ReplaceAll(call.Path, "*", "026-01-31%2Crealtime-events-2026-02-01"))
	}
	for _, c := range []struct {
		principal          string
		allowed, forbidden []string
	}{
		{writer, []string{
			"POST /_bulk", "PUT /_bulk", "POST /realtime-events-2026-01-31/_bulk", "PUT /realtime-events-2026-01-31",
			"GET /_all/_settings", "GET /_cluster/stats", "GET /realtime-events-2026-01-31/_mapping/_doc", "GET /_nodes", "GET /_nodes/stats",
			"GET /_nodes/x/stats", "GET /_stats", "GET /realtime-events-2026-01-31/_stats",
		}, slices.Concat(security, destructive, reads[:1], reads[2:], []string{"GET /realtime-events-2026-01-31/_doc/1"})},
		{setup, calls, slices.Concat(security[3:4], security[5:], destructive, reads, []string{
			"POST /_bulk", "PUT /_plugins/_security/api/internalusers/x", "PATCH /_plugins/_security/api/securityconfig", "PUT /realtime-events-2026-01-31/_doc/1",
		})},
		{reader, slices.Concat(reads, []string{
			"GET /", "HEAD /", "GET /_cluster/health", "GET /_cat/nodes", "POST /realtime-events-2026-01-31,realtime-events-2026-02-01/_search",
			"GET /realtime-events-2*/_count", "POST /realtime-events-2*/_count", "HEAD /realtime-events-2026-01-31", "GET /realtime-events-2026-01-31/_mapping",
			"GET /realtime-events-2026-01-31/_doc/1", "POST /_search/scroll", "POST /_mget", "POST /realtime-events-2026-01-31/_validate/query",
			"POST /former-index-2026-01-31/_search", "GET /former-index-2026-01-31/_mapping", "GET /_resolve/index/realtime-events-2*",
			"POST /_plugins/_sql", "POST /_plugins/_ppl", "POST /_plugins/_sql/_explain", "GET /_dashboards/app/home", "POST /_dashboards/internal/search/opensearch",
		}), slices.Concat(security, destructive, []string{
			"POST /_bulk", "PUT /_bulk", "POST /realtime-events-2026-01-31/_doc", "PUT /realtime-events-2026-01-31/_doc/1", "DELETE /_search/scroll",
			"POST /realtime-events-2026-01-31/_delete_by_query", "POST /realtime-events-2026-01-31/_update_by_query", "POST /realtime-events-2026-01-31/_update/1",
			"POST /realtime-events-2026-01-31/_bulk", "POST /realtime-events-2026-01-31/_close", "DELETE /_dashboards/api/saved_objects/x/y",
		})},
		{admin, slices.Concat(security, destructive, reads, []string{"POST /_bulk"}), nil},
		{nobody, nil, slices.Concat(security, destructive, reads, []string{"POST /_bulk", "GET /"})},
	} {
		template := synth(t, variants["production"])
		for _, request := range c.allowed {
			method, path, _ := strings.Cut(request, " ")
			byDomain, byRole := admits(t, template, domainARN(t, "production"), c.principal, method, path)
			if !byDomain || !byRole && strings.HasPrefix(c.principal, "Search") {
				t.Errorf("%s: must be allowed %s (got %t by the domain, %t by the role)", c.principal, request, byDomain, byRole)
			}
		}
		for _, request := range c.forbidden {
			method, path, _ := strings.Cut(request, " ")
			if byDomain, byRole := admits(t, template, domainARN(t, "production"), c.principal, method, path); byDomain || byRole {
				t.Errorf("%s: must not be allowed %s (got %t by the domain, %t by the role)", c.principal, request, byDomain, byRole)
			}
		}
	}
}

// What README and the runbook let a reader ask is allowed to a reader.
func TestReadersMayAskWhatTheDocumentsShow(t *testing.T) {
	const reader = "arn:aws:iam::111122223333:role/Analyst"
	template := synth(t, variants["production"])
	asked := 0
	for file, form := range map[string]*regexp.Regexp{
		"README.md":       regexp.MustCompile(`"\$\(output OpenSearchEndpoint\)(/[^" ]*)"()`),
		"docs/runbook.md": regexp.MustCompile("ask '?(/_(?:cat|cluster)/[^' `?)\\n]*)[^`\n]*?( -X [A-Z]+)?"),
	} {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, found := range form.FindAllStringSubmatch(string(text), -1) {
			if strings.Contains(found[1], "snapshots") {
				continue // an admin's: the role inside the domain lists none to readers
			}
			asked++
			for _, method := range []string{"GET", "POST"} {
				if byDomain, _ := admits(t, template, domainARN(t, "production"), reader, method, found[1]); !byDomain && (method == "GET" || strings.Contains(found[1], "search")) {
					t.Errorf("%s: a reader must be allowed %s %s", file, method, found[1])
				}
			}
		}
	}
	if asked < 8 {
		t.Errorf("README and runbook: must show what a reader asks (got %d requests)", asked)
	}
}

// Nobody reaches the domain but the setup function, the search stream, and the people of the settings; each has statements of its
// own.
func TestDomainAdmitsOnlyTheNamed(t *testing.T) {
	for name, people := range map[string][]string{
		"dev":        nil,
		"production": {"arn:aws:iam::111122223333:role/Admin", "arn:aws:iam::111122223333:role/Analyst"},
		// Inside a VPC the policy names the same: the security groups come on top.
		"vpc new":      {"arn:aws:iam::111122223333:role/Analyst"},
		"vpc existing": nil,
	} {
		template := synth(t, variants[name])
		setup, _ := template.one(t, "AWS::IAM::Role", "SearchSetupRole")
		writer, _ := template.one(t, "AWS::IAM::Role", "SearchWriterRole")
		expected := []string{"${" + setup + ".Arn}", "${" + writer + ".Arn}"}
		expected = append(expected, people...)
		var admitted []string
		for _, s := range statements(t, template) {
			if strings.HasPrefix(s.owner, "SearchDomain") && !strings.Contains(s.owner, "LogPolicy") {
				admitted = append(admitted, strings.TrimPrefix(s.principal, "AWS "))
				if s.effect != "Allow" || strings.Contains(s.principal, ", ") {
					t.Errorf("%s: a statement must allow one principal (got %s %q)", name, s.effect, s.principal)
				}
			}
		}
		slices.Sort(admitted)
		slices.Sort(expected)
		if got := slices.Compact(admitted); !slices.Equal(got, expected) {
			t.Errorf("%s: access policy must admit %q (got %q)", name, expected, got)
		}
		_, domain := template.one(t, "AWS::OpenSearchService::Domain", "SearchDomain")
		want(t, domain.Properties, "AdvancedSecurityOptions.Enabled", true)
		want(t, domain.Properties, "AdvancedSecurityOptions.InternalUserDatabaseEnabled", false)
		want(t, domain.Properties, "AdvancedSecurityOptions.MasterUserOptions.MasterUserARN.Fn::GetAtt.0", setup)
		want(t, domain.Properties, "DomainEndpointOptions.EnforceHTTPS", true)
		want(t, domain.Properties, "NodeToNodeEncryptionOptions.Enabled", true)
		want(t, domain.Properties, "EncryptionAtRestOptions.Enabled", true)
	}
}

// No other role has a right on any domain, and nothing else carries a policy that names one.
func TestOnlySetupAndStreamHaveRightsOnTheDomain(t *testing.T) {
	everyVariant(t, func(t *testing.T, _ settings.Settings, template *template) {
		for _, s := range statements(t, template) {
			for _, action := range s.actions {
				named := strings.HasPrefix(s.owner, "SearchSetupRole") || strings.HasPrefix(s.owner, "SearchWriterRole") || strings.HasPrefix(s.owner, "SearchDomain")
				if strings.HasPrefix(action, "es:") && !named {
					t.Errorf("%s: must have no right on a domain (got %s)", s.owner, action)
				}
			}
		}
	})
}

func domainName(t *testing.T, variant string) string {
	t.Helper()
	return load(t, variants[variant]).DomainName()
}
