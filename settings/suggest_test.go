package settings

import (
	"strings"
	"testing"
)

func TestSuggest(t *testing.T) {
	known := []string{"bufferSizeMB", "bufferIntervalSeconds", "vpc", "openSearchShards"}
	for unknown, want := range map[string]string{
		"bufferSize":            "bufferSizeMB",
		"BUFFER_SIZE_MB":        "bufferSizeMB",
		"buffer-size-mb":        "bufferSizeMB",
		"bufferIntervalSecond":  "bufferIntervalSeconds",
		"opensearchShards":      "openSearchShards",
		"VPC":                   "vpc",
		"":                      "",
		"x":                     "",
		"colour":                "",
		strings.Repeat("v", 99): "",
	} {
		if got := suggestKey(unknown, known); got != want {
			t.Errorf("%q: got %q, want %q", unknown, got, want)
		}
	}
}
