package api

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"firehose-pipeline/local/awsjson"
)

// TargetPrefix begins the X-Amz-Target header of every call of this API.
const TargetPrefix = "Firehose_20150804."

// requestLimit bounds the bytes read of one request.
const requestLimit = 64 << 20

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

func (a *API) findStream(name string) (*stream, *awsjson.Error) {
	at, found := slices.BinarySearchFunc(a.streams, name,
		func(s *stream, name string) int { return cmp.Compare(s.Name, name) })
	if !found {
		// The text of turbot/steampipe-plugin-aws#759.
		return nil, awsjson.SenderFault("ResourceNotFoundException", "Firehose %s under account %s not found.", name,
			a.options.AccountID)
	}
	return a.streams[at], nil
}

type operation func(a *API, ctx context.Context, body []byte) (any, *awsjson.Error)

var operations = map[string]operation{
	"PutRecord":              (*API).putRecord,
	"PutRecordBatch":         (*API).putRecordBatch,
	"DescribeDeliveryStream": (*API).describeDeliveryStream,
	"ListDeliveryStreams":    (*API).listDeliveryStreams,
}

// ServeHTTP serves the API on any path.
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	out, failed := a.serveOperation(r)
	awsjson.WriteAnswer(w, awsjson.MediaType, json.Marshal, out, failed)
}

func (a *API) serveOperation(r *http.Request) (any, *awsjson.Error) {
	operate, failed := awsjson.FindOperation(r, TargetPrefix, operations,
		"PutRecord, PutRecordBatch, DescribeDeliveryStream and ListDeliveryStreams")
	if failed != nil {
		return nil, failed
	}
	body, failed := awsjson.ReadBody(r, a.requestLimit)
	if failed != nil {
		return nil, failed
	}
	return operate(a, r.Context(), body)
}
