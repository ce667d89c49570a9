package api

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
)

// TargetPrefix begins the X-Amz-Target header of every call of this API.
const TargetPrefix = "Firehose_20150804."

// requestLimit bounds the bytes read of one request, drainLimit the bytes discarded after that so that the client can
// finish sending and see the answer.
const (
	requestLimit = 64 << 20
	drainLimit   = 1 << 30
)

// Stream is the API's description of one delivery stream.
type Stream struct {
	Name, ARN string
	Type      string // DirectPut or KinesisStreamAsSource; empty means DirectPut
	Created   time.Time
	Encrypted bool   // server-side encryption is on
	SourceARN string // of the data stream that it reads; empty for DirectPut
	// Properties are those of AWS::KinesisFirehose::DeliveryStream with every intrinsic function resolved; empty for a
	// stream without a description of its destination.
	Properties json.RawMessage
}

// Result is the result of one record: an id, or one of the error codes ServiceUnavailableException and InternalFailure.
type Result struct {
	RecordID, ErrorCode, ErrorMessage string
}

// Options describe an API. Put is required.
type Options struct {
	Streams   []Stream
	AccountID string // default 000000000000
	// Put takes records of a stream that Streams has, within the API's limits, and returns a result for each. An error
	// fails the whole call as InternalFailure. Calls are concurrent.
	Put func(ctx context.Context, stream string, records [][]byte) ([]Result, error)
	// Quota is the limit of each stream; nil: none.
	Quota *Quota
	Now   func() time.Time // for the quota; default time.Now
}

// API is the service. It is safe for concurrent use.
type API struct {
	options      Options
	requestLimit int
	streams      []*stream // by name
}

type stream struct {
	Stream
	throttle *throttle // nil without a quota
}

// New makes an API.
func New(o Options) (*API, error) {
	if o.Put == nil {
		return nil, errors.New("serving firehose: no put")
	}
	if o.AccountID == "" {
		o.AccountID = "000000000000"
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	a := &API{options: o, requestLimit: requestLimit}
	for _, s := range o.Streams {
		if s.Type == "" {
			s.Type = directPut
		}
		if len(s.Properties) > 0 && !json.Valid(s.Properties) {
			return nil, fmt.Errorf("serving firehose: properties of stream %s: must be json", s.Name)
		}
		a.streams = append(a.streams, &stream{Stream: s, throttle: newThrottle(o.Quota, o.Now)})
	}
	slices.SortFunc(a.streams, func(x, y *stream) int { return cmp.Compare(x.Name, y.Name) })
	return a, nil
}

func (a *API) findStream(name string) (*stream, *apiError) {
	at, found := slices.BinarySearchFunc(a.streams, name,
		func(s *stream, name string) int { return cmp.Compare(s.Name, name) })
	if !found {
		// The text of turbot/steampipe-plugin-aws#759.
		return nil, senderFault("ResourceNotFoundException", "Firehose %s under account %s not found.", name,
			a.options.AccountID)
	}
	return a.streams[at], nil
}

// apiError is an error as the API answers it.
type apiError struct {
	name, message string
	status        int
}

func (e *apiError) Error() string { return e.name + ": " + e.message }

// senderFault is a fault of the caller: every error of these operations but ServiceUnavailableException and
// InternalFailure has the status 400 (API reference).
func senderFault(name, format string, args ...any) *apiError {
	return &apiError{name, fmt.Sprintf(format, args...), http.StatusBadRequest}
}

// serviceFault is a fault of the service.
func serviceFault(name, message string) *apiError {
	return &apiError{name, message, http.StatusInternalServerError}
}

type operation func(a *API, ctx context.Context, body []byte) (any, *apiError)

var operations = map[string]operation{
	"PutRecord":              (*API).putRecord,
	"PutRecordBatch":         (*API).putRecordBatch,
	"DescribeDeliveryStream": (*API).describeDeliveryStream,
	"ListDeliveryStreams":    (*API).listDeliveryStreams,
}

// ServeHTTP serves the API on any path.
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	out, failed := a.serveOperation(w, r)
	status := http.StatusOK
	if failed != nil {
		status = failed.status
		// AWS JSON 1.1 names the error in __type; AWS writes a shape's message in lower case, as the model declares it.
		out = map[string]string{"__type": failed.name, "message": failed.message}
	}
	body, err := json.Marshal(out)
	if err != nil {
		panic(err) // strings, numbers and JSON that New has checked
	}
	h := w.Header()
	h.Set("Content-Type", "application/x-amz-json-1.1")
	h.Set("x-amzn-RequestId", uuid.NewString())
	w.WriteHeader(status)
	_, _ = w.Write(body) // the client may have gone
}

func (a *API) serveOperation(w http.ResponseWriter, r *http.Request) (any, *apiError) {
	if r.Header.Get("Origin") != "" { // a web page: browsers can reach loopback too
		return nil, senderFault("AccessDeniedException", "requests from web pages are refused")
	}
	name, ok := strings.CutPrefix(r.Header.Get("X-Amz-Target"), TargetPrefix)
	operate := operations[name]
	if !ok || operate == nil || r.Method != http.MethodPost {
		// Documentation says 404; JSON services answer 400 (aws/aws-sdk-net#1536).
		return nil, senderFault("UnknownOperationException",
			"this local endpoint knows PutRecord, PutRecordBatch, DescribeDeliveryStream and ListDeliveryStreams (got %s)",
			cmp.Or(r.Header.Get("X-Amz-Target"), "no X-Amz-Target header"))
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, int64(a.requestLimit)+1))
	if err != nil {
		return nil, senderFault("SerializationException", "reading the request: %v", err)
	}
	if len(body) > a.requestLimit {
		_, _ = io.CopyN(io.Discard, r.Body, drainLimit) // to its end or not: the answer is the same
		return nil, &apiError{"RequestEntityTooLargeException",
			fmt.Sprintf("this local endpoint reads at most %d bytes of a request", a.requestLimit),
			http.StatusRequestEntityTooLarge}
	}
	return operate(a, r.Context(), body)
}
