package main

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

	"firehose-pipeline/event"
	"firehose-pipeline/local"
	"firehose-pipeline/local/firehose/api"
	"firehose-pipeline/local/loopback"
	"firehose-pipeline/local/template"
)

// endpoint is one address for all APIs.
type endpoint struct {
	firehose, sqs, s3, cloudFormation http.Handler
	guarded                           http.Handler
}

// ServeHTTP refuses requests that do not name this machine, whichever API they are for.
func (e *endpoint) ServeHTTP(w http.ResponseWriter, r *http.Request) { e.guarded.ServeHTTP(w, r) }

// serve tells the APIs apart by what every request of their SDKs has: the target of the JSON protocols, or the service
// that the request is signed for. What is neither is S3's, where even a browser may come.
func (e *endpoint) serve(w http.ResponseWriter, r *http.Request) {
	target := r.Header.Get("X-Amz-Target")
	switch service := signedFor(r); {
	case strings.HasPrefix(target, "Firehose_"), target == "" && service == "firehose":
		e.firehose.ServeHTTP(w, r)
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

// signedFor is the service in the credential scope of a signature version 4: access key/date/region/service/aws4_request.
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

// newEndpoint puts the Firehose API and the pipeline's own S3 and SQS behind one address. It calls them rather than being a proxy of theirs:
// httputil.ReverseProxy under load cuts answers of a server that is as fast as these, and a ReceiveMessage cut off takes its messages along.
func newEndpoint(p *local.Pipeline, stack string, deployed []byte, throttle bool) (*endpoint, error) {
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
		encrypted := resources.Resources[s.Config.LogicalID].Properties.DeliveryStreamEncryptionConfigurationInput != nil
		described, err := properties(s.Config)
		if err != nil {
			return nil, err
		}
		o.Streams = append(o.Streams, api.Stream{Name: s.Name, ARN: s.ARN, Type: s.Config.Type, Created: s.Created, Encrypted: encrypted, Properties: described})
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
	e := &endpoint{firehose: api, sqs: p.SQS(), s3: p.S3(), cloudFormation: newCloudFormation(stack, p)}
	e.guarded = loopback.Guard(http.HandlerFunc(e.serve))
	return e, nil
}

// serveUntil serves until ctx is done.
func (l *localCommand) serveUntil(ctx context.Context, p *local.Pipeline, o local.Options, listener net.Listener) error {
	handler, err := newEndpoint(p, o.StackName, o.Template, l.throttle)
	if err != nil {
		return err
	}
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second, ErrorLog: log.New(io.Discard, "", 0)}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()

	banner := l.stdout
	if l.format.value == "json" { // whose standard output has one object
		banner = l.stderr
	}
	writeBanner(banner, p, "http://"+listener.Addr().String(), o.Out, l.speed.value)
	select {
	case err = <-served:
		return fmt.Errorf("serving: %w", err)
	case <-ctx.Done():
	}
	// Puts under way end with an answer; long polls are cut.
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

// writeBanner says what can be done now, in commands that can be pasted into another shell.
func writeBanner(w io.Writer, p *local.Pipeline, address, out string, speed float64) {
	pace := "in real time (--speed 60 makes a minute of the buffers one second)"
	if speed != 0 && speed != 1 {
		pace = fmt.Sprintf("%v times as fast as real time", speed)
	}
	fmt.Fprintf(w, `Firehose, S3 and SQS are served on %s
Results go to %s; buffers are delivered %s.
Signatures are not checked, any credentials will do. Ctrl-C delivers what is buffered and reports.

In another shell, with AWS CLI 2.15 or later (earlier ones do not read AWS_ENDPOINT_URL or speak another protocol with SQS; version 1 wants
Data without base64):

  export AWS_ENDPOINT_URL=%[1]s AWS_DEFAULT_REGION=%[4]s AWS_ACCESS_KEY_ID=local AWS_SECRET_ACCESS_KEY=local
`, address, out, pace, template.Region)
	puts := ""
	for _, s := range p.Streams() {
		variable, format := "LAKE_STREAM", `%s\n`
		if s.Kind == event.Search {
			variable, format = "SEARCH_STREAM", "%s"
		}
		fmt.Fprintf(w, "  export %s=%s\n", variable, s.Name)
		puts += fmt.Sprintf("  aws --endpoint-url $AWS_ENDPOINT_URL firehose put-record --delivery-stream-name $%s "+
			"--record Data=$(printf '%s' \"$event\" | base64 -w0)\n", variable, format)
	}
	fmt.Fprintf(w, `  event='{"event_id":"hello-1","event_type":"view","user_id":"42","amount":9.99}'
%s  aws --endpoint-url $AWS_ENDPOINT_URL s3 ls --recursive s3://%s
  aws --endpoint-url $AWS_ENDPOINT_URL sqs receive-message --queue-url %s

`, puts, p.BucketName(), strings.Replace(p.DeadLetterQueueURL(), p.SQSURL(), address, 1))
}
