package awsclient

import (
	"bytes"
	"io"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
)

// NewS3 returns a client of S3.
func NewS3(c aws.Config) *s3.Client {
	return s3.NewFromConfig(c, func(o *s3.Options) {
		// A bucket's name cannot be put before the host of an endpoint that was given.
		o.UsePathStyle = o.BaseEndpoint != nil
		o.DisableLogOutputChecksumValidationSkipped = true
	})
}

// NewSQS returns a client of SQS.
func NewSQS(c aws.Config) *sqs.Client {
	return sqs.NewFromConfig(c, func(o *sqs.Options) {
		o.HTTPClient = ReadWhole(keepConnections(o.HTTPClient), o.BaseEndpoint)
	})
}

// connections to SQS are kept for further requests: a replay has up to 80 at once. The SDK keeps ten, and makes a new
// connection, with a TLS handshake, for most of the others.
const connections = 100

// keepConnections lets an SDK's client keep more connections; a caller's own is returned as it is.
func keepConnections(client HTTPClient) HTTPClient {
	if own, ok := client.(*awshttp.BuildableClient); ok {
		return own.WithTransportOptions(func(t *http.Transport) {
			t.MaxIdleConns, t.MaxIdleConnsPerHost = connections, connections
		})
	}
	return client
}

// HTTPClient sends the requests of an SDK client.
type HTTPClient interface {
	Do(*http.Request) (*http.Response, error)
}

// ReadWhole returns a client that reads each response to its end before it hands it over, when an endpoint was given,
// which may be on this machine; without one it returns the client.
//
// smithy-go closes the body of a request as soon as the head of the response is there. On loopback that may be before
// net/http has noticed that the body is at its end; it then takes the request for broken and closes the connection
// under the response that is still being read ("use of closed network connection"). Across a network the response never
// comes that early.
//
// It is for calls with small responses: what streams, an object of S3, has a request without a body and needs none of
// it.
func ReadWhole(client HTTPClient, endpoint *string) HTTPClient {
	if endpoint == nil {
		return client
	}
	return wholeReader{client}
}

type wholeReader struct{ client HTTPClient }

// Do implements [HTTPClient].
func (c wholeReader) Do(request *http.Request) (*http.Response, error) {
	response, err := c.client.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, err
	}
	response.Body = io.NopCloser(bytes.NewReader(body))
	return response, nil
}
