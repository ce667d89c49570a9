package errorhandler

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

func TestOneMetricLineAStream(t *testing.T) {
	f := newFixture(t, map[string]string{
		lakeKey + "?":   failed(t, "Lambda.FunctionError", `{}`) + failed(t, "Lambda.FunctionError", `{}`),
		lakeKey + "2?":  failed(t, "Lambda.FunctionError", `{}`) + "torn",
		searchKey + "?": failed(t, "Lambda.FunctionError", `{}`),
	})
	f.run(t, notification(lakeKey, lakeKey+"2", searchKey))
	var got []string
	for line := range strings.Lines(f.metrics.String()) {
		var m struct {
			AWS struct {
				Timestamp         int64
				CloudWatchMetrics []struct {
					Namespace  string
					Dimensions [][]string
					Metrics    []struct{ Name, Unit string }
				}
			} `json:"_aws"`
			Stack, Stream                                 string
			FailedRecords, DeadLetters, UnreadableObjects int
		}
		if err := json.Unmarshal([]byte(line), &m); err != nil {
			t.Fatal(err)
		}
		set := m.AWS.CloudWatchMetrics[0]
		if m.AWS.Timestamp < 1700000000000 || set.Namespace != "FirehosePipeline" ||
			fmt.Sprint(set.Dimensions) != "[[Stack Stream]]" ||
			fmt.Sprint(set.Metrics) != "[{FailedRecords Count} {DeadLetters Count} {UnreadableObjects Count}]" ||
			m.Stack != "pipeline-dev" {
			t.Errorf("metric line %s", line)
		}
		got = append(got, fmt.Sprintln(m.Stream, m.FailedRecords, m.DeadLetters, m.UnreadableObjects))
	}
	if strings.Join(got, "") != "lake 3 4 1\nsearch 1 1 0\n" {
		t.Errorf("metrics %v", got)
	}
}
