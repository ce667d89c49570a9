package parquet

import (
	"math"
	"math/big"
	"strings"
	"time"

	"github.com/parquet-go/parquet-go/deprecated"

	"firehose-pipeline/internal/jsonscan"
)

// parseTimestamp reads the forms that Firehose documents for the OpenX SerDe
// (https://docs.aws.amazon.com/firehose/latest/dev/record-format-conversion-concepts.html):
// yyyy-MM-dd'T'HH:mm:ss[.S]'Z', yyyy-[M]M-[d]d HH:mm:ss[.S], each with up to nine digits of a fraction, seconds since
// 1970, also with a fraction, and milliseconds. Four to nine digits before a Z are AWS's documentation alone: the open
// SerDe, as run, rejects them, and its release 1.3.8 any fraction there. As probed, a number of 10^12 and more is one
// of milliseconds, and the second form takes short hours, minutes and seconds too. An instant that nanoseconds in 64
// bits cannot hold is rejected; Firehose has been seen to write an unrelated one.
func parseTimestamp(text string) (time.Time, bool) {
	if number, _ := jsonscan.IsNumber([]byte(strings.TrimSpace(text))); number {
		return parseEpoch(strings.TrimSpace(text))
	}
	if fraction := strings.TrimRight(text, "Z"); strings.LastIndexByte(fraction, '.') >= 0 &&
		len(fraction)-strings.LastIndexByte(fraction, '.') > len(".123456789") {
		return time.Time{}, false
	}
	layout := "2006-1-2 15:4:5"
	if strings.Contains(text, "T") {
		layout = "2006-01-02T15:04:05Z"
	}
	at, err := time.Parse(layout, text) // takes a fraction after the seconds whatever the layout
	if err != nil || strings.Contains(text, ",") {
		return time.Time{}, false
	}
	return at, canHold(at)
}

func parseEpoch(text string) (time.Time, bool) {
	// Exact: a float64 has too few digits for nanoseconds. An exponent is not among the documented forms, and a large
	// one would take long to multiply out.
	if strings.ContainsAny(text, "eE") || len(text) > 40 {
		return time.Time{}, false
	}
	number, ok := new(big.Rat).SetString(text)
	if !ok {
		return time.Time{}, false
	}
	unit := int64(time.Millisecond)
	if new(big.Rat).Abs(number).Cmp(big.NewRat(1_000_000_000_000, 1)) < 0 {
		unit = int64(time.Second)
	}
	number.Mul(number, big.NewRat(unit, 1))
	nanoseconds := new(big.Int).Quo(number.Num(), number.Denom())
	if !nanoseconds.IsInt64() {
		return time.Time{}, false
	}
	return time.Unix(0, nanoseconds.Int64()).UTC(), true
}

// parseDate reads yyyy-mm-dd, a string, as days since 1970. The open SerDe, as run (JavaStringDateObjectInspector),
// reads with Java's lenient SimpleDateFormat: it makes 2 March of 30 February, reads past text that follows the day,
// and makes 1970-01-01 of numbers and of text that is not a date. All of these are rejected here: nobody would notice
// the wrong date.
func parseDate(v value, text []byte) (days int32, ok bool) {
	at, err := time.Parse(time.DateOnly, string(text))
	if v.kind != jsonscan.String || err != nil || at.Year() == 0 {
		return 0, false
	}
	return int32(at.Unix() / 86400), true // exact, and before 1970 too: the time of day is 0
}

// canHold reports whether nanoseconds since 1970 in 64 bits can hold the instant.
func canHold(at time.Time) bool {
	return !at.Before(time.Unix(0, math.MinInt64)) && !at.After(time.Unix(0, math.MaxInt64))
}

// toInt96 is the instant as Hive writes it: the nanoseconds of the day, then the Julian day.
func toInt96(at time.Time) deprecated.Int96 {
	const julian1970 = 2_440_588
	seconds := at.Unix()
	day := seconds / 86400
	if seconds%86400 < 0 {
		day--
	}
	nanoseconds := uint64(seconds-day*86400)*uint64(time.Second) + uint64(at.Nanosecond())
	return deprecated.Int96{uint32(nanoseconds), uint32(nanoseconds >> 32), uint32(day + julian1970)}
}
