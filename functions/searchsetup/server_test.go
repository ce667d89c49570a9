package searchsetup

import (
	"bytes"
	"fmt"
	"net/http"
	"strings"
	"testing"
)

func TestAudit(t *testing.T) {
	t.Run("the audit log is activated without bodies, and what others set stays", func(t *testing.T) {
		d := newFakeDomain(t)
		d.audit["audit"].(object)["resolve_indices"] = false
		apply(t, d, wanted(d), nil)
		if got := fmt.Sprint(d.audit); got != "map[audit:map[log_request_body:false resolve_indices:false] enabled:true]" {
			t.Errorf("audit configuration: %s", got)
		}
	})
	for status, refusal := range map[int]string{403: `{"status":"FORBIDDEN"}`, 400: `no handler found`, 404: `{}`} {
		t.Run(fmt.Sprintf("%d for it is named in the log and fails nothing", status), func(t *testing.T) {
			d := newFakeDomain(t)
			d.reject = func(_ int, r *http.Request) (int, string) {
				if strings.HasSuffix(r.URL.Path, "/audit") {
					return status, refusal
				}
				return 0, ""
			}
			var log bytes.Buffer
			state := wanted(d)
			s, _ := newSetup(t, d, state, &log)
			if err := s.Apply(t.Context(), state, nil); err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(log.String(), "the audit log is not activated") {
				t.Errorf("log: %s", log.String())
			}
		})
	}
	t.Run("503 for it is waited for", func(t *testing.T) {
		d := newFakeDomain(t)
		asked := 0
		d.reject = func(_ int, r *http.Request) (int, string) {
			if strings.HasSuffix(r.URL.Path, "/audit") {
				if asked++; asked < 3 {
					return 503, ""
				}
			}
			return 0, ""
		}
		apply(t, d, wanted(d), nil)
		if d.audit["enabled"] != true {
			t.Error("the audit log is not active")
		}
	})
}

func TestServerWithoutStateManagement(t *testing.T) {
	without := func(d *fakeDomain) {
		d.reject = func(_ int, r *http.Request) (int, string) {
			if strings.HasPrefix(r.URL.Path, ismAPI) {
				return 400, fmt.Sprintf(`{"error":"no handler found for uri [%s] and method [%s]"}`, r.URL.Path,
					r.Method)
			}
			return 0, ""
		}
	}
	t.Run("a domain must have it", func(t *testing.T) {
		d := newFakeDomain(t)
		without(d)
		state := wanted(d)
		s, _ := newSetup(t, d, state, nil)
		if err := s.Apply(t.Context(), state, nil); err == nil ||
			!strings.Contains(err.Error(), "no index state management") {
			t.Errorf("got %v", err)
		}
	})
	t.Run("another server may do without, and the log says so", func(t *testing.T) {
		d := newFakeDomain(t)
		without(d)
		d.indices["realtime-events-2026-09-21"] = &fakeIndex{replicas: "0", properties: object{}}
		var log bytes.Buffer
		state := wanted(d)
		s, _ := newSetup(t, d, state, &log)
		s.NoStateManagement = true
		if err := s.Apply(t.Context(), state, nil); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(log.String(), "nothing is deleted by age") || d.audit["enabled"] != true {
			t.Errorf("log: %s", log.String())
		}
		if err := s.Remove(t.Context(), state); err != nil {
			t.Errorf("removing: %v", err)
		}
	})
}
