package plural

import "testing"

func TestOf(t *testing.T) {
	for _, c := range []struct {
		n          int64
		text, want string
	}{
		{0, "%d letter{|s} need{s|}", "%d letters need"},
		{1, "%d letter{|s} need{s|}", "%d letter needs"},
		{2, "%d letter{|s} need{s|}", "%d letters need"},
		{1, "{It comes|They come} back", "It comes back"},
		{21, "{It comes|They come} back", "They come back"},
		{1, "back", "back"},
		{1, "", ""},
	} {
		if got := Of(c.n, c.text); got != c.want {
			t.Errorf("%d, %q: got %q, want %q", c.n, c.text, got, c.want)
		}
	}
}
