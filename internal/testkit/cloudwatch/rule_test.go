package cloudwatch

import (
	"strings"
	"testing"
)

// The examples of https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutCompositeAlarm.html, and the
// order in which operators bind.
func TestRules(t *testing.T) {
	for _, row := range []struct {
		rule   string
		states string // of a, b and c
		want   bool
	}{
		{"ALARM(a) AND ALARM(b)", "ALARM ALARM OK", true},
		{"ALARM(a) AND ALARM(b)", "ALARM INSUFFICIENT_DATA OK", false},
		{"ALARM(a) AND NOT ALARM(b)", "ALARM INSUFFICIENT_DATA OK", true},
		{"ALARM(a) AND NOT ALARM(b)", "ALARM ALARM OK", false},
		{"(ALARM(a) OR ALARM(b)) AND OK(c)", "OK ALARM OK", true},
		{`(ALARM("a") OR ALARM("b")) AND OK("c")`, "OK ALARM INSUFFICIENT_DATA", false},
		{"INSUFFICIENT_DATA(c)", "OK OK INSUFFICIENT_DATA", true},
		{"TRUE AND NOT FALSE", "OK OK OK", true},
		{"ALARM(a) OR ALARM(b) AND ALARM(c)", "ALARM OK OK", true},
		{"NOT ALARM(a) AND ALARM(b)", "OK OK OK", false},
	} {
		rule, err := parseRule(row.rule)
		if err != nil {
			t.Errorf("%s: %v", row.rule, err)
			continue
		}
		states := strings.Fields(row.states)
		got := rule.holds(func(name string) State { return State(states[name[0]-'a']) })
		if got != row.want {
			t.Errorf("%s with %s: must be %v (got %v)", row.rule, row.states, row.want, got)
		}
	}
	for _, rule := range []string{"", "ALARM(a", "ALARM a", "ALARM()", "a", "ALARM(a) ALARM(b)", "ALARM(a) AND", "(TRUE"} {
		if _, err := parseRule(rule); err == nil {
			t.Errorf("%q: must be an error", rule)
		}
	}
}
