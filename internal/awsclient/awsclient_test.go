package awsclient

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
)

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
	client := NewSQS(aws.Config{Region: "us-east-1", BaseEndpoint: &server.URL, Credentials: aws.CredentialsProviderFunc(
		func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "local", SecretAccessKey: "local"}, nil
		})})
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
