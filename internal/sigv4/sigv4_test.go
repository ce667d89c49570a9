package sigv4

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// The credentials, the time and the signatures are AWS's own examples: the test suite of Signature Version 4
// (get-vanilla, get-vanilla-query-order-key-case, post-vanilla) and the example of its documentation (ListUsers).
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
var (
	example     = aws.Credentials{AccessKeyID: "AKIDEXAMPLE", SecretAccessKey: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"}
	exampleTime = time.Date(2015, 8, 30, 12, 36, 0, 0, time.UTC)
)

func provide(c aws.Credentials, err error) aws.CredentialsProvider {
	return aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) { return c, err })
}

func sign(t *testing.T, c aws.Credentials, service, method, url string, body []byte, header http.Header) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, values := range header {
		r.Header[name] = values
	}
	if err := New(provide(c, nil), service, "us-east-1", func() time.Time { return exampleTime })(t.Context(), r, body); err != nil {
		t.Fatal(err)
	}
	return r
}

func TestPublishedSignatures(t *testing.T) {
	for _, c := range []struct {
		name, service, method, url string
		header                     http.Header
		signed, signature          string
	}{
		{"get-vanilla", "service", "GET", "https://example.amazonaws.com/", nil, "host;x-amz-date",
			"5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
		{"get-vanilla-query-order-key-case", "service", "GET", "https://example.amazonaws.com/?Param2=value2&Param1=value1", nil, "host;x-amz-date",
			"b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500"},
		{"post-vanilla", "service", "POST", "https://example.amazonaws.com/", nil, "host;x-amz-date",
			"5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"},
		{"ListUsers", "iam", "GET", "https://iam.amazonaws.com/?Action=ListUsers&Version=2010-05-08",
			http.Header{"Content-Type": {"application/x-www-form-urlencoded; charset=utf-8"}}, "content-type;host;x-amz-date",
			"5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := sign(t, example, c.service, c.method, c.url, nil, c.header)
			want := "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/" + c.service + "/aws4_request, SignedHeaders=" + c.signed +
				", Signature=" + c.signature
			if got := r.Header.Get("Authorization"); got != want {
				t.Errorf("got  %s\nwant %s", got, want)
			}
			if got := r.Header.Get("X-Amz-Date"); got != "20150830T123600Z" {
				t.Errorf("X-Amz-Date %q", got)
			}
		})
	}
}

// A signature stands for body, service, time and session.
func TestSignatureDepends(t *testing.T) {
	const url = "https://example.amazonaws.com/"
	of := func(r *http.Request) string { return r.Header.Get("Authorization") }
	base := of(sign(t, example, "es", "PUT", url, []byte(`{}`), nil))
	session := example
	session.SessionToken = "token"
	withSession := sign(t, session, "es", "PUT", url, []byte(`{}`), nil)
	if got := withSession.Header.Get("X-Amz-Security-Token"); got != "token" || !strings.Contains(of(withSession), "x-amz-security-token") {
		t.Errorf("session token %q, %s", got, of(withSession))
	}
	for name, other := range map[string]string{
		"body":    of(sign(t, example, "es", "PUT", url, []byte(`{"a":1}`), nil)),
		"service": of(sign(t, example, "secretsmanager", "PUT", url, []byte(`{}`), nil)),
		"session": of(withSession),
	} {
		if other == base {
			t.Errorf("another %s, and the same signature", name)
		}
	}
	if again := of(sign(t, example, "es", "PUT", url, []byte(`{}`), nil)); again != base {
		t.Errorf("the same request has another signature: %s, %s", base, again)
	}
}

func TestCredentialsFail(t *testing.T) {
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://example.amazonaws.com/", nil)
	if err != nil {
		t.Fatal(err)
	}
	cause := errors.New("no role")
	err = New(provide(aws.Credentials{}, cause), "es", "us-east-1", time.Now)(t.Context(), r, nil)
	if !errors.Is(err, cause) || !strings.Contains(err.Error(), "retrieving credentials") || r.Header.Get("Authorization") != "" {
		t.Errorf("%v, Authorization %q", err, r.Header.Get("Authorization"))
	}
}
