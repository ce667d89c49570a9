// Command transform is the Lambda function that changes records between Firehose and its destination.
package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"runtime"
	"runtime/debug"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"

	"firehose-pipeline/functions/transform"
)

func main() {
	settings, err := transform.SettingsFrom(os.Getenv)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	if err := prepare(context.Background(), &settings); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	if lambdacontext.MaxConcurrency() == 1 {
		settings.ReuseAnswer = true
		runAlone()
	}
	// aws-lambda-go clones this transport for the Runtime API; with the default 4 KB buffers megabytes take many calls.
	runtimeAPI := http.DefaultTransport.(*http.Transport)
	runtimeAPI.ReadBufferSize = 256 << 10
	runtimeAPI.WriteBufferSize = 256 << 10
	handler, err := transform.New(settings, os.Stdout, os.Stderr)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	lambda.Start(handler)
}

// prepare reads the event schema, which is beside the executable, and the key of hashed fields when there are any.
func prepare(ctx context.Context, settings *transform.Settings) (err error) {
	if settings.Layout, err = transform.ReadLayout(os.Getenv("LAMBDA_TASK_ROOT")); err != nil {
		return err
	}
	if settings.Layout.NeedsKey() {
		settings.HashKey, err = readSecret(ctx, settings.HashSecret, os.Getenv)
	}
	return err
}

// runAlone fits the Go runtime to one invocation after the other, of which docs/performance.md has the figures. The
// environment variables GOMAXPROCS and GOMEMLIMIT have precedence.
func runAlone() {
	// One after the other nothing runs at the same time, and with less than 1,769 MB of memory there is less than one
	// CPU to run on. With one processor the goroutines of the HTTP client hand over to each other without waking a
	// thread, and aws-lambda-go finds its last request's buffer again, which its sync.Pool may hold where another
	// processor cannot reach it.
	if os.Getenv("GOMAXPROCS") == "" {
		runtime.GOMAXPROCS(1)
	}
	// Enough for the largest batch that Firehose can be configured to send, 3 MB: 8.4 MB for the request's buffer, 4.2
	// MB for the one before while it grows, 6.3 MB for the answer. Without it garbage would be collected when there is
	// twice as much.
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(22 << 20)
	}
}
