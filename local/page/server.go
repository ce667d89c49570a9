package page

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log"
	"net"
	"net/http"
	"strconv"
	"time"

	"firehose-pipeline/internal/printable"
	"firehose-pipeline/local"
	"firehose-pipeline/local/journey"
)

// Run is the run that the page shows.
type Run struct {
	Pipeline *local.Pipeline
	Started  time.Time
	Served   bool    // records come from clients, not from a file
	Speed    float64 // seconds of the model in a second; 0 is as fast as possible
	// Replay replays dead letters; nil when the run does not serve the APIs that it needs.
	Replay func(context.Context, ReplayRequest) (ReplayResult, error)
}

// Page shows one run. Its methods may be called concurrently.
type Page struct {
	run     Run
	token   string
	sampler *sampler
	replay  *replayer
	handler http.Handler
	// patience is how long a report may search for the events that it shows.
	patience time.Duration
}

// New returns the page of a run. Replays end with ctx.
func New(ctx context.Context, run Run) *Page {
	p := &Page{run: run, token: rand.Text(), patience: reportPatience, replay: &replayer{ctx: ctx, run: run.Replay}}
	p.sampler = &sampler{run: &p.run, replay: p.replay, phase: Running}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", p.serveDocument)
	mux.HandleFunc("GET /page.css", serveAsset("text/css; charset=utf-8", styles))
	mux.HandleFunc("GET /page.js", serveAsset("text/javascript; charset=utf-8", scripts))
	for path, handle := range map[string]http.HandlerFunc{"GET /api/state": p.serveState,
		"GET /api/letters": p.serveLetters, "GET /api/files": p.serveFiles, "GET /api/rows": p.serveRows,
		"GET /api/event": p.serveEvent, "POST /api/replay": p.serveReplay} {
		mux.HandleFunc(path, withToken(p.token, handle))
	}
	p.handler = guard(mux)
	return p
}

// ServeHTTP serves the page and its data.
func (p *Page) ServeHTTP(w http.ResponseWriter, r *http.Request) { p.handler.ServeHTTP(w, r) }

// Serve serves on the listener until ctx is done.
func (p *Page) Serve(ctx context.Context, listener net.Listener) error {
	server := &http.Server{Handler: p, ReadHeaderTimeout: 10 * time.Second, ErrorLog: log.New(io.Discard, "", 0)}
	stop := context.AfterFunc(ctx, func() { _ = server.Close() }) // Serve returns its error
	defer stop()
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serving the page: %w", err)
	}
	return nil
}

// SetPhase says what the run is doing now. A run that has ended accepts no replay; SetPhase waits for one at work.
func (p *Page) SetPhase(phase Phase) {
	if phase != Running {
		p.replay.stop()
	}
	p.sampler.mu.Lock()
	defer p.sampler.mu.Unlock()
	p.sampler.phase, p.sampler.at = phase, time.Time{}
	if phase == Ended {
		p.sampler.ended = time.Now()
	}
}

// AwaitReader waits until a browser that follows the run has read its end, at most this long.
func (p *Page) AwaitReader(most time.Duration) {
	for deadline := time.Now().Add(most); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		p.sampler.mu.Lock()
		nobody := time.Since(p.sampler.asked) > 2*time.Second || p.sampler.final
		p.sampler.mu.Unlock()
		if nobody {
			return
		}
	}
}

func (p *Page) serveDocument(w http.ResponseWriter, _ *http.Request) {
	encoded, _, err := p.sampler.read()
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_ = writeLive(w, p.token, encoded) // the browser may have gone
}

func serveAsset(contentType, text string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", contentType)
		_, _ = io.WriteString(w, text) // the browser may have gone
	}
}

// serveState answers 304 while nothing has changed.
func (p *Page) serveState(w http.ResponseWriter, r *http.Request) {
	encoded, tag, err := p.sampler.read()
	p.sampler.noteReader()
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("ETag", tag)
	if r.Header.Get("If-None-Match") == tag {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	writeJSON(w, json.RawMessage(encoded), nil)
}

// The sizes of pages of lists.
const (
	lettersAtOnce = 20
	filesAtOnce   = 50
	rowsAtOnce    = 10
)

func (p *Page) serveLetters(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	after, err := strconv.ParseUint("0"+query.Get("after"), 10, 64)
	if err != nil {
		http.Error(w, "after: must be a whole number", http.StatusBadRequest)
		return
	}
	page, err := readLetters(p.run.Pipeline, groupFrom(query.Get), after, lettersAtOnce)
	writeJSON(w, page, err)
}

func (p *Page) serveFiles(w http.ResponseWriter, r *http.Request) {
	page, err := listFiles(p.run.Pipeline, local.Area(r.URL.Query().Get("area")), r.URL.Query().Get("after"), filesAtOnce)
	writeJSON(w, page, err)
}

func (p *Page) serveRows(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	from, err := strconv.ParseInt("0"+query.Get("from"), 10, 64)
	if err != nil {
		http.Error(w, "from: must be a whole number", http.StatusBadRequest)
		return
	}
	page, err := readRows(p.run.Pipeline, local.Area(query.Get("area")), query.Get("key"), from, rowsAtOnce)
	writeJSON(w, page, err)
}

func (p *Page) serveEvent(w http.ResponseWriter, r *http.Request) {
	followed, err := journey.Follow(r.Context(), p.run.Pipeline, r.URL.Query().Get("id"))
	writeJSON(w, followed, err)
}

// maxRequest bounds the body of a request, in bytes.
const maxRequest = 4 << 10

func (p *Page) serveReplay(w http.ResponseWriter, r *http.Request) {
	if p.run.Replay == nil {
		http.Error(w, "a run from a file serves no API for a replay: use --serve", http.StatusConflict)
		return
	}
	var request ReplayRequest
	body := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxRequest))
	body.DisallowUnknownFields()
	if err := body.Decode(&request); err != nil || r.Header.Get("Content-Type") != "application/json" {
		http.Error(w, "body: must be a JSON object with stream, stage, reason, rejected and again", http.StatusBadRequest)
		return
	}
	started, err := p.replay.start(request)
	if errors.Is(err, errReplaying) {
		http.Error(w, err.Error(), http.StatusConflict)
		return
	}
	writeJSON(w, started, err)
}

// writeJSON answers with a value, or with the error that there is instead.
func writeJSON(w http.ResponseWriter, value any, err error) {
	if err == nil {
		var text []byte
		if text, err = json.Marshal(value); err == nil {
			w.Header().Set("Content-Type", "application/json")
			_, _ = w.Write(text) // the browser may have gone
			return
		}
	}
	status := http.StatusInternalServerError
	if errors.Is(err, fs.ErrNotExist) {
		status = http.StatusNotFound
	}
	http.Error(w, printable.Text(err.Error()), status)
}
