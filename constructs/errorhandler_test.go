package constructs_test

import (
	"testing"

	"firehose-pipeline/settings"
)

// An error object that the handler cannot handle must not vanish: after its retries Lambda writes the failed invocation
// to the queue that has the dead letters.
func TestFailedInvocationsReachTheQueue(t *testing.T) {
	everyVariant(t, func(t *testing.T, _ settings.Settings, template *template) {
		queue, _ := template.one(t, "AWS::SQS::Queue", "DeadLetter")
		function, _ := template.one(t, "AWS::Lambda::Function", "ErrorHandler")
		_, config := template.one(t, "AWS::Lambda::EventInvokeConfig", "ErrorHandler")
		want(t, config.Properties, "FunctionName.Ref", function)
		want(t, config.Properties, "Qualifier", "$LATEST")
		want(t, config.Properties, "MaximumRetryAttempts", 2.0)
		want(t, config.Properties, "MaximumEventAgeInSeconds", 21_600.0)
		destination, _ := at(config.Properties, "DestinationConfig.OnFailure.Destination")
		if !references(destination, template.Resources)[queue] {
			t.Errorf("OnFailure: must be the dead-letter queue (got %v)", destination)
		}
	})
}
