package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/firehose"

	"firehose-pipeline/contract"
	"firehose-pipeline/event"
	"firehose-pipeline/internal/awsclient"
	"firehose-pipeline/internal/sigv4"
	"firehose-pipeline/trace"
)

// defaultRange is how far back a deployed stack is looked at.
const defaultRange = 24 * time.Hour

// prepareStack makes the lookers of a deployed stack.
func (t *traceCommand) prepareStack(ctx context.Context, work *trace.Trace) error {
	config, err := t.target.connectToStack(ctx, &t.account)
	if err != nil {
		return err
	}
	if err := t.validateEndpoint(); err != nil {
		return err
	}
	if t.since.IsZero() {
		end := t.until.Time
		if end.IsZero() {
			end = time.Now()
		}
		work.Query.Since = end.Add(-defaultRange)
	}
	work.HasSearch = t.target.search != ""
	if work.DropEventTypes, err = decodeDropTypes(t.target.dropTypes); err != nil {
		return err
	}
	t.readBuffers(ctx, firehoseClient(config), work)
	if t.target.bucket == "" {
		return usage("--stack: the stack has no bucket among its outputs")
	}
	bucket := trace.S3Bucket{Client: awsclient.NewS3(config), Name: t.target.bucket}
	t.addObjects(work, bucket, t.target.bucket)
	if t.target.workGroup != "" && t.target.table != "" && !t.readObjects {
		work.Lookers[trace.Lake] = trace.LakeQuery{Client: athenaClient(config), WorkGroup: t.target.workGroup,
			Table: t.target.table}
	}
	if t.target.queue == "" {
		work.Missing[trace.DeadLetters] = "the stack has no dead-letter queue among its outputs"
	} else {
		work.Lookers[trace.DeadLetters] = trace.Queue{Client: awsclient.NewSQS(config), URL: t.target.queue,
			MaxMessages: int64(t.maxMessages.value)}
	}
	switch {
	case !work.HasSearch:
		work.Missing[trace.Search] = "the stack has no search (enableOpenSearch)"
	case t.target.endpoint == "" || t.target.indices == "":
		work.Missing[trace.Search] = "no search domain among the stack's outputs: pipeline local --serve has none, and " +
			"its results folder (--results) has the documents"
	default:
		work.Lookers[trace.Search] = trace.SearchRequest{Endpoint: t.target.endpoint, IndexPattern: t.target.indices,
			HTTP: &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }},
			Sign: sigv4.New(config.Credentials, "es", config.Region, time.Now)}
	}
	return nil
}

// addObjects adds the places in the lake's bucket.
func (t *traceCommand) addObjects(work *trace.Trace, bucket trace.Bucket, name string) {
	most := int64(t.maxObjects.value)
	streams := []event.Stream{event.Lake}
	work.Lookers[trace.Lake] = trace.LakeObjects{Bucket: bucket, MaxObjects: most}
	work.Lookers[trace.Source] = trace.Copies{Bucket: bucket, Prefix: contract.SourcePrefix, Stream: event.Lake,
		MaxObjects: most, Off: "no object under " + contract.SourcePrefix + ": nothing was received, or enableSourceBackup " +
			"is off"}
	if work.HasSearch {
		streams = append(streams, event.Search)
		work.Lookers[trace.SearchBackup] = trace.Copies{Bucket: bucket, Prefix: contract.SearchBackupPrefix,
			Stream: event.Search, MaxObjects: most, Off: "no object under " + contract.SearchBackupPrefix +
				": openSearchBackup is not all, or nothing was received"}
	}
	work.Lookers[trace.ErrorObjects] = trace.Failures{Bucket: bucket, BucketName: name, Streams: streams, MaxObjects: most}
}

// readBuffers asks for the intervals of the streams' buffers. Without an answer it assumes the longest.
func (t *traceCommand) readBuffers(ctx context.Context, client *firehose.Client, work *trace.Trace) {
	for kind, name := range map[event.Stream]string{event.Lake: t.target.lake, event.Search: t.target.search} {
		if name == "" {
			continue
		}
		work.Buffers[kind] = trace.LongestInterval
		out, err := client.DescribeDeliveryStream(ctx, &firehose.DescribeDeliveryStreamInput{DeliveryStreamName: &name})
		if err != nil || out.DeliveryStreamDescription == nil || len(out.DeliveryStreamDescription.Destinations) == 0 {
			t.screen.printLine("the %s stream's buffer interval is not known, %v is assumed: %v", kind, trace.LongestInterval,
				err)
			continue
		}
		var seconds *int32
		switch d := out.DeliveryStreamDescription.Destinations[0]; {
		case d.ExtendedS3DestinationDescription != nil && d.ExtendedS3DestinationDescription.BufferingHints != nil:
			seconds = d.ExtendedS3DestinationDescription.BufferingHints.IntervalInSeconds
		case d.AmazonopensearchserviceDestinationDescription != nil &&
			d.AmazonopensearchserviceDestinationDescription.BufferingHints != nil:
			seconds = d.AmazonopensearchserviceDestinationDescription.BufferingHints.IntervalInSeconds
		}
		if seconds != nil {
			work.Buffers[kind] = max(time.Duration(aws.ToInt32(seconds))*time.Second, time.Second)
		}
	}
}

func decodeDropTypes(text string) (types []string, err error) {
	if text == "" {
		return nil, nil
	}
	if err := json.Unmarshal([]byte(text), &types); err != nil {
		return nil, fmt.Errorf("the stack's output %s: must be a list of strings (got %s)", contract.OutputDropEventTypes,
			strings.TrimSpace(text))
	}
	return types, nil
}
