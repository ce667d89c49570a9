// Command errorhandler is the Lambda function that turns Firehose's error objects into dead letters.
package main

import (
	"fmt"
	"os"
	"runtime/debug"

	"github.com/aws/aws-lambda-go/lambda"

	"firehose-pipeline/functions/errorhandler"
)

func main() {
	debug.SetMemoryLimit(errorhandler.MemoryLimit)
	handler, err := errorhandler.New(os.Getenv, os.Stdout, os.Stderr)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	lambda.Start(handler.Handle)
}
