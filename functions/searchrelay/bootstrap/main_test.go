// Package main_test runs the function's binary. Expected results are written here a second time, from the contract and
// with encoding/json, so that it shares nothing with the code it checks.
package main_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	_ "firehose-pipeline/functions/searchrelay" // Go's test cache does not see the binaries' sources
	_ "firehose-pipeline/functions/searchsetup"
	"firehose-pipeline/internal/testkit/callrecord"
	"firehose-pipeline/internal/testkit/functiontest"
)

func TestMain(m *testing.M) { functiontest.Main(m, "searchrelay", "searchsetup") }

// told is the response to CloudFormation.
type told struct{ Status, Reason, PhysicalResourceID, RequestID, StackID, LogicalResourceID string }

// relayed sends a request of CloudFormation through the relay's binary to the setup function's, with Lambda's Invoke
// between them, and returns the one answer.
func relayed(t *testing.T, request map[string]any) told {
	t.Helper()
	setup := functiontest.Start(t, "searchsetup", map[string]string{"LOG_LEVEL": "info"})
	lambda := httptest.NewServer(callrecord.Handler("SearchRelayRole", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if want := "/2015-03-31/functions/pipeline-test-searchsetup/invocations"; r.URL.Path != want ||
			r.Method != http.MethodPost {
			t.Errorf("got %s %s, want %s", r.Method, r.URL.Path, want)
		}
		payload, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		result, err := setup.Invoke(r.Context(), payload)
		if err != nil {
			t.Error(err)
		}
		if result.FunctionError != "" {
			w.Header().Set("X-Amz-Function-Error", result.FunctionError)
		}
		if _, err := w.Write(result.Payload); err != nil {
			t.Error(err)
		}
	})))
	t.Cleanup(lambda.Close)
	address, answers := answersTo(t)
	relay := functiontest.Start(t, "searchrelay", map[string]string{
		"LOG_LEVEL": "info", "SETUP_FUNCTION": "pipeline-test-searchsetup", "AWS_ENDPOINT_URL_LAMBDA": lambda.URL,
	})
	relay.MustInvoke(setupRequest(t, address, request))
	answer := answers()
	if a := answer; a.RequestID != "request-1" || a.StackID != "stack-1" || a.LogicalResourceID != "Setup" ||
		a.PhysicalResourceID != "search-setup" {
		t.Errorf("got %+v", a)
	}
	return answer
}

func setupRequest(t *testing.T, address string, request map[string]any) []byte {
	t.Helper()
	request["ResponseURL"], request["RequestId"] = address, "request-1"
	request["StackId"], request["LogicalResourceId"], request["ResourceType"] = "stack-1", "Setup",
		"Custom::SearchSetup"
	payload, err := json.Marshal(request)
	if err != nil {
		t.Fatal(err)
	}
	return payload
}

// answersTo listens where CloudFormation would, and returns the one answer that came.
func answersTo(t *testing.T) (address string, answer func() told) {
	t.Helper()
	var mu sync.Mutex
	var answers []told
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		var a told
		if err := json.NewDecoder(r.Body).Decode(&a); err != nil {
			t.Error(err)
		}
		mu.Lock()
		defer mu.Unlock()
		answers = append(answers, a)
	}))
	t.Cleanup(server.Close)
	return server.URL + "/answer", func() told {
		t.Helper()
		mu.Lock()
		defer mu.Unlock()
		if len(answers) != 1 {
			t.Fatalf("got %d answers: %+v", len(answers), answers)
		}
		return answers[0]
	}
}

// The setup function inside a VPC cannot reach CloudFormation: the relay outside answers with its success or its error.
func TestRelayAnswersForTheSetupFunction(t *testing.T) {
	t.Run("the setup's error is the reason", func(t *testing.T) {
		answer := relayed(t, map[string]any{"RequestType": "Create",
			"ResourceProperties": map[string]any{"State": `{"endpoint":"http://example.com"}`}})
		if answer.Status != "FAILED" || !strings.Contains(answer.Reason, "endpoint") {
			t.Errorf("got %+v", answer)
		}
	})
	t.Run("a success is a success", func(t *testing.T) {
		// Deleting a setup that was never made succeeds without a domain.
		answer := relayed(t, map[string]any{"RequestType": "Delete", "PhysicalResourceId": "search-setup",
			"ResourceProperties": map[string]any{"State": "{}"}})
		if answer.Status != "SUCCESS" || answer.Reason != "" {
			t.Errorf("got %+v", answer)
		}
	})
}

// Outside a VPC the stack has no relay.
func TestSetupFunctionAnswersByItself(t *testing.T) {
	address, answer := answersTo(t)
	setup := functiontest.Start(t, "searchsetup", map[string]string{"LOG_LEVEL": "info"})
	setup.MustInvoke(setupRequest(t, address, map[string]any{"RequestType": "Create",
		"ResourceProperties": map[string]any{"State": "{}"}}))
	if a := answer(); a.Status != "FAILED" || a.PhysicalResourceID != "search-setup" || a.Reason == "" {
		t.Errorf("got %+v", a)
	}
}
