package settings

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	// Time zones are checked alike on every machine.
	_ "time/tzdata"
)

// MuteSchedule is when alarms send no messages: windows of Duration (ISO 8601) that begin by Expression, a cron(…) or
// at(…) of CloudWatch, in Timezone (an IANA name; empty: UTC).
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_Schedule.html
type MuteSchedule struct{ Expression, Duration, Timezone string }

// MuteSchedule returns the schedule of [Settings.AlarmMuteSchedule], or nil without one.
func (s Settings) MuteSchedule() *MuteSchedule {
	if s.AlarmMuteSchedule == "" {
		return nil
	}
	parts := muteForm.FindStringSubmatch(s.AlarmMuteSchedule)
	return &MuteSchedule{Expression: parts[1], Duration: parts[2], Timezone: parts[3]}
}

const muteRule = "a schedule, a duration and optionally a time zone such as cron(0 2 * * SUN) PT4H Europe/Berlin"

var (
	muteForm     = regexp.MustCompile(`^((?:cron|at)\([^()]*\)) (P[A-Z0-9]+)(?: ([A-Za-z0-9_+/-]+))?$`)
	durationForm = regexp.MustCompile(`^P(?:([0-9]{1,5})D)?(?:T(?:([0-9]{1,5})H)?(?:([0-9]{1,5})M)?)?$`)
	numberForm   = regexp.MustCompile(`^[0-9]{1,2}$`)
)

// CloudWatch's limits of a window, and the longest of its texts.
const (
	shortestMute   = time.Minute
	longestMute    = 15 * 24 * time.Hour
	maxMuteSetting = 256
	maxTimezone    = 50
)

// unfitMute returns the description that a schedule of the right form does not meet.
func unfitMute(value string) string {
	parts := muteForm.FindStringSubmatch(value)
	expression, duration, zone := parts[1], parts[2], parts[3]
	if at, ok := strings.CutPrefix(expression, "at("); ok {
		if _, err := time.Parse("2006-01-02T15:04", strings.TrimSuffix(at, ")")); err != nil {
			return "at(yyyy-MM-ddThh:mm) with a date and time that exist"
		}
	} else if must := unfitCron(strings.TrimSuffix(strings.TrimPrefix(expression, "cron("), ")")); must != "" {
		return must
	}
	if length, ok := parseDuration(duration); !ok || length < shortestMute || length > longestMute {
		return "a duration of days, hours and minutes from PT1M to P15D"
	}
	if zone != "" {
		// LoadLocation accepts Local too, which differs between machines.
		if _, err := time.LoadLocation(zone); err != nil || zone == "Local" || len(zone) > maxTimezone {
			return "a time zone of the IANA database such as Europe/Berlin"
		}
	}
	return ""
}

func parseDuration(text string) (time.Duration, bool) {
	parts := durationForm.FindStringSubmatch(text)
	if parts == nil || strings.HasSuffix(text, "T") {
		return 0, false
	}
	var total time.Duration
	for i, unit := range []time.Duration{24 * time.Hour, time.Hour, time.Minute} {
		n, _ := strconv.Atoi(parts[i+1]) // empty: 0
		total += time.Duration(n) * unit
	}
	return total, true
}

var (
	monthNames = words("JAN FEB MAR APR MAY JUN JUL AUG SEP OCT NOV DEC")
	dayNames   = words("SUN MON TUE WED THU FRI SAT")
)

// cronFields are the fields of a cron expression. A day of the week has to be a name: CloudWatch does not document
// whether a number begins with 0 or 1.
var cronFields = []struct {
	name     string
	min, max int
	names    []string // the first of them is min
}{
	{"minutes", 0, 59, nil},
	{"hours", 0, 23, nil},
	{"days of the month", 1, 31, nil},
	{"months", 1, 12, monthNames},
	{"days of the week", 0, -1, dayNames},
}

// unfitCron checks the five fields: *, values, ranges, and lists of these.
func unfitCron(text string) string {
	fields := strings.Split(text, " ")
	if len(fields) != len(cronFields) {
		return "cron(minutes hours day-of-month month day-of-week)"
	}
	for i, field := range fields {
		f := cronFields[i]
		accepted := strconv.Itoa(f.min) + " to " + strconv.Itoa(f.max)
		if f.max < f.min {
			accepted = f.names[0] + " to " + f.names[len(f.names)-1]
		}
		for part := range strings.SplitSeq(field, ",") {
			low, high, isRange := strings.Cut(part, "-")
			from, ok := cronValue(low, f.min, f.max, f.names)
			to, okTo := from, true
			if isRange {
				to, okTo = cronValue(high, f.min, f.max, f.names)
			}
			if field != "*" && (!ok || !okTo || from > to) {
				return "cron with " + f.name + " of " + accepted + ", as *, values, ascending ranges or lists of them"
			}
		}
	}
	if fields[2] != "*" && fields[4] != "*" {
		return "cron with * as day of the month or as day of the week"
	}
	return ""
}

func cronValue(text string, low, high int, names []string) (int, bool) {
	if i := slices.Index(names, text); i >= 0 {
		return low + i, true
	}
	n, err := strconv.Atoi(text)
	return n, err == nil && numberForm.MatchString(text) && n >= low && n <= high
}
