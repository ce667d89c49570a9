package cloudwatch

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// muteRule mutes the actions of alarms in windows.
type muteRule struct {
	expression string
	duration   time.Duration
	zone       *time.Location
	alarms     []string
	active     []bool // by minute
}

var durationForm = regexp.MustCompile(`^P(?:([0-9]+)D)?(?:T(?:([0-9]+)H)?(?:([0-9]+)M)?)?$`)

func newMuteRule(expression, duration, zone string, alarms []string) (*muteRule, error) {
	parts := durationForm.FindStringSubmatch(duration)
	if parts == nil {
		return nil, fmt.Errorf("mute rule: duration %q is not ISO 8601", duration)
	}
	rule := &muteRule{expression: expression, zone: time.UTC, alarms: alarms}
	for i, unit := range []time.Duration{24 * time.Hour, time.Hour, time.Minute} {
		n, _ := strconv.Atoi(parts[i+1])
		rule.duration += time.Duration(n) * unit
	}
	if zone != "" {
		location, err := time.LoadLocation(zone)
		if err != nil {
			return nil, fmt.Errorf("mute rule: %w", err)
		}
		rule.zone = location
	}
	if _, err := rule.begins(time.Unix(0, 0)); err != nil {
		return nil, err
	}
	return rule, nil
}

// schedule computes the windows of a time that begins at start.
func (m *muteRule) schedule(start time.Time, minutes int) {
	m.active = make([]bool, minutes+1)
	length := int(m.duration / time.Minute)
	left := 0
	for minute := -length; minute <= minutes; minute++ {
		if ok, _ := m.begins(start.Add(time.Duration(minute) * time.Minute)); ok {
			left = length
		}
		if left > 0 && minute >= 0 {
			m.active[minute] = true
		}
		left = max(0, left-1)
	}
}

func (m *muteRule) mutes(alarm string, minute int) bool {
	return m.active[minute] && slices.Contains(m.alarms, alarm)
}

// begins reports whether a window begins at a minute: cron(minutes hours day-of-month month day-of-week), or
// at(yyyy-MM-ddThh:mm).
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_Schedule.html
func (m *muteRule) begins(minute time.Time) (bool, error) {
	local := minute.In(m.zone)
	if at, ok := strings.CutPrefix(m.expression, "at("); ok {
		when, err := time.ParseInLocation("2006-01-02T15:04", strings.TrimSuffix(at, ")"), m.zone)
		if err != nil {
			return false, fmt.Errorf("mute rule: %w", err)
		}
		return local.Truncate(time.Minute).Equal(when), nil
	}
	fields := strings.Fields(strings.TrimSuffix(strings.TrimPrefix(m.expression, "cron("), ")"))
	if len(fields) != 5 {
		return false, fmt.Errorf("mute rule: %s must have five fields", m.expression)
	}
	months := strings.Fields("- JAN FEB MAR APR MAY JUN JUL AUG SEP OCT NOV DEC")
	days := strings.Fields("SUN MON TUE WED THU FRI SAT")
	for i, part := range []struct {
		value int
		names []string
	}{
		{local.Minute(), nil}, {local.Hour(), nil}, {local.Day(), nil},
		{int(local.Month()), months}, {int(local.Weekday()), days},
	} {
		ok, err := matchField(fields[i], part.value, part.names)
		if !ok || err != nil {
			return false, err
		}
	}
	return true, nil
}

func matchField(field string, value int, names []string) (bool, error) {
	for item := range strings.SplitSeq(field, ",") {
		if item == "*" {
			return true, nil
		}
		low, high, isRange := strings.Cut(item, "-")
		if !isRange {
			high = low
		}
		var bounds [2]int
		for i, text := range []string{low, high} {
			if bounds[i] = slices.Index(names, text); bounds[i] >= 0 {
				continue
			}
			n, err := strconv.Atoi(text)
			if err != nil {
				return false, fmt.Errorf("mute rule: %q is not a field of cron", field)
			}
			bounds[i] = n
		}
		if bounds[0] <= value && value <= bounds[1] {
			return true, nil
		}
	}
	return false, nil
}
