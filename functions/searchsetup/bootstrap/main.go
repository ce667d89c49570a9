// Command searchsetup is the Lambda function behind the custom resource that sets up the search domain.
package main

import (
	"cmp"
	"context"
	"log/slog"
	"os"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/config"

	"firehose-pipeline/contract"
	"firehose-pipeline/functions/searchsetup"
	"firehose-pipeline/internal/sigv4"
)

func main() {
	level := slog.LevelInfo
	levelErr := level.UnmarshalText([]byte(cmp.Or(os.Getenv(contract.EnvLogLevel), "info")))
	slog.SetDefault(slog.New(slog.NewJSONHandler(os.Stderr, &slog.HandlerOptions{Level: level})))
	aws, err := config.LoadDefaultConfig(context.Background())
	if levelErr != nil || err != nil {
		slog.Error("starting", "logLevel", levelErr, "configuration", err)
		os.Exit(1)
	}
	sign := sigv4.New(aws.Credentials, "es", aws.Region, time.Now)
	lambda.Start(searchsetup.Resource{Sign: sign}.Serve)
}
