package audit

import (
	"maps"
	"os"
	"testing"
)

// Entries are compared by fingerprint, in memory and, beyond indexMemory, in files, which are removed at the end.
func TestCompareIndexes(t *testing.T) {
	for _, n := range []uint64{10, 2 * indexMemory} {
		dir := t.TempDir()
		expected, found := &index{dir: dir}, &index{dir: dir}
		for i := range n {
			print := i * 0x9e3779b97f4a7c15
			if err := expected.addEntry(print, i); err != nil {
				t.Fatal(err)
			}
			for range i % 3 { // none, one or two of each
				if err := found.addEntry(print, i); err != nil {
					t.Fatal(err)
				}
			}
		}
		got := map[[2]int]uint64{}
		err := compareIndexes(expected, found, func(expected, found []entry) error {
			for _, e := range found {
				if e.owner != expected[0].owner {
					t.Errorf("owner %d beside %d", e.owner, expected[0].owner)
				}
			}
			got[[2]int{len(expected), len(found)}]++
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		want := map[[2]int]uint64{{1, 0}: (n + 2) / 3, {1, 1}: (n + 1) / 3, {1, 2}: n / 3}
		if !maps.Equal(got, want) {
			t.Errorf("%d entries: got %v, want %v", n, got, want)
		}
		for _, l := range []*index{expected, found} {
			if err := l.removeFiles(); err != nil {
				t.Error(err)
			}
		}
		if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
			t.Errorf("%d entries: %d files are left, %v", n, len(left), err)
		}
	}
}
