package main

import (
	"time"

	"github.com/aws/aws-lambda-go/lambda"

	"firehose-pipeline/verify/bench/baselines/idiomatic"
)

func main() {
	h := &idiomatic.Handler{Lake: true, DropEventTypes: []string{"heartbeat"}, Now: time.Now}
	lambda.Start(h.Handle)
}
