package cloudwatch

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

func mustRead(t *testing.T, resources string) *Stack {
	t.Helper()
	stack, err := Read([]byte(`{"Resources": {` + resources + `}}`))
	if err != nil {
		t.Fatal(err)
	}
	return stack
}

func wantTransitions(t *testing.T, result Result, want ...string) {
	t.Helper()
	var got []string
	for _, tr := range result.Transitions {
		got = append(got, fmt.Sprintf("%d %s %s %s", tr.Minute, tr.Alarm, tr.From, tr.To))
	}
	if !slices.Equal(got, want) {
		t.Errorf("transitions: must be %q (got %q)", want, got)
	}
}

// The six examples of https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarm-suppression.html, with a wait
// period of 2 and an extension period of 3: the times of both alarms, and the times and states of the actions.
func TestSuppression(t *testing.T) {
	for i, row := range []struct{ composite, suppressor, want string }{
		{"2 ALARM", "", "4 ALARM"},
		{"2 ALARM", "3 ALARM", ""},
		{"2 ALARM, 3 OK", "", "5 OK"},
		{"2 ALARM", "1 ALARM", ""},
		{"2 ALARM", "3 ALARM, 6 OK", "9 ALARM"},
		{"2 ALARM, 7 OK", "3 ALARM, 6 OK", "9 OK"},
	} {
		rule, _ := parseRule("ALARM(child)")
		c := &compositeAlarm{rule: rule, suppressor: "suppressor", waitMinutes: 2, extensionMinutes: 3, state: OK}
		states := map[string]State{"child": OK, "suppressor": OK}
		var got []string
		for minute := range 15 {
			for name, changes := range map[string]string{"child": row.composite, "suppressor": row.suppressor} {
				for change := range strings.SplitSeq(changes, ", ") {
					if at, state, ok := strings.Cut(change, " "); ok && at == fmt.Sprint(minute) {
						states[name] = State(state)
					}
				}
			}
			_, act := c.update(func(name string) State { return states[name] }, minute)
			if act || c.expire(minute) {
				got = append(got, fmt.Sprintf("%d %s", minute, c.state))
			}
		}
		if strings.Join(got, ", ") != row.want {
			t.Errorf("example %d: must act at %q (got %q)", i+1, row.want, got)
		}
	}
}

const oneAlarm = `"a": {"Type": "AWS::CloudWatch::Alarm", "Properties": {"AlarmName": "a", "Namespace": "N",
	"MetricName": "M", "Statistic": "Sum", "Period": 60, "EvaluationPeriods": 1, "Threshold": 1,
	"TreatMissingData": "notBreaching", "ComparisonOperator": "GreaterThanOrEqualToThreshold"}}`
