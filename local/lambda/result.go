package lambda

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"time"
)

// Result is Lambda's response to an invocation, with the values of the log's REPORT line.
type Result struct {
	RequestID string
	// Payload is the function's answer, or the error object (errorType, errorMessage) when FunctionError is set.
	Payload []byte
	// FunctionError is empty or "Unhandled", like the header X-Amz-Function-Error.
	FunctionError string

	Injected bool // what InvokeWith was asked for has gone wrong

	Cold    bool          // the environment was started for this invocation
	Init    time.Duration // of a cold start: from the process's start to its first request for an event
	InitCPU time.Duration // of a cold start: CPU time of that phase; 0 where it cannot be measured
	// Duration is the time from handing over the event until the runtime asked for the next one or ended.
	Duration time.Duration
	// CPU is the process's CPU time, user and system, within Duration.
	CPU time.Duration
	// PeakMemory is the process's largest resident set since its start, in bytes.
	PeakMemory int64
}

// Error returns the function's error as a Go error, nil when the invocation succeeded.
func (r *Result) Error() error {
	if r.FunctionError == "" {
		return nil
	}
	return fmt.Errorf("function error %s: %s", r.ErrorType(), r.ErrorMessage())
}

// ErrorType is the errorType of a failed invocation: Sandbox.Timedout, Runtime.ExitError, Runtime.OutOfMemory,
// Runtime.InvalidEntrypoint, Function.ResponseSizeTooLarge, or the function's own.
func (r *Result) ErrorType() string { return r.errorObject().Type }

// ErrorMessage is the errorMessage of a failed invocation.
func (r *Result) ErrorMessage() string { return r.errorObject().Message }

type errorObject struct {
	Type    string `json:"errorType"`
	Message string `json:"errorMessage"`
}

func (r *Result) errorObject() errorObject {
	var object errorObject
	if r.FunctionError == "" {
		return object
	}
	if err := json.Unmarshal(r.Payload, &object); err != nil {
		return errorObject{Type: "Unknown", Message: string(r.Payload)} // Lambda passes on whatever the runtime posted
	}
	return object
}

func (r *Result) setFunctionError(functionError string, payload []byte) {
	r.FunctionError, r.Payload = functionError, payload
}

// setLambdaError makes the result an error that Lambda itself found, in the words it uses.
func (r *Result) setLambdaError(errorType, message string) {
	r.setFunctionError("Unhandled", marshalError(errorObject{errorType,
		"RequestId: " + r.RequestID + " Error: " + message}))
}

// marshalError writes values that always can be.
func marshalError(value any) []byte {
	b, err := json.Marshal(value)
	if err != nil {
		panic(err)
	}
	return b
}

// newRequestID returns a random UUID (version 4).
func newRequestID() string {
	var b [16]byte
	rand.Read(b[:]) // never fails
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
