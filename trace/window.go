package trace

import (
	"fmt"
	"regexp"
	"strings"
	"time"
)

// Window is a time range of arrival at Firehose; a zero end is open.
type Window struct{ Since, Until time.Time }

// LongestInterval is the longest buffer interval of Firehose.
// https://docs.aws.amazon.com/firehose/latest/APIReference/API_BufferingHints.html
const LongestInterval = 15 * time.Minute

// longestBuffer: an event arrives at most so long after the oldest record of its object, whose time is in the object's
// key.
const longestBuffer = LongestInterval + maxProcessing

// maxProcessing is a time between arrival and the delivery buffer: the transform's own buffer, and its invocation.
const maxProcessing = 6 * time.Minute

// hours returns the first and the last hour of objects that can hold an event of the window, zero for an open end.
func (w Window) hours() (first, last time.Time) {
	if !w.Since.IsZero() {
		first = w.Since.Add(-longestBuffer).UTC().Truncate(time.Hour)
	}
	if !w.Until.IsZero() {
		last = w.Until.UTC().Truncate(time.Hour)
	}
	return first, last
}

// hourFormat is the part of a key that the stack's prefixes make of an hour; keys sort by time.
const hourFormat = "year=2006/month=01/day=02/hour=15/"

// objectTime finds the time in the name of an object that Firehose wrote: of its oldest record.
// https://docs.aws.amazon.com/firehose/latest/dev/s3-object-name.html
var objectTime = regexp.MustCompile(`-(\d{4}-\d\d-\d\d-\d\d-\d\d-\d\d)-[0-9a-f-]{36}[^/]*$`)

func timeOfObject(key string) time.Time {
	found := objectTime.FindStringSubmatch(key)
	if found == nil {
		return time.Time{}
	}
	t, err := time.Parse("2006-01-02-15-04-05", found[1])
	if err != nil {
		return time.Time{}
	}
	return t
}

// partitions is the window as a condition on the table's partition keys: lists of single values, by which Athena's
// partition projection decides which hours to list, and the exact hours. Every value in it is a number that this
// package formats. https://docs.aws.amazon.com/athena/latest/ug/partition-projection.html
func (w Window) partitions(now time.Time) string {
	first, last := w.hours()
	if last.IsZero() {
		last = now.UTC().Add(time.Hour).Truncate(time.Hour)
	}
	if first.IsZero() {
		first = last.AddDate(-1, 0, 0)
	}
	years, months, days := &list{}, &list{}, &list{}
	for day := first.Truncate(24 * time.Hour); !day.After(last); day = day.AddDate(0, 0, 1) {
		years.add(day.Format("2006"))
		months.add(day.Format("01"))
		days.add(day.Format("02"))
	}
	const hour = "2006010215"
	return fmt.Sprintf("year IN (%s) AND month IN (%s) AND day IN (%s) AND "+
		"(year || month || day || hour) BETWEEN '%s' AND '%s'",
		years, months, days, first.Format(hour), last.Format(hour))
}

// list is a list of different SQL literals.
type list []string

func (l *list) add(digits string) {
	literal := "'" + digits + "'"
	for _, known := range *l {
		if known == literal {
			return
		}
	}
	*l = append(*l, literal)
}

func (l *list) String() string { return strings.Join(*l, ", ") }
