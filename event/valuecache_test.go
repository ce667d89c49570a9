package event

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"firehose-pipeline/schema"
)

// TestValueCache compares cached values with what the rule writes, for rules with more values than the cache holds.
func TestValueCache(t *testing.T) {
	random := rand.New(rand.NewPCG(8, 8))
	var text string
	var number float64
	var ok bool
	texts := []string{"", "a", "b", "\"\\\n", "é", strings.Repeat("x", maxCachedText), strings.Repeat("x", maxCachedText+1), strings.Repeat("y", maxCachedText+1), strings.Repeat("z", 10_000)}
	for k := range 20 {
		texts = append(texts, fmt.Sprint("text ", k))
	}
	numbers := []float64{0, math.Copysign(0, -1), 1, -1, 0.5, 33.33, 1e300, math.NaN(), math.Inf(1), 12, 13, 14, 15, 16, 17}
	for _, r := range []Rule{
		{Name: "text", Kind: schema.String, Text: func(*Event) string { return text }},
		{Name: "double", Kind: schema.Double, Number: func(*Event) (float64, bool) { return number, ok }},
		{Name: "bigint", Kind: schema.BigInt, Number: func(*Event) (float64, bool) { return math.Trunc(min(max(number, -1e15), 1e15)), ok && number == number }},
		{Name: "flag", Kind: schema.Boolean, Flag: func(*Event) (bool, bool) { return number > 0, ok }},
	} {
		t.Run(r.Name, func(t *testing.T) {
			var e Event
			var all suffixCache
			m := valueCache{rule: &r}
			for range 5_000 {
				text, number, ok = texts[random.IntN(len(texts))], numbers[random.IntN(len(numbers))], random.IntN(5) > 0
				before := all.epoch
				m.recall(&e, &all)
				want := string(r.appendValue(nil, &e))
				if want != "" {
					want = `,"` + r.Name + `":` + want
				}
				if got := string(m.json()); got != want {
					t.Fatalf("%q %v %v: got %s, want %s", text, number, ok, got, want)
				}
				if again := m.current; all.epoch == before {
					if m.recall(&e, &all); m.current != again || all.epoch != before {
						t.Fatalf("%q %v: said %d, then %d", text, number, again, m.current)
					}
				}
			}
			if cap(m.long.json) > 16<<10 {
				t.Errorf("keeps %d bytes", cap(m.long.json))
			}
		})
	}
}

func TestMiddle(t *testing.T) {
	p := newTestProcessor(Lake)
	record := []byte(`{"event_id":"1","event_type":"view"}`)
	whole, _ := p.Append(nil, record, 1<<20)
	p.Append(nil, record, 1<<20)
	t.Run("what is the same and the tail count towards the limit", func(t *testing.T) {
		if _, parts := p.AppendMiddle(nil, record, len(whole)); parts.Written != 1 || parts.Suffix == nil || parts.Same == 0 {
			t.Errorf("%+v", parts)
		}
		if out, parts := p.AppendMiddle([]byte("x"), record, len(whole)-1); parts.Refused.Reason != TooLarge || parts.Suffix != nil || string(out) != "x" {
			t.Errorf("%+v", parts)
		}
	})
	t.Run("a tail has the time of its invocation", func(t *testing.T) {
		for hour := range 3 {
			now := fmt.Sprintf("2026-03-04T0%d:00:00.000Z", hour)
			p.SetTime(parseTime(t, now))
			for range 3 {
				inParts(t, p, record, []byte(strings.ReplaceAll(string(whole), testNow, now)))
			}
		}
	})
}

func parseTime(t *testing.T, text string) time.Time {
	t.Helper()
	now, err := time.Parse(time.RFC3339, text)
	if err != nil {
		t.Fatal(err)
	}
	return now
}
