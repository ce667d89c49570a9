package event

import (
	"strings"
	"testing"
)

func TestForms(t *testing.T) {
	long := strings.Repeat("1", 1001)
	for _, c := range []struct {
		name   string
		form   func([]byte) bool
		yes    []string
		others []string
	}{
		{"IsTimestamp", IsTimestamp, []string{"2019-10-01T00:00:00Z", "2019-10-01T00:00:00.123+02:00"},
			[]string{"", "2019-10-01", "2019-10-01 00:00:00Z", "2019-13-01T00:00:00Z", "1533689070"}},
		{"ConvertsToTimestamp", ConvertsToTimestamp, []string{"2019-10-01 00:00:00Z", "1533689070", "1533689070589"},
			[]string{"", "2019-10-01", "yesterday", "153368907"}},
		{"IsDate", IsDate, []string{"2019-10-01", "2024-02-29", "0001-01-01"},
			[]string{"", "2019-10-1", "2019-02-29", "2019-00-10", "2019-10-32", "2019-10-3x", "2019/10/01", "2019-10-01T"}},
		{"FitsInt64", FitsInt64, []string{"0", "-9223372036854775808", "9223372036854775807"}, []string{"9223372036854775808", long}},
		{"FitsFloat64", FitsFloat64, []string{"0", "1e308", "0.25"}, []string{"1e400", "-1e309", long}},
		{"IsAcceptedNumber", IsAcceptedNumber, []string{"1e400", long[1:]}, []string{long}},
	} {
		for _, text := range c.yes {
			if !c.form([]byte(text)) {
				t.Errorf("%s(%.40q): false", c.name, text)
			}
		}
		for _, text := range c.others {
			if c.form([]byte(text)) {
				t.Errorf("%s(%.40q): true", c.name, text)
			}
		}
	}
}
