package searchsetup

import (
	"context"
	"fmt"
	"net/http"
)

// auditSettings are the members of the security plugin's audit configuration that the setup decides; all others keep
// what they have. Publishing to a log group, which is the domain's own setting, logs nothing until the plugin's audit
// log is on.
// https://docs.aws.amazon.com/opensearch-service/latest/developerguide/audit-logs.html
var auditSettings = []struct {
	path, member string
	audit        bool // in the member "audit"
	want         bool
}{
	{"/config/enabled", "enabled", false, true},
	// The body of a request is events, and of a search what people look for.
	{"/config/audit/log_request_body", "log_request_body", true, false},
}

// activateAudit turns the audit log on. A domain that does not let it be is not worth a failed deployment: the log says
// so.
func (s *Setup) activateAudit(ctx context.Context) error {
	const target = securityAPI + "/audit"
	var got struct {
		Config map[string]any `json:"config"`
	}
	err := s.Client.callServer(ctx, http.MethodGet, target, nil, &got)
	if err == nil {
		audit, _ := got.Config["audit"].(map[string]any)
		var patch []object
		for _, a := range auditSettings {
			in := got.Config
			if a.audit {
				in = audit
			}
			if is, known := in[a.member].(bool); !known || is != a.want {
				patch = append(patch, object{"op": "add", "path": a.path, "value": a.want})
			}
		}
		if len(patch) == 0 {
			return nil
		}
		err = s.Client.callServer(ctx, http.MethodPatch, target, patch, nil)
	}
	if isRefused(err) {
		s.log().Warn("the audit log is not activated", "error", err.Error())
		return nil
	}
	if err != nil {
		return fmt.Errorf("activating the audit log: %w", err)
	}
	return nil
}
