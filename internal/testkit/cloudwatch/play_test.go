package cloudwatch

import (
	"slices"
	"strings"
	"testing"
)

// "When this operation creates an alarm, the alarm state is immediately set to INSUFFICIENT_DATA. The alarm is then
// evaluated and its state is set appropriately. Any actions associated with the new state are then executed."
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutCompositeAlarm.html
func TestCreationOfACompositeAlarmExecutesItsOKActions(t *testing.T) {
	stack := mustRead(t, oneAlarm+`, "c": {"Type": "AWS::CloudWatch::CompositeAlarm", "Properties": {"AlarmName": "c",
		"AlarmRule": "ALARM(a)", "OKActions": [{"Ref": "Topic"}], "AlarmActions": [{"Ref": "Topic"}]}}`)
	result := stack.Play(NewData(5), Options{Fresh: true})
	if want := []Message{{0, "c", OK, "Topic"}}; !slices.Equal(result.Messages, want) {
		t.Errorf("messages: must be %v (got %v)", want, result.Messages)
	}
}

// A message counts in the metric of its topic.
func TestMessagesAreCounted(t *testing.T) {
	acting := strings.Replace(oneAlarm, `"AlarmName"`, `"AlarmActions": [{"Ref": "Topic"}], "AlarmName"`, 1)
	counts := strings.NewReplacer(`"a"`, `"sent"`, `"N"`, `"AWS/SNS"`, `"M"`, `"NumberOfMessagesPublished"`,
		`"Statistic"`, `"Dimensions": [{"Name": "TopicName", "Value": {"Fn::GetAtt": ["Topic", "TopicName"]}}], "Statistic"`,
	).Replace(oneAlarm)
	data := NewData(10)
	data.Add("N M", 3, 1)
	// The one point is the newest that exists for two more evaluations.
	wantTransitions(t, mustRead(t, acting+", "+counts).Play(data, Options{}),
		"4 a OK ALARM", "5 sent OK ALARM", "7 a ALARM OK", "8 sent ALARM OK")
}
