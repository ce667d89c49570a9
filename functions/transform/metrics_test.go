package transform

import (
	"fmt"
	"testing"

	"firehose-pipeline/event"
)

func TestEveryReasonIsCounted(t *testing.T) {
	for _, reason := range event.Reasons {
		var c counts
		if got := c.rejected.countOf(reason); got != 0 {
			t.Errorf("%s: got %d before the first", reason, got)
		}
		c.countFailed(reason)
		c.countFailed(reason)
		got, want := string(c.rejected.appendJSON(nil)), fmt.Sprintf(`{"%s":2}`, reason)
		if c.failed != 2 || c.rejected.countOf(reason) != 2 || got != want {
			t.Errorf("%s: got %+v and %s, want %s", reason, c, got, want)
		}
	}
}
