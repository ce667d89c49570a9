package searchsetup

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"firehose-pipeline/internal/sigv4"
)

var testCredentials = aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
	return aws.Credentials{AccessKeyID: "AKIDEXAMPLE", SecretAccessKey: "secret", SessionToken: "session-token"}, nil
})

var authorization = regexp.MustCompile(`^AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/(\d{8})/eu-west-1/es/aws4_request, SignedHeaders=([a-z0-9;-]+), Signature=([0-9a-f]{64})$`)

// signatureProblem computes the Signature Version 4 of a received request as the IAM User Guide writes it down ("Create
// a signed AWS API request") and returns the problem of the one that it carries, or "".
func signatureProblem(r *http.Request, body []byte) string {
	parts := authorization.FindStringSubmatch(r.Header.Get("Authorization"))
	if parts == nil {
		return "Authorization: " + r.Header.Get("Authorization")
	}
	day, signed, signature := parts[1], strings.Split(parts[2], ";"), parts[3]
	for _, name := range []string{"host", "x-amz-date", "x-amz-security-token"} {
		if !slices.Contains(signed, name) {
			return "not signed: " + name
		}
	}
	var headers strings.Builder
	for _, name := range signed {
		value := r.Header.Get(name)
		switch name {
		case "host":
			value = r.Host
		case "content-length":
			value = r.Header.Get("Content-Length")
		}
		headers.WriteString(name + ":" + strings.TrimSpace(value) + "\n")
	}
	// The path as it came, escaped once more; every query value here is made of unreserved characters.
	canonicalPath := strings.ReplaceAll(r.URL.EscapedPath(), "%", "%25")
	query := strings.Split(r.URL.RawQuery, "&")
	slices.Sort(query)
	sum := func(b []byte) string { h := sha256.Sum256(b); return hex.EncodeToString(h[:]) }
	canonical := strings.Join([]string{r.Method, canonicalPath, strings.Join(query, "&"), headers.String(),
		strings.Join(signed, ";"), sum(body)}, "\n")
	text := strings.Join([]string{"AWS4-HMAC-SHA256", r.Header.Get("X-Amz-Date"), day + "/eu-west-1/es/aws4_request",
		sum([]byte(canonical))}, "\n")
	key := []byte("AWS4secret")
	for _, part := range []string{day, "eu-west-1", "es", "aws4_request", text} {
		h := hmac.New(sha256.New, key)
		h.Write([]byte(part))
		key = h.Sum(nil)
	}
	if want := hex.EncodeToString(key); signature != want {
		return "signature differs for " + r.Method + " " + r.URL.RequestURI()
	}
	return ""
}

func TestSigV4(t *testing.T) {
	now := func() time.Time { return time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC) }
	t.Run("every request of a create, an update and a remove is signed", func(t *testing.T) {
		d := newFakeDomain(t)
		d.indices["realtime-events-2026-01-01"] = &fakeIndex{replicas: "1", properties: object{}}
		checked := 0
		d.check = func(r *http.Request, body []byte) {
			checked++
			if r.ContentLength > 0 {
				// net/http takes it out of the headers
				r.Header.Set("Content-Length", strconv.FormatInt(r.ContentLength, 10))
			}
			if problem := signatureProblem(r, body); problem != "" {
				t.Error(problem)
			}
		}
		state := wanted(d)
		s, _ := newSetup(t, d, state, nil)
		s.Client.Sign = sigv4.New(testCredentials, "es", "eu-west-1", now)
		if err := s.Apply(t.Context(), state, nil); err != nil {
			t.Fatal(err)
		}
		old := state
		state.RetentionDays, state.Replicas, state.AdminRoleARNs = 7, 2, nil
		if err := s.Apply(t.Context(), state, &old); err != nil {
			t.Fatal(err)
		}
		if err := s.Remove(t.Context(), state); err != nil {
			t.Fatal(err)
		}
		if checked < 40 {
			t.Errorf("only %d requests were checked", checked)
		}
	})
	t.Run("the check sees a changed body", func(t *testing.T) {
		r, err := http.NewRequest("PUT", "https://x.example/a", strings.NewReader("{}"))
		if err != nil {
			t.Fatal(err)
		}
		if err := sigv4.New(testCredentials, "es", "eu-west-1", now)(t.Context(), r, []byte("{}")); err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Length", "2")
		if problem := signatureProblem(r, []byte("{}")); problem != "" {
			t.Error(problem)
		}
		if signatureProblem(r, []byte("[]")) == "" {
			t.Error("a changed body has the same signature")
		}
	})
	t.Run("missing credentials are an error", func(t *testing.T) {
		none := aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{},
				errors.New("none")
		})
		r, err := http.NewRequest("GET", "https://x.example/", nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := sigv4.New(none, "es", "eu-west-1", now)(t.Context(), r, nil); err == nil ||
			err.Error() != "retrieving credentials: none" {
			t.Errorf("error: %v", err)
		}
	})
}

func TestBasic(t *testing.T) {
	d := newFakeDomain(t)
	d.check = func(r *http.Request, _ []byte) {
		if user, password, ok := r.BasicAuth(); !ok || user != "admin" || password != "pass" {
			t.Errorf("user %q, password %q", user, password)
		}
	}
	s, _ := newSetup(t, d, wanted(d), nil)
	s.Client.Sign = Basic("admin", "pass")
	if err := s.Apply(t.Context(), wanted(d), nil); err != nil {
		t.Fatal(err)
	}
}

func TestPath(t *testing.T) {
	t.Run("everything but unreserved characters is escaped", func(t *testing.T) {
		if got, want := joinPath("a-b_c.~", "x*,/ é"), "/a-b_c.~/x%2A%2C%2F%20%C3%A9"; got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	})
}
