package searchsetup

import (
	"context"
	"fmt"
	"net/http"
	"reflect"
	"slices"
)

const securityAPI = "/_plugins/_security/api"

// adminRoles are the built-in roles of an administrator. all_access leaves out the security plugin on Amazon OpenSearch
// Service, security_manager is just that, and exists on that service only.
var adminRoles = []string{"all_access", "security_manager"}

// writerRole is the permission set that AWS documents for Firehose ("Fine-grained access control in Amazon OpenSearch
// Service", Integrations), on the pipeline's own indices only.
func writerRole(s State) object {
	return roleBody("Firehose writes the indices of "+s.Index,
		[]string{"cluster_composite_ops", "cluster_monitor"}, s.indexPatterns(),
		[]string{"create_index", "manage", "crud"})
}

// readerRole lets people search the indices, list them (_cat/indices/<index>*) and see their mapping. Listing without a
// name asks the server about every index and stays rejected.
func readerRole(s State) object {
	return roleBody("People search the indices of "+s.Index,
		[]string{"cluster_composite_ops_ro", "cluster_monitor"}, s.indexPatterns(),
		[]string{"read", "indices_monitor", "indices:admin/get", "indices:admin/mappings/get"})
}

// roleBody spells out every member, as the server answers it, so that the two compare.
func roleBody(description string, cluster, patterns, actions []string) object {
	return object{
		"description":         description,
		"cluster_permissions": cluster,
		"index_permissions": []object{{
			"index_patterns": patterns, "allowed_actions": actions, "fls": []string{}, "masked_fields": []string{},
		}},
		"tenant_permissions": []object{},
	}
}

// putRole creates the role, or replaces one that differs.
func (s *Setup) putRole(ctx context.Context, name string, want object) error {
	target := securityAPI + joinPath("roles", name)
	var got map[string]any
	err := s.Client.callServer(ctx, http.MethodGet, target, nil, &got)
	if err != nil && !hasStatus(err, http.StatusNotFound) {
		return fmt.Errorf("reading role %q: %w", name, err)
	}
	if err == nil && reflect.DeepEqual(withoutNames(got[name], "reserved", "hidden", "static"), asJSON(want)) {
		return nil
	}
	if err := s.Client.callServer(ctx, http.MethodPut, target, want, nil); err != nil {
		return fmt.Errorf("putting role %q: %w", name, err)
	}
	return nil
}

// mapRoles makes add part of the backend roles that are mapped to a role, and remove not. Entries of others stay: the
// mapping may hold the master user, and what people mapped by hand.
func (s *Setup) mapRoles(ctx context.Context, name string, add, remove []string) error {
	add = slices.Compact(slices.Sorted(slices.Values(add)))
	target := securityAPI + joinPath("rolesmapping", name)
	var got map[string]struct {
		BackendRoles []string `json:"backend_roles"`
	}
	err := s.Client.callServer(ctx, http.MethodGet, target, nil, &got)
	switch {
	case hasStatus(err, http.StatusNotFound):
		if len(add) == 0 {
			return nil
		}
		body := object{"backend_roles": add, "hosts": []string{}, "users": []string{}}
		if err := s.Client.callServer(ctx, http.MethodPut, target, body, nil); err != nil {
			return fmt.Errorf("putting role mapping %q: %w", name, err)
		}
		return nil
	case err != nil:
		return fmt.Errorf("reading role mapping %q: %w", name, err)
	}
	// A patch touches single entries, where a PUT would undo what someone else maps in the same moment. Removing goes
	// from the end, because each removal moves the entries behind it, and adding appends. (The server knows no "test".)
	mapped := got[name].BackendRoles
	var patch []object
	for i := len(mapped) - 1; i >= 0; i-- {
		if slices.Contains(remove, mapped[i]) && !slices.Contains(add, mapped[i]) {
			patch = append(patch, object{"op": "remove", "path": fmt.Sprintf("/backend_roles/%d", i)})
		}
	}
	for _, arn := range add {
		if !slices.Contains(mapped, arn) {
			patch = append(patch, object{"op": "add", "path": "/backend_roles/-", "value": arn})
		}
	}
	if len(patch) == 0 {
		return nil
	}
	if err := s.Client.callServer(ctx, http.MethodPatch, target, patch, nil); err != nil {
		return fmt.Errorf("patching role mapping %q: %w", name, err)
	}
	return nil
}

// mapAdmins maps the administrators' built-in roles; one that the server does not have is left out.
func (s *Setup) mapAdmins(ctx context.Context, add, remove []string) error {
	if len(add) == 0 && len(remove) == 0 {
		return nil
	}
	for _, name := range adminRoles {
		err := s.Client.callServer(ctx, http.MethodGet, securityAPI+joinPath("roles", name), nil, nil)
		if hasStatus(err, http.StatusNotFound) {
			s.log().Info("the server has no such built-in role", "role", name)
			continue
		}
		if err != nil {
			return fmt.Errorf("reading role %q: %w", name, err)
		}
		if err := s.mapRoles(ctx, name, add, remove); err != nil {
			return err
		}
	}
	return nil
}

// deleteRole removes one of the setup's own roles with its mapping. It may be gone already.
func (s *Setup) deleteRole(ctx context.Context, name string) error {
	for _, kind := range []string{"rolesmapping", "roles"} {
		err := s.Client.callServer(ctx, http.MethodDelete, securityAPI+joinPath(kind, name), nil, nil)
		if err != nil && !hasStatus(err, http.StatusNotFound) {
			return fmt.Errorf("deleting %s %q: %w", kind, name, err)
		}
	}
	return nil
}
