package simulation

import (
	"slices"
	"testing"
)

// Every cell of the table of faults can be hit, or is explained.
func TestCellsAreExplained(t *testing.T) {
	for _, site := range Sites {
		if len(applicable[site]) == 0 {
			t.Errorf("%s has no faults", site)
		}
		for _, f := range applicable[site] {
			if !slices.Contains(Faults, f) {
				t.Errorf("%s: %s is not in the table", site, f)
			}
		}
	}
	for _, f := range Faults {
		everywhere := true
		for _, site := range Sites {
			everywhere = everywhere && slices.Contains(applicable[site], f)
		}
		if everywhere != (absent[f] == "") {
			t.Errorf("%s: comes about everywhere: %v; why not: %q", f, everywhere, absent[f])
		}
	}
}
