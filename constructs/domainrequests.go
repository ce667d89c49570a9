package constructs

import "slices"

// requests are HTTP requests to the search domain: methods (Get, Head, Post, Put, Patch, Delete) on paths, in which *
// matches anything, slashes too. A path has no query.
//
// The domain's policy and the policy of the stack's own roles are written from the same lists: in one account a request
// passes when either allows it, so that a wider one would undo the other. Fine-grained access control inside the domain
// comes on top. https://docs.aws.amazon.com/opensearch-service/latest/developerguide/ac.html
type requests struct{ methods, paths []string }

// on makes the statement of the requests to one domain. The principals are those of a resource policy, in a role's
// none.
func (r requests) on(domain string) statement {
	var s statement
	for _, method := range r.methods {
		s.Actions = append(s.Actions, "es:ESHttp"+method)
	}
	for _, path := range r.paths {
		s.Resources = append(s.Resources, domainARN(domain)+path)
	}
	return s
}

func statementsOn(domain string, all []requests) []statement {
	var statements []statement
	for _, r := range all {
		statements = append(statements, r.on(domain))
	}
	return statements
}

// writerRequests are the requests of Firehose: AWS's own list of GETs, and its POST and PUT. AWS allows these two on
// every path; here they are for bulk requests and for the index, which is all that the role inside the domain, AWS's
// own too, lets through. https://docs.aws.amazon.com/firehose/latest/dev/controlling-access.html
func writerRequests(index string) []requests {
	return []requests{
		{[]string{"Post", "Put"}, []string{"/_bulk", "/" + index + "*"}},
		{[]string{"Get"}, []string{
			"/_all/_settings", "/_cluster/stats", "/_nodes", "/_nodes/*/stats", "/_nodes/stats", "/_stats",
			"/" + index + "*/_mapping/*", "/" + index + "*/_stats",
		}},
	}
}

// setupRequests are what package searchsetup calls (searchsetup.State.Calls): no documents, no deletion of an index,
// and of the security plugin roles, mappings and the audit log.
func setupRequests(index string) []requests {
	const security, states = "/_plugins/_security/api", "/_plugins/_ism"
	return []requests{
		{[]string{"Delete", "Get", "Patch", "Put"}, []string{security + "/roles/*", security + "/rolesmapping/*"}},
		{[]string{"Get", "Patch"}, []string{security + "/audit"}},
		{
			[]string{"Delete", "Get", "Put"},
			[]string{"/_index_template/" + index, states + "/policies/" + index + "-retention"},
		},
		{[]string{"Get", "Put"}, []string{"/" + index + "*/_mapping", "/" + index + "*/_settings*"}},
		{[]string{"Get"}, []string{"/_cluster/settings", states + "/policies", states + "/explain/" + index + "*"}},
		{[]string{"Post"}, []string{
			states + "/add/" + index + "*", states + "/change_policy/" + index + "*", states + "/remove/" + index + "*",
			states + "/retry/" + index + "*",
		}},
	}
}

// adminRequests are everything.
func adminRequests() []requests {
	return []requests{{[]string{"Delete", "Get", "Head", "Patch", "Post", "Put"}, []string{"/*"}}}
}

// readerRequests are those that search, count and list: also over SQL and PPL, and through Dashboards. None writes,
// none deletes, and none reaches the security plugin. They name no index but for the plain GET: after another
// openSearchIndex the old indices are still to be searched, and the role inside the domain knows which are the
// reader's.
func readerRequests(index string) []requests {
	searching := []string{
		"_count",
		"_field_caps",
		"_mget",
		"_msearch",
		"_msearch/template",
		"_search",
		"_search/*",
		"_search_shards",
		"_validate/query",
	}
	asking := []string{
		"/_dashboards",
		"/_dashboards/*",
		"/_plugins/_ppl",
		"/_plugins/_ppl/*",
		"/_plugins/_sql",
		"/_plugins/_sql/*",
	}
	for _, api := range searching {
		asking = append(asking, "/"+api, "/*/"+api)
	}
	looking := []string{
		"/",
		"/_alias*",
		"/_cat",
		"/_cat/*",
		"/_cluster/*",
		"/_nodes",
		"/_nodes/*",
		"/_resolve/*",
		"/" + index + "*",
		"/*/_mapping",
	}
	return []requests{
		{[]string{"Get", "Head", "Post"}, slices.Sorted(slices.Values(asking))},
		{[]string{"Get", "Head"}, slices.Sorted(slices.Values(looking))},
	}
}
