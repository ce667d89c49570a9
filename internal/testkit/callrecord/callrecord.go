// Package callrecord records the requests that a function sends in tests, for verify/iam: an evaluator of IAM policies
// then shows that the function's role allows each of them.
package callrecord

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
)

// Variable names the file to which requests are appended. Nothing is recorded without it.
const Variable = "RECORD_CALLS"

// Call is one line of the file.
type Call struct {
	// Role is the beginning of the logical id of the function's role.
	Role string `json:"role"`
	// Service is the one that the request is signed for, such as s3.
	Service string `json:"service"`
	Method  string `json:"method"`
	// Path is the unescaped path, and Query the query.
	Path  string `json:"path"`
	Query string `json:"query"`
	// Operation is that of the JSON and query protocols, such as AmazonSQS.SendMessageBatch or GetRole.
	Operation string `json:"operation"`
}

// On reports whether requests are recorded.
func On() bool { return os.Getenv(Variable) != "" }

// Handler returns next, and records each signed request before it when requests are recorded. It panics when the file
// cannot be written: the test would prove nothing.
func Handler(role string, next http.Handler) http.Handler {
	if !On() {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if service := signedFor(r); service != "" {
			call := Call{Role: role, Service: service, Method: r.Method, Path: r.URL.Path, Query: r.URL.RawQuery,
				Operation: r.Header.Get("X-Amz-Target")}
			if strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded") {
				call.Operation = formAction(r)
			}
			if err := record(call); err != nil {
				panic(err)
			}
		}
		next.ServeHTTP(w, r)
	})
}

// signedFor is the service in the credential scope of a signature version 4; empty without one.
func signedFor(r *http.Request) string {
	_, credential, _ := strings.Cut(r.Header.Get("Authorization"), "Credential=")
	scope, _, _ := strings.Cut(credential, ",")
	parts := strings.Split(scope, "/")
	if len(parts) < 4 {
		return ""
	}
	return parts[len(parts)-2]
}

// formAction reads the action of the query protocol, and puts the body back.
func formAction(r *http.Request) string {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return ""
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return ""
	}
	return form.Get("Action")
}

// record appends a line in one write, since several processes may do so at once.
func record(call Call) error {
	line, err := json.Marshal(call)
	if err != nil {
		return fmt.Errorf("recording a call: %w", err)
	}
	file, err := os.OpenFile(os.Getenv(Variable), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("recording a call: %w", err)
	}
	if _, err := file.Write(append(line, '\n')); err != nil {
		file.Close()
		return fmt.Errorf("recording a call: %w", err)
	}
	return file.Close()
}
