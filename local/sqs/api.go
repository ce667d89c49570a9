package sqs

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"unicode/utf8"
)

// requestLimit bounds a request's body: 1 MiB of messages, each byte at most six in JSON ("\u0000"), and the rest of
// the request.
const requestLimit = 8 << 20

// apiError is an error as the API answers it. Query is its code in the query protocol, which SDKs that keep the old
// names read from the header x-amzn-query-error.
type apiError struct {
	name, query, message string
	status               int
}

func (e *apiError) Error() string { return e.query + ": " + e.message }

func senderFault(name, query, format string, args ...any) *apiError {
	return &apiError{name, query, fmt.Sprintf(format, args...), http.StatusBadRequest}
}

func invalidParameter(format string, args ...any) *apiError {
	return senderFault("InvalidParameterValue", "InvalidParameterValue", format, args...)
}

func missingParameter(name string) *apiError {
	return senderFault("MissingParameter", "MissingParameter", "The request must contain the parameter %s.", name)
}

func (f *Fault) error() *apiError {
	e := senderFault(f.Code, f.Code, "%s", f.Message)
	if !f.SenderFault {
		e.status = http.StatusInternalServerError
	}
	return e
}

// operation does one operation: its input is the request's body in JSON, its output is written in JSON.
type operation func(s *Server, r *http.Request, body []byte) (any, *apiError)

var operations = map[string]operation{
	"SendMessage":                  typed((*Server).sendMessage),
	"SendMessageBatch":             typed((*Server).sendMessageBatch),
	"ReceiveMessage":               typed((*Server).receiveMessage),
	"DeleteMessage":                typed((*Server).deleteMessage),
	"DeleteMessageBatch":           typed((*Server).deleteMessageBatch),
	"ChangeMessageVisibility":      typed((*Server).changeMessageVisibility),
	"ChangeMessageVisibilityBatch": typed((*Server).changeMessageVisibilityBatch),
	"GetQueueUrl":                  typed((*Server).getQueueURL),
	"GetQueueAttributes":           typed((*Server).getQueueAttributes),
	"ListQueues":                   typed((*Server).listQueues),
	"PurgeQueue":                   typed((*Server).purgeQueue),
}

func typed[In any](f func(*Server, *http.Request, In) (any, *apiError)) operation {
	return func(s *Server, r *http.Request, body []byte) (any, *apiError) {
		var in In
		if err := json.Unmarshal(body, &in); err != nil {
			return nil, senderFault("SerializationException", "SerializationException", "%v", err)
		}
		return f(s, r, in)
	}
}

// ServeHTTP serves the API, on any path: the queue is named in the request's body.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	out, failed := s.serveOperation(w, r)
	h := w.Header()
	h.Set("x-amzn-RequestId", newID())
	h.Set("Content-Type", "application/x-amz-json-1.0")
	status := http.StatusOK
	if failed != nil {
		status = failed.status
		fault := "Sender"
		if status >= 500 {
			fault = "Receiver"
		}
		h.Set("x-amzn-query-error", failed.query+";"+fault)
		out = map[string]string{"__type": "com.amazonaws.sqs#" + failed.name, "message": failed.message}
	}
	body, err := json.Marshal(out)
	if err != nil {
		panic(err) // strings and numbers only
	}
	w.WriteHeader(status)
	_, _ = w.Write(body) // the client may have gone
}

func (s *Server) serveOperation(w http.ResponseWriter, r *http.Request) (any, *apiError) {
	if r.Header.Get("Origin") != "" { // a web page: browsers can reach loopback too
		return nil, senderFault("AccessDenied", "AccessDenied", "requests from web pages are refused")
	}
	service, name, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	if service == "" {
		return nil, senderFault("UnsupportedOperation", "AWS.SimpleQueueService.UnsupportedOperation",
			"this local endpoint speaks the AWS JSON protocol only, as current SDKs and the AWS CLI do (boto3 from "+
				"1.28.82); the query protocol of older clients is not supported")
	}
	handle := operations[name]
	if service != "AmazonSQS" || handle == nil {
		return nil, senderFault("UnsupportedOperation", "AWS.SimpleQueueService.UnsupportedOperation",
			"this local endpoint does not know the operation %s.%s", service, name)
	}
	if s.options.Refuse != nil {
		if f := s.options.Refuse(name); f != nil {
			return nil, f.error()
		}
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, requestLimit))
	var large *http.MaxBytesError
	if errors.As(err, &large) {
		return nil, senderFault("BatchRequestTooLong", "AWS.SimpleQueueService.BatchRequestTooLong",
			"Batch requests cannot be longer than %d bytes.", maxBatch)
	}
	if err != nil {
		return nil, senderFault("SerializationException", "SerializationException", "%v", err)
	}
	if !utf8.Valid(body) {
		return nil, senderFault("SerializationException", "SerializationException", "the request is not UTF-8")
	}
	if len(bytes.TrimSpace(body)) == 0 {
		body = []byte("{}")
	}
	return handle(s, r, body)
}
