package errorhandler

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// TestRealClients drives the SDK's own clients against an endpoint on loopback, given by the environment as local runs
// do.
func TestRealClients(t *testing.T) {
	content := failed(t, "Lambda.FunctionError", `{"event_id":"e-1"}`)
	var asked string
	var sent struct {
		QueueUrl string
		Entries  []struct {
			Id, MessageBody   string
			MessageAttributes map[string]struct{ DataType, StringValue string }
		}
	}
	gone := false
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.Method == http.MethodGet && gone:
			w.WriteHeader(http.StatusNotFound)
			io.WriteString(w, `<Error><Code>NoSuchVersion</Code><Message>gone</Message></Error>`)
		case r.Method == http.MethodGet:
			asked = r.URL.Path + "?" + r.URL.Query().Get("versionId")
			io.WriteString(w, content)
		case r.Header.Get("X-Amz-Target") == "AmazonSQS.SendMessageBatch":
			if err := json.NewDecoder(r.Body).Decode(&sent); err != nil {
				t.Error(err)
			}
			w.Header().Set("Content-Type", "application/x-amz-json-1.0")
			var successful []map[string]string
			for _, e := range sent.Entries {
				successful = append(successful, map[string]string{"Id": e.Id, "MessageId": e.Id})
			}
			if err := json.NewEncoder(w).Encode(map[string]any{"Successful": successful,
				"Failed": []any{}}); err != nil {
				t.Error(err)
			}
		default:
			t.Errorf("unexpected request %s %s", r.Method, r.URL)
		}
	}))
	defer server.Close()
	for name, value := range map[string]string{
		"AWS_ENDPOINT_URL": server.URL, "AWS_REGION": "eu-west-1", "AWS_ACCESS_KEY_ID": "test",
		"AWS_SECRET_ACCESS_KEY": "test",
		"AWS_CONFIG_FILE":       "/dev/null", "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
	} {
		t.Setenv(name, value)
	}
	f := newFixture(t, nil)
	f.connect = newClients
	f.run(t, notification(lakeKey+"?v1"))
	if asked != "/lake-bucket/"+lakeKey+"?v1" {
		t.Errorf("asked for %q", asked)
	}
	if len(sent.Entries) != 1 || sent.QueueUrl != "https://queue" ||
		!strings.Contains(sent.Entries[0].MessageBody, `"eventId":"e-1"`) ||
		sent.Entries[0].MessageAttributes["kind"].StringValue != "record" {
		t.Errorf("sent %+v", sent)
	}
	t.Run("a version that is gone is no failure", func(t *testing.T) {
		gone = true
		if err := f.Handle(context.Background(), notification(lakeKey+"?v2")); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(sent.Entries[0].MessageBody, "ObjectMissing") {
			t.Errorf("sent %+v", sent)
		}
	})
}
