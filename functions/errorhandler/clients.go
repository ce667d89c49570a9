package errorhandler

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"firehose-pipeline/internal/awsclient"
	"firehose-pipeline/internal/s3read"
)

// Objects is the part of S3's API that the handler uses.
type Objects = s3read.Getter

// Queue is the part of SQS's API that the handler uses.
type Queue interface {
	SendMessageBatch(context.Context, *sqs.SendMessageBatchInput, ...func(*sqs.Options)) (*sqs.SendMessageBatchOutput,
		error)
}

// newClients creates the clients from the environment (region, credentials, AWS_ENDPOINT_URL and its like).
func newClients(ctx context.Context) (Objects, Queue, error) {
	// Standard mode has exponential backoff with jitter and a budget; 5 attempts outlast a short throttle.
	cfg, err := config.LoadDefaultConfig(ctx, config.WithRetryMode(aws.RetryModeStandard),
		config.WithRetryMaxAttempts(5))
	if err != nil {
		return nil, nil, fmt.Errorf("loading configuration: %w", err)
	}
	return awsclient.NewS3(cfg), awsclient.NewSQS(cfg), nil
}
