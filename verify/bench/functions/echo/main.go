package main

import (
	"context"
	"net/http"
	"os"

	"github.com/aws/aws-lambda-go/lambda"
)

type echo struct{}

func (echo) Invoke(_ context.Context, payload []byte) ([]byte, error) { return payload, nil }

func main() {
	if os.Getenv("BUFFERS") == "large" { // as functions/transform has them
		runtimeAPI := http.DefaultTransport.(*http.Transport)
		runtimeAPI.ReadBufferSize = 256 << 10
		runtimeAPI.WriteBufferSize = 256 << 10
	}
	lambda.Start(echo{})
}
