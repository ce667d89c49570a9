package cloudwatch

import (
	"strings"
	"testing"
)

// The tables of https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html, and the
// examples of "Avoiding premature transitions to alarm state" below them. The newest point is on the right. "keep" is
// "Retain current state".
func TestMissingData(t *testing.T) {
	for _, row := range []struct {
		points                                   string
		datapoints                               int
		missing, ignore, breaching, notBreaching State
	}{
		{"0 - X - X", 3, OK, OK, OK, OK},
		{"0 - - - -", 3, OK, OK, OK, OK},
		{"- - - - -", 3, InsufficientData, "keep", Alarm, OK},
		{"0 X X - X", 3, Alarm, Alarm, Alarm, Alarm},
		{"- - X - -", 3, Alarm, "keep", Alarm, OK},
		{"0 - X - X", 2, Alarm, Alarm, Alarm, Alarm},
		{"0 0 X 0 X", 2, Alarm, Alarm, Alarm, Alarm},
		{"0 - X - -", 2, OK, OK, Alarm, OK},
		{"- - - - 0", 2, OK, OK, Alarm, OK},
		{"- - - X -", 2, Alarm, "keep", Alarm, OK},
		{"- - - - X", 3, InsufficientData, "keep", Alarm, OK},
		{"- - - X -", 3, InsufficientData, "keep", Alarm, OK},
		{"- - - X 0", 3, OK, OK, OK, OK},
		{"- - X - 0", 3, OK, OK, OK, OK},
	} {
		var points []point
		for _, field := range strings.Fields(row.points) {
			points = append([]point{point(field[0])}, points...)
		}
		for treatment, want := range map[string]State{
			"missing": row.missing, "ignore": row.ignore, "breaching": row.breaching, "notBreaching": row.notBreaching,
		} {
			if got := judge(points, row.datapoints, 3, treatment, "keep"); got != want {
				t.Errorf("%s, %d of 3, %s: must be %s (got %s)", row.points, row.datapoints, treatment, want, got)
			}
		}
	}
}

// The figure of https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarm-evaluation.html: three of three
// points over three units, in the third to fifth period; one in the ninth is not enough.
func TestDatapointsToAlarm(t *testing.T) {
	data := NewData(10)
	for minute, value := range []float64{2, 2, 4, 5, 4, 2, 1, 2, 4, 2} {
		data.Add("AWS/EC2 CPUUtilization", minute, value)
	}
	stack := mustRead(t, `"a": {"Type": "AWS::CloudWatch::Alarm", "Properties": {"AlarmName": "a", "Namespace": "AWS/EC2",
		"MetricName": "CPUUtilization", "Statistic": "Average", "Period": 60, "EvaluationPeriods": 3, "Threshold": 3,
		"TreatMissingData": "notBreaching", "ComparisonOperator": "GreaterThanThreshold"}}`)
	wantTransitions(t, stack.Play(data, Options{}), "5 a OK ALARM", "6 a ALARM OK")
}

// The example of https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarm-warm-up.html: created at 10:00,
// the first datapoint at 10:04, three periods of five minutes: evaluation begins at 10:19. With a whole warm-up, at 10:30.
func TestWarmUp(t *testing.T) {
	data := NewData(60)
	for minute := 4; minute < 60; minute++ {
		data.Add("N M", minute, 1)
	}
	alarm := `"a": {"Type": "AWS::CloudWatch::Alarm", "Properties": {"AlarmName": "a", "Namespace": "N", "MetricName": "M",
		"Statistic": "Sum", "Period": 300, "EvaluationPeriods": 3, "Threshold": 1, "TreatMissingData": "notBreaching",
		"ComparisonOperator": "GreaterThanOrEqualToThreshold", "AlarmActions": ["page"], "OKActions": ["page"],
		"WarmUpConfiguration": {"WarmUpPeriodDurationInMinutes": 30, "OnlyStartEvaluatingAfterWarmUpPeriodEnds": false}}}`
	wantTransitions(t, mustRead(t, alarm).Play(data, Options{Fresh: true}), "19 a INSUFFICIENT_DATA ALARM")
	whole := strings.Replace(alarm, "Ends\": false", "Ends\": true", 1)
	wantTransitions(t, mustRead(t, whole).Play(data, Options{Fresh: true}), "30 a INSUFFICIENT_DATA ALARM")
	// Without data it lasts its whole time, and the first state is a change of state.
	result := mustRead(t, alarm).Play(NewData(60), Options{Fresh: true})
	wantTransitions(t, result, "30 a INSUFFICIENT_DATA OK")
	if len(result.Messages) != 1 || result.Messages[0].State != OK {
		t.Errorf("messages: must be one of OK (got %v)", result.Messages)
	}
	// An alarm that is created while the metric has data for its window is warm at once.
	wantTransitions(t, mustRead(t, alarm).Play(data, Options{Fresh: true, Created: 25}), "25 a INSUFFICIENT_DATA ALARM")
}
