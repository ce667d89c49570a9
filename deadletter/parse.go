package deadletter

import (
	"encoding/json"
	"fmt"
	"net/url"

	"firehose-pipeline/errorobject"
)

// invocation is the record that Lambda sends to an on-failure destination (Lambda Developer Guide, asynchronous
// invocation). It has no kind, and its version is a string.
type invocation struct {
	Timestamp      string `json:"timestamp"`
	RequestContext *struct {
		RequestID              string `json:"requestId"`
		FunctionARN            string `json:"functionArn"`
		Condition              string `json:"condition"`
		ApproximateInvokeCount int    `json:"approximateInvokeCount"`
	} `json:"requestContext"`
	RequestPayload  json.RawMessage `json:"requestPayload"`
	ResponsePayload json.RawMessage `json:"responsePayload"`
}

// Parse reads the body of a message of the dead-letter queue, of each kind. A record that Lambda wrote because the
// error handler failed for good becomes a message of kind [Invocation] with the objects that the handler was given; the
// object keys are decoded. Any other body is an error, and so is a version above [Version].
func Parse(body []byte) (*Message, error) {
	var m Message
	err := json.Unmarshal(body, &m)
	if err != nil || m.Kind != Record && m.Kind != Object {
		return parseOther(body, err)
	}
	switch {
	case m.Version < 1 || m.Version > Version:
		return nil, fmt.Errorf("parsing dead letter %q: version: must be 1 to %d (got %d)", m.ID, Version, m.Version)
	case m.ID == "":
		return nil, fmt.Errorf("parsing dead letter: no id")
	case m.Pointer == nil:
		return nil, fmt.Errorf("parsing dead letter %q: no pointer", m.ID)
	}
	if m.Kind == Record && m.ReasonOffset == nil && m.Reason.ofRecord() {
		m.ReasonOffset = new(int) // an earlier version left out 0
	}
	return &m, nil
}

// parseOther reads a body that is no message of the error handler, or not a good one; the error is that of reading it as
// one.
func parseOther(body []byte, err error) (*Message, error) {
	var head struct {
		Kind Kind `json:"kind"`
	}
	if other := json.Unmarshal(body, &head); other != nil {
		return nil, fmt.Errorf("parsing dead letter: %w", other)
	}
	switch {
	case head.Kind == "":
		return parseInvocation(body)
	case head.Kind != Record && head.Kind != Object:
		return nil, fmt.Errorf("parsing dead letter: unknown kind %q", head.Kind)
	}
	return nil, fmt.Errorf("parsing dead letter: %w", err)
}

func parseInvocation(body []byte) (*Message, error) {
	var i invocation
	if err := json.Unmarshal(body, &i); err != nil {
		return nil, fmt.Errorf("parsing invocation record: %w", err)
	}
	if i.RequestContext == nil || i.RequestContext.RequestID == "" {
		return nil, fmt.Errorf("parsing dead letter: neither kind nor requestContext")
	}
	m := &Message{
		Version:    Version,
		Kind:       Invocation,
		ID:         i.RequestContext.RequestID,
		Stream:     errorobject.UnknownStream,
		Stage:      errorobject.UnknownStage,
		Reason:     InvocationFailed,
		ErrorCode:  i.RequestContext.Condition,
		Attempts:   i.RequestContext.ApproximateInvokeCount,
		FailedTime: i.Timestamp,
	}
	// Both payloads are another program's: a form that is not known leaves the fields empty, never the message unread.
	var response struct {
		ErrorMessage string `json:"errorMessage"`
	}
	if json.Unmarshal(i.ResponsePayload, &response) == nil {
		m.ErrorMessage = shortenText(response.ErrorMessage, MaxErrorMessageBytes)
	}
	var request struct {
		Records []struct {
			S3 struct {
				Bucket struct {
					Name string `json:"name"`
				} `json:"bucket"`
				Object struct {
					Key       string `json:"key"`
					VersionID string `json:"versionId"`
				} `json:"object"`
			} `json:"s3"`
		} `json:"Records"`
	}
	if json.Unmarshal(i.RequestPayload, &request) == nil {
		for _, r := range request.Records {
			key, err := url.QueryUnescape(r.S3.Object.Key)
			if err != nil {
				key = r.S3.Object.Key
			}
			m.Objects = append(m.Objects, Pointer{Bucket: r.S3.Bucket.Name, Key: key, VersionID: r.S3.Object.VersionID})
		}
	}
	return m, nil
}
