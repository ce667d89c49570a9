package printable

import "testing"

func TestPercent(t *testing.T) {
	for _, c := range []struct {
		n, all int64
		want   string
	}{
		{0, 3, "0 %"}, {3, 3, "100 %"}, {1, 3, "33.3 %"}, {1, 1_000_000, "<0.1 %"}, {999_999, 1_000_000, ">99.9 %"}, {0, 0, "0 %"},
		{1, 1000, "0.1 %"}, {999, 1000, "99.9 %"},
	} {
		if got := Percent(c.n, c.all); got != c.want {
			t.Errorf("%d of %d: got %s, want %s", c.n, c.all, got, c.want)
		}
	}
}
