package endpoint

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
)

// A request goes to the API of its target, or else of its signature; all others are S3's.
func TestRoute(t *testing.T) {
	api := func(name string) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, name) })
	}
	e := &Endpoint{firehose: api("firehose"), sqs: api("sqs"), s3: api("s3"), cloudFormation: api("cloudformation")}
	signed := func(service string) string {
		return "AWS4-HMAC-SHA256 Credential=local/20260131/us-east-1/" + service + "/aws4_request, SignedHeaders=host"
	}
	for _, c := range []struct{ target, authorization, want string }{
		{"Firehose_20150804.PutRecord", "", "firehose"},
		{"Firehose_20150804.PutRecord", signed("sqs"), "firehose"},
		{"AmazonSQS.SendMessage", "", "sqs"},
		{"", signed("firehose"), "firehose"},
		{"", signed("sqs"), "sqs"},
		{"", signed("cloudformation"), "cloudformation"},
		{"Unknown.Operation", signed("s3"), "firehose"},
		{"", signed("s3"), "s3"},
		{"", "", "s3"},
		{"", "Basic x", "s3"},
		{"", "AWS4-HMAC-SHA256 Credential=local", "s3"},
	} {
		r := httptest.NewRequest(http.MethodPost, "/", nil)
		if c.target != "" {
			r.Header.Set("X-Amz-Target", c.target)
		}
		if c.authorization != "" {
			r.Header.Set("Authorization", c.authorization)
		}
		w := httptest.NewRecorder()
		e.route(w, r)
		if got := w.Body.String(); got != c.want {
			t.Errorf("target %q, authorization %q: got %s, want %s", c.target, c.authorization, got, c.want)
		}
	}
}
