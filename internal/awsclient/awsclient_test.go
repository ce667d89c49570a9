package awsclient

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
)

func config(client aws.HTTPClient, endpoint *string) aws.Config {
	return aws.Config{Region: "eu-west-1", Credentials: credentials.NewStaticCredentialsProvider("AKIDEXAMPLE", "key", ""), HTTPClient: client,
		BaseEndpoint: endpoint}
}

// clientFunc is an HTTP client of one function.
type clientFunc func(*http.Request) (*http.Response, error)

func (f clientFunc) Do(r *http.Request) (*http.Response, error) { return f(r) }

// An endpoint that was given cannot have the bucket's name before its host; AWS's own has.
func TestNewS3(t *testing.T) {
	for _, c := range []struct {
		name           string
		endpoint       *string
		host, wantPath string
	}{
		{"AWS", nil, "lake.s3.eu-west-1.amazonaws.com", "/a/b"},
		{"this machine", aws.String("http://127.0.0.1:9"), "127.0.0.1:9", "/lake/a/b"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var got *http.Request
			client := NewS3(config(clientFunc(func(r *http.Request) (*http.Response, error) {
				got = r
				return &http.Response{StatusCode: 200, Header: http.Header{}, Body: io.NopCloser(strings.NewReader("content"))}, nil
			}), c.endpoint))
			out, err := client.GetObject(t.Context(), &s3.GetObjectInput{Bucket: aws.String("lake"), Key: aws.String("a/b")})
			if err != nil {
				t.Fatal(err)
			}
			defer out.Body.Close()
			if got.URL.Host != c.host || got.URL.Path != c.wantPath {
				t.Errorf("%s", got.URL)
			}
		})
	}
}

// TestNewSQS sends many requests to a server on loopback that answers before it has read them: without ReadWhole some
// of the responses are cut.
func TestNewSQS(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/x-amz-json-1.0")
		_, _ = io.WriteString(w, `{"QueueUrls":["`+strings.Repeat("q", 20_000)+`"]}`)
	}))
	defer server.Close()
	client := NewSQS(config(http.DefaultClient, &server.URL))
	for range 200 {
		out, err := client.ListQueues(t.Context(), &sqs.ListQueuesInput{QueueNamePrefix: aws.String(strings.Repeat("p", 50))})
		if err != nil {
			t.Fatal(err)
		}
		if len(out.QueueUrls) != 1 || len(out.QueueUrls[0]) != 20_000 {
			t.Fatalf("%d queues", len(out.QueueUrls))
		}
	}
}

// TestConnectionsToSQSAreKept sends as many requests at once as a replay does, again and again.
func TestConnectionsToSQSAreKept(t *testing.T) {
	const atOnce, rounds = 80, 5
	var opened atomic.Int64
	var together sync.WaitGroup // of one round: no request is answered before all are there
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		together.Done()
		together.Wait()
		_, _ = w.Write([]byte("{}"))
	}))
	server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			opened.Add(1)
		}
	}
	server.Start()
	defer server.Close()
	client := NewSQS(config(nil, &server.URL))
	for range rounds {
		together.Add(atOnce)
		var sending sync.WaitGroup
		for range atOnce {
			sending.Go(func() {
				if _, err := client.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: &server.URL}); err != nil {
					t.Error(err)
				}
			})
		}
		sending.Wait()
	}
	// A connection may come back a moment after its response: some are opened beside.
	if n := opened.Load(); n > 2*atOnce {
		t.Errorf("%d connections for %d rounds of %d requests", n, rounds, atOnce)
	}
}

// body notes whether it was closed, and fails after its text when it has an error.
type body struct {
	io.Reader
	closed bool
}

func (b *body) Close() error {
	b.closed = true
	return nil
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

func TestReadWhole(t *testing.T) {
	endpoint := "http://127.0.0.1:9"
	request := func() *http.Request {
		r, err := http.NewRequestWithContext(context.Background(), http.MethodPost, endpoint, nil)
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	t.Run("without an endpoint it is the client itself", func(t *testing.T) {
		client := &http.Client{}
		if got := ReadWhole(client, nil); got != HTTPClient(client) {
			t.Errorf("%T", got)
		}
	})
	t.Run("the response is read and closed before it is handed over", func(t *testing.T) {
		sent := &body{Reader: strings.NewReader("all of it")}
		client := ReadWhole(clientFunc(func(*http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: 418, Body: sent}, nil
		}), &endpoint)
		response, err := client.Do(request())
		if err != nil || response.StatusCode != 418 || !sent.closed {
			t.Fatalf("%v, %+v, closed %v", err, response, sent.closed)
		}
		text, err := io.ReadAll(response.Body)
		if err != nil || string(text) != "all of it" || response.Body.Close() != nil {
			t.Errorf("%q, %v", text, err)
		}
	})
	t.Run("a response that breaks off is an error of the request", func(t *testing.T) {
		cause := errors.New("connection reset")
		sent := &body{Reader: io.MultiReader(strings.NewReader("some"), failing{cause})}
		client := ReadWhole(clientFunc(func(*http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: 200, Body: sent}, nil
		}), &endpoint)
		if response, err := client.Do(request()); !errors.Is(err, cause) || response != nil || !sent.closed {
			t.Errorf("%v, %v, closed %v", response, err, sent.closed)
		}
	})
	t.Run("an error of the request stays", func(t *testing.T) {
		cause := errors.New("refused")
		client := ReadWhole(clientFunc(func(*http.Request) (*http.Response, error) { return nil, cause }), &endpoint)
		if response, err := client.Do(request()); !errors.Is(err, cause) || response != nil {
			t.Errorf("%v, %v", response, err)
		}
	})
}
