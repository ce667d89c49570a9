package cloudwatch

import (
	"strings"
	"testing"
)

func TestUnknownPropertiesAreErrors(t *testing.T) {
	alarm := func(more string) string {
		return `{"Type": "AWS::CloudWatch::Alarm", "Properties": {"AlarmName": "a", "Namespace": "N", "MetricName": "M",
			"EvaluationPeriods": 1, "Threshold": 1, "ComparisonOperator": "GreaterThanThreshold", ` + more + `}}`
	}
	composite := func(rule string) string {
		return `{"Type": "AWS::CloudWatch::CompositeAlarm", "Properties": {"AlarmName": "c", "AlarmRule": "` + rule + `"}}`
	}
	for _, row := range []struct{ resource, problem string }{
		{alarm(`"EvaluationWindow": {}`), "EvaluationWindow"},
		{alarm(`"Statistic": "Sum", "Period": 60, "Dimensions": [{"Name": "D", "Value": {"Fn::Sub": "a"}}]`),
			"is not implemented"},
		{alarm(`"Statistic": "Sum", "Period": 10`), "period of 10 s"},
		{alarm(`"Period": 60`), "statistic"},
		{composite("ALARM(b)"), "do not exist"},
		{composite("TRUE" + strings.Repeat(" ", 10_240)), "at most 10240 characters"},
		{composite("FALSE" + strings.Repeat(" OR ALARM(b)", 167)), "500 elements"},
	} {
		_, err := Read([]byte(`{"Resources": {"a": ` + row.resource + `}}`))
		if err == nil || !strings.Contains(err.Error(), row.problem) {
			t.Errorf("must be an error with %q (got %v)", row.problem, err)
		}
	}
}
