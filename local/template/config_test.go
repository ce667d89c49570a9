package template

import "testing"

func TestLiteralPrefix(t *testing.T) {
	for prefix, want := range map[string]string{
		"data/year=!{timestamp:yyyy}/": "data/",
		"!{timestamp:yyyy}/":           "",
		"data/":                        "data/",
		"data":                         "data",
	} {
		if got := LiteralPrefix(prefix); got != want {
			t.Errorf("%q: got %q, want %q", prefix, got, want)
		}
	}
}
