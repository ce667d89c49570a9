package cost_test

import (
	"encoding/json"
	"testing"

	"firehose-pipeline/cost"
)

func parseNumber(t *testing.T, text string) cost.Number {
	t.Helper()
	n, err := cost.ParseNumber(text)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return n
}

// In binary, 1.005 and 2.675 are a little less than that, and their halves would be rounded down.
func TestRoundedToCents(t *testing.T) {
	for text, want := range map[string]string{
		"1.005": "1.01", "2.675": "2.68", "0.004999999999999999999": "0.00", "0.005": "0.01", "-0.005": "-0.01",
		"1234567.891": "1,234,567.89", "0": "0.00",
	} {
		if got := parseNumber(t, text).RoundedToCents().Cents(); got != want {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
	}
	third := cost.WholeNumber(1).DividedBy(cost.WholeNumber(3))
	if third.Times(cost.WholeNumber(3)).CompareTo(cost.WholeNumber(1)) != 0 {
		t.Error("thirds must add up")
	}
}

func TestParseNumber(t *testing.T) {
	for _, text := range []string{"", "x", "1/3", "0x10", "1e31", "1e999999999", "1e-999999999", "Inf", "NaN", "1_000", "1,000",
		"--1", "1e", "1e2x", "0000000000000000000000000000000000000000000000000000000000001"} {
		if n, err := cost.ParseNumber(text); err == nil {
			t.Errorf("%q: must be rejected (got %s)", text, n.Exact())
		}
	}
	for text, want := range map[string]string{"1e6": "1,000,000", "0.0290000000": "0.029", "2.5E-1": "0.25", "-12": "-12"} {
		if got := parseNumber(t, text).Exact(); got != want {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
	}
}

func TestRoundedUpAndDown(t *testing.T) {
	for _, c := range []struct{ text, up, down string }{
		{"1.2", "2", "1"}, {"3", "3", "3"}, {"-1.2", "-1", "-2"}, {"0", "0", "0"},
	} {
		n := parseNumber(t, c.text)
		if up, down := n.RoundedUp().Exact(), n.RoundedDown().Exact(); up != c.up || down != c.down {
			t.Errorf("%s: %s and %s, want %s and %s", c.text, up, down, c.up, c.down)
		}
	}
}

func TestNumbersInJSON(t *testing.T) {
	var n cost.Number
	for _, text := range []string{`0.029`, `"0.029"`} {
		if err := json.Unmarshal([]byte(text), &n); err != nil || n.Exact() != "0.029" {
			t.Errorf("%s: %s, %v", text, n.Exact(), err)
		}
	}
	if err := json.Unmarshal([]byte(`"much"`), &n); err == nil {
		t.Error("a word must be rejected")
	}
	if text, err := json.Marshal(parseNumber(t, "1234.50")); err != nil || string(text) != "1234.5" {
		t.Errorf("got %s, %v", text, err)
	}
}
