package secretsmanager

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

const testSecret = "the-secret"

func call(t *testing.T, url, target, body string) (status int, answer string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("X-Amz-Target", target)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	if got := response.Header.Get("Content-Type"); got != "application/x-amz-json-1.1" {
		t.Errorf("Content-Type %q", got)
	}
	return response.StatusCode, string(text)
}

func TestServe(t *testing.T) {
	server, err := Serve(t.Context(), testSecret)
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	if !strings.HasPrefix(server.URL, "http://127.0.0.1:") {
		t.Errorf("serves on %s", server.URL)
	}
	const get = "secretsmanager.GetSecretValue"
	for _, c := range []struct {
		name, target, body string
		status             int
		code               string // of the error, empty for the secret
	}{
		{"the secret", get, `{"SecretId":"arn:x"}`, 200, ""},
		{"a version of it", get, `{"SecretId":"arn:x","VersionStage":"AWSCURRENT"}`, 200, ""},
		{"no target", "", `{"SecretId":"arn:x"}`, 400, "UnknownOperationException"},
		{"another operation", "secretsmanager.PutSecretValue", `{"SecretId":"arn:x","SecretString":"y"}`, 400, "UnknownOperationException"},
		{"no body", get, ``, 400, "InvalidRequestException"},
		{"no JSON", get, `SecretId=arn:x`, 400, "InvalidRequestException"},
		{"no id", get, `{}`, 400, "InvalidRequestException"},
		{"an id that is no text", get, `{"SecretId":1}`, 400, "InvalidRequestException"},
		{"a body without end", get, `{"SecretId":"` + strings.Repeat("x", maxRequest) + `"}`, 400, "InvalidRequestException"},
	} {
		t.Run(c.name, func(t *testing.T) {
			status, text := call(t, server.URL, c.target, c.body)
			var answer struct {
				ARN, SecretString string
				Type              string `json:"__type"`
			}
			if err := json.Unmarshal([]byte(text), &answer); err != nil {
				t.Fatalf("%s: %v", text, err)
			}
			switch {
			case status != c.status || answer.Type != c.code:
				t.Errorf("status %d, %s", status, text)
			case c.code == "" && (answer.SecretString != testSecret || answer.ARN != "arn:x"):
				t.Errorf("%s", text)
			case c.code != "" && strings.Contains(text, testSecret):
				t.Errorf("a refusal with the secret: %s", text)
			}
		})
	}
	if status, _ := call(t, server.URL, get, `{"SecretId":"arn:x"}`); status != 200 {
		t.Errorf("after refusals: status %d", status)
	}
}

func TestServeEnds(t *testing.T) {
	var none *Server
	if err := none.Close(); err != nil {
		t.Error(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	byContext, err := Serve(ctx, testSecret)
	if err != nil {
		t.Fatal(err)
	}
	byClose, err := Serve(t.Context(), testSecret)
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	if err := byClose.Close(); err != nil {
		t.Error(err)
	}
	for name, url := range map[string]string{"its context": byContext.URL, "Close": byClose.URL} {
		if !isGone(t, url) {
			t.Errorf("still serves after the end of %s", name)
		}
	}
}

// isGone waits for the endpoint's end: that of a context comes a little later.
func isGone(t *testing.T, url string) bool {
	t.Helper()
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	for range 1000 {
		response, err := client.Get(url)
		if err != nil {
			return true
		}
		response.Body.Close()
		time.Sleep(5 * time.Millisecond)
	}
	return false
}
