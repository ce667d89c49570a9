// Command transform is the Lambda function that changes records between Firehose and its destination.
package main

import (
	"fmt"
	"net/http"
	"os"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"

	"firehose-pipeline/transform"
)

func main() {
	settings, err := transform.SettingsFrom(os.Getenv)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	settings.ReuseAnswer = lambdacontext.MaxConcurrency() == 1
	// aws-lambda-go clones this transport for the Runtime API; with the default 4 KB buffers megabytes take many calls.
	runtimeAPI := http.DefaultTransport.(*http.Transport)
	runtimeAPI.ReadBufferSize = 256 << 10
	runtimeAPI.WriteBufferSize = 256 << 10
	lambda.Start(transform.New(settings, os.Stdout, os.Stderr))
}
