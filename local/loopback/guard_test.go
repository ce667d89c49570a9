package loopback

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestGuard(t *testing.T) {
	handler := Guard(http.HandlerFunc(func(w http.ResponseWriter,
		_ *http.Request) {
		w.WriteHeader(http.StatusNoContent)
	}))
	for host, want := range map[string]int{
		"127.0.0.1":             http.StatusNoContent,
		"127.0.0.1:4573":        http.StatusNoContent,
		"127.1.2.3:80":          http.StatusNoContent,
		"localhost":             http.StatusNoContent,
		"LocalHost:4573":        http.StatusNoContent,
		"[::1]":                 http.StatusNoContent,
		"[::1]:4573":            http.StatusNoContent,
		"":                      http.StatusForbidden,
		"evil.example":          http.StatusForbidden,
		"evil.example:4573":     http.StatusForbidden,
		"localhost.evil.com":    http.StatusForbidden,
		"127.0.0.1.nip.io":      http.StatusForbidden,
		"127.0.0.1.nip.io:4573": http.StatusForbidden,
		"192.168.1.7:4573":      http.StatusForbidden,
		"[::]:4573":             http.StatusForbidden,
		"0.0.0.0":               http.StatusForbidden,
		"[fe80::1]":             http.StatusForbidden,
		"127.0.0.1@evil":        http.StatusForbidden,
	} {
		for target, kind := range map[string]string{"": `<Error><Code>AccessDenied</Code>`,
			"AmazonSQS.ListQueues": `{"__type":"AccessDeniedException"`} {
			r := httptest.NewRequest(http.MethodPost, "/", nil)
			r.Host = host
			if target != "" {
				r.Header.Set("X-Amz-Target", target)
			}
			w := httptest.NewRecorder()
			handler.ServeHTTP(w, r)
			if w.Code != want {
				t.Errorf("%q: got %d, want %d", host, w.Code, want)
			}
			if want == http.StatusForbidden && !strings.HasPrefix(w.Body.String(), kind) {
				t.Errorf("%q: got %s, want %s", host, w.Body, kind)
			}
		}
	}
}
