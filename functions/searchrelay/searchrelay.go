package searchrelay

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/aws/aws-lambda-go/cfn"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"firehose-pipeline/contract"
	"firehose-pipeline/functions/searchsetup"
	"firehose-pipeline/internal/clock"
)

const (
	// answerMargin is kept of the deadline for the response to CloudFormation.
	answerMargin = 10 * time.Second
	// pause between two tries. A function whose network interfaces have to be made takes a minute or two.
	pause = 5 * time.Second
	// removePatience bounds a Delete: the stack's deletion waits, and a network interface may have to be made for it
	// first.
	removePatience = 5 * time.Minute
)

// Lambda is the part of Lambda's API that the relay uses.
type Lambda interface {
	Invoke(context.Context, *lambda.InvokeInput, ...func(*lambda.Options)) (*lambda.InvokeOutput, error)
}

// Relay is the function.
type Relay struct {
	Function string // name of the setup function
	Lambda   Lambda
	IAM      IAM
	// returns the context's error when it ends first; nil: by the clock
	Sleep func(context.Context, time.Duration) error
	Log   *slog.Logger // nil: slog.Default()
}

// Handle serves both custom resources; give it to cfn.LambdaWrap.
func (r Relay) Handle(ctx context.Context, event cfn.Event) (physicalResourceID string, data map[string]any,
	err error) {
	if deadline, ok := ctx.Deadline(); ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, deadline.Add(-answerMargin))
		defer cancel()
	}
	switch event.ResourceType {
	case contract.ServiceLinkedRoleResource:
		return contract.OpenSearchServiceRole, nil, r.serviceLinkedRole(ctx, event.RequestType)
	case contract.SearchSetupResource:
		return r.relayRequest(ctx, event)
	}
	return event.PhysicalResourceID, nil, fmt.Errorf("resource type: must be %s or %s (got %q)",
		contract.SearchSetupResource, contract.ServiceLinkedRoleResource, event.ResourceType)
}

// relayRequest passes the request on. A Delete succeeds whatever happens, as it does where the setup function answers
// by itself.
func (r Relay) relayRequest(ctx context.Context, event cfn.Event) (string, map[string]any, error) {
	// Anyone with the address can answer in the function's place, so it stays here.
	event.ResponseURL = ""
	if event.RequestType == cfn.RequestDelete {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, removePatience)
		defer cancel()
	}
	answer, err := r.invokeSetup(ctx, event)
	if err != nil {
		// The same id in every answer: CloudFormation takes another one for a replacement, and deletes the former.
		answer = searchsetup.Answer{PhysicalResourceID: event.PhysicalResourceID}
		if answer.PhysicalResourceID == "" {
			answer.PhysicalResourceID = searchsetup.PhysicalResourceID
		}
		if event.RequestType == cfn.RequestDelete {
			r.log().Warn("deleted without cleaning up the domain", "error", err.Error())
			err = nil
		}
	}
	return answer.PhysicalResourceID, answer.Data, err
}

// invokeSetup calls the setup function and waits for its answer. Calling it twice does no harm: it brings about a
// state.
func (r Relay) invokeSetup(ctx context.Context, event cfn.Event) (searchsetup.Answer, error) {
	var answer searchsetup.Answer
	payload, err := json.Marshal(event)
	if err != nil {
		return answer, fmt.Errorf("encoding the request: %w", err)
	}
	for attempt := 1; ; attempt++ {
		output, err := r.Lambda.Invoke(ctx, &lambda.InvokeInput{FunctionName: aws.String(r.Function), Payload: payload})
		if err == nil {
			return answer, readOutput(output, &answer)
		}
		if !isTemporary(err) {
			return answer, fmt.Errorf("invoking %s: %w", r.Function, err)
		}
		r.log().Info("the setup function cannot be called yet", "attempt", attempt, "error", err.Error())
		if stopped := r.sleep(ctx, pause); stopped != nil {
			return answer, fmt.Errorf("invoking %s: gave up after %d attempts: %w", r.Function, attempt, err)
		}
	}
}

// readOutput takes the answer, or the error that the function ended with: its own, or Lambda's when it crashed or took
// too long.
func readOutput(output *lambda.InvokeOutput, answer *searchsetup.Answer) error {
	if output.FunctionError != nil {
		var failure struct {
			ErrorMessage string `json:"errorMessage"`
		}
		if err := json.Unmarshal(output.Payload, &failure); err != nil || failure.ErrorMessage == "" {
			return fmt.Errorf("search setup failed (%s) without an error message (got %.200q)", *output.FunctionError,
				output.Payload)
		}
		return errors.New(failure.ErrorMessage)
	}
	if err := json.Unmarshal(output.Payload, answer); err != nil || answer.PhysicalResourceID == "" {
		return fmt.Errorf("reading the setup function's response: must have a physicalResourceId (got %.200q)",
			output.Payload)
	}
	return nil
}

// isTemporary reports whether the same call may succeed later, when the SDK's own few seconds of trying were not
// enough. A function that was idle for weeks loses its network interfaces: the next call fails, and makes Lambda create
// them anew.
// https://docs.aws.amazon.com/lambda/latest/dg/functions-states.html
func isTemporary(err error) bool {
	var (
		inactive  *types.ResourceNotReadyException
		pending   *types.ResourceConflictException
		throttled *types.TooManyRequestsException
		ec2       *types.EC2ThrottledException
		service   *types.ServiceException
	)
	return errors.As(err, &inactive) || errors.As(err, &pending) || errors.As(err, &throttled) ||
		errors.As(err, &ec2) || errors.As(err, &service)
}

func (r Relay) log() *slog.Logger {
	if r.Log == nil {
		return slog.Default()
	}
	return r.Log
}

func (r Relay) sleep(ctx context.Context, d time.Duration) error {
	if r.Sleep != nil {
		return r.Sleep(ctx, d)
	}
	return clock.Pause(ctx, d)
}
