package sqs

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"sync"
	"time"

	"firehose-pipeline/local/loopback"
)

// Clock is the time of visibility and long polls; tests have their own.
type Clock interface {
	Now() time.Time
	// After returns a channel that gets one value once d has passed.
	After(d time.Duration) <-chan time.Time
}

type systemClock struct{}

func (systemClock) Now() time.Time                         { return time.Now() }
func (systemClock) After(d time.Duration) <-chan time.Time { return time.After(d) }

// Queue is a queue that exists from the start.
type Queue struct {
	Name              string
	VisibilityTimeout time.Duration // 0 to 12 h, default 30 s
}

// Entry is one message of a request, as the fault hook sees it.
type Entry struct {
	Operation string // SendMessage, DeleteMessage or ChangeMessageVisibility, also within a batch
	Queue     string
	ID        string // of the entry in its batch; empty for a request of one message
	Body      string // of SendMessage
}

// Fault is the failure of one entry: in a batch an element of Failed, otherwise the request's error.
type Fault struct {
	Code        string // as the API names it: InternalError, ServiceUnavailable, RequestThrottled, …
	Message     string
	SenderFault bool // the caller's fault (status 400), not the service's (status 500)
}

// Event is one change of a queue, in order.
type Event struct {
	Operation string // SendMessage, ReceiveMessage, DeleteMessage, ChangeMessageVisibility, PurgeQueue
	Queue     string
	MessageID string // empty for PurgeQueue
	Time      time.Time
}

// Options describe an endpoint.
type Options struct {
	Listen    string // host:port on loopback, default 127.0.0.1:0
	Region    string // default us-east-1
	AccountID string // default 000000000000
	Queues    []Queue
	Clock     Clock // default the machine's
	// Fault, when set, is asked for each entry of a request that changes a queue, after the request's own checks; a
	// Fault makes the entry fail without effect. Calls may be concurrent.
	Fault func(Entry) *Fault
	// Refuse, when set, is asked for each request by its operation; a Fault is the request's error.
	Refuse func(operation string) *Fault
	// Journal, when set, is called for every change, in order and one at a time. It must return soon: the queue waits.
	Journal func(Event)
	// Sent, when set, is called for each message that is sent, in order and one at a time. It must return soon: the queue
	// waits.
	Sent func(Message)
	// Deleted, when set, is called for each message that is deleted or purged, in order and one at a time. It must
	// return soon: the queue waits.
	Deleted func(Message)
}

// Server is a running endpoint.
type Server struct {
	URL string // http://127.0.0.1:port

	options Options
	closed  chan struct{}
	http    *http.Server
	done    chan error
	stop    func() bool
	once    sync.Once
	err     error

	mu     sync.Mutex
	queues map[string]*queue
}

// Serve starts an endpoint. It ends with Close, or when ctx is done.
func Serve(ctx context.Context, o Options) (*Server, error) {
	setDefault(&o.Listen, "127.0.0.1:0")
	setDefault(&o.Region, "us-east-1")
	setDefault(&o.AccountID, "000000000000")
	if o.Clock == nil {
		o.Clock = systemClock{}
	}
	s := &Server{options: o, closed: make(chan struct{}), done: make(chan error, 1), queues: map[string]*queue{}}
	for _, q := range o.Queues {
		if err := s.AddQueue(q); err != nil {
			return nil, fmt.Errorf("serving sqs: %w", err)
		}
	}
	listener, err := loopback.Listen(o.Listen)
	if err != nil {
		return nil, fmt.Errorf("serving sqs: %w", err)
	}
	s.URL = "http://" + listener.Addr().String()
	s.http = &http.Server{
		Handler:           loopback.Guard(s),
		ReadHeaderTimeout: 10 * time.Second,
		ErrorLog:          log.New(io.Discard, "", 0), // clients that hang up
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

func setDefault(field *string, value string) {
	if *field == "" {
		*field = value
	}
}

// Close ends the endpoint, cutting requests under way. The messages can still be read with Messages.
func (s *Server) Close() error {
	s.once.Do(func() {
		s.stop()
		close(s.closed)
		err := s.http.Close()
		if served := <-s.done; !errors.Is(served, http.ErrServerClosed) {
			err = errors.Join(err, served)
		}
		s.err = err
	})
	return s.err
}

// AddQueue makes another queue.
func (s *Server) AddQueue(q Queue) error {
	if !queueName.MatchString(q.Name) {
		return fmt.Errorf("queue: must be 1 to 80 letters, digits, hyphens and underscores (got %q)", q.Name)
	}
	if q.VisibilityTimeout == 0 {
		q.VisibilityTimeout = 30 * time.Second
	}
	if q.VisibilityTimeout < 0 || q.VisibilityTimeout > maxVisibility {
		return fmt.Errorf("queue %s: visibility timeout: must be 0 to 12h (got %s)", q.Name, q.VisibilityTimeout)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.queues[q.Name] != nil {
		return fmt.Errorf("queue %s: exists already", q.Name)
	}
	s.queues[q.Name] = newQueue(q, s.options)
	return nil
}

// QueueURL returns the URL of a queue, whether it exists or not.
func (s *Server) QueueURL(name string) string {
	return s.URL + "/" + s.options.AccountID + "/" + name
}

// Messages returns the messages of a queue that have not been deleted, visible or not, in order of sending.
func (s *Server) Messages(name string) ([]Message, error) {
	q, err := s.findQueue(name)
	if err != nil {
		return nil, err
	}
	return q.copyMessages(), nil
}
