package page

import (
	"strings"
	"testing"

	"firehose-pipeline/deadletter"
)

func TestEveryReasonIsExplained(t *testing.T) {
	for _, reason := range deadletter.Reasons {
		if text := explanations[reason]; !strings.HasSuffix(text, ".") {
			t.Errorf("%s: got %q", reason, text)
		}
	}
	if len(explanations) != len(deadletter.Reasons) {
		t.Errorf("%d explanations of %d reasons", len(explanations), len(deadletter.Reasons))
	}
}

func TestExcerpt(t *testing.T) {
	record := []byte(`0123456789`)
	for _, c := range []struct {
		offset, most      int
		before, at, after string
	}{
		{0, 100, "", "0", "123456789"}, {5, 100, "01234", "5", "6789"}, {10, 100, "0123456789", "", ""},
		{5, 4, "34", "5", "6"}, {0, 4, "", "0", "123"}, {10, 4, "6789", "", ""}, {9, 4, "678", "9", ""},
	} {
		x := excerptOf(record, &c.offset, c.most)
		if x.Before != c.before || x.At != c.at || x.After != c.after || *x.Offset != c.offset {
			t.Errorf("%d, %d: got %+v", c.offset, c.most, x)
		}
	}
	outside := 11
	for _, offset := range []*int{nil, &outside} {
		if x := excerptOf(record, offset, 4); x.Before != "0123" || x.Offset != nil || !x.Cut || x.Bytes != 10 {
			t.Errorf("got %+v", x)
		}
	}
}
