package opensearch

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"firehose-pipeline/functions/searchsetup"
)

// Options say how to reach a real server.
type Options struct {
	URL            string // https, or http on loopback; no path
	User, Password string // of its master user
	CAFile         string // PEM certificates to trust beside the system's; empty: none
	Log            *slog.Logger
}

// Server is a real OpenSearch that search streams deliver to.
type Server struct {
	o      Options
	client *http.Client
	writer searchsetup.Signer // as the user in place of Firehose's role

	mu        sync.Mutex
	documents map[string]int64 // by index, of every index that a bulk request names, as last exported
}

// Open brings the server into the wanted state, as the custom resource does with a domain, and makes an internal user
// whose backend role is the writer's: it replaces the IAM role, which the server does not know.
func Open(ctx context.Context, o Options, state searchsetup.State) (*Server, error) {
	s := &Server{o: o, client: &http.Client{Timeout: requestTimeout}, documents: map[string]int64{}}
	pool, err := x509.SystemCertPool()
	if err != nil {
		return nil, fmt.Errorf("reading the system's certificates: %w", err)
	}
	if o.CAFile != "" {
		pem, err := os.ReadFile(o.CAFile)
		if err != nil {
			return nil, fmt.Errorf("reading certificates: %w", err)
		}
		if !pool.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("reading certificates: no certificate in %s", o.CAFile)
		}
	}
	s.client.Transport = &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}, Proxy: http.ProxyFromEnvironment}
	state.Endpoint = o.URL
	setup, err := searchsetup.New(state, searchsetup.Basic(o.User, o.Password))
	if err != nil {
		return nil, err
	}
	setup.Client.HTTP, setup.Client.Log = s.client, o.Log
	setup.NoStateManagement = true
	if err := setup.Apply(ctx, state, nil); err != nil {
		return nil, fmt.Errorf("setting up %s: %w", o.URL, err)
	}
	name, password := state.Index+"-firehose", "Aa1-"+rand.Text()
	user := map[string]any{"password": password, "backend_roles": []string{state.WriterRoleARN}}
	if err := s.callAPI(ctx, http.MethodPut, "/_plugins/_security/api/internalusers/"+url.PathEscape(name), user,
		nil); err != nil {
		return nil, fmt.Errorf("making a user for Firehose's role: %w", err)
	}
	s.writer = searchsetup.Basic(name, password)
	return s, nil
}

// requestTimeout bounds one request. Firehose's own is not documented.
const requestTimeout = 30 * time.Second

// Bulk sends a bulk request as Firehose.
func (s *Server) Bulk(ctx context.Context, _ time.Time, body []byte) (status int, answer []byte, err error) {
	s.addIndices(body)
	return s.sendRequest(ctx, s.writer, http.MethodPost, "/_bulk", "application/x-ndjson", body)
}

// addIndices notes the indices of a bulk request: documents may be there although the response is lost.
func (s *Server) addIndices(body []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(body) > 0 {
		action, rest, _ := bytes.Cut(body, []byte("\n"))
		_, body, _ = bytes.Cut(rest, []byte("\n"))
		if name, _, err := placeOf(action); err == nil { // the server rejects others itself
			s.documents[string(name)] += 0
		}
	}
}

// Documents returns the number of documents by index, as last exported, of every index that a bulk request names.
func (s *Server) Documents() map[string]int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.documents)
}

func (s *Server) sendRequest(ctx context.Context, sign searchsetup.Signer, method, target, kind string,
	body []byte) (int, []byte, error) {
	r, err := http.NewRequestWithContext(ctx, method, strings.TrimSuffix(s.o.URL, "/")+target, bytes.NewReader(body))
	if err != nil {
		return 0, nil, fmt.Errorf("making request: %w", err)
	}
	r.Header.Set("Content-Type", kind)
	if err := sign(ctx, r, body); err != nil {
		return 0, nil, err
	}
	response, err := s.client.Do(r)
	if err != nil {
		return 0, nil, err
	}
	answer, err := io.ReadAll(response.Body)
	return response.StatusCode, answer, errors.Join(err, response.Body.Close())
}

// errOutOfReach: the server may answer later.
var errOutOfReach = errors.New("the server is out of reach")

// ErrNotFound: the server has no such index.
var ErrNotFound = errors.New("not found")

// callAPI sends a request as the master user and decodes its answer into out (nil for none).
func (s *Server) callAPI(ctx context.Context, method, target string, body, out any) error {
	content, err := json.Marshal(body)
	if err != nil {
		return err
	}
	status, answer, err := s.sendRequest(ctx, searchsetup.Basic(s.o.User, s.o.Password), method, target,
		"application/json", content)
	switch {
	case err != nil:
		err = fmt.Errorf("%w: %w", errOutOfReach, err)
	case status >= 500:
		err = fmt.Errorf("%w: answered %d: %.500s", errOutOfReach, status, answer)
	case status == http.StatusNotFound:
		err = fmt.Errorf("%w: answered %d: %.500s", ErrNotFound, status, answer)
	case status/100 != 2:
		err = fmt.Errorf("answered %d: %.500s", status, answer)
	}
	if err == nil && out != nil {
		err = json.Unmarshal(answer, out)
	}
	if err != nil {
		return fmt.Errorf("%s %s: %w", method, target, err)
	}
	return nil
}

// page is how many documents are read at once: a document may be 1,000 KiB.
const page = 200

// exportPause is how long Export waits for a server that does not answer before it asks again.
const exportPause = time.Second

// Export writes the documents of an index whose ids begin with the prefix to <dir>/<index>.ndjson, one a line, in place
// of the file that is there: the server's real content of a run. It waits for a server that is out of reach until the
// context ends.
func (s *Server) Export(ctx context.Context, index, idPrefix, dir string) error {
	for {
		err := s.exportOnce(ctx, index, idPrefix, dir)
		if !errors.Is(err, errOutOfReach) || ctx.Err() != nil {
			return err
		}
		select {
		case <-time.After(exportPause):
		case <-ctx.Done():
			return err
		}
	}
}

func (s *Server) exportOnce(ctx context.Context, index, idPrefix, dir string) (err error) {
	file, err := os.OpenFile(filepath.Join(dir, index+".ndjson"), os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return fmt.Errorf("reading index %s: %w", index, err)
	}
	out, count := bufio.NewWriter(file), int64(0)
	err = s.eachDocument(ctx, index, func(id string, source json.RawMessage) error {
		if !strings.HasPrefix(id, idPrefix) {
			return nil
		}
		if bytes.IndexByte(source, '\n') >= 0 {
			return fmt.Errorf("document %s is on several lines", id)
		}
		count++
		out.Write(source)
		return out.WriteByte('\n')
	})
	if err = errors.Join(err, out.Flush(), file.Close()); err != nil {
		if errors.Is(err, ErrNotFound) {
			err = errors.Join(err, os.Remove(file.Name()))
		}
		return fmt.Errorf("reading index %s: %w", index, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.documents[index] = count
	return nil
}

// eachDocument reads all documents of an index.
func (s *Server) eachDocument(ctx context.Context, index string,
	do func(id string, source json.RawMessage) error) error {
	if err := s.callAPI(ctx, http.MethodPost, "/"+index+"/_refresh", struct{}{}, nil); err != nil {
		return err
	}
	var got struct {
		ScrollID string `json:"_scroll_id"`
		Hits     struct {
			Hits []struct {
				ID     string          `json:"_id"`
				Source json.RawMessage `json:"_source"`
			}
		}
	}
	body := map[string]any{"size": page, "sort": []string{"_doc"}}
	err := s.callAPI(ctx, http.MethodPost, "/"+index+"/_search?scroll=1m", body, &got)
	for err == nil && len(got.Hits.Hits) > 0 {
		for _, hit := range got.Hits.Hits {
			if err := do(hit.ID, hit.Source); err != nil {
				return err
			}
		}
		next := map[string]any{"scroll": "1m", "scroll_id": got.ScrollID}
		got.Hits.Hits = nil
		err = s.callAPI(ctx, http.MethodPost, "/_search/scroll", next, &got)
	}
	if got.ScrollID != "" {
		err = errors.Join(err, s.callAPI(ctx, http.MethodDelete, "/_search/scroll",
			map[string]any{"scroll_id": got.ScrollID}, nil))
	}
	return err
}
