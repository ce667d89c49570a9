package cloudwatch

import (
	"slices"
	"strings"
	"testing"
	"time"
)

// The scenarios of https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarm-mute-rules-behaviour.html: an alarm
// that is well again at the end of the window sends nothing, one that is still in ALARM sends its message then; of two
// windows that overlap the later end counts.
func TestMuteRules(t *testing.T) {
	mute := func(id, expression, duration string) string {
		return `, "` + id + `": {"Type": "AWS::CloudWatch::AlarmMuteRule", "Properties": {"MuteTargets": {"AlarmNames": ["a"]},
			"Rule": {"Schedule": {"Expression": "` + expression + `", "Duration": "` + duration + `", "Timezone": "Europe/Berlin"}}}}`
	}
	acting := strings.Replace(oneAlarm, `"AlarmName"`, `"AlarmActions": [{"Ref": "Topic"}], "AlarmName"`, 1)
	start := time.Date(2026, 7, 5, 0, 0, 0, 0, time.UTC) // a Sunday; 02:00 in Berlin
	first := mute("m1", "cron(10 2 * * SUN)", "PT1H")    // minutes 10 to 69
	for name, row := range map[string]struct {
		rules       string
		from, until int // of the alarm's state
		want        []int
	}{
		"well again at the end": {first, 20, 40, nil},
		"still on at the end":   {first, 20, 100, []int{70}},
		"two windows":           {first + mute("m2", "at(2026-07-05T03:00)", "PT30M"), 20, 200, []int{90}},
		"outside the window":    {first, 80, 100, []int{81}},
		"begun before it":       {first, 5, 100, []int{6}},
		"another day":           {mute("m1", "cron(10 2 * * MON-FRI)", "PT1H"), 20, 40, []int{21}},
		"minutes in a list":     {mute("m1", "cron(5,15 2 5 JUL *)", "PT5M"), 12, 40, []int{13}},
	} {
		data := NewData(240)
		for minute := row.from; minute < row.until; minute++ {
			data.Add("N M", minute, 1)
		}
		var got []int
		for _, m := range mustRead(t, acting+row.rules).Play(data, Options{Start: start}).Messages {
			got = append(got, m.Minute)
		}
		if !slices.Equal(got, row.want) {
			t.Errorf("%s: must send at %v (got %v)", name, row.want, got)
		}
	}
}
