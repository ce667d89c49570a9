package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"strings"

	"firehose-pipeline/event"
	"firehose-pipeline/local"
	"firehose-pipeline/local/endpoint"
	"firehose-pipeline/local/template"
)

// serveUntil serves until ctx is done.
func (l *localCommand) serveUntil(ctx context.Context, p *local.Pipeline, o local.Options,
	listener net.Listener, pageURL string) error {
	e, err := endpoint.New(p, o.StackName, o.Template, l.throttle)
	if err != nil {
		return err
	}
	banner := l.stdout
	if l.format.value == "json" { // the standard output has one object only
		banner = l.stderr
	}
	writeBanner(banner, p, "http://"+listener.Addr().String(), o.Out, l.speed.value)
	if pageURL != "" {
		fmt.Fprintf(banner, "The run in a browser: %s\n\n", pageURL)
	}
	return e.Serve(ctx, listener)
}

// postToFrontDoor is the command that posts $event to the front door; empty when the stack has none.
func postToFrontDoor(p *local.Pipeline, address string) string {
	door := p.FrontDoor()
	if door == nil {
		return ""
	}
	key := ""
	if door.KeyRequired {
		key = fmt.Sprintf("-H 'x-api-key: %s' ", endpoint.APIKey)
	}
	return fmt.Sprintf("  curl -sS --aws-sigv4 aws:amz:%s:execute-api --user local:local -H 'Content-Type: "+
		"application/json' %s--data-binary \"$event\" %s/%s%s\n", template.Region, key, address, door.Stage, door.Path)
}

// writeBanner prints next steps, as commands for another shell.
func writeBanner(w io.Writer, p *local.Pipeline, address, out string, speed float64) {
	pace := "in real time (--speed 60 makes a minute of the buffers one second)"
	if speed != 0 && speed != 1 {
		pace = fmt.Sprintf("%v times as fast as real time", speed)
	}
	services := "Firehose, S3 and SQS"
	if p.DataStream() != nil {
		services = "Kinesis, Firehose, S3 and SQS"
	}
	fmt.Fprintf(w, `%[5]s are served on %[1]s
Results go to %[2]s; buffers are delivered %[3]s.
Signatures are not checked, any credentials will do. Ctrl-C delivers what is buffered and reports.

In another shell, with AWS CLI 2.15 or later (earlier ones do not read AWS_ENDPOINT_URL or speak another protocol with
SQS; version 1 wants Data without base64):

  export AWS_ENDPOINT_URL=%[1]s AWS_DEFAULT_REGION=%[4]s AWS_ACCESS_KEY_ID=local AWS_SECRET_ACCESS_KEY=local
`, address, out, pace, template.Region, services)
	puts := ""
	if stream := p.DataStream(); stream != nil {
		fmt.Fprintf(w, "  export DATA_STREAM=%s\n", stream.Options().Name)
		puts = "  aws --endpoint-url $AWS_ENDPOINT_URL kinesis put-record --stream-name $DATA_STREAM " +
			"--partition-key $RANDOM --data $(printf '%s' \"$event\" | base64 -w0)\n"
	}
	puts += postToFrontDoor(p, address)
	for _, s := range p.Streams() {
		variable, format := "LAKE_STREAM", `%s\n`
		if s.Kind == event.Search {
			variable, format = "SEARCH_STREAM", "%s"
		}
		fmt.Fprintf(w, "  export %s=%s\n", variable, s.Name)
		if p.DataStream() != nil {
			continue // which rejects puts
		}
		puts += fmt.Sprintf("  aws --endpoint-url $AWS_ENDPOINT_URL firehose put-record --delivery-stream-name $%s "+
			"--record Data=$(printf '%s' \"$event\" | base64 -w0)\n", variable, format)
	}
	fmt.Fprintf(w, `  event='{"event_id":"hello-1","event_type":"view","user_id":"42","amount":9.99}'
%s  aws --endpoint-url $AWS_ENDPOINT_URL s3 ls --recursive s3://%s
  aws --endpoint-url $AWS_ENDPOINT_URL sqs receive-message --queue-url %s

`, puts, p.BucketName(), strings.Replace(p.DeadLetterQueueURL(), p.SQSURL(), address, 1))
}
