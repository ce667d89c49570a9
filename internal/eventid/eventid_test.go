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
		if got := Find([]byte(record), Path{"event_id"}); got != want {
			t.Errorf("%s: %q, want %q", record, got, want)
		}
	}
}

func TestPath(t *testing.T) {
	for _, c := range []struct{ pointer, record, want string }{
		{"/id", `{"id":"a"}`, "a"},
		{"/meta/id", `{"meta":{"x":1,"id":7}}`, "7"},
		{"/meta/id", `{"meta":{"x":1,"id":"b"},"broken`, "b"},
		{"/meta/id", `{"meta":"id"}`, ""},
		{"/a~1b/c~0d", `{"a/b":{"c~d":"e"}}`, "e"},
		{"", `{"event_id":"a"}`, ""},
	} {
		if got := Find([]byte(c.record), ParsePath(c.pointer)); got != c.want {
			t.Errorf("%s in %s: %q, want %q", c.pointer, c.record, got, c.want)
		}
	}
}
