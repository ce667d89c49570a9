package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"firehose-pipeline/internal/clock"
	"firehose-pipeline/internal/testkit/callrecord"
	"firehose-pipeline/local/secretsmanager"
)

const (
	hashSecretARN = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:hash-key-AbCdEf"
	hashSecret    = "s3cr3t-s3cr3t-s3cr3t-s3cr3t-s3cr3t-s3cr3t-s3cr3t-s3cr3t-s3cr3t-s"
	good          = `{"ARN":"` + hashSecretARN + `","SecretString":"` + hashSecret + `"}`
)

// secretServer answers request n with answer n, the last one again and again.
func secretServer(t *testing.T, answers ...func(w http.ResponseWriter, r *http.Request)) (getenv func(string) string, requests *atomic.Int64) {
	t.Helper()
	requests = new(atomic.Int64)
	server := httptest.NewServer(callrecord.Handler("LakeTransformRole", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		answers[min(int(requests.Add(1)), len(answers))-1](w, r)
	})))
	t.Cleanup(server.Close)
	env := map[string]string{"AWS_REGION": "eu-west-1", "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "key",
		"AWS_SESSION_TOKEN": "token", "AWS_ENDPOINT_URL_SECRETS_MANAGER": server.URL}
	return func(name string) string { return env[name] }, requests
}

func status(code int, body string) func(http.ResponseWriter, *http.Request) {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(code)
		fmt.Fprint(w, body)
	}
}

// shortPauses makes retries quick.
func shortPauses(t *testing.T) {
	pause, call := secretPause, secretCallTimeout
	secretPause, secretCallTimeout = clock.Backoff{First: 2, Max: 2}, 300*time.Millisecond
	t.Cleanup(func() { secretPause, secretCallTimeout = pause, call })
}

func TestReadSecret(t *testing.T) {
	shortPauses(t)
	cut := func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "1000")
		fmt.Fprint(w, good[:40])
	}
	stall := func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // before its end the server does not notice that the client leaves
		<-r.Context().Done()
	}
	drop := func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }
	for _, c := range []struct {
		name     string
		answers  []func(http.ResponseWriter, *http.Request)
		requests int64
		fails    string // a part of the error, empty for the secret
	}{
		{"at once", []func(http.ResponseWriter, *http.Request){status(200, good)}, 1, ""},
		{"after errors of the service", []func(http.ResponseWriter, *http.Request){status(500, `{"__type":"InternalServiceError"}`),
			status(503, "<html>"), status(200, good)}, 3, ""},
		{"after throttling", []func(http.ResponseWriter, *http.Request){status(400, `{"__type":"ThrottlingException"}`), status(429, ""), status(200, good)}, 3, ""},
		{"after a broken connection", []func(http.ResponseWriter, *http.Request){drop, status(200, good)}, 2, ""},
		{"after an answer that was cut", []func(http.ResponseWriter, *http.Request){cut, status(200, good)}, 2, ""},
		{"after a connection on which nothing comes", []func(http.ResponseWriter, *http.Request){stall, status(200, good)}, 2, ""},
		{"access denied", []func(http.ResponseWriter, *http.Request){status(400, `{"__type":"AccessDeniedException","Message":"`+hashSecret+`"}`)}, 1,
			"status 400 AccessDeniedException"},
		{"no such secret", []func(http.ResponseWriter, *http.Request){status(400, `{"__type":"com.amazonaws.secretsmanager#ResourceNotFoundException"}`)}, 1,
			"status 400 com.amazonaws.secretsmanager#ResourceNotFoundException"},
		{"an error without a type", []func(http.ResponseWriter, *http.Request){status(403, hashSecret)}, 1, "status 403"},
		{"an error of another server", []func(http.ResponseWriter, *http.Request){status(400, `{"__type":"x\u001b[31m `+hashSecret+`"}`)}, 1, "status 400"},
		{"no JSON", []func(http.ResponseWriter, *http.Request){status(200, hashSecret)}, 1, "has no SecretString"},
		{"a binary secret", []func(http.ResponseWriter, *http.Request){status(200, `{"SecretBinary":"`+hashSecret+`"}`)}, 1, "has no SecretString"},
		{"an answer of the wrong type", []func(http.ResponseWriter, *http.Request){status(200, `{"SecretString":["`+hashSecret+`"]}`)}, 1, "has no SecretString"},
	} {
		t.Run(c.name, func(t *testing.T) {
			getenv, requests := secretServer(t, c.answers...)
			text, err := readSecret(t.Context(), hashSecretARN, getenv)
			if requests.Load() != c.requests {
				t.Errorf("%d requests, want %d", requests.Load(), c.requests)
			}
			if c.fails == "" {
				if err != nil || string(text) != hashSecret {
					t.Errorf("got %q, %v", text, err)
				}
				return
			}
			if err == nil || text != nil || !strings.Contains(err.Error(), c.fails) {
				t.Fatalf("got %q, %v; want an error with %q", text, err, c.fails)
			}
			if strings.Contains(err.Error(), "s3cr3t") || strings.ContainsRune(err.Error(), '\x1b') {
				t.Errorf("the error quotes the answer: %v", err)
			}
		})
	}
}

func TestReadSecretSendsASignedRequest(t *testing.T) {
	getenv, _ := secretServer(t, func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		if got, want := string(body), `{"SecretId":"`+hashSecretARN+`"}`; got != want || r.Method != http.MethodPost || r.URL.Path != "/" {
			t.Errorf("%s %s %s, want %s", r.Method, r.URL.Path, got, want)
		}
		for name, want := range map[string]string{"X-Amz-Target": "secretsmanager.GetSecretValue", "Content-Type": "application/x-amz-json-1.1",
			"X-Amz-Security-Token": "token"} {
			if got := r.Header.Get(name); got != want {
				t.Errorf("%s: %q, want %q", name, got, want)
			}
		}
		if got := r.Header.Get("Authorization"); !strings.HasPrefix(got, "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/") ||
			!strings.Contains(got, "/eu-west-1/secretsmanager/aws4_request, SignedHeaders=") {
			t.Errorf("Authorization: %q", got)
		}
		fmt.Fprint(w, good)
	})
	if text, err := readSecret(t.Context(), hashSecretARN, getenv); err != nil || string(text) != hashSecret {
		t.Errorf("got %q, %v", text, err)
	}
}

func TestReadSecretNeedsItsVariables(t *testing.T) {
	for arn, region := range map[string]string{"": "eu-west-1", hashSecretARN: ""} {
		_, err := readSecret(t.Context(), arn, func(string) string { return region })
		if err == nil || !strings.Contains(err.Error(), "HASH_SECRET_ARN, AWS_REGION: must be set") {
			t.Errorf("%q, %q: %v", arn, region, err)
		}
	}
	t.Run("an endpoint that is no address", func(t *testing.T) {
		env := map[string]string{"AWS_REGION": "eu-west-1", "AWS_ENDPOINT_URL_SECRETS_MANAGER": "http://[::1"}
		if _, err := readSecret(t.Context(), hashSecretARN, func(name string) string { return env[name] }); err == nil {
			t.Error("accepted")
		}
	})
}

// Without an end of the caller's own the secret's timeout is the end; a test does not wait for it.
func TestReadSecretEndsInTime(t *testing.T) {
	shortPauses(t)
	if secretTimeout >= 10*time.Second {
		t.Errorf("%v: Lambda gives init 10 s", secretTimeout)
	}
	getenv, requests := secretServer(t, status(500, `{"__type":"InternalServiceError"}`))
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	begun := time.Now()
	_, err := readSecret(ctx, hashSecretARN, getenv)
	if err == nil || time.Since(begun) > 5*time.Second || requests.Load() < 2 {
		t.Errorf("%v after %v and %d requests", err, time.Since(begun), requests.Load())
	}
}

// The local model's endpoint is what the function meets in a local run.
func TestReadSecretOfTheLocalModel(t *testing.T) {
	server, err := secretsmanager.Serve(t.Context(), hashSecret)
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	env := map[string]string{"AWS_REGION": "eu-west-1", "AWS_ENDPOINT_URL_SECRETS_MANAGER": server.URL, "AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b"}
	text, err := readSecret(t.Context(), hashSecretARN, func(name string) string { return env[name] })
	if err != nil || string(text) != hashSecret {
		t.Errorf("got %q, %v", text, err)
	}
}
