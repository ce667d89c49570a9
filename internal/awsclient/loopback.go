// Package awsclient lets an AWS SDK client talk to a server on this machine.
package awsclient

import (
	"bytes"
	"io"
	"net/http"
)

// Client reads an answer to its end before it hands it over.
//
// smithy-go closes the body of a request as soon as the head of the answer is there. On loopback that may be before net/http
// has noticed that the body is at its end; it then takes the request for broken and closes the connection under the answer
// that is still being read ("use of closed network connection"). Across a network the answer never comes that early.
//
// It is for calls with small answers: what streams, an object of S3, has a request without a body and needs none of it.
type Client struct {
	HTTP interface {
		Do(*http.Request) (*http.Response, error)
	}
}

// Do implements the HTTP client of an SDK.
func (c Client) Do(request *http.Request) (*http.Response, error) {
	response, err := c.HTTP.Do(request)
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
