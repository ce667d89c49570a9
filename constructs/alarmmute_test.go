package constructs_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"firehose-pipeline/internal/testkit/cloudwatch"
)

// In a maintenance window nothing is sent; an incident that outlasts it is sent at its end.
func TestMaintenanceWindow(t *testing.T) {
	stack := readAlarms(t, "mute schedule")
	names := metricNames(t, stack)
	start := time.Date(2026, 7, 4, 22, 0, 0, 0, time.UTC) // Sunday, midnight in Berlin: the window is minutes 120 to 359
	for _, row := range []struct {
		until int
		want  []int
	}{{300, nil}, {500, []int{360}}} {
		p := newPlant(t, names, allNames(t), halfDay)
		p.lakeRefused(130, row.until)
		var got []int
		for _, m := range play(t, stack, p.data, cloudwatch.Options{Start: start}).Messages {
			if strings.HasSuffix(m.Alarm, "-lake-late") {
				got = append(got, m.Minute)
			} else if !strings.HasSuffix(m.Alarm, "-recovered") {
				t.Errorf("must send lake-late only (got %v)", m)
			}
		}
		if !slices.Equal(got, row.want) {
			t.Errorf("until %d: must page at %v (got %v)", row.until, row.want, got)
		}
	}
}
