package parquet

import (
	"strings"
	"testing"
)

func TestTimestamps(t *testing.T) {
	for _, tt := range []struct{ rule, source, value, want string }{
		{"ISO with Z", "AWS, record format conversion", `"2017-02-07T15:13:01.39256Z"`, "2017-02-07T15:13:01.39256Z"},
		{"ISO without a fraction", "AWS, record format conversion", `"2018-02-07T20:38:48Z"`, "2018-02-07T20:38:48Z"},
		{"a space between date and time", "AWS, record format conversion", `"2017-02-07 15:13:01.14"`,
			"2017-02-07T15:13:01.14Z"},
		{"nine digits", "AWS, record format conversion", `"2017-02-07 15:13:01.123456789"`,
			"2017-02-07T15:13:01.123456789Z"},
		{"ten digits fail", "AWS, record format conversion", `"2017-02-07 15:13:01.1234567890"`, ""},
		{"short month, day and hour", "AWS; hours: probe", `"2026-9-7 1:2:3"`, "2026-09-07T01:02:03Z"},
		{"a short month in the ISO form fails", "probe", `"2026-9-7T12:00:02Z"`, ""},
		{"an offset fails", "AWS: not among the forms", `"2026-09-07T12:00:02+02:00"`, ""},
		{"ISO without Z fails", "AWS: not among the forms", `"2026-09-07T12:00:02"`, ""},
		{"a comma before the fraction fails", "AWS: not among the forms", `"2026-09-07 12:00:02,5"`, ""},
		{"a date fails", "AWS: not among the forms", `"2026-09-07"`, ""},
		{"no such day fails", "AWS", `"2026-02-30 00:00:00"`, ""},
		{"seconds since 1970", "AWS, record format conversion", `1518033528`, "2018-02-07T19:58:48Z"},
		{"milliseconds since 1970", "AWS, record format conversion", `1518033528123`, "2018-02-07T19:58:48.123Z"},
		{"10^12 and more are milliseconds", "probe", `1000000000000`, "2001-09-09T01:46:40Z"},
		{"seconds with a fraction", "AWS, record format conversion", `1518033528.123456789`,
			"2018-02-07T19:58:48.123456789Z"},
		{"a number as a string", "probe", `"1518033528"`, "2018-02-07T19:58:48Z"},
		{"before 1970", "probe", `-1000`, "1969-12-31T23:43:20Z"},
		{"beyond 64 bits of nanoseconds fails", "probe: an unrelated instant is written", `999999999999`, ""},
		{"a text beyond 64 bits of nanoseconds fails", "probe: an unrelated instant is written",
			`"9999-01-01 00:00:00"`, ""},
		{"a huge exponent fails at once", "AWS: not among the forms", `1e1000000000`, ""},
		{"true fails", "AWS: not among the forms", `true`, ""},
	} {
		t.Run(tt.rule, func(t *testing.T) {
			f, malformed := convert(t, table("a timestamp"), "SNAPPY", `{"a":`+tt.value+`}`)
			want := ""
			if tt.want != "" {
				want = `{"a":"` + tt.want + `"}`
			}
			if got := strings.Join(rows(t, f), "\n"); got != want || (malformed[0] == nil) != (want != "") {
				t.Errorf("rows %s, error %v, want %s (source: %s)", got, malformed[0], want, tt.source)
			}
		})
	}
}
