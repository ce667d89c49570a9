// Command function follows its event, and at its start the variable INIT.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"sort"
	"strings"
	"syscall"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"
)

type event struct {
	Do   string
	Text string
	Size int
}

var invocations int

func handle(ctx context.Context, e event) (any, error) {
	invocations++
	switch e.Do {
	case "echo":
		return map[string]any{"text": e.Text, "invocations": invocations, "pid": os.Getpid()}, nil
	case "context":
		lc, _ := lambdacontext.FromContext(ctx)
		deadline, _ := ctx.Deadline()
		return map[string]any{"requestId": lc.AwsRequestID, "arn": lc.InvokedFunctionArn,
			"remaining": time.Until(deadline).Seconds(),
			"trace":     os.Getenv("_X_AMZN_TRACE_ID")}, nil
	case "environment":
		names := os.Environ()
		sort.Strings(names)
		return names, nil
	case "log":
		fmt.Println("to stdout")
		fmt.Fprintln(os.Stderr, e.Text)
		fmt.Fprint(os.Stderr, "no newline")
		return nil, nil
	case "error":
		return nil, errors.New(e.Text)
	case "panic":
		panic(e.Text)
	case "exit":
		os.Exit(e.Size)
	case "kill":
		_ = syscall.Kill(os.Getpid(), syscall.SIGTERM)
		hang()
	case "hang":
		hang()
	case "big":
		return strings.Repeat("x", e.Size), nil
	case "hog":
		memory := make([]byte, e.Size)
		for i := range memory {
			memory[i] = 1
		}
		if e.Text == "stay" {
			hang()
		}
		return len(memory), nil
	case "spin":
		for end := time.Now().Add(time.Duration(e.Size) * time.Millisecond); time.Now().Before(end); {
		}
		return nil, nil
	case "rendezvous": // two invocations meet, which only two environments at once can
		return nil, rendezvous(e.Text)
	}
	return nil, fmt.Errorf("unknown event %+v", e)
}

// rendezvous waits at an address on loopback until somebody else does too.
func rendezvous(url string) error {
	response, err := http.Get(url)
	if err != nil {
		return err
	}
	return response.Body.Close()
}

func main() {
	switch mode, file, _ := strings.Cut(os.Getenv("INIT"), " "); mode {
	case "crash":
		fmt.Fprintln(os.Stderr, "crashing in init")
		os.Exit(7)
	case "crash-once":
		if _, err := os.Stat(file); err != nil {
			if err := os.WriteFile(file, nil, 0o600); err != nil {
				panic(err)
			}
			os.Exit(7)
		}
	case "hang":
		hang()
	case "error":
		body := []byte(`{"errorType":"Config.Missing","errorMessage":"no table"}`)
		request, err := http.NewRequest("POST",
			"http://"+os.Getenv("AWS_LAMBDA_RUNTIME_API")+"/2018-06-01/runtime/init/error", bytes.NewReader(body))
		if err != nil {
			panic(err)
		}
		request.Header.Set("Lambda-Runtime-Function-Error-Type", "Config.Missing")
		if _, err := http.DefaultClient.Do(request); err != nil {
			panic(err)
		}
		hang()
	case "raw":
		raw()
	}
	lambda.Start(handle)
}

// raw is a runtime of its own that responds wrongly in every way and reports the answers.
func raw() {
	base := "http://" + os.Getenv("AWS_LAMBDA_RUNTIME_API") + "/2018-06-01/runtime/"
	post := func(path, body string) int {
		response, err := http.Post(base+path, "application/json", strings.NewReader(body))
		if err != nil {
			panic(err)
		}
		response.Body.Close()
		return response.StatusCode
	}
	for {
		response, err := http.Get(base + "invocation/next")
		if err != nil {
			panic(err)
		}
		response.Body.Close()
		id := response.Header.Get("Lambda-Runtime-Aws-Request-Id")
		codes := []int{
			post("invocation/another/response", "{}"),
			post("init/error", "{}"),
		}
		answer, err := json.Marshal(codes)
		if err != nil {
			panic(err)
		}
		post("invocation/"+id+"/response", string(answer))
		fmt.Fprintln(os.Stderr, "second answer", post("invocation/"+id+"/response", "{}"))
	}
}

// hang does not end. A select without cases would be a deadlock to the runtime of a program without cgo.
func hang() {
	for {
		time.Sleep(time.Hour)
	}
}
