package audit

import (
	"bufio"
	"context"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"firehose-pipeline/local/results"
)

// writeNotes makes the notes about records whose rows have these fingerprints.
func writeNotes(t *testing.T, dir string, rows [][]uint64) *Expectations {
	t.Helper()
	file, err := os.Create(filepath.Join(dir, "notes"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	x := &Expectations{name: file.Name(), file: file, out: bufio.NewWriter(file)}
	for i, prints := range rows {
		e := &expectation{number: int64(i) + 1, origin: int64(i) + 1, raw: uint64(i), rows: prints, eventID: []byte("e")}
		if err := x.writeExpectation(e); err != nil {
			t.Fatal(err)
		}
	}
	if err := x.out.Flush(); err != nil {
		t.Fatal(err)
	}
	return x
}

// newChecker returns a checker of records of which some have a dead letter.
func newChecker(t *testing.T, rows [][]uint64, letters map[int]recordFlags) *checker {
	t.Helper()
	folder, err := results.Open(filepath.Join(t.TempDir(), "out"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(folder.Path(results.CheckDir), 0o700); err != nil {
		t.Fatal(err)
	}
	c := &checker{ctx: context.Background(), folder: folder, expectations: writeNotes(t, t.TempDir(), rows),
		lettered: make([]letterFound, len(rows)+1), flags: make([]recordFlags, len(rows)), places: []string{"place"},
		report: &Report{}}
	for i, flags := range letters {
		c.lettered[i+1], c.flags[i] = letterOut, flags
	}
	t.Cleanup(func() {
		c.closeIndexes()
		if err := folder.Close(true); err != nil {
			t.Error(err)
		}
	})
	return c
}

// compareAtOnce is the comparison without pairing: everything by fingerprint.
func (c *checker) compareAtOnce(found []uint64) error {
	expected, there := c.newIndex(), c.newIndex()
	err := c.expectations.forEach(func(e *expectation) error {
		for _, print := range e.rows {
			if err := expected.addEntry(print, uint64(e.number)<<2|uint64(c.presenceOf(e))); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	for i, print := range found {
		if err := there.addEntry(print, uint64(i)+1); err != nil {
			return err
		}
	}
	return compareIndexes(expected, there, func(expected, found []entry) error {
		c.compareStoreCounts(inLake, expected, found)
		return nil
	})
}

// Whatever is missing, doubled, unknown or out of order, pairing finds what the comparison of everything finds.
func TestPairing(t *testing.T) {
	problems := map[Problem]int{}
	for seed := range uint64(60) {
		r := rand.New(rand.NewPCG(seed, 1))
		var rows [][]uint64
		letters := map[int]recordFlags{}
		var found []uint64
		often := []int{2, 10, 1000}[r.IntN(3)] // how often something is wrong: once in so many
		for i := range 100 + r.IntN(4000) {
			var prints []uint64
			for range 1 + r.IntN(3)/2 {
				prints = append(prints, r.Uint64()>>[]int{0, 0, 0, 58}[r.IntN(4)]<<3) // some are equal
			}
			rows = append(rows, prints)
			if r.IntN(often) == 0 {
				letters[i] = []recordFlags{0, documentID}[r.IntN(2)]
			}
			for _, print := range prints {
				switch at := r.IntN(6 * often); {
				case at == 0: // missing
				case at == 1:
					found = append(found, print, print)
				case at == 2:
					found = append(found, print, r.Uint64()|1)
				case at == 3 && len(found) > 0:
					found = slices.Insert(found, r.IntN(len(found)), print)
				default:
					found = append(found, print)
				}
			}
		}
		if seed%7 == 0 { // an object that comes before the one with the records before it
			half := len(found) / 2
			found = append(slices.Clone(found[half:]), found[:half]...)
		}
		reference := newChecker(t, rows, letters)
		if err := reference.compareAtOnce(found); err != nil {
			t.Fatal(err)
		}
		paired := newChecker(t, rows, letters)
		if err := paired.compareStore(inLake, func(p *pairing) error {
			for i, print := range found {
				if err := p.addFound(print, uint64(i)+1); err != nil {
					return err
				}
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		got, want := countFindings(paired), countFindings(reference)
		if len(got) != len(want) {
			t.Errorf("seed %d: got %d kinds of findings, want %d", seed, len(got), len(want))
		}
		for f, n := range want {
			problems[f.Problem] += n
			if got[f] != n {
				t.Errorf("seed %d: got %d times %+v, want %d", seed, got[f], f, n)
			}
		}
		if got, want := paired.report.Duplicates, reference.report.Duplicates; got != want {
			t.Errorf("seed %d: got %+v, want %+v", seed, got, want)
		}
	}
	if problems[Missing] < 100 || problems[Doubled] < 100 || problems[Unknown] < 100 {
		t.Errorf("too few of one kind: %v", problems)
	}
}

// countFindings leaves out the places: of two equal rows either may be the one too many.
func countFindings(c *checker) map[Finding]int {
	counts := map[Finding]int{}
	for _, f := range c.findings {
		f.Place = ""
		counts[f]++
	}
	return counts
}

// Rows that follow the order of the records need no index.
func TestPairingInOrder(t *testing.T) {
	var rows [][]uint64
	for i := range uint64(5000) {
		rows = append(rows, []uint64{i * 0x9e3779b97f4a7c15, i})
	}
	c := newChecker(t, rows, nil)
	var p *pairing
	if err := c.compareStore(inLake, func(of *pairing) error {
		p = of
		for _, prints := range rows {
			for _, print := range prints {
				if err := p.addFound(print, 1); err != nil {
					return err
				}
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if p.found.length+p.expected.length > 0 || len(c.findings) > 0 {
		t.Errorf("%d and %d entries, %v", p.found.length, p.expected.length, c.findings)
	}
}

// Notes that a full disk or another program has damaged end the check.
func TestDamagedNotes(t *testing.T) {
	x := writeNotes(t, t.TempDir(), [][]uint64{{1, 2}, {3}})
	text, err := os.ReadFile(x.name)
	if err != nil {
		t.Fatal(err)
	}
	for n := range len(text) {
		if err := os.WriteFile(x.name, text[:n], 0o600); err != nil {
			t.Fatal(err)
		}
		if err := x.forEach(func(*expectation) error { return nil }); err == nil {
			t.Errorf("%d of %d bytes are taken", n, len(text))
		}
	}
	e := &expectation{}
	for n := range len(text) - lengthBytes {
		_ = e.parseLine(text[lengthBytes : lengthBytes+n]) // does not panic
	}
}
