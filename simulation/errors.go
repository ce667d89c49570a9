package simulation

import (
	"context"
	"errors"
	"net"
	"net/http"
	"syscall"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// The errors have the types that the SDK's clients return: the real code and the SDK's retryer look at them.

func canceled(ctx context.Context) error { return &aws.RequestCanceledError{Err: ctx.Err()} }

// answered is an error that a service answers.
func answered(status int, code, message string) error {
	fault := smithy.FaultServer
	if status < 500 {
		fault = smithy.FaultClient
	}
	return &smithyhttp.ResponseError{
		Response: &smithyhttp.Response{Response: &http.Response{StatusCode: status}},
		Err:      &smithy.GenericAPIError{Code: code, Message: message, Fault: fault},
	}
}

// refusal is a call that has no effect: it does not reach the service, or the service fails.
func refusal(c *call) error {
	if c.chance.hits(5000) {
		return &smithyhttp.RequestSendError{Err: &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}}
	}
	switch c.site {
	case sendPut, replayPut:
		return answered(http.StatusServiceUnavailable, "ServiceUnavailableException", "Slow down.")
	case replayGet, replayList, handlerGet, streamStore:
		return answered(http.StatusInternalServerError, "InternalError", "We encountered an internal error.")
	}
	return answered(http.StatusInternalServerError, "InternalFailure", "An internal error occurred.")
}

// throttling is the answer of a service that has had too many requests.
func throttling(c *call) error {
	switch c.site {
	case sendPut, replayPut:
		return answered(http.StatusServiceUnavailable, "ServiceUnavailableException", "Slow down.")
	case replayGet, replayList, handlerGet, streamStore:
		return answered(http.StatusServiceUnavailable, "SlowDown", "Please reduce your request rate.")
	}
	return answered(http.StatusBadRequest, "RequestThrottled", "Request is throttled.")
}

// connectionLost is a call whose response does not arrive.
func connectionLost() error {
	return &smithyhttp.RequestSendError{Err: &net.OpError{Op: "read", Net: "tcp", Err: syscall.ECONNRESET}}
}

var errBroken = errors.New("connection reset by peer")
