package searchsetup

import (
	"bytes"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

func TestCall(t *testing.T) {
	call := func(t *testing.T, body any, handler http.HandlerFunc) (out any, log string, err error) {
		t.Helper()
		server := httptest.NewServer(handler)
		defer server.Close()
		base, err := url.Parse(server.URL)
		if err != nil {
			t.Fatal(err)
		}
		var buffer bytes.Buffer
		c := &Client{Base: base, Log: slog.New(slog.NewJSONHandler(&buffer, nil))}
		err = c.callServer(t.Context(), "PUT", "/a?b=c", body, &out)
		return out, buffer.String(), err
	}
	t.Run("one log line a call, without bodies", func(t *testing.T) {
		_, log, err := call(t, object{"password": "secret"},
			func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte(`"secret"`)) })
		if err != nil || strings.Count(log, "\n") != 1 || strings.Contains(log, "secret") ||
			!strings.Contains(log, `"msg":"call","method":"PUT","path":"/a?b=c","status":200,"milliseconds":`) {
			t.Errorf("error %v, log %s", err, log)
		}
	})
	t.Run("an answer that is no JSON is an error, and final", func(t *testing.T) {
		_, _, err := call(t, nil, func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte("<html>")) })
		if err == nil || !strings.HasPrefix(err.Error(), "decoding response of PUT /a?b=c: ") {
			t.Errorf("error: %v", err)
		}
	})
	t.Run("an answer without end is not read to it", func(t *testing.T) {
		_, _, err := call(t, nil, func(w http.ResponseWriter, _ *http.Request) {
			for chunk := bytes.Repeat([]byte(" "), 1<<20); ; {
				if _, err := w.Write(chunk); err != nil {
					return
				}
			}
		})
		if err == nil || !strings.Contains(err.Error(), "reading response: more than 33554432 bytes") {
			t.Errorf("error: %v", err)
		}
	})
	t.Run("a failed call names no host", func(t *testing.T) {
		_, _, err := call(t, nil, func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
		if err == nil || !strings.HasPrefix(err.Error(), "PUT /a?b=c: ") || strings.Contains(err.Error(), "http://") {
			t.Errorf("error: %v", err)
		}
	})
}
