package constructs_test

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"firehose-pipeline/functions/searchsetup"
	"firehose-pipeline/settings"
)

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

// matches reports whether IAM matches the text with the pattern: * is anything, slashes too.
func matches(pattern, text string) bool {
	parts := strings.Split(pattern, "*")
	for i, part := range parts {
		parts[i] = regexp.QuoteMeta(part)
	}
	return regexp.MustCompile("^(?:" + strings.Join(parts, ".*") + ")$").MatchString(text)
}

// admits reports whether a principal may send a request to the domain: by the domain's policy and, for a role of the
// stack, by the role's own. In one account either is enough, so that a request is rejected only if neither allows it.
func admits(t *testing.T, template *template, domain, principal, method, path string) (byDomain, byRole bool) {
	t.Helper()
	for _, s := range statements(t, template) {
		ofDomain := strings.HasPrefix(s.owner, "SearchDomain") && !strings.Contains(s.owner, "LogPolicy")
		ofRole := strings.HasPrefix(principal, "Search") && strings.HasPrefix(s.owner, principal) &&
			!strings.Contains(s.owner, "(trust)")
		if ofDomain {
			ofDomain = false
			for _, one := range strings.Split(strings.TrimPrefix(s.principal, "AWS "), ", ") {
				ofDomain = ofDomain || one == principal ||
					strings.HasPrefix(principal, "Search") && strings.HasPrefix(one, "${"+principal)
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

// The requests that each principal may send the domain, and those that it may not, by the policies alone: fine-grained
// access control is behind them.
func TestRequestsToTheDomain(t *testing.T) {
	const admin, reader = "arn:aws:iam::111122223333:role/Admin", "arn:aws:iam::111122223333:role/Analyst"
	const writer, setup, nobody = "SearchWriterRole", "SearchSetupRole", "arn:aws:iam::111122223333:role/Other"
	security := []string{
		"GET /_plugins/_security/api/rolesmapping/all_access", "PUT /_plugins/_security/api/rolesmapping/all_access",
		"PATCH /_plugins/_security/api/rolesmapping", "POST /_plugins/_security/api/internalusers/x",
		"DELETE /_plugins/_security/api/roles/x",
		"GET /_plugins/_security/authinfo", "PUT /_opendistro/_security/api/rolesmapping/all_access",
		"DELETE /_plugins/_security/api/cache",
	}
	destructive := []string{
		"DELETE /realtime-events-2026-01-31", "DELETE /_all", "DELETE /*", "PUT /_cluster/settings", "POST /_reindex",
		"POST /_aliases",
		"PUT /_index_template/x", "PUT /_snapshot/x", "DELETE /_snapshot/cs-automated-enc/x",
		"POST /.opendistro_security/_doc", "PUT /other-index",
		"PATCH /realtime-events-2026-01-31", "PUT /_plugins/_ism/policies/other", "POST /_plugins/_ism/remove/other",
	}
	reads := []string{
		"GET /realtime-events-2026-01-31/_search",
		"POST /realtime-events-2026-01-31/_search",
		"GET /_search",
		"POST /_msearch",
		"GET /_cat/indices",
	}
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
			"GET /_all/_settings", "GET /_cluster/stats", "GET /realtime-events-2026-01-31/_mapping/_doc", "GET /_nodes",
			"GET /_nodes/stats",
			"GET /_nodes/x/stats", "GET /_stats", "GET /realtime-events-2026-01-31/_stats",
		}, slices.Concat(security, destructive, reads[:1], reads[2:], []string{"GET /realtime-events-2026-01-31/_doc/1"})},
		{setup, calls, slices.Concat(security[3:4], security[5:], destructive, reads, []string{
			"POST /_bulk", "PUT /_plugins/_security/api/internalusers/x", "PATCH /_plugins/_security/api/securityconfig",
			"PUT /realtime-events-2026-01-31/_doc/1",
		})},
		{reader, slices.Concat(reads, []string{
			"GET /", "HEAD /", "GET /_cluster/health", "GET /_cat/nodes",
			"POST /realtime-events-2026-01-31,realtime-events-2026-02-01/_search",
			"GET /realtime-events-2*/_count", "POST /realtime-events-2*/_count", "HEAD /realtime-events-2026-01-31",
			"GET /realtime-events-2026-01-31/_mapping",
			"GET /realtime-events-2026-01-31/_doc/1", "POST /_search/scroll", "POST /_mget",
			"POST /realtime-events-2026-01-31/_validate/query",
			"POST /former-index-2026-01-31/_search", "GET /former-index-2026-01-31/_mapping",
			"GET /_resolve/index/realtime-events-2*",
			"POST /_plugins/_sql", "POST /_plugins/_ppl", "POST /_plugins/_sql/_explain", "GET /_dashboards/app/home",
			"POST /_dashboards/internal/search/opensearch",
		}), slices.Concat(security, destructive, []string{
			"POST /_bulk", "PUT /_bulk", "POST /realtime-events-2026-01-31/_doc", "PUT /realtime-events-2026-01-31/_doc/1",
			"DELETE /_search/scroll",
			"POST /realtime-events-2026-01-31/_delete_by_query", "POST /realtime-events-2026-01-31/_update_by_query",
			"POST /realtime-events-2026-01-31/_update/1",
			"POST /realtime-events-2026-01-31/_bulk", "POST /realtime-events-2026-01-31/_close",
			"DELETE /_dashboards/api/saved_objects/x/y", "PUT /_dashboards/api/saved_objects/x/y",
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
			if byDomain, byRole := admits(t, template, domainARN(t, "production"), c.principal, method, path); byDomain ||
				byRole {
				t.Errorf("%s: must not be allowed %s (got %t by the domain, %t by the role)", c.principal, request, byDomain,
					byRole)
			}
		}
	}
}

// A reader may send the requests that docs/use.md and the runbook show.
func TestReadersMayAskWhatTheDocumentsShow(t *testing.T) {
	const reader = "arn:aws:iam::111122223333:role/Analyst"
	template := synth(t, variants["production"])
	asked := 0
	for file, form := range map[string]*regexp.Regexp{
		"docs/use.md":     regexp.MustCompile(`"\$\(output OpenSearchEndpoint\)(/[^" ]*)"()`),
		"docs/runbook.md": regexp.MustCompile("ask '?(/_(?:cat|cluster)/[^' `?)\\n]*)[^`\n]*?( -X [A-Z]+)?"),
	} {
		text, err := os.ReadFile(fromRoot(file))
		if err != nil {
			t.Fatal(err)
		}
		for _, found := range form.FindAllStringSubmatch(string(text), -1) {
			if strings.Contains(found[1], "snapshots") {
				continue // an admin's: the role inside the domain lists none to readers
			}
			asked++
			for _, method := range []string{"GET", "POST"} {
				if byDomain, _ := admits(t, template, domainARN(t, "production"), reader, method, found[1]); !byDomain &&
					(method == "GET" || strings.Contains(found[1], "search")) {
					t.Errorf("%s: a reader must be allowed %s %s", file, method, found[1])
				}
			}
		}
	}
	if asked < 8 {
		t.Errorf("docs/use.md and runbook: must show requests of a reader (got %d requests)", asked)
	}
}

// Nobody reaches the domain but the setup function, the search stream, and the people of the settings; each has
// statements of its own.
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
				named := strings.HasPrefix(s.owner, "SearchSetupRole") || strings.HasPrefix(s.owner, "SearchWriterRole") ||
					strings.HasPrefix(s.owner, "SearchDomain")
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
