package searchsetup

// Call is a request as a policy sees it: a method, and a path without its query. In the path of [State.Calls] an
// asterisk matches any text.
type Call struct{ Method, Path string }

// Calls returns the shapes of all requests that Apply and Remove may send. The domain's access policy has to let the
// setup's role send them; the order is that of the setup's parts.
func (s State) Calls() []Call {
	var calls []Call
	add := func(path string, methods ...string) {
		for _, method := range methods {
			calls = append(calls, Call{method, path})
		}
	}
	for _, role := range adminRoles {
		add(securityAPI+"/roles/"+role, "GET")
		add(securityAPI+"/rolesmapping/"+role, "GET", "PUT", "PATCH")
	}
	for _, role := range []string{s.writerRole(), s.readerRole()} {
		add(securityAPI+"/roles/"+role, "GET", "PUT", "DELETE")
		add(securityAPI+"/rolesmapping/"+role, "GET", "PUT", "PATCH", "DELETE")
	}
	add(securityAPI+"/audit", "GET", "PATCH")
	add("/_index_template/"+s.Index, "GET", "PUT", "DELETE")
	add("/"+s.Index+"*/_settings/index.number_of_replicas", "GET") // <index>,<index>-2* and the names left out of them
	add("/"+s.Index+"*/_settings", "PUT")
	add("/"+s.Index+"*/_mapping", "GET", "PUT")
	add(ismAPI+"/policies/"+s.policyID(), "GET", "PUT", "DELETE")
	add(ismAPI+"/policies", "GET")
	add("/_cluster/settings", "GET")
	rotated := s.rotatedPattern() // one name, or several with commas
	add(ismAPI+"/explain/"+rotated, "GET")
	for _, action := range []string{"add", "change_policy", "retry", "remove"} {
		add(ismAPI+"/"+action+"/"+rotated, "POST")
	}
	return calls
}
