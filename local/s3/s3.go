package s3

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"sync"
	"time"

	"github.com/johannesboyne/gofakes3"

	"firehose-pipeline/local/loopback"
)

// Bucket is a bucket that exists from the start.
type Bucket struct {
	Name      string
	Versioned bool
}

// Options describe an endpoint. Dir is required.
type Options struct {
	Dir     string // made if it does not exist
	Listen  string // host:port on loopback, default 127.0.0.1:0
	Buckets []Bucket
	// Created, when set, is called once for each object created, after it has become visible and before the request is
	// answered. Calls for different requests may be concurrent and, as S3's notifications do, come out of order.
	Created func(ObjectCreated)
	Now     func() time.Time // default time.Now
}

// Server is a running endpoint.
type Server struct {
	URL string // http://127.0.0.1:port, to be used with path-style addressing

	store *store
	http  *http.Server
	done  chan error
	stop  func() bool
	once  sync.Once
	err   error
}

// Serve starts an endpoint. It ends with Close, or when ctx is done.
func Serve(ctx context.Context, o Options) (*Server, error) {
	if o.Listen == "" {
		o.Listen = "127.0.0.1:0"
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	listener, err := loopback.Listen(o.Listen)
	if err != nil {
		return nil, fmt.Errorf("serving s3: %w", err)
	}
	store, err := openStore(o)
	if err != nil {
		return nil, fmt.Errorf("opening s3 store: %w", errors.Join(err, listener.Close()))
	}
	api := gofakes3.New(store, gofakes3.WithTimeSkewLimit(0), gofakes3.WithTimeSource(clock(o.Now)))
	s := &Server{
		URL:   "http://" + listener.Addr().String(),
		store: store,
		http: &http.Server{
			Handler:           loopback.Guard(adaptRequest(api.Server())),
			ReadHeaderTimeout: 10 * time.Second,
			ErrorLog:          log.New(io.Discard, "", 0), // clients that hang up
		},
		done: make(chan error, 1),
	}
	go func() { s.done <- s.http.Serve(listener) }()
	ready := make(chan struct{})
	s.stop = context.AfterFunc(ctx, func() {
		<-ready
		_ = s.Close() // a second Close returns the same error
	})
	close(ready)
	return s, nil
}

// ServeHTTP serves the API, for an endpoint of which this is a part.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.http.Handler.ServeHTTP(w, r) }

// Close ends the endpoint, cutting requests under way, and removes their incomplete files.
func (s *Server) Close() error {
	s.once.Do(func() {
		s.stop()
		err := s.http.Close()
		if served := <-s.done; !errors.Is(served, http.ErrServerClosed) {
			err = errors.Join(err, served)
		}
		s.err = errors.Join(err, s.store.close())
	})
	return s.err
}

// Put stores an object without the way through HTTP, with Created called as for any other. Meta has the headers to give
// back: Content-Type, Content-Encoding, X-Amz-Meta-….
func (s *Server) Put(bucket, key string, meta map[string]string, body io.Reader) (ObjectCreated, error) {
	created, err := s.store.putObject(bucket, key, meta, body, -1, nil, eventPut)
	if err != nil {
		return ObjectCreated{}, fmt.Errorf("putting s3://%s/%s: %w", bucket, key, err)
	}
	return created, nil
}

// Handler is the API without a listener, for a server that speaks several.
func (s *Server) Handler() http.Handler { return s.http.Handler }

type clock func() time.Time

func (c clock) Now() time.Time                   { return c().UTC() }
func (c clock) Since(at time.Time) time.Duration { return c().Sub(at) }
