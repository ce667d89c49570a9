package opensearch

import (
	"encoding/json"
	"encoding/pem"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"firehose-pipeline/functions/searchsetup"
)

// server plays the calls of Open and Export, with the demands of the security plugin. The real one is met in
// `make verify`.
type server struct {
	*httptest.Server
	t        *testing.T
	users    map[string]string // password by name
	bulks    []string
	scrolls  []string
	cleared  int
	failAuth bool
}

func newServer(t *testing.T) *server {
	s := &server{t: t, users: map[string]string{"master": "secret"}}
	s.Server = httptest.NewTLSServer(s)
	t.Cleanup(s.Close)
	return s
}

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	name, password, _ := r.BasicAuth()
	if s.users[name] == "" || s.users[name] != password || s.failAuth {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	var body map[string]any
	if r.Header.Get("Content-Type") == "application/json" && r.Method != http.MethodPatch { // a patch is a list
		if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
			s.t.Error(err)
		}
	}
	switch path := r.URL.Path; {
	case strings.HasPrefix(path, "/_plugins/_security/api/internalusers/"):
		if fmt.Sprint(body["backend_roles"]) != "[arn:aws:iam::000000000000:role/writer]" {
			s.t.Errorf("user %v", body)
		}
		s.users[filepath.Base(path)] = body["password"].(string)
		w.WriteHeader(http.StatusCreated)
		fmt.Fprint(w, `{"status":"CREATED"}`)
	case path == "/_bulk":
		s.bulks = append(s.bulks, name+" "+r.Header.Get("Content-Type"))
		w.WriteHeader(http.StatusTooManyRequests)
		fmt.Fprint(w, "busy")
	case path == "/events-2026-09-21/_refresh":
		fmt.Fprint(w, `{}`)
	case path == "/events-2026-09-21/_search", r.Method == http.MethodPost && path == "/_search/scroll":
		s.scrolls = append(s.scrolls, fmt.Sprint(body["scroll_id"]))
		page := `{"_scroll_id":"next","hits":{"hits":[]}}`
		if n := len(s.scrolls); n <= 2 {
			page = fmt.Sprintf(`{"_scroll_id":"next","hits":{"hits":[{"_id":"ours%[1]d","_source":{"n":%[1]d, "s":"x"}},{"_id":"other%[1]d","_source":{}}]}}`, n)
		}
		fmt.Fprint(w, page)
	case r.Method == http.MethodDelete && path == "/_search/scroll":
		s.cleared++
		fmt.Fprint(w, `{}`)
	case r.Method == http.MethodGet && strings.HasPrefix(path, "/_plugins/_ism/"):
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprint(w, `{"error":"no handler found for uri"}`)
	case r.Method == http.MethodGet && (strings.Contains(path, "/api/roles") ||
		strings.HasPrefix(path, "/_index_template")):
		w.WriteHeader(http.StatusNotFound)
	default:
		fmt.Fprint(w, `{}`)
	}
}

func (s *server) open(t *testing.T) (*Server, error) {
	t.Helper()
	ca := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw}),
		0o644); err != nil {
		t.Fatal(err)
	}
	state := searchsetup.State{Endpoint: "https://search-domain.us-east-1.es.amazonaws.com", Index: "events",
		Rotation: "OneDay", Shards: 1, RetentionDays: 30,
		Properties:    map[string]any{"n": map[string]any{"type": "long"}},
		WriterRoleARN: "arn:aws:iam::000000000000:role/writer"}
	return Open(t.Context(), Options{URL: s.URL, User: "master", Password: "secret", CAFile: ca,
		Log: slog.New(slog.DiscardHandler)}, state)
}

func TestServer(t *testing.T) {
	t.Run("Firehose's role has a user of its own, who sends bulk requests", func(t *testing.T) {
		s := newServer(t)
		search, err := s.open(t)
		if err != nil {
			t.Fatal(err)
		}
		status, answer, err := search.Bulk(t.Context(), time.Time{}, []byte("{}\n{}\n"))
		if status != 429 || string(answer) != "busy" || err != nil {
			t.Errorf("got %d, %s, %v", status, answer, err)
		}
		if got := fmt.Sprint(s.bulks); got != "[events-firehose application/x-ndjson]" {
			t.Errorf("requests %s", got)
		}
	})
	t.Run("the documents of a run are read back, page by page", func(t *testing.T) {
		s := newServer(t)
		search, err := s.open(t)
		if err != nil {
			t.Fatal(err)
		}
		dir := t.TempDir()
		if err := search.Export(t.Context(), "events-2026-09-21", "ours", dir); err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(filepath.Join(dir, "events-2026-09-21.ndjson"))
		if err != nil || string(text) != "{\"n\":1, \"s\":\"x\"}\n{\"n\":2, \"s\":\"x\"}\n" {
			t.Errorf("got %q, %v", text, err)
		}
		if fmt.Sprint(s.scrolls) != "[<nil> next next]" || s.cleared != 1 {
			t.Errorf("scrolls %v, cleared %d", s.scrolls, s.cleared)
		}
		if err := search.Export(t.Context(), "events-2026-09-22", "ours", dir); err != nil {
			t.Errorf("an index of no documents: %v", err)
		}
	})
	t.Run("a wrong password ends it at once, naming the call", func(t *testing.T) {
		s := newServer(t)
		s.failAuth = true
		if _, err := s.open(t); err == nil || !strings.Contains(err.Error(), "answered 401") {
			t.Errorf("got %v", err)
		}
	})
	t.Run("a server that cannot be reached is no answer", func(t *testing.T) {
		s := newServer(t)
		search, err := s.open(t)
		if err != nil {
			t.Fatal(err)
		}
		s.Close()
		if status, _, err := search.Bulk(t.Context(), time.Time{}, nil); err == nil {
			t.Errorf("got %d", status)
		}
	})
	t.Run("a file without a certificate is refused", func(t *testing.T) {
		name := filepath.Join(t.TempDir(), "empty.pem")
		if err := os.WriteFile(name, nil, 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(t.Context(), Options{URL: "https://127.0.0.1:1", CAFile: name},
			searchsetup.State{}); err == nil || !strings.Contains(err.Error(), "no certificate") {
			t.Errorf("got %v", err)
		}
	})
}
