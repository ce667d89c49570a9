package cloudwatch

import (
	"testing"
)

func TestAggregate(t *testing.T) {
	data := NewData(4)
	data.Add("m", 1, 4, 1)
	data.Add("m", 2, 10)
	for statistic, want := range map[string]float64{
		"Sum": 15, "Average": 5, "Minimum": 1, "Maximum": 10, "SampleCount": 3, "p50": 4, "p90": 10,
	} {
		if got := data.aggregate("m", statistic, 0, 4); got != want {
			t.Errorf("%s: must be %v (got %v)", statistic, want, got)
		}
	}
	if got := data.aggregate("m", "Sum", 3, 4); !isMissing(got) {
		t.Errorf("a minute without samples: must have no value (got %v)", got)
	}
}
