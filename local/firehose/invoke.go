package firehose

import (
	"context"
	"errors"
	"time"

	"firehose-pipeline/local/lambda"
)

// invocationLimit is the longest that Firehose waits for a function, whatever the function's own timeout (Developer
// Guide, "Transform source data").
const invocationLimit = 5 * time.Minute

// failure is why records could not be processed, in Firehose's words (Developer Guide, "Monitor with CloudWatch Logs").
type failure struct {
	code, message string
	attempts      int
}

var (
	errFunction = failure{"Lambda.FunctionError",
		"The Lambda function was successfully invoked but it returned an error result.", 1}
	errTimedOut    = failure{"Lambda.FunctionTimedOut", "The Lambda function timed out.", 1}
	errRequestTime = failure{"Lambda.FunctionRequestTimedOut",
		"Amazon Data Firehose encountered Request did not complete before the request timeout configuration error " +
			"when invoking the Lambda function.", 1}
	errInvocation = failure{"Lambda.InvocationFailure",
		"Amazon Data Firehose encountered an error when invoking the Lambda function.", 1}
	errStatus    = failure{"Lambda.ProcessingFailedStatus", "ProcessingFailed status set for record", 1}
	errMissingID = failure{"Lambda.MissingRecordId",
		"One or more record Ids were not returned. Ensure that the Lambda function returns all received record Ids.", 1}
	errDuplicatedID = failure{"Lambda.DuplicatedRecordId",
		"Multiple records were returned with the same record ID. Ensure that the Lambda function returns unique " +
			"record IDs for each record.", 1}
	errRecordResult = failure{"Lambda.FunctionError",
		"The Lambda function returned a record whose result is none of Ok, Dropped and ProcessingFailed.", 1}
	errRecordData = failure{"Lambda.FunctionError",
		"The Lambda function returned a record with result Ok whose data is missing or no base64.", 1}
	errAnswerNotRead = failure{"Lambda.FunctionError",
		"The Lambda function was successfully invoked but its answer could not be read: it must be a JSON object " +
			"with an array records.", 1}
)

// invokeFunction runs the processor on one batch after the other.
func (s *Stream) invokeFunction() {
	var request []byte
	for b := range s.work {
		if s.hasFailed() {
			continue
		}
		request = b.encodeRecord(request, s.ids, s.o.Stream)
		if err := s.processBatch(b, request); err != nil {
			s.failWith(err)
			continue
		}
		close(b.done)
	}
}

// processBatch invokes the function until it answers or the tries are used up: a failed invocation is tried
// NumberOfRetries more times, an answer that cannot be used is final (probed). The error is not the function's: the run
// is over.
func (s *Stream) processBatch(b *batch, request []byte) error {
	for attempt := 1; ; attempt++ {
		answer, failed, err := s.invokeOnce(request)
		if err != nil {
			return err
		}
		s.invocations.Add(1)
		if failed == nil {
			b.readResults(answer, s.ids)
			return nil
		}
		s.failedInvocations.Add(1)
		if attempt > s.o.Stream.Transform.Retries {
			b.failure = &failure{failed.code, failed.message, attempt}
			return nil
		}
	}
}

func (s *Stream) invokeOnce(request []byte) ([]byte, *failure, error) {
	ctx, cancel := context.WithTimeout(s.ctx, invocationLimit)
	defer cancel()
	result, err := s.o.Invoke(ctx, request)
	var tooLarge *lambda.RequestTooLargeError
	switch {
	case s.ctx.Err() != nil:
		return nil, nil, s.ctx.Err()
	case errors.Is(err, context.DeadlineExceeded):
		return nil, &errRequestTime, nil
	case errors.As(err, &tooLarge): // a record of the largest size fits: only a batch of many could not
		return nil, &errInvocation, nil
	case err != nil:
		return nil, nil, err
	case result.FunctionError == "":
		return result.Payload, nil, nil
	case result.ErrorType() == "Sandbox.Timedout":
		return nil, &errTimedOut, nil
	}
	return nil, &errFunction, nil
}
