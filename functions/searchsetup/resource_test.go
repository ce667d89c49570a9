package searchsetup

import (
	"bytes"
	"encoding/json"
	"io"
	stdlog "log"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/cfn"
)

// resource sends one event through cfn.LambdaWrap and returns the response to CloudFormation.
func resource(t *testing.T, e cfn.Event) (answer cfn.Response, log string) {
	t.Helper()
	stdlog.SetOutput(io.Discard) // cfn writes each failure there
	t.Cleanup(func() { stdlog.SetOutput(os.Stderr) })
	answers := 0
	cloudFormation := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		answers++
		body, err := io.ReadAll(r.Body)
		if err != nil || len(body) > 4096 {
			t.Errorf("answer of %d bytes, error %v", len(body), err)
		}
		if err := json.Unmarshal(body, &answer); err != nil {
			t.Error(err)
		}
	}))
	defer cloudFormation.Close()
	e.ResponseURL, e.RequestID, e.LogicalResourceID,
		e.StackID = cloudFormation.URL+"/answer?X-Amz-Signature=secret-url", "request", "Setup", "stack"
	var out bytes.Buffer
	r := Resource{Clock: newFakeClock(nil), Log: slog.New(slog.NewJSONHandler(&out, nil)),
		Sign: Basic("admin", "secret-password")}
	if reason, err := cfn.LambdaWrap(r.Handle)(t.Context(), e); err != nil || reason != "" {
		t.Errorf("reason %q, error %v", reason, err)
	}
	if answers != 1 {
		t.Errorf("%d answers", answers)
	}
	if answer.RequestID != "request" || answer.LogicalResourceID != "Setup" || answer.StackID != "stack" {
		t.Errorf("answer to another request: %+v", answer)
	}
	if strings.Contains(out.String(), "secret") {
		t.Errorf("a secret in the log: %s", out.String())
	}
	return answer, out.String()
}

func property(t *testing.T, s State) map[string]any {
	t.Helper()
	text, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	return map[string]any{"ServiceToken": "arn:aws:lambda:…", "State": string(text)}
}

func wantAnswer(t *testing.T, got cfn.Response, status cfn.StatusType, id, reason string) {
	t.Helper()
	if got.Status != status || got.PhysicalResourceID != id || !strings.Contains(got.Reason, reason) {
		t.Errorf("got %s, id %q, reason %q; want %s, id %q, reason with %q", got.Status, got.PhysicalResourceID,
			got.Reason, status, id, reason)
	}
}

func TestResource(t *testing.T) {
	t.Run("create, update and delete keep the physical id", func(t *testing.T) {
		d := newFakeDomain(t)
		state := wanted(d)
		answer, log := resource(t, cfn.Event{RequestType: cfn.RequestCreate, ResourceProperties: property(t, state)})
		wantAnswer(t, answer, cfn.StatusSuccess, PhysicalResourceID, "")
		if want := `"msg":"call","method":"PUT","path":"/_index_template/realtime-events","status":200,"milliseconds":`; !strings.Contains(log, want) {
			t.Errorf("log: %s", log)
		}
		old := property(t, state)
		state.AdminRoleARNs = nil
		answer, _ = resource(t, cfn.Event{RequestType: cfn.RequestUpdate, PhysicalResourceID: PhysicalResourceID,
			ResourceProperties: property(t, state), OldResourceProperties: old})
		wantAnswer(t, answer, cfn.StatusSuccess, PhysicalResourceID, "")
		if got := d.backendRoles("security_manager"); len(got) != 1 || got[0] != masterARN {
			t.Errorf("security_manager: %q, want the removed admin gone and the master kept", got)
		}
		answer, _ = resource(t, cfn.Event{RequestType: cfn.RequestDelete, PhysicalResourceID: PhysicalResourceID,
			ResourceProperties: property(t, state)})
		wantAnswer(t, answer, cfn.StatusSuccess, PhysicalResourceID, "")
		if len(d.templates)+len(d.policies) != 0 {
			t.Errorf("left: %v %v", d.templates, d.policies)
		}
	})
	t.Run("a failed create answers with the same id, so that nothing is taken for replaced", func(t *testing.T) {
		d := newFakeDomain(t)
		d.reject = func(int, *http.Request) (int, string) { return 400, strings.Repeat("é", 5000) }
		answer, _ := resource(t, cfn.Event{RequestType: cfn.RequestCreate, ResourceProperties: property(t, wanted(d))})
		wantAnswer(t, answer, cfn.StatusFailed, PhysicalResourceID, "answered 400")
	})
	t.Run("a failed update answers with the id that it was given", func(t *testing.T) {
		d := newFakeDomain(t)
		state := wanted(d)
		state.Shards = 0
		answer, _ := resource(t, cfn.Event{RequestType: cfn.RequestUpdate, PhysicalResourceID: "earlier",
			ResourceProperties: property(t, state)})
		wantAnswer(t, answer, cfn.StatusFailed, "earlier", "shards: must be 1 to 1024 (got 0)")
	})
	t.Run("a reason stays within CloudFormation's limit", func(t *testing.T) {
		d := newFakeDomain(t)
		state := wanted(d)
		state.AdminRoleARNs = strings.Split(strings.Repeat("not an arn,", 200), ",")
		answer, log := resource(t, cfn.Event{RequestType: cfn.RequestCreate, ResourceProperties: property(t, state)})
		wantAnswer(t, answer, cfn.StatusFailed, PhysicalResourceID, "(more in the log)")
		if !strings.Contains(log, "adminRoleArns[200]") {
			t.Error("the log does not have all of it")
		}
	})
	t.Run("a state that is no string is refused", func(t *testing.T) {
		answer, _ := resource(t, cfn.Event{RequestType: cfn.RequestCreate,
			ResourceProperties: map[string]any{"State": map[string]any{}}})
		wantAnswer(t, answer, cfn.StatusFailed, PhysicalResourceID,
			"property State: must be a JSON string (got map[string]interface {})")
	})
	t.Run("an unreadable old state does not fail an update", func(t *testing.T) {
		d := newFakeDomain(t)
		answer, log := resource(t, cfn.Event{RequestType: cfn.RequestUpdate, PhysicalResourceID: PhysicalResourceID,
			ResourceProperties: property(t, wanted(d)), OldResourceProperties: map[string]any{"State": "{"}})
		wantAnswer(t, answer, cfn.StatusSuccess, PhysicalResourceID, "")
		if !strings.Contains(log, "the old state is unreadable") {
			t.Errorf("log: %s", log)
		}
	})
	t.Run("an unknown request type is refused", func(t *testing.T) {
		answer, _ := resource(t, cfn.Event{RequestType: "Replace"})
		wantAnswer(t, answer, cfn.StatusFailed, PhysicalResourceID, `unknown request type "Replace"`)
	})
	for _, c := range []struct {
		rule, log string
		spoil     func(*fakeDomain, *State)
	}{
		{"delete succeeds when the domain is gone", "connection refused",
			func(d *fakeDomain, _ *State) { d.server.Close() }},
		{"delete succeeds when the domain refuses", "answered 403", func(d *fakeDomain, _ *State) {
			d.reject = func(int, *http.Request) (int, string) { return 403, "no" }
		}},
		{"delete succeeds after a create with an invalid state", "shards: ",
			func(_ *fakeDomain, s *State) { s.Shards = 0 }},
	} {
		t.Run(c.rule, func(t *testing.T) {
			d := newFakeDomain(t)
			state := wanted(d)
			c.spoil(d, &state)
			answer, log := resource(t, cfn.Event{RequestType: cfn.RequestDelete, PhysicalResourceID: PhysicalResourceID,
				ResourceProperties: property(t, state)})
			wantAnswer(t, answer, cfn.StatusSuccess, PhysicalResourceID, "")
			if !strings.Contains(log, "deleted without cleaning up") || !strings.Contains(log, c.log) {
				t.Errorf("log: %s", log)
			}
		})
	}
}
