package firehose

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"time"
)

// digestOf is a hash of the parts: values that are random on AWS are made from it, so that a run can be repeated.
func digestOf(parts ...any) [sha256.Size]byte {
	return sha256.Sum256(fmt.Append(nil, parts...))
}

const uuidBytes = 36

// uuidOf makes a UUID of version 4 from the parts.
func uuidOf(parts ...any) string {
	h := digestOf(parts...)
	h[6], h[8] = h[6]&0x0f|0x40, h[8]&0x3f|0x80
	x := hex.EncodeToString(h[:16])
	return x[:8] + "-" + x[8:12] + "-" + x[12:16] + "-" + x[16:20] + "-" + x[20:]
}

// prefix is a prefix with expressions, parsed. https://docs.aws.amazon.com/firehose/latest/dev/s3-prefixes.html
type prefix []func(at time.Time, seed string) string

// maxPrefix bounds an evaluated prefix, in characters.
const maxPrefix = 512

// parsePrefix parses a prefix. The error type is that of an error prefix, else empty.
//
// A prefix without any expression gets the date appended, as it is and without a slash between (probed: with an
// expression of any kind it does not). A literal error prefix gets the error type as well, which AWS does not document
// clearly.
func parsePrefix(text, errorType string) (prefix, error) {
	if !strings.Contains(text, "!{") {
		if errorType != "" {
			text += errorType + "/"
		}
		text += "!{timestamp:yyyy/MM/dd/HH/}"
	}
	var p prefix
	for occurrence := 0; text != ""; occurrence++ {
		literal, rest, found := strings.Cut(text, "!{")
		if literal != "" {
			p = append(p, func(time.Time, string) string { return literal })
		}
		if !found {
			break
		}
		expression, after, closed := strings.Cut(rest, "}")
		if !closed {
			return nil, fmt.Errorf("expression without end (got !{%s)", rest)
		}
		text = after
		namespace, value, _ := strings.Cut(expression, ":")
		switch {
		case namespace == "timestamp":
			pattern, err := parsePattern(value)
			if err != nil {
				return nil, fmt.Errorf("expression !{%s}: %w", expression, err)
			}
			p = append(p, func(at time.Time, _ string) string { return pattern.formatTime(at) })
		case expression == "firehose:random-string":
			p = append(p, func(_ time.Time, seed string) string { return randomString(seed, occurrence) })
		case expression == "firehose:error-output-type" && errorType != "":
			p = append(p, func(time.Time, string) string { return errorType })
		default:
			return nil, fmt.Errorf("expression !{%s}: not modelled", expression)
		}
	}
	return p, nil
}

func (p prefix) evaluatePrefix(at time.Time, seed string) (string, error) {
	var b strings.Builder
	for _, part := range p {
		b.WriteString(part(at, seed))
	}
	if b.Len() > maxPrefix {
		return "", fmt.Errorf("prefix: must be at most %d characters when evaluated (got %d)", maxPrefix, b.Len())
	}
	return b.String(), nil
}

// randomString is 11 letters and digits, new for each occurrence and object.
func randomString(seed string, occurrence int) string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
	h := digestOf("random-string", seed, occurrence)
	out := make([]byte, 11)
	for i := range out {
		out[i] = alphabet[int(h[i])%len(alphabet)]
	}
	return string(out)
}

// pattern is a pattern of Java's DateTimeFormatter: literal text and the numeric fields that appear in paths.
type pattern []func(at time.Time) string

// layouts are Go's layouts for the fields.
var layouts = map[string]string{
	"yyyy": "2006", "uuuu": "2006", "yy": "06", "MM": "01", "M": "1", "MMM": "Jan", "MMMM": "January", "dd": "02",
	"d":   "2",
	"DDD": "002", "HH": "15", "mm": "04", "ss": "05", "EEE": "Mon", "EEEE": "Monday", "a": "PM", "hh": "03", "h": "3",
}

func parsePattern(text string) (pattern, error) {
	var p pattern
	literal := func(s string) {
		p = append(p, func(time.Time) string { return s })
	}
	for i := 0; i < len(text); {
		c := text[i]
		switch {
		case c == '\'':
			end := strings.IndexByte(text[i+1:], '\'')
			if end < 0 {
				return nil, fmt.Errorf("quote without end")
			}
			if end == 0 {
				literal("'")
			} else {
				literal(text[i+1 : i+1+end])
			}
			i += end + 2
		case c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z':
			n := 1
			for i+n < len(text) && text[i+n] == c {
				n++
			}
			field := text[i : i+n]
			layout, ok := layouts[field]
			switch {
			case c == 'Y':
				return nil, fmt.Errorf("%s is the week-based year, wrong around New Year: use yyyy", field)
			case field == "S" || field == "SS" || field == "SSS":
				p = append(p, func(at time.Time) string { return fmt.Sprintf("%03d", at.Nanosecond()/1e6)[:n] })
			case !ok:
				return nil, fmt.Errorf("pattern letters %s are not modelled", field)
			default:
				p = append(p, func(at time.Time) string { return at.Format(layout) })
			}
			i += n
		default:
			literal(string(c))
			i++
		}
	}
	return p, nil
}

func (p pattern) formatTime(at time.Time) string {
	var b strings.Builder
	for _, part := range p {
		b.WriteString(part(at))
	}
	return b.String()
}

// objectName is the last part of a key: stream name, the stream's version, which here stays 1, time and a UUID.
// https://docs.aws.amazon.com/firehose/latest/dev/s3-object-name.html
func objectName(stream string, at time.Time, id, extension string) string {
	return stream + "-1-" + at.Format("2006-01-02-15-04-05") + "-" + id + extension
}

// indexName is the index that a document goes to, by its arrival time in UTC.
// https://docs.aws.amazon.com/firehose/latest/dev/es-index-rotation.html
func indexName(base, rotation string, at time.Time) string {
	at = at.UTC()
	switch rotation {
	case "OneHour":
		return base + at.Format("-2006-01-02-15")
	case "OneDay":
		return base + at.Format("-2006-01-02")
	case "OneWeek":
		year, week := usWeek(at)
		return fmt.Sprintf("%s-%d-w%02d", base, year, week)
	case "OneMonth":
		return base + at.Format("-2006-01")
	}
	return base
}

// usWeek is the week by the US rule of the Developer Guide: it begins on Sunday, and the first week of a year is the
// first that contains a Saturday of it, so that the last days of a December can be in week 1 of the next year. By that
// rule the guide's own example, 25 February 2016, is in week 9, where it prints w08: the rule is followed.
func usWeek(at time.Time) (year, week int) {
	saturday := at.AddDate(0, 0, int(time.Saturday-at.Weekday()))
	return saturday.Year(), (saturday.YearDay()-1)/7 + 1
}
