package lambda

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
)

// drainLimit bounds the bytes read of a response that is too large, so that the runtime can finish sending it and see
// the 413.
const drainLimit = 256 << 20

// routeRequests serves the Runtime API, version 2018-06-01
// (https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html).
func (e *environment) routeRequests() http.Handler {
	mux := http.NewServeMux()
	const base = "/2018-06-01/runtime/"
	mux.HandleFunc("GET "+base+"invocation/next", e.serveNext)
	mux.HandleFunc("POST "+base+"invocation/{id}/response", e.serveResponse)
	mux.HandleFunc("POST "+base+"invocation/{id}/error", e.serveFailure)
	mux.HandleFunc("POST "+base+"init/error", e.initFailure)
	return mux
}

func (e *environment) serveNext(w http.ResponseWriter, r *http.Request) {
	select {
	case e.atNext <- struct{}{}:
	case <-r.Context().Done():
		return
	case <-e.exited:
		return
	}
	select {
	case call := <-e.work:
		h := w.Header()
		h.Set("Content-Type", "application/json")
		h.Set("Content-Length", strconv.Itoa(len(call.payload)))
		h.Set("Lambda-Runtime-Aws-Request-Id", call.id)
		h.Set("Lambda-Runtime-Deadline-Ms", strconv.FormatInt(call.deadline.UnixMilli(), 10))
		h.Set("Lambda-Runtime-Invoked-Function-Arn", e.cfg.ARN())
		h.Set("Lambda-Runtime-Trace-Id", traceID(call))
		_, _ = w.Write(call.payload) // a process that is gone shows as exited
	case <-r.Context().Done():
	case <-e.exited:
	}
}

// traceID is an X-Ray trace header that says "not sampled".
func traceID(call *call) string {
	hex := strings.ReplaceAll(call.id, "-", "")
	return fmt.Sprintf("Root=1-%08x-%s;Parent=%s;Sampled=0", call.deadline.Unix(), hex[:24], hex[16:])
}

func (e *environment) serveResponse(w http.ResponseWriter, r *http.Request) {
	body, complete, ok := e.readBody(w, r)
	if !ok {
		return
	}
	if !complete || e.injectFault(Oversize) {
		message := fmt.Sprintf("Response payload size exceeded maximum allowed payload size (%d bytes).", ResponseLimit)
		e.postResult(w, r, answer{marshalError(errorObject{"Function.ResponseSizeTooLarge", message}), "Unhandled"},
			http.StatusRequestEntityTooLarge,
			errorObject{"RequestEntityTooLarge",
				fmt.Sprintf("Exceeded maximum allowed payload size (%d bytes).", ResponseLimit)})
		return
	}
	given := answer{payload: body}
	// A runtime that fails while it streams its answer says so in the trailer.
	if failed := r.Trailer.Get("Lambda-Runtime-Function-Error-Type"); failed != "" {
		payload, err := base64.StdEncoding.DecodeString(r.Trailer.Get("Lambda-Runtime-Function-Error-Body"))
		if err != nil || len(payload) == 0 {
			payload = marshalError(errorObject{Type: failed})
		}
		given = answer{payload, "Unhandled"}
	}
	e.postResult(w, r, given, http.StatusAccepted, status{"OK"})
}

func (e *environment) serveFailure(w http.ResponseWriter, r *http.Request) {
	body, complete, ok := e.readBody(w, r)
	if !ok {
		return
	}
	if !complete { // Lambda cuts an error that is too long; the rest is not JSON any more
		body = marshalError(errorObject{r.Header.Get("Lambda-Runtime-Function-Error-Type"),
			"error object above the payload limit"})
	}
	e.postResult(w, r, answer{body, "Unhandled"}, http.StatusAccepted, status{"OK"})
}

// initFailure keeps a runtime's error about its failed init; the runtime is expected to exit next.
func (e *environment) initFailure(w http.ResponseWriter, r *http.Request) {
	body, complete, ok := e.readBody(w, r)
	if !ok {
		return
	}
	if !complete || len(body) == 0 {
		body = marshalError(errorObject{Type: r.Header.Get("Lambda-Runtime-Function-Error-Type")})
	}
	e.mu.Lock()
	first := e.initError == nil && !e.begun
	if first {
		e.initError = body
	}
	e.mu.Unlock()
	if !first {
		writeReply(w, http.StatusForbidden, errorObject{"InvalidStateTransition", "init is over"})
		return
	}
	writeReply(w, http.StatusAccepted, status{"OK"})
	close(e.failed)
}

type status struct {
	Status string `json:"status"`
}

// postResult takes the answer for the event under way; an answer for another one, or a second one, is rejected.
func (e *environment) postResult(w http.ResponseWriter, r *http.Request, given answer, code int, body any) {
	switch {
	case e.isHanging(): // a process does not stop at once
		<-e.exited
		return
	case e.injectFault(Crash):
		e.killFor(killed)
		<-e.exited // so that the process does not see an answer to its own
		return
	case e.injectFault(Late):
		e.late <- struct{}{} // has room for the one of an invocation
		<-e.exited
		return
	}
	e.mu.Lock()
	expected := e.current == r.PathValue("id") && e.answer == nil
	if expected {
		e.answer = &given
	}
	e.mu.Unlock()
	if !expected {
		writeReply(w, http.StatusBadRequest, errorObject{"InvalidRequestID", "Invalid request ID"})
		return
	}
	writeReply(w, code, body)
}

// injectFault reports whether this is to go wrong now, and notes that it does.
func (e *environment) injectFault(fault Fault) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.fault != fault || e.current == "" || e.injected {
		return false
	}
	e.injected = true
	return true
}

// readBody returns the body, up to the limit of an answer, and whether that is all of it. A body that breaks off has
// been answered with an error.
func (e *environment) readBody(w http.ResponseWriter, r *http.Request) (body []byte, complete, ok bool) {
	var memory []byte
	select {
	case memory = <-e.answers:
	default:
	}
	read := bytes.NewBuffer(memory[:0])
	read.Grow(int(e.length.Load()) + 4096)
	_, err := read.ReadFrom(io.LimitReader(r.Body, ResponseLimit+1))
	body = read.Bytes()
	e.length.Store(int64(len(body)))
	if err == nil && len(body) > ResponseLimit {
		_, err = io.CopyN(io.Discard, r.Body, drainLimit)
		if err == io.EOF {
			err = nil
		}
		body = nil
	}
	if err != nil {
		writeReply(w, http.StatusBadRequest, errorObject{"TruncatedHTTPRequest", "HTTP request detected as truncated"})
		return nil, false, false
	}
	return body, body != nil, true
}

func writeReply(w http.ResponseWriter, code int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	_, _ = w.Write(marshalError(body)) // a process that is gone shows as exited
}
