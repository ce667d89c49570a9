package opensearchtest

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// MasterARN is the IAM role that the master user represents.
const MasterARN = "arn:aws:iam::000000000000:role/master"

// Options configure a server.
type Options struct {
	// Port of the HTTPS endpoint on 127.0.0.1, 0 for any free one.
	Port int
	// Home is an installation with the plugins for security, the job scheduler and index management. Empty: that of
	// OPENSEARCH_HOME, and without it one is made from Maven Central, without the latter two.
	Home string
	// WithoutUsers: the caller needs no users and roles, so that a version without the security plugin serves, too, by
	// HTTP and for everybody.
	WithoutUsers bool
	// Progress gets a line for each step that takes time; nil for none.
	Progress io.Writer
}

// Server is a running OpenSearch, or one that has been stopped and can be started again with its data.
type Server struct {
	URL    *url.URL
	CAFile string // PEM certificate of the authority that signed the server's
	Master User   // mapped to all_access, as AWS maps the master role

	o       Options
	dir     string // configuration, data and logs
	home    string // the installation
	version string
	ca      *x509.CertPool
	admin   *http.Client // with the administrator's certificate, which no mapping can lock out
	process *exec.Cmd
	exited  chan struct{}
}

// User is an internal user.
type User struct {
	Name, Password string
	BackendRole    string // ARN of the IAM role that the user represents
}

const (
	startTimeout = 5 * time.Minute // on a busy machine; 15 s on an idle one
	stopTimeout  = time.Minute
	callTimeout  = 15 * time.Second
)

// StateManagement reports whether the server has index state management.
func (s *Server) StateManagement() bool {
	_, err := os.Stat(filepath.Join(s.home, stateManagement))
	return err == nil
}

// secured reports whether the server has users and roles.
func (s *Server) secured() bool {
	_, err := os.Stat(filepath.Join(s.home, securityPlugin))
	return err == nil
}

// Version of the running server.
func (s *Server) Version() string { return s.version }

// New installs OpenSearch unless that has been done, and starts it with an empty cluster. The caller ends it with
// Close.
func New(ctx context.Context, o Options) (_ *Server, err error) {
	if o.Progress == nil {
		o.Progress = io.Discard
	}
	s := &Server{o: o, home: o.Home, version: Version}
	if s.home == "" {
		s.home = os.Getenv(homeVariable)
	}
	if s.home != "" {
		s.version, err = ownHome(s.home)
	} else if s.version, err = chooseVersion(o.WithoutUsers); err == nil {
		s.home, err = installServer(ctx, s.version, o.Progress)
	}
	if err != nil {
		return nil, fmt.Errorf("installing OpenSearch: %w", err)
	}
	if err := s.writeConfiguration(); err != nil {
		return nil, fmt.Errorf("configuring OpenSearch: %w", errors.Join(err, s.Close()))
	}
	if err := s.Start(ctx); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	if s.Master, err = s.AddUser(ctx, "master", MasterARN); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// Start starts the server, or starts it again after Stop or Kill, on the same port and with the same data, and waits
// until it answers.
func (s *Server) Start(ctx context.Context) error {
	fmt.Fprintf(s.o.Progress, "starting OpenSearch %s at %s\n", s.version, s.URL)
	java, err := javaHome()
	if err != nil {
		return err
	}
	console, err := os.OpenFile(filepath.Join(s.dir, "logs", "console.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return fmt.Errorf("starting OpenSearch: %w", err)
	}
	defer console.Close()
	process := exec.Command(filepath.Join(s.home, "bin", "opensearch"))
	process.Dir = s.dir
	process.Stdout, process.Stderr = console, console
	process.Env = []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + s.dir, "LC_ALL=C.UTF-8",
		"OPENSEARCH_JAVA_HOME=" + java, "OPENSEARCH_PATH_CONF=" + filepath.Join(s.dir, "config"),
		"OPENSEARCH_TMPDIR=" + filepath.Join(s.dir, "tmp"),
	}
	process.SysProcAttr = processAttributes()
	if err := process.Start(); err != nil {
		return fmt.Errorf("starting OpenSearch: %w", err)
	}
	exited := make(chan struct{})
	go func() {
		_ = process.Wait() // how it ended is in its log
		close(exited)
	}()
	s.process, s.exited = process, exited
	if err := s.waitUntilReady(ctx); err != nil {
		return fmt.Errorf("starting OpenSearch: %w%s", errors.Join(err, s.Kill()), s.lastWords())
	}
	return nil
}

// waitUntilReady waits for a cluster that has all its primary shards, and whose security plugin has its
// configuration. It may be yellow: an index made without a template has a replica, which a second node would have to
// hold.
func (s *Server) waitUntilReady(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	ticker := time.NewTicker(200 * time.Millisecond)
	defer ticker.Stop()
	var last error
	for {
		err := s.call(ctx, http.MethodGet, "/_cluster/health?wait_for_status=yellow&timeout=5s", nil)
		if err == nil && s.secured() {
			err = s.call(ctx, http.MethodGet, "/_plugins/_security/api/roles/all_access", nil)
		}
		if err == nil {
			return nil
		}
		if ctx.Err() == nil { // otherwise the error says only that time is up
			last = err
		}
		select {
		case <-ticker.C:
		case <-s.exited:
			return errors.New("the server ended")
		case <-ctx.Done():
			return fmt.Errorf("not ready: %w", errors.Join(ctx.Err(), last))
		}
	}
}

// lastWords is the end of the server's log, for an error.
func (s *Server) lastWords() string {
	text, err := os.ReadFile(filepath.Join(s.dir, "logs", "console.log"))
	if err != nil {
		return ""
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	return "\n" + strings.Join(lines[max(0, len(lines)-15):], "\n")
}

// Stop ends the server as an operator would, and keeps its data.
func (s *Server) Stop() error { return s.signal(syscall.SIGTERM) }

// Kill ends the server at once, as a failing machine would, and keeps its data.
func (s *Server) Kill() error { return s.signal(syscall.SIGKILL) }

func (s *Server) signal(signal syscall.Signal) error {
	if s.process == nil {
		return nil
	}
	if err := s.process.Process.Signal(signal); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("stopping OpenSearch: %w", err)
	}
	select {
	case <-s.exited:
	case <-time.After(stopTimeout):
		_ = s.process.Process.Kill()
		<-s.exited
	}
	s.process = nil
	s.admin.CloseIdleConnections()
	return nil
}

// Close ends the server and removes its data.
func (s *Server) Close() error {
	err := s.Kill()
	if s.dir != "" {
		err = errors.Join(err, os.RemoveAll(s.dir))
	}
	return err
}

// Log returns the path of the server's own log.
func (s *Server) Log() string { return filepath.Join(s.dir, "logs", "console.log") }

// AddUser makes an internal user that represents an IAM role, with a password that only the caller knows.
func (s *Server) AddUser(ctx context.Context, name, roleARN string) (User, error) {
	u := User{Name: name, Password: "Aa1-" + rand.Text(), BackendRole: roleARN}
	if !s.secured() {
		return u, nil
	}
	body := map[string]any{"password": u.Password, "backend_roles": []string{roleARN}}
	path := "/_plugins/_security/api/internalusers/" + url.PathEscape(name)
	if err := s.call(ctx, http.MethodPut, path, body); err != nil {
		return User{}, fmt.Errorf("adding user %q: %w", name, err)
	}
	return u, nil
}

// call sends a request as the administrator; an answer other than 2xx is an error.
func (s *Server) call(ctx context.Context, method, target string, body any) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	var content []byte
	if body != nil {
		var err error
		if content, err = json.Marshal(body); err != nil {
			return err
		}
	}
	r, err := http.NewRequestWithContext(ctx, method, s.URL.String()+target, bytes.NewReader(content))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/json")
	response, err := s.admin.Do(r)
	if err != nil {
		return err
	}
	answer, err := io.ReadAll(response.Body)
	if err := errors.Join(err, response.Body.Close()); err != nil {
		return err
	}
	if response.StatusCode/100 != 2 {
		return fmt.Errorf("%s %s answered %d: %s", method, target, response.StatusCode, answer)
	}
	return nil
}

// Do sends a request as a user, with a body of JSON or none, and returns the status and the answer.
func (s *Server) Do(ctx context.Context, u User, method, target, body string) (status int, answer []byte, err error) {
	r, err := http.NewRequestWithContext(ctx, method, s.URL.String()+target, strings.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	r.SetBasicAuth(u.Name, u.Password)
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	response, err := s.Client().Do(r)
	if err != nil {
		return 0, nil, err
	}
	answer, err = io.ReadAll(response.Body)
	return response.StatusCode, answer, errors.Join(err, response.Body.Close())
}

// Client returns an HTTP client that trusts the server.
func (s *Server) Client() *http.Client {
	return &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: s.ca}}}
}

// freePort returns a port that nobody listens on now.
func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	return l.Addr().(*net.TCPAddr).Port, l.Close()
}
