package awsjson

import (
	"cmp"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/google/uuid"
)

// MediaType is the media type of requests and answers.
const MediaType = "application/x-amz-json-1.1"

// drainLimit bounds the bytes discarded of a body that is too large, so that the client can finish sending and see the
// answer.
const drainLimit = 1 << 30

// Error is an error as an API answers it.
type Error struct {
	Name, Message string
	Status        int
}

func (e *Error) Error() string { return e.Name + ": " + e.Message }

// SenderFault is a fault of the caller: every error of these APIs but those of the service has the status 400 (API
// references).
func SenderFault(name, format string, args ...any) *Error {
	return &Error{name, fmt.Sprintf(format, args...), http.StatusBadRequest}
}

// ServiceFault is a fault of the service.
func ServiceFault(name, message string) *Error {
	return &Error{name, message, http.StatusInternalServerError}
}

// FindOperation returns the operation that a request is for. Prefix begins the X-Amz-Target header, known names the
// operations for people.
func FindOperation[T any](r *http.Request, prefix string, operations map[string]T, known string) (operate T,
	failed *Error) {
	if r.Header.Get("Origin") != "" { // a web page: browsers can reach loopback too
		return operate, SenderFault("AccessDeniedException", "requests from web pages are refused")
	}
	name, ok := strings.CutPrefix(r.Header.Get("X-Amz-Target"), prefix)
	operate, found := operations[name]
	if !ok || !found || r.Method != http.MethodPost {
		// Documentation says 404; JSON services answer 400 (aws/aws-sdk-net#1536).
		return operate, SenderFault("UnknownOperationException", "this local endpoint knows %s (got %s)", known,
			cmp.Or(r.Header.Get("X-Amz-Target"), "no X-Amz-Target header"))
	}
	return operate, nil
}

// ReadBody reads a body of at most so many bytes.
func ReadBody(r *http.Request, limit int) ([]byte, *Error) {
	body, err := io.ReadAll(io.LimitReader(r.Body, int64(limit)+1))
	if err != nil {
		return nil, SenderFault("SerializationException", "reading the request: %v", err)
	}
	if len(body) > limit {
		_, _ = io.CopyN(io.Discard, r.Body, drainLimit) // to its end or not: the answer is the same
		return nil, &Error{"RequestEntityTooLargeException",
			fmt.Sprintf("this local endpoint reads at most %d bytes of a request", limit),
			http.StatusRequestEntityTooLarge}
	}
	return body, nil
}

// WriteAnswer writes the answer of an operation, or its error, in a media type that encode writes. Encode must not
// fail.
func WriteAnswer(w http.ResponseWriter, mediaType string, encode func(any) ([]byte, error), out any, failed *Error) {
	status := http.StatusOK
	if failed != nil {
		status = failed.Status
		// The protocol names the error in __type; AWS writes a shape's message in lower case, as the model declares it.
		out = map[string]string{"__type": failed.Name, "message": failed.Message}
	}
	body, err := encode(out)
	if err != nil {
		panic(err) // structs of strings, numbers and bytes, and JSON that was checked before
	}
	h := w.Header()
	h.Set("Content-Type", mediaType)
	h.Set("x-amzn-RequestId", uuid.NewString())
	w.WriteHeader(status)
	_, _ = w.Write(body) // the client may have gone
}
