package cloudwatch

import (
	"fmt"
	"strings"
	"testing"
)

// Where a comment names no other source, the rule is from
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/using-metric-math.html
func TestMetricMath(t *testing.T) {
	none := missing
	context := mathContext{
		series: map[string]operand{
			"metric1": {one: series{30, 20, 0, 0}},
			"metric2": {one: series{20, none, 20, none}},
			"limit":   {one: series{10, none, 10, none}},
		},
		period: map[string]int{"metric1": 300, "metric2": 300, "limit": 300},
		length: 4,
	}
	for _, row := range []struct{ expression, want string }{
		// The two examples of the page with comparisons.
		{"(metric1 < metric2)", "0 0 1 0"},
		{"(metric1 >= 30)", "1 0 0 0"},
		// A value that only one of two series has is compared, and computed, with 0; where neither has one there is none.
		{"metric1 - metric2", "10 20 -20 0"},
		{"metric2 + limit", "30 - 30 -"},
		{"metric2 > limit", "1 - 1 -"},
		{"2 * metric2", "40 - 40 -"},
		{"-metric2", "-20 - -20 -"},
		// A division by zero drops the point.
		{"metric1 / limit", "3 - 0 -"},
		{"metric1 / 0", "- - - -"},
		{"100 * (metric1 / PERIOD(metric1)) / limit", "1 - 0 -"},
		{"MAX([metric1, metric2])", "30 20 20 0"},
		{"MAX([metric2, limit])", "20 - 20 -"},
		// "the difference between each value in the time series and the preceding value from that time series"
		{"DIFF(metric1)", "- -10 -20 0"},
		{"DIFF(metric2)", "- - 0 -"},
		{"FILL(metric2, 7)", "20 7 20 7"},
		{"FILL(metric2, metric1)", "20 20 20 0"},
		{"FILL(metric2, REPEAT)", "20 20 20 20"},
		{"IF(metric1 > 15, 1, metric2)", "1 1 20 -"},
		{"1 + 2 * 3 - metric1", "-23 -13 7 7"},
	} {
		got, err := evaluateMath(row.expression, context)
		text := strings.ReplaceAll(strings.Trim(fmt.Sprint([]float64(got.one)), "[]"), "NaN", "-")
		if err != nil || text != row.want {
			t.Errorf("%s: must be %s (got %s, %v)", row.expression, row.want, text, err)
		}
	}
	for _, expression := range []string{
		"MAX(metric1)", "PERIOD(1)", "metric3", "metric1 +", "(metric1", "SUM([metric1])", "[metric1] * 2", "metric1 metric2",
	} {
		if _, err := evaluateMath(expression, context); err == nil {
			t.Errorf("%s: must be an error", expression)
		}
	}
}
