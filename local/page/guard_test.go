package page_test

import (
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
)

var tokenText = regexp.MustCompile(`"token":"([A-Z2-7]+)"`)

// request asks a page that is served under its usual address.
func request(t *testing.T, handler http.Handler, method, path, body string, headers map[string]string) *http.Response {
	t.Helper()
	r := httptest.NewRequest(method, "http://127.0.0.1:4574"+path, strings.NewReader(body))
	for name, value := range headers {
		if name == "Host" {
			r.Host = value
			continue
		}
		r.Header.Set(name, value)
	}
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, r)
	return w.Result()
}

func readToken(t *testing.T, handler http.Handler) string {
	t.Helper()
	r := httptest.NewRequest(http.MethodGet, "http://127.0.0.1:4574/", nil)
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, r)
	found := tokenText.FindStringSubmatch(w.Body.String())
	if found == nil {
		t.Fatalf("the page has no token: %d %s", w.Code, w.Body)
	}
	return found[1]
}

const (
	own     = "http://127.0.0.1:4574"
	payload = `{"stream":"","stage":"","reason":"","rejected":false,"again":false}`
)

func TestGuardRejectsForeignRequests(t *testing.T) {
	handler := newPage(t)
	token := readToken(t, handler)
	for name, headers := range map[string]map[string]string{
		"a foreign Host":           {"Host": "evil.example:4574"},
		"a Host that rebinds":      {"Host": "127.0.0.1.nip.io:4574"},
		"a foreign Origin":         {"Origin": "http://evil.example"},
		"another port's Origin":    {"Origin": "http://127.0.0.1:4573"},
		"another scheme's Origin":  {"Origin": "https://127.0.0.1:4574"},
		"another name's Origin":    {"Origin": "http://localhost:4574"},
		"no origin of a file":      {"Origin": "null"},
		"an Origin with a path":    {"Origin": own + "/x"},
		"a cross-site request":     {"Sec-Fetch-Site": "cross-site"},
		"a same-site request":      {"Sec-Fetch-Site": "same-site"},
		"an unknown kind of site":  {"Sec-Fetch-Site": "other"},
		"an Origin that no URL is": {"Origin": "::"},
	} {
		headers["X-Page-Token"] = token
		for _, path := range []string{"/", "/page.js", "/api/state", "/api/letters", "/api/files?area=lake", "/api/event?id=x",
			"/api/rows?area=lake&key=x"} {
			if got := request(t, handler, http.MethodGet, path, "", headers); got.StatusCode != http.StatusForbidden {
				t.Errorf("%s: GET %s: got %d, want 403", name, path, got.StatusCode)
			}
		}
		if headers["Origin"] == "" {
			headers["Origin"] = own
		}
		headers["Content-Type"] = "application/json"
		got := request(t, handler, http.MethodPost, "/api/replay", payload, headers)
		if got.StatusCode != http.StatusForbidden {
			t.Errorf("%s: POST: got %d, want 403", name, got.StatusCode)
		}
	}
}

func TestGuardWantsTheToken(t *testing.T) {
	handler := newPage(t)
	token := readToken(t, handler)
	for name, given := range map[string]string{"none": "", "another": strings.Repeat("A", len(token)),
		"a part": token[1:], "more": token + "A"} {
		headers := map[string]string{"Origin": own, "Content-Type": "application/json"}
		if given != "" {
			headers["X-Page-Token"] = given
		}
		for _, path := range []string{"/api/state", "/api/letters", "/api/files?area=lake", "/api/event?id=x",
			"/api/rows?area=lake&key=x"} {
			if got := request(t, handler, http.MethodGet, path, "", headers); got.StatusCode != http.StatusForbidden {
				t.Errorf("%s: GET %s: got %d, want 403", name, path, got.StatusCode)
			}
		}
		got := request(t, handler, http.MethodPost, "/api/replay", payload, headers)
		if got.StatusCode != http.StatusForbidden {
			t.Errorf("%s: POST: got %d, want 403", name, got.StatusCode)
		}
	}
}

// The replay needs the page's Origin, its token and a body of JSON, each of them.
func TestGuardOfReplay(t *testing.T) {
	handler := newPage(t)
	token := readToken(t, handler)
	for _, c := range []struct {
		name, method, body string
		headers            map[string]string
		want               int
	}{
		{"no Origin", http.MethodPost, payload,
			map[string]string{"X-Page-Token": token, "Content-Type": "application/json"}, http.StatusForbidden},
		{"a form's type", http.MethodPost, payload,
			map[string]string{"X-Page-Token": token, "Origin": own, "Content-Type": "text/plain"}, http.StatusBadRequest},
		{"an unknown field", http.MethodPost, `{"all":true}`,
			map[string]string{"X-Page-Token": token, "Origin": own, "Content-Type": "application/json"},
			http.StatusBadRequest},
		{"a long body", http.MethodPost, `{"stream":"` + strings.Repeat("x", 8000) + `"}`,
			map[string]string{"X-Page-Token": token, "Origin": own, "Content-Type": "application/json"},
			http.StatusBadRequest},
		{"GET", http.MethodGet, "", map[string]string{"X-Page-Token": token}, http.StatusMethodNotAllowed},
		{"a preflight", http.MethodOptions, "", map[string]string{"Origin": "http://evil.example"},
			http.StatusForbidden},
		{"all of it", http.MethodPost, payload, map[string]string{"X-Page-Token": token, "Origin": own,
			"Content-Type": "application/json", "Sec-Fetch-Site": "same-origin"}, http.StatusOK},
	} {
		got := request(t, handler, c.method, "/api/replay", c.body, c.headers)
		if got.StatusCode != c.want {
			t.Errorf("%s: got %d, want %d", c.name, got.StatusCode, c.want)
		}
		for name := range got.Header {
			if strings.HasPrefix(name, "Access-Control-") {
				t.Errorf("%s: the answer has %s", c.name, name)
			}
		}
	}
}

func TestHeaders(t *testing.T) {
	handler := newPage(t)
	for _, path := range []string{"/", "/page.css", "/page.js"} {
		got := request(t, handler, http.MethodGet, path, "", map[string]string{"Sec-Fetch-Site": "none"})
		policy := got.Header.Get("Content-Security-Policy")
		if got.StatusCode != http.StatusOK || !strings.HasPrefix(policy, "default-src 'none'; script-src 'self';") ||
			strings.Contains(policy, "unsafe") || got.Header.Get("X-Content-Type-Options") != "nosniff" ||
			got.Header.Get("Cross-Origin-Resource-Policy") != "same-origin" {
			t.Errorf("%s: got %d, %v", path, got.StatusCode, got.Header)
		}
	}
}
