// Command searchrelay is the Lambda function between CloudFormation and a search setup inside a VPC.
package main

import (
	"cmp"
	"context"
	"log/slog"
	"os"

	"github.com/aws/aws-lambda-go/cfn"
	"github.com/aws/aws-lambda-go/lambda"

	"firehose-pipeline/contract"
	"firehose-pipeline/functions/searchrelay"
)

func main() {
	level := slog.LevelInfo
	levelErr := level.UnmarshalText([]byte(cmp.Or(os.Getenv(contract.EnvLogLevel), "info")))
	slog.SetDefault(slog.New(slog.NewJSONHandler(os.Stderr, &slog.HandlerOptions{Level: level})))
	relay, err := searchrelay.New(context.Background(), os.Getenv)
	if levelErr != nil || err != nil {
		slog.Error("starting", "logLevel", levelErr, "configuration", err)
		os.Exit(1)
	}
	lambda.Start(cfn.LambdaWrap(relay.Handle))
}
