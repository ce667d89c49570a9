package local

import (
	"context"

	"firehose-pipeline/local/fault"
	"firehose-pipeline/local/lambda"
	"firehose-pipeline/local/s3"
	"firehose-pipeline/local/sqs"
	"firehose-pipeline/local/template"
)

// Notify starts S3's notifications and Lambda's asynchronous invocation alone: created is called for each object,
// settle waits until every event has been handled.
func Notify(ctx context.Context, config *template.Config, queue *sqs.Server,
	invoke func(context.Context, []byte) (lambda.Result, error)) (created func(s3.ObjectCreated),
	settle func(context.Context) error, stop func()) {
	n := newNotifier(config, queue, fault.NewQueue(nil))
	n.startHandling(ctx, function(invoke))
	return n.addObject, n.waitUntilHandled, n.stopHandling
}

type function func(context.Context, []byte) (lambda.Result, error)

func (f function) InvokeWith(ctx context.Context, payload []byte, _ lambda.Fault) (lambda.Result, error) {
	return f(ctx, payload)
}
