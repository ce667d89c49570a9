package endpoint

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"strings"
	"time"

	"firehose-pipeline/contract"
	"firehose-pipeline/event"
	"firehose-pipeline/local"
	"firehose-pipeline/local/apigateway"
	"firehose-pipeline/local/cloudformation"
	"firehose-pipeline/local/firehose/api"
	kinesisapi "firehose-pipeline/local/kinesis/api"
	"firehose-pipeline/local/loopback"
	"firehose-pipeline/local/template"
)

// Endpoint is one address for all APIs.
type Endpoint struct {
	firehose, sqs, s3, cloudFormation http.Handler
	kinesis                           http.Handler // nil without a data stream
	frontDoor                         *apigateway.API
	guarded                           http.Handler
}

// ServeHTTP rejects requests that do not name this machine, whichever API they are for.
func (e *Endpoint) ServeHTTP(w http.ResponseWriter, r *http.Request) { e.guarded.ServeHTTP(w, r) }

// route distinguishes the APIs by a header that every request of their SDKs has: the target of the JSON protocols, or
// the service that the request is signed for. Other requests are S3's, where even a browser may come.
func (e *Endpoint) route(w http.ResponseWriter, r *http.Request) {
	target := r.Header.Get("X-Amz-Target")
	switch service := signedFor(r); {
	case target == "" && e.isFrontDoors(r, service):
		e.frontDoor.ServeHTTP(w, r)
	case strings.HasPrefix(target, "Firehose_"), target == "" && service == "firehose":
		e.firehose.ServeHTTP(w, r)
	case e.kinesis != nil && (strings.HasPrefix(target, kinesisapi.TargetPrefix) || target == "" && service == "kinesis"):
		e.kinesis.ServeHTTP(w, r)
	case strings.HasPrefix(target, "AmazonSQS."), target == "" && service == "sqs":
		e.sqs.ServeHTTP(w, r)
	case service == "cloudformation":
		e.cloudFormation.ServeHTTP(w, r)
	case target != "":
		e.firehose.ServeHTTP(w, r) // which says that it does not know the operation
	default:
		e.s3.ServeHTTP(w, r)
	}
}

// signedFor is the service in the credential scope of a signature version 4: access
// key/date/region/service/aws4_request.
func signedFor(r *http.Request) string {
	_, credential, ok := strings.Cut(r.Header.Get("Authorization"), "Credential=")
	if !ok {
		return ""
	}
	scope, _, _ := strings.Cut(credential, ",")
	parts := strings.Split(scope, "/")
	if len(parts) < 4 {
		return ""
	}
	return parts[len(parts)-2]
}

// New puts the APIs of Firehose and Kinesis and the pipeline's own S3 and SQS behind one address. It calls them
// rather than being a proxy of theirs: httputil.ReverseProxy under load cuts answers of a server that is as fast as
// these, and a ReceiveMessage cut off takes its messages along.
func New(p *local.Pipeline, stack string, deployed []byte, throttle bool) (*Endpoint, error) {
	o := api.Options{AccountID: template.AccountID}
	if throttle {
		o.Quota = &api.DefaultQuota
	}
	var resources struct {
		Resources map[string]struct {
			Properties struct{ DeliveryStreamEncryptionConfigurationInput any }
		}
	}
	if err := json.Unmarshal(deployed, &resources); err != nil {
		return nil, fmt.Errorf("reading template: %w", err)
	}
	for _, s := range p.Streams() {
		stream := resources.Resources[s.Config.LogicalID].Properties
		encrypted := stream.DeliveryStreamEncryptionConfigurationInput != nil
		described, err := cloudformation.StreamProperties(s.Config)
		if err != nil {
			return nil, err
		}
		source := ""
		if s.Config.Source != nil {
			source = s.Config.Source.ARN
		}
		o.Streams = append(o.Streams, api.Stream{Name: s.Name, ARN: s.ARN, Type: s.Config.Type, Created: s.Created,
			Encrypted: encrypted, SourceARN: source, Properties: described})
	}
	o.Put = func(ctx context.Context, stream string, records [][]byte) ([]api.Result, error) {
		results, err := p.Put(ctx, stream, records)
		if err != nil {
			return nil, err
		}
		answers := make([]api.Result, len(results))
		for i, r := range results {
			answers[i] = api.Result(r)
		}
		return answers, nil
	}
	api, err := api.New(o)
	if err != nil {
		return nil, err
	}
	outputs, err := Outputs(p, deployed)
	if err != nil {
		return nil, err
	}
	if door := p.FrontDoor(); door != nil {
		outputs = append(outputs, cloudformation.Output{OutputKey: contract.OutputAPIURL, Path: "/" + door.Stage + door.Path})
	}
	e := &Endpoint{firehose: api, sqs: p.SQS(), s3: p.S3(), cloudFormation: cloudformation.New(stack, outputs)}
	if stream := p.DataStream(); stream != nil {
		e.kinesis = &kinesisapi.API{Stream: stream, Put: p.PutEvents}
	}
	if e.frontDoor, err = e.newFrontDoor(p, throttle); err != nil {
		return nil, err
	}
	e.guarded = loopback.Guard(http.HandlerFunc(e.route))
	return e, nil
}

// Outputs returns the stack's outputs that name parts of the model, and those of the template that name no resource.
func Outputs(p *local.Pipeline, deployed []byte) ([]cloudformation.Output, error) {
	var stack struct {
		Outputs map[string]struct{ Value any }
	}
	if err := json.Unmarshal(deployed, &stack); err != nil {
		return nil, fmt.Errorf("reading template: %w", err)
	}
	outputs := []cloudformation.Output{
		{OutputKey: contract.OutputBucket, OutputValue: p.BucketName()},
		{OutputKey: contract.OutputDeadLetterQueue, OutputValue: p.DeadLetterQueueURL()},
	}
	if stream := p.DataStream(); stream != nil {
		outputs = append(outputs,
			cloudformation.Output{OutputKey: contract.OutputDataStream, OutputValue: stream.Options().Name})
	}
	for _, s := range p.Streams() {
		name := contract.OutputLakeStream
		if s.Kind == event.Search {
			name = contract.OutputSearchStream
		}
		outputs = append(outputs, cloudformation.Output{OutputKey: name, OutputValue: s.Name})
	}
	if types, ok := stack.Outputs[contract.OutputDropEventTypes].Value.(string); ok {
		outputs = append(outputs, cloudformation.Output{OutputKey: contract.OutputDropEventTypes, OutputValue: types})
	}
	return outputs, nil
}

// Serve serves on the listener until ctx is done. Puts under way then get their response; long polls are cut.
func (e *Endpoint) Serve(ctx context.Context, listener net.Listener) error {
	server := &http.Server{Handler: e, ReadHeaderTimeout: 10 * time.Second, ErrorLog: log.New(io.Discard, "", 0)}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	select {
	case err := <-served:
		return fmt.Errorf("serving: %w", err)
	case <-ctx.Done():
	}
	graceful, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
	defer cancel()
	if err := server.Shutdown(graceful); err != nil && !errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("serving: %w", err)
	}
	if err := server.Close(); err != nil {
		return fmt.Errorf("serving: %w", err)
	}
	if err := <-served; !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serving: %w", err)
	}
	return nil
}
