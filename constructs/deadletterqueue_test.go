package constructs_test

import (
	"testing"

	"firehose-pipeline/settings"
)

// 14 days is the most that SQS keeps a message, and what the pages promise.
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SetQueueAttributes.html
func TestDeadLettersAreKeptForTwoWeeks(t *testing.T) {
	everyVariant(t, func(t *testing.T, _ settings.Settings, template *template) {
		_, queue := template.one(t, "AWS::SQS::Queue", "DeadLetter")
		want(t, queue.Properties, "MessageRetentionPeriod", 1_209_600.0)
	})
}
