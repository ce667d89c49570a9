package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"time"

	"github.com/fxamacker/cbor/v2"

	"firehose-pipeline/local/awsjson"
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

// decoder decodes a request into a struct whose fields are named as the API's members.
type decoder func(into any) *awsjson.Error

type operation func(a *API, ctx context.Context, decode decoder) (any, *awsjson.Error)

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

// cborType is the media type of requests and answers in CBOR.
const cborType = "application/x-amz-cbor-1.1"

// ServeHTTP serves the API on any path.
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	out, failed := a.serveOperation(r, kind)
	switch {
	case failed == errLost:
		panic(http.ErrAbortHandler)
	case kind == cborType:
		awsjson.WriteAnswer(w, cborType, cbor.Marshal, out, failed)
	default:
		awsjson.WriteAnswer(w, awsjson.MediaType, json.Marshal, out, failed)
	}
}

// errLost is a response that does not arrive.
var errLost = &awsjson.Error{Name: "lost"}

func (a *API) serveOperation(r *http.Request, kind string) (any, *awsjson.Error) {
	operate, failed := awsjson.FindOperation(r, TargetPrefix, operations, "PutRecord, PutRecords, DescribeStream, "+
		"DescribeStreamSummary, ListShards, ListStreams, GetShardIterator and GetRecords")
	if failed != nil {
		return nil, failed
	}
	body, failed := awsjson.ReadBody(r, requestLimit)
	if failed != nil {
		return nil, failed
	}
	return operate(a, r.Context(), func(into any) *awsjson.Error {
		var err error
		if kind == cborType {
			err = cbor.Unmarshal(body, into)
		} else {
			err = json.Unmarshal(body, into)
		}
		if err != nil {
			return awsjson.SenderFault("SerializationException", "the request must be an object of the operation's members: %v",
				err)
		}
		return nil
	})
}

// putAll puts records, and translates the errors.
func (a *API) putAll(ctx context.Context, records []kinesis.Record) ([]kinesis.Result, *awsjson.Error) {
	results, err := a.Put(ctx, records)
	switch {
	case errors.Is(err, kinesis.ErrResponseLost):
		return nil, errLost
	case err != nil:
		return nil, awsjson.ServiceFault("InternalFailure", err.Error())
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
