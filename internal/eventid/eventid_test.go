package eventid

import (
	"strings"
	"testing"
)

func TestEventIDIsReadAsFarAsItCanBe(t *testing.T) {
	for record, want := range map[string]string{
		`{"event_id":"e-1","x":1}`:                        "e-1",
		`{"x":{"event_id":"no"},"event_id":"e"}`:          "e",
		`{"event\u005fid":"e"}`:                           "e",
		`{"event_id":17}`:                                 "17",
		`{"event_id":12345678901234567890}`:               "12345678901234567890",
		`{"event_id":true}`:                               "true",
		`{"event_id":null}`:                               "",
		`{"event_id":{"a":1}}`:                            "",
		`{"event_id":"a","event_id":"b"}`:                 "b",
		`{"event_id":"e-1","amount":`:                     "e-1",
		`{"event_id":"e-1","amount":12,}`:                 "e-1",
		`{"amount":x,"event_id":"e-1"}`:                   "",
		`{"event_id":"first"}{"event_id":"next"}`:         "first",
		`["event_id","e"]`:                                "",
		``:                                                "",
		`{"event_id":"` + strings.Repeat("x", 300) + `"}`: "",
	} {
		if got := Find([]byte(record)); got != want {
			t.Errorf("%s: %q, want %q", record, got, want)
		}
	}
}
