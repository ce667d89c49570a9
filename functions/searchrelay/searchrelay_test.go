package searchrelay

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/cfn"

	"firehose-pipeline/contract"
	"firehose-pipeline/internal/testkit/callrecord"
)

// reply is one answer of the fake endpoint.
type reply struct {
	status  int
	headers map[string]string
	body    string
}

// endpoint plays Lambda's Invoke and IAM's query API for the SDK's own clients: a list of replies, and the requests
// received.
type endpoint struct {
	replies []reply
	asked   []string // "Invoke <function>", or IAM's action and its parameter
	bodies  []string
	slept   []time.Duration
}

// relay makes a relay whose clients reach the endpoint as a local run's do, by the environment.
func (e *endpoint) relay(t *testing.T) Relay {
	t.Helper()
	server := httptest.NewServer(callrecord.Handler("SearchRelayRole", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		e.bodies = append(e.bodies, string(body))
		if name, ok := strings.CutPrefix(r.URL.Path, "/2015-03-31/functions/"); ok {
			e.asked = append(e.asked, "Invoke "+strings.TrimSuffix(name, "/invocations"))
		} else {
			r.Body = io.NopCloser(bytes.NewReader(body))
			if err := r.ParseForm(); err != nil {
				t.Error(err)
			}
			e.asked = append(e.asked, r.Form.Get("Action")+" "+r.Form.Get("RoleName")+r.Form.Get("AWSServiceName"))
		}
		if len(e.replies) == 0 {
			t.Errorf("an unexpected request: %s", e.asked[len(e.asked)-1])
			w.WriteHeader(http.StatusTeapot)
			return
		}
		next := e.replies[0]
		e.replies = e.replies[1:]
		for name, value := range next.headers {
			w.Header().Set(name, value)
		}
		w.WriteHeader(next.status)
		io.WriteString(w, next.body)
	})))
	t.Cleanup(server.Close)
	for name, value := range map[string]string{
		"AWS_ENDPOINT_URL": server.URL, "AWS_REGION": "eu-west-1", "AWS_ACCESS_KEY_ID": "test",
		"AWS_SECRET_ACCESS_KEY": "test",
		"AWS_CONFIG_FILE":       "/dev/null", "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
		"AWS_MAX_ATTEMPTS": "1", // the test is of the relay's own patience
		"SETUP_FUNCTION":   "stack-search-setup",
	} {
		t.Setenv(name, value)
	}
	r, err := New(t.Context(), func(name string) string {
		if name == "SETUP_FUNCTION" {
			return "stack-search-setup"
		}
		return ""
	})
	if err != nil {
		t.Fatal(err)
	}
	r.Log = slog.New(slog.NewJSONHandler(io.Discard, nil))
	r.Sleep = func(ctx context.Context, d time.Duration) error {
		e.slept = append(e.slept, d)
		return ctx.Err()
	}
	return r
}

func setupEvent(kind cfn.RequestType) cfn.Event {
	return cfn.Event{
		RequestType: kind, RequestID: "request", ResponseURL: "https://answer.example/?X-Amz-Signature=secret",
		ResourceType:      contract.SearchSetupResource,
		LogicalResourceID: "Setup", StackID: "stack", ResourceProperties: map[string]any{"State": `{"index":"events"}`},
	}
}

func notReady() reply {
	return reply{http.StatusBadGateway, map[string]string{"X-Amzn-Errortype": "ResourceNotReadyException"},
		`{"message":"The function is inactive"}`}
}

func TestRelayedRequests(t *testing.T) {
	good := reply{status: http.StatusOK, body: `{"physicalResourceId":"search-setup"}`}
	failed := func(payload string) reply {
		return reply{http.StatusOK, map[string]string{"X-Amz-Function-Error": "Unhandled"}, payload}
	}
	for _, test := range []struct {
		name    string
		kind    cfn.RequestType
		had     string
		replies []reply
		slept   int
		want    string // of the error, empty: none
	}{
		{"a create is passed on", cfn.RequestCreate, "", []reply{good}, 0, ""},
		{"an update is passed on", cfn.RequestUpdate, "search-setup", []reply{good}, 0, ""},
		{"a function that was idle for weeks is waited for", cfn.RequestUpdate, "search-setup", []reply{
			notReady(),
			{http.StatusConflict, map[string]string{"X-Amzn-Errortype": "ResourceConflictException"},
				`{"message":"The function is currently in the following state: Pending"}`},
			good,
		}, 2, ""},
		{"the setup's own error comes through", cfn.RequestCreate, "",
			[]reply{failed(`{"errorMessage":"PUT /_index_template/x: 403 no","errorType":"errorString"}`)}, 0,
			"PUT /_index_template/x: 403 no"},
		{"a timeout of the setup function comes through", cfn.RequestCreate, "",
			[]reply{failed(`{"errorMessage":"Task timed out after 780.00 seconds"}`)}, 0,
			"Task timed out after 780.00 seconds"},
		{"a failure without a word says so", cfn.RequestCreate, "", []reply{failed(`null`)}, 0,
			`search setup failed (Unhandled) without an error message (got "null")`},
		{"an answer that is none is an error", cfn.RequestCreate, "", []reply{{status: http.StatusOK, body: `"done"`}},
			0, `reading the setup function's response: must have a physicalResourceId (got "\"done\"")`},
		{"a call that is refused is not tried again", cfn.RequestCreate, "",
			[]reply{{http.StatusForbidden, map[string]string{"X-Amzn-Errortype": "AccessDeniedException"},
				`{"Message":"not authorized"}`}}, 0, "invoking stack-search-setup: "},
		{"a delete succeeds although the setup failed", cfn.RequestDelete, "search-setup",
			[]reply{failed(`{"errorMessage":"no such host"}`)}, 0, ""},
		{"a delete succeeds although the function is gone", cfn.RequestDelete, "search-setup",
			[]reply{{http.StatusNotFound, map[string]string{"X-Amzn-Errortype": "ResourceNotFoundException"},
				`{"Message":"gone"}`}}, 0, ""},
		{"a former id is kept by a failure", cfn.RequestUpdate, "older-id", []reply{failed(`{"errorMessage":"no"}`)}, 0,
			"no"},
	} {
		t.Run(test.name, func(t *testing.T) {
			e := &endpoint{replies: test.replies}
			event := setupEvent(test.kind)
			event.PhysicalResourceID = test.had
			id, _, err := e.relay(t).Handle(t.Context(), event)
			if test.want == "" && err != nil || test.want != "" &&
				(err == nil || !strings.HasPrefix(err.Error(), test.want)) {
				t.Errorf("error: must be %q (got %v)", test.want, err)
			}
			if want := map[bool]string{true: "older-id", false: "search-setup"}[test.had == "older-id"]; id != want {
				t.Errorf("id: must be %s (got %s)", want, id)
			}
			if len(e.slept) != test.slept || len(e.replies) > 0 {
				t.Errorf("must pause %d times and use every reply (got %d pauses, %d left)", test.slept, len(e.slept),
					len(e.replies))
			}
			for i, asked := range e.asked {
				var passed cfn.Event
				if err := json.Unmarshal([]byte(e.bodies[i]), &passed); err != nil {
					t.Fatal(err)
				}
				if asked != "Invoke stack-search-setup" || passed.RequestType != test.kind ||
					passed.ResourceProperties["State"] != `{"index":"events"}` {
					t.Errorf("passed on to %s: %+v", asked, passed)
				}
				if strings.Contains(e.bodies[i], "secret") {
					t.Errorf("the address to answer at was passed on: %s", e.bodies[i])
				}
			}
		})
	}
}

// CloudFormation must hear of a failure before the relay itself is stopped.
func TestPatienceEndsBeforeTheDeadline(t *testing.T) {
	e := &endpoint{replies: slices.Repeat([]reply{notReady()}, 3)}
	r := e.relay(t)
	ctx, cancel := context.WithDeadline(t.Context(), time.Now().Add(time.Hour))
	defer cancel()
	r.Sleep = func(ctx context.Context, d time.Duration) error {
		deadline, ok := ctx.Deadline()
		if outer, _ := t.Context().Deadline(); !ok || time.Until(deadline) > time.Hour-answerMargin ||
			deadline.Equal(outer) {
			t.Errorf("deadline: must be %s before the function's (got %s)", answerMargin, time.Until(deadline))
		}
		if e.slept = append(e.slept, d); len(e.slept) == 3 {
			return context.DeadlineExceeded
		}
		return nil
	}
	_, _, err := r.Handle(ctx, setupEvent(cfn.RequestCreate))
	if err == nil || !strings.HasPrefix(err.Error(), "invoking stack-search-setup: gave up after 3 attempts: ") ||
		!strings.Contains(err.Error(), "The function is inactive") {
		t.Errorf("got %v", err)
	}
}

const noSuchRole = `<ErrorResponse><Error><Type>Sender</Type><Code>NoSuchEntity</Code><Message>The role cannot be found.</Message></Error></ErrorResponse>`

func role(action string) string {
	return fmt.Sprintf(`<%[1]sResponse><%[1]sResult><Role><RoleName>%[2]s</RoleName><Arn>arn:aws:iam::111122223333:role/x</Arn><Path>/</Path><RoleId>AROA</RoleId><CreateDate>2026-01-01T00:00:00Z</CreateDate></Role></%[1]sResult></%[1]sResponse>`, action, contract.OpenSearchServiceRole)
}

func TestServiceLinkedRole(t *testing.T) {
	missing := reply{status: http.StatusNotFound, body: noSuchRole}
	there := reply{status: http.StatusOK, body: role("GetRole")}
	taken := reply{status: http.StatusBadRequest, body: `<ErrorResponse><Error><Type>Sender</Type><Code>InvalidInput</Code><Message>Service role name AWSServiceRoleForAmazonOpenSearchService has been taken in this account, please try a different suffix.</Message></Error></ErrorResponse>`}
	denied := reply{status: http.StatusForbidden, body: `<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>not authorized</Message></Error></ErrorResponse>`}
	invalid := reply{status: http.StatusBadRequest,
		body: `<ErrorResponse><Error><Type>Sender</Type><Code>InvalidInput</Code><Message>something else</Message></Error></ErrorResponse>`}
	down := reply{status: http.StatusServiceUnavailable,
		body: `<ErrorResponse><Error><Type>Receiver</Type><Code>ServiceFailure</Code><Message>later</Message></Error></ErrorResponse>`}
	look, create := "GetRole "+contract.OpenSearchServiceRole, "CreateServiceLinkedRole opensearchservice.amazonaws.com"
	for _, test := range []struct {
		name    string
		kind    cfn.RequestType
		replies []reply
		asked   []string
		slept   []time.Duration
		want    string
	}{
		{"a role that is there is left alone", cfn.RequestCreate, []reply{there}, []string{look}, nil, ""},
		{"a missing role is made and given time", cfn.RequestCreate,
			[]reply{missing, {status: http.StatusOK, body: role("CreateServiceLinkedRole")}}, []string{look, create},
			[]time.Duration{propagation}, ""},
		{"a role that another stack made meanwhile will do", cfn.RequestCreate, []reply{missing, taken},
			[]string{look, create}, nil, ""},
		{"a role that is there after a failed creation will do", cfn.RequestCreate, []reply{missing, invalid, there},
			[]string{look, create, look}, nil, ""},
		{"another invalid input fails", cfn.RequestCreate, []reply{missing, invalid, missing},
			[]string{look, create, look}, nil, "creating the service-linked role of opensearchservice.amazonaws.com: "},
		{"a refused creation fails", cfn.RequestUpdate, []reply{missing, denied, missing}, []string{look, create, look},
			nil, "creating the service-linked role of opensearchservice.amazonaws.com: "},
		{"a refused look says nothing: the role is made", cfn.RequestCreate,
			[]reply{denied, {status: http.StatusOK, body: role("CreateServiceLinkedRole")}}, []string{look, create},
			[]time.Duration{propagation}, ""},
		{"a refused look says nothing: the role is there", cfn.RequestCreate, []reply{denied, taken},
			[]string{look, create}, nil, ""},
		{"a refused look and a refused creation fail", cfn.RequestCreate, []reply{denied, denied, denied},
			[]string{look, create, look}, nil, "creating the service-linked role of opensearchservice.amazonaws.com: "},
		{"a look that fails otherwise ends it", cfn.RequestCreate, []reply{down}, []string{look}, nil,
			"looking for the role AWSServiceRoleForAmazonOpenSearchService: "},
		{"a delete leaves it to other domains", cfn.RequestDelete, nil, nil, nil, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			e := &endpoint{replies: test.replies}
			id, _, err := e.relay(t).Handle(t.Context(),
				cfn.Event{RequestType: test.kind, ResourceType: contract.ServiceLinkedRoleResource})
			if test.want == "" && err != nil || test.want != "" &&
				(err == nil || !strings.HasPrefix(err.Error(), test.want)) {
				t.Errorf("error: must be %q (got %v)", test.want, err)
			}
			if id != contract.OpenSearchServiceRole {
				t.Errorf("id: must be the same in every answer (got %s)", id)
			}
			if !slices.Equal(e.asked, test.asked) || !slices.Equal(e.slept, test.slept) {
				t.Errorf("must ask %q and pause %v (got %q, %v)", test.asked, test.slept, e.asked, e.slept)
			}
		})
	}
}

func TestUnknownResourceTypeIsRefused(t *testing.T) {
	_, _, err := Relay{}.Handle(t.Context(), cfn.Event{RequestType: cfn.RequestCreate, ResourceType: "Custom::Other"})
	if err == nil || err.Error() != `resource type: must be Custom::SearchSetup or Custom::ServiceLinkedRole (got "Custom::Other")` {
		t.Errorf("got %v", err)
	}
}

func TestNewNeedsTheSetupFunction(t *testing.T) {
	if _, err := New(t.Context(), func(string) string { return "" }); err == nil ||
		!strings.HasPrefix(err.Error(), "SETUP_FUNCTION: ") {
		t.Errorf("got %v", err)
	}
}

func TestSleepEndsWithTheContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := (Relay{}).sleep(ctx, time.Hour); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if err := (Relay{}).sleep(t.Context(), time.Nanosecond); err != nil {
		t.Errorf("got %v", err)
	}
}
