package printable

import "fmt"

// Percent is the share of n in all, with one decimal. It says 0 % and 100 % only of none and all; where all is 0, 0 %.
func Percent(n, all int64) string {
	switch share := 100 * float64(n) / float64(max(all, 1)); {
	case n == 0:
		return "0 %"
	case n == all:
		return "100 %"
	case share < 0.1:
		return "<0.1 %"
	case share > 99.9:
		return ">99.9 %"
	default:
		return fmt.Sprintf("%.1f %%", share)
	}
}
