package api

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"
	"time"

	"github.com/fxamacker/cbor/v2"
	"github.com/google/uuid"

	"firehose-pipeline/local/kinesis"
)

// TargetPrefix begins the X-Amz-Target header of every call of this API.
const TargetPrefix = "Kinesis_20131202."

// requestLimit bounds the bytes read of one request: a batch of 10 MiB in base64, and the rest of its JSON.
const requestLimit = 32 << 20

// API is the service. It is safe for concurrent use.
type API struct {
	// Stream is described and read.
	Stream *kinesis.Stream
	// Put puts records within the API's limits, and returns a result for each. [kinesis.ErrResponseLost] cuts the
	// connection in place of a response; any other error fails the whole call as InternalFailure.
	Put func(ctx context.Context, records []kinesis.Record) ([]kinesis.Result, error)
	// Now is the time of iterators; nil is the machine's.
	Now func() time.Time
}

// apiError is an error as the API answers it.
type apiError struct {
	name, message string
	status        int
}

func (e *apiError) Error() string { return e.name + ": " + e.message }

func senderFault(name, format string, args ...any) *apiError {
	return &apiError{name, fmt.Sprintf(format, args...), http.StatusBadRequest}
}

// decoder decodes a request into a struct whose fields are named as the API's members.
type decoder func(into any) *apiError

type operation func(a *API, ctx context.Context, decode decoder) (any, *apiError)

var operations = map[string]operation{
	"PutRecord":             (*API).putRecord,
	"PutRecords":            (*API).putRecords,
	"DescribeStream":        (*API).describeStream,
	"DescribeStreamSummary": (*API).describeSummary,
	"ListShards":            (*API).listShards,
	"ListStreams":           (*API).listStreams,
	"GetShardIterator":      (*API).getShardIterator,
	"GetRecords":            (*API).getRecords,
}

// The media types of requests and answers.
const (
	jsonType = "application/x-amz-json-1.1"
	cborType = "application/x-amz-cbor-1.1"
)

// ServeHTTP serves the API on any path.
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	encode, answerType := json.Marshal, jsonType
	if kind == cborType {
		encode, answerType = cbor.Marshal, cborType
	}
	out, failed := a.serveOperation(r, kind)
	status := http.StatusOK
	if failed != nil {
		if failed == errLost {
			panic(http.ErrAbortHandler)
		}
		status = failed.status
		out = map[string]string{"__type": failed.name, "message": failed.message}
	}
	body, err := encode(out)
	if err != nil {
		panic(err) // structs of strings, numbers and bytes
	}
	h := w.Header()
	h.Set("Content-Type", answerType)
	h.Set("x-amzn-RequestId", uuid.NewString())
	w.WriteHeader(status)
	_, _ = w.Write(body) // the client may have gone
}

// errLost is a response that does not arrive.
var errLost = &apiError{name: "lost"}

func (a *API) serveOperation(r *http.Request, kind string) (any, *apiError) {
	if r.Header.Get("Origin") != "" { // a web page: browsers can reach loopback too
		return nil, senderFault("AccessDeniedException", "requests from web pages are refused")
	}
	name, ok := strings.CutPrefix(r.Header.Get("X-Amz-Target"), TargetPrefix)
	operate := operations[name]
	if !ok || operate == nil || r.Method != http.MethodPost {
		return nil, senderFault("UnknownOperationException", "this local endpoint knows PutRecord, PutRecords, "+
			"DescribeStream, DescribeStreamSummary, ListShards, ListStreams, GetShardIterator and GetRecords (got %s)",
			cmp.Or(r.Header.Get("X-Amz-Target"), "no X-Amz-Target header"))
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, requestLimit+1))
	if err != nil {
		return nil, senderFault("SerializationException", "reading the request: %v", err)
	}
	if len(body) > requestLimit {
		_, _ = io.Copy(io.Discard, r.Body) // so that the client can finish sending and see the answer
		return nil, &apiError{"RequestEntityTooLargeException",
			fmt.Sprintf("this local endpoint reads at most %d bytes of a request", requestLimit),
			http.StatusRequestEntityTooLarge}
	}
	return operate(a, r.Context(), func(into any) *apiError {
		var err error
		if kind == cborType {
			err = cbor.Unmarshal(body, into)
		} else {
			err = json.Unmarshal(body, into)
		}
		if err != nil {
			return senderFault("SerializationException", "the request must be an object of the operation's members: %v",
				err)
		}
		return nil
	})
}

// putAll puts records, and translates the errors.
func (a *API) putAll(ctx context.Context, records []kinesis.Record) ([]kinesis.Result, *apiError) {
	results, err := a.Put(ctx, records)
	switch {
	case errors.Is(err, kinesis.ErrResponseLost):
		return nil, errLost
	case err != nil:
		return nil, &apiError{"InternalFailure", err.Error(), http.StatusInternalServerError}
	}
	return results, nil
}

// timestamp is a time: in JSON seconds with fractions, in CBOR milliseconds with the tag of a time.
type timestamp time.Time

// MarshalJSON implements [json.Marshaler].
func (t timestamp) MarshalJSON() ([]byte, error) {
	return fmt.Appendf(nil, "%.3f", float64(time.Time(t).UnixMilli())/1000), nil
}

// MarshalCBOR implements [cbor.Marshaler].
func (t timestamp) MarshalCBOR() ([]byte, error) {
	return cbor.Marshal(cbor.Tag{Number: 1, Content: time.Time(t).UnixMilli()})
}

// requestTime is a time in a request, in the same forms.
type requestTime time.Time

// UnmarshalJSON implements [json.Unmarshaler].
func (t *requestTime) UnmarshalJSON(text []byte) error {
	var seconds float64
	if err := json.Unmarshal(text, &seconds); err != nil {
		return err
	}
	*t = requestTime(time.UnixMilli(int64(seconds * 1000)))
	return nil
}

// UnmarshalCBOR implements [cbor.Unmarshaler].
func (t *requestTime) UnmarshalCBOR(encoded []byte) error {
	var tagged cbor.RawTag
	if err := cbor.Unmarshal(encoded, &tagged); err != nil {
		return err
	}
	var milliseconds int64
	if err := cbor.Unmarshal(tagged.Content, &milliseconds); err != nil {
		return err
	}
	*t = requestTime(time.UnixMilli(milliseconds))
	return nil
}
