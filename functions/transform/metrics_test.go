package transform

import (
	"testing"

	"firehose-pipeline/event"
)

// A reason without a place in reasonCounts would end the function with a panic.
func TestEveryReasonIsCounted(t *testing.T) {
	var counts reasonCounts
	if len(event.Reasons) > len(counts) {
		t.Errorf("%d reasons, and room for %d", len(event.Reasons), len(counts))
	}
}
