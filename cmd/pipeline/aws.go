package main

import (
	"context"
	"fmt"
	"os"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/athena"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/firehose"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/smithy-go/logging"
	"github.com/spf13/pflag"

	"firehose-pipeline/internal/awsclient"
	"firehose-pipeline/internal/printable"
)

// account is the AWS account and region to use. Values without a flag come from the usual sources of AWS programs
// (environment, profile, role), endpoints too.
type account struct{ profile, region string }

func (a *account) addFlags(f *pflag.FlagSet) {
	f.StringVar(&a.profile, "profile", "", "`NAME` of an AWS profile; by default AWS_PROFILE, as with the AWS CLI")
	f.StringVar(&a.region, "region", "", "AWS region (`NAME`); by default AWS_REGION or the profile's")
}

func (a *account) loadConfig(ctx context.Context) (aws.Config, error) {
	// The SDK writes its warnings to the standard error by itself.
	warnings := logging.NewStandardLogger(&printable.Writer{Out: os.Stderr})
	c, err := config.LoadDefaultConfig(ctx, config.WithSharedConfigProfile(a.profile), config.WithRegion(a.region),
		config.WithRetryMode(aws.RetryModeStandard), config.WithLogger(warnings))
	if err != nil {
		return c, fmt.Errorf("loading the AWS configuration: %w", err)
	}
	if c.Region == "" {
		return c, usage("--region: must be set, or AWS_REGION, or the profile's region")
	}
	return c, nil
}

// firehoseClient does not retry: producer.Stream does, record by record.
func firehoseClient(c aws.Config) *firehose.Client {
	return firehose.NewFromConfig(c, func(o *firehose.Options) {
		o.HTTPClient = awsclient.ReadWhole(o.HTTPClient, o.BaseEndpoint)
		o.Retryer = aws.NopRetryer{}
	})
}

func athenaClient(c aws.Config) *athena.Client {
	return athena.NewFromConfig(c, func(o *athena.Options) {
		o.HTTPClient = awsclient.ReadWhole(o.HTTPClient, o.BaseEndpoint)
	})
}

// kinesisClient does not retry either.
func kinesisClient(c aws.Config) *kinesis.Client {
	return kinesis.NewFromConfig(c, func(o *kinesis.Options) {
		o.HTTPClient = awsclient.ReadWhole(o.HTTPClient, o.BaseEndpoint)
		o.Retryer = aws.NopRetryer{}
	})
}

func cloudFormationClient(c aws.Config) *cloudformation.Client {
	return cloudformation.NewFromConfig(c, func(o *cloudformation.Options) {
		o.HTTPClient = awsclient.ReadWhole(o.HTTPClient, o.BaseEndpoint)
	})
}
