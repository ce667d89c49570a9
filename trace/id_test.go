package trace

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"firehose-pipeline/schema"
)

// hostile are ids that must never be anything but a value.
var hostile = []string{
	`' OR '1'='1`, `"; DROP TABLE events; --`, `x' UNION SELECT 1 --`, `*`, `{"match_all":{}}`, `e\`, "a\nb", "\x1b[31m",
	`../../_all`, `%27`, `ü€😀`, `event_id:*`, strings.Repeat("long'", 4000),
}

func newID(t *testing.T, text string) ID {
	t.Helper()
	return parseID(t, `{"type":"object","properties":{"event_id":{"type":"string"},"event_type":{"type":"string"}},
		"x-enrich":[{"name":"processed_timestamp","processedAt":true}]}`, text)
}

func parseID(t *testing.T, text, id string) ID {
	t.Helper()
	s, err := schema.Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := NewID(s, id)
	if err != nil {
		t.Fatal(err)
	}
	return parsed
}

// noon is the time of the tests.
var noon = time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC)

// stepClock is a clock that pauses only move.
type stepClock struct{ now time.Time }

func (c *stepClock) Now() time.Time { return c.now }
func (c *stepClock) Pause(ctx context.Context, d time.Duration) error {
	c.now = c.now.Add(d)
	return ctx.Err()
}

// fakePlace is a looker with a known outcome.
type fakePlace func(p *Place) error

func (f fakePlace) Look(_ context.Context, _ *Query, p *Place) error { return f(p) }

func quoteJSON(t *testing.T, text string) string {
	t.Helper()
	b, err := json.Marshal(text)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestIDOfSchema(t *testing.T) {
	nested := `{"type":"object","properties":{"meta":{"type":"object","properties":{"Id":{"type":"integer"}}}},
		"x-event-id":"/meta/Id"}`
	id := parseID(t, nested, "7")
	if !slices.Equal(id.Keys, []string{"meta", "Id"}) || !slices.Equal(id.Columns, []string{"meta", "id"}) ||
		!id.Integer || id.Hashed || id.Field() != "/meta/Id" || !id.isStorable() {
		t.Errorf("got %+v, %s", id, id.Field())
	}
	if bad := parseID(t, nested, "7; --"); bad.isStorable() {
		t.Errorf("an integer column cannot have %q", bad.Text)
	}
	if !id.matches([]byte(`{"meta":{"Id":7},"x":1}`)) || id.matches([]byte(`{"meta":{"Id":77},"Id":7}`)) {
		t.Error("the id is the number at /meta/Id alone")
	}
	hashed := parseID(t, `{"type":"object","properties":{"event_id":{"type":"string","x-protect":"hash"}}}`, "7")
	if !hashed.Hashed {
		t.Error("must be hashed")
	}
	s, err := schema.Parse([]byte(`{"type":"object","properties":{"a":{"type":"string"}}}`))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := NewID(s, "1"); err == nil || !strings.Contains(err.Error(), "declares no event id") {
		t.Errorf("got %v", err)
	}
}

func TestMatches(t *testing.T) {
	for _, text := range hostile {
		id := newID(t, text)
		if sent := `{"a":"` + strings.Repeat("x", 70<<10) + `","event_id":` + quoteJSON(t,
			text) + `}`; !id.matches([]byte(sent)) {
			t.Errorf("%.20q: must be found", text)
		}
		if id.matches([]byte(`{"event_id":"other","note":` + quoteJSON(t, text) + `}`)) {
			t.Errorf("%.20q: is not the id", text)
		}
	}
	id := newID(t, "e-1")
	for sent, want := range map[string]bool{
		`{"event_id":"e\u002d1"}`: true, `{"event\u005fid":"e-1"}`: true, `{"event_id":"e-1"`: true,
		`{"event_id":"e-1","x":}`: true,
		`{"event_id":"e-12"}`:     false, `{"event_id":"x","event_id":"e-1"}`: true, `{"event_id":"e-1","event_id":"x"}`: false,
		`["e-1"]`: false, `e-1`: false, `{"a":{"event_id":"e-1"}}`: false,
	} {
		if id.matches([]byte(sent)) != want {
			t.Errorf("%s: must be %v", sent, want)
		}
	}
	if got := id.findIn([]byte(`{"event_id":"e-0"} {"event_id":"e-1","event_type":"t"}`)); id.typeOf(got) != "t" {
		t.Errorf("got %s", got)
	}
}
