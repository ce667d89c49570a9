package functions_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	_ "firehose-pipeline/searchrelay"
	_ "firehose-pipeline/searchsetup"
)

// told is what CloudFormation is told.
type told struct{ Status, Reason, PhysicalResourceID, RequestID, StackID, LogicalResourceID string }

// relayed sends a request of CloudFormation through the relay's binary to the setup function's, with Lambda's Invoke between
// them, and returns the one answer.
func relayed(t *testing.T, request map[string]any) told {
	t.Helper()
	setup := start(t, "searchsetup", map[string]string{"LOG_LEVEL": "info"})
	lambda := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if want := "/2015-03-31/functions/pipeline-test-searchsetup/invocations"; r.URL.Path != want || r.Method != http.MethodPost {
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
	}))
	t.Cleanup(lambda.Close)
	var answers []told
	cloudFormation := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		var answer told
		if err := json.NewDecoder(r.Body).Decode(&answer); err != nil {
			t.Error(err)
		}
		answers = append(answers, answer)
	}))
	t.Cleanup(cloudFormation.Close)
	relay := start(t, "searchrelay", map[string]string{
		"LOG_LEVEL": "info", "SETUP_FUNCTION": "pipeline-test-searchsetup", "AWS_ENDPOINT_URL_LAMBDA": lambda.URL,
	})
	request["ResponseURL"], request["RequestId"] = cloudFormation.URL+"/answer", "request-1"
	request["StackId"], request["LogicalResourceId"], request["ResourceType"] = "stack-1", "Setup", "Custom::SearchSetup"
	payload, err := json.Marshal(request)
	if err != nil {
		t.Fatal(err)
	}
	relay.invoke(payload)
	if len(answers) != 1 {
		t.Fatalf("got %d answers: %+v", len(answers), answers)
	}
	if a := answers[0]; a.RequestID != "request-1" || a.StackID != "stack-1" || a.LogicalResourceID != "Setup" || a.PhysicalResourceID != "search-setup" {
		t.Errorf("got %+v", a)
	}
	return answers[0]
}

// The setup function inside a VPC cannot reach CloudFormation: the relay outside answers with its success or its error.
func TestRelayAnswersForTheSetupFunction(t *testing.T) {
	t.Run("the setup's error is the reason", func(t *testing.T) {
		answer := relayed(t, map[string]any{"RequestType": "Create", "ResourceProperties": map[string]any{"State": `{"endpoint":"http://example.com"}`}})
		if answer.Status != "FAILED" || !strings.Contains(answer.Reason, "endpoint") {
			t.Errorf("got %+v", answer)
		}
	})
	t.Run("a success is a success", func(t *testing.T) {
		// Deleting what was never set up succeeds without a domain.
		answer := relayed(t, map[string]any{"RequestType": "Delete", "PhysicalResourceId": "search-setup", "ResourceProperties": map[string]any{"State": "{}"}})
		if answer.Status != "SUCCESS" || answer.Reason != "" {
			t.Errorf("got %+v", answer)
		}
	})
}
