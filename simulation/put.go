package simulation

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/service/firehose"
	"github.com/aws/aws-sdk-go-v2/service/firehose/types"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"firehose-pipeline/simulation/judge"
)

// atStreams is a process's client of Firehose.
type atStreams struct {
	*process
	put Site
}

// PutRecordBatch implements producer.FirehosePutter. The client does not retry, as cmd/pipeline sets it up.
func (p atStreams) PutRecordBatch(ctx context.Context, in *firehose.PutRecordBatchInput,
	_ ...func(*firehose.Options)) (*firehose.PutRecordBatchOutput, error) {
	s := p.w.streams[*in.DeliveryStreamName]
	var key []string
	var accepts []*judge.Accept
	for _, r := range in.Records {
		key = append(key, strings.Join(judge.Tokens(r.Data), "+"))
	}
	var out *firehose.PutRecordBatchOutput
	whole := true
	err := p.call(ctx, p.put, s.name+" "+strings.Join(key, " "), func(c *call) (time.Time, error) {
		out = &firehose.PutRecordBatchOutput{ResultMetadata: dated(p.w.now())}
		for i, r := range in.Records {
			if c.fault == partial && (i == 0 || c.chance.hits(3000)) {
				whole = false
				out.RequestResponses = append(out.RequestResponses, types.PutRecordBatchResponseEntry{
					ErrorCode: aws.String("ServiceUnavailableException"), ErrorMessage: aws.String("Slow down.")})
				continue
			}
			s.accept(r.Data)
			accepts = append(accepts, p.w.facts.AddAccept(string(s.kind), r.Data, p.run, time.Now(), p.w.now()))
			out.RequestResponses = append(out.RequestResponses,
				types.PutRecordBatchResponseEntry{RecordId: aws.String(fmt.Sprint(len(p.w.facts.Accepts)))})
		}
		whole = whole && c.fault != torn
		c.note = fmt.Sprintf("%d accepted", len(accepts))
		return time.Time{}, nil
	})
	if err != nil {
		return nil, err
	}
	for _, a := range accepts {
		a.Known, a.Whole = true, whole
	}
	return out, nil
}

// dated returns the metadata of a response with a Date, as the SDK makes them.
func dated(at time.Time) middleware.Metadata {
	header := http.Header{"Date": {at.UTC().Format(http.TimeFormat)}}
	response := &smithyhttp.Response{Response: &http.Response{StatusCode: http.StatusOK, Header: header}}
	_, metadata, err := (&awsmiddleware.RecordResponseTiming{}).HandleDeserialize(context.Background(),
		middleware.DeserializeInput{}, answering{response})
	if err != nil {
		panic(err) // the handler below gives none
	}
	return metadata
}

type answering struct{ response *smithyhttp.Response }

// HandleDeserialize implements the SDK's DeserializeHandler.
func (a answering) HandleDeserialize(context.Context, middleware.DeserializeInput) (middleware.DeserializeOutput,
	middleware.Metadata, error) {
	return middleware.DeserializeOutput{RawResponse: a.response}, middleware.Metadata{}, nil
}
