package audit

import (
	"bufio"
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"sort"
)

// index is a list of fingerprints, each with a number that says whose it is. A long one is kept in files by the first
// bits of the fingerprint, so that two indexes are compared one part at a time, in memory that a million records do not
// fill.
type index struct {
	dir    string
	memory []entry // until there are too many
	sorted bool    // memory
	parts  [indexParts]*os.File
	out    [indexParts]*bufio.Writer
	seen   filter
	length int64
}

// filter says of a fingerprint that it may be in an index, or that it is not.
type filter [filterBits / 64]uint64

const filterBits = 1 << 20

func (f *filter) add(print uint64) { f[print%filterBits/64] |= 1 << (print % 64) }

func (f *filter) mayHave(print uint64) bool { return f[print%filterBits/64]>>(print%64)&1 == 1 }

const (
	indexParts  = 64
	indexShift  = 64 - 6
	indexMemory = 1 << 14 // entries
)

// entry is one line of an index.
type entry struct {
	print uint64
	owner uint64
}

func (l *index) removeFiles() error {
	var errs []error
	for _, file := range l.parts {
		if file != nil {
			errs = append(errs, file.Close(), os.Remove(file.Name()))
		}
	}
	return errors.Join(errs...)
}

// addEntry adds an entry; not after the first comparison.
func (l *index) addEntry(print, whose uint64) error {
	l.seen.add(print)
	l.length++
	if l.parts[0] != nil {
		return l.writeEntry(entry{print, whose})
	}
	l.memory = append(l.memory, entry{print, whose})
	if len(l.memory) < indexMemory {
		return nil
	}
	for i := range l.parts {
		file, err := os.CreateTemp(l.dir, "index-")
		if err != nil {
			return err
		}
		l.parts[i], l.out[i] = file, bufio.NewWriter(file)
	}
	for _, m := range l.memory {
		if err := l.writeEntry(m); err != nil {
			return err
		}
	}
	l.memory = nil
	return nil
}

func (l *index) writeEntry(m entry) error {
	var b [16]byte
	binary.LittleEndian.PutUint64(b[:], m.print)
	binary.LittleEndian.PutUint64(b[8:], m.owner)
	_, err := l.out[m.print>>indexShift].Write(b[:])
	return err
}

// sortedPart returns the entries of one part, sorted, in the memory of entries if it needs any.
func (l *index) sortedPart(i int, entries []entry) ([]entry, error) {
	entries = entries[:0]
	if l.parts[0] == nil {
		if !l.sorted {
			sortEntries(l.memory)
			l.sorted = true
		}
		from := sort.Search(len(l.memory), func(n int) bool { return l.memory[n].print>>indexShift >= uint64(i) })
		to := sort.Search(len(l.memory), func(n int) bool { return l.memory[n].print>>indexShift > uint64(i) })
		return append(entries, l.memory[from:to]...), nil
	}
	if err := l.out[i].Flush(); err != nil {
		return nil, err
	}
	if _, err := l.parts[i].Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	in := bufio.NewReader(l.parts[i])
	for {
		var b [16]byte
		_, err := io.ReadFull(in, b[:])
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, err
		}
		entries = append(entries, entry{binary.LittleEndian.Uint64(b[:]), binary.LittleEndian.Uint64(b[8:])})
	}
	sortEntries(entries)
	return entries, nil
}

func sortEntries(entries []entry) {
	slices.SortFunc(entries, func(a, b entry) int {
		return cmp.Or(cmp.Compare(a.print, b.print), cmp.Compare(a.owner, b.owner))
	})
}

// compareIndexes calls do for each fingerprint with the entries that it has in each index.
func compareIndexes(expected, found *index, do func(expected, found []entry) error) error {
	var e, f []entry
	for i := range indexParts {
		var err error
		if e, err = expected.sortedPart(i, e); err == nil {
			f, err = found.sortedPart(i, f)
		}
		if err != nil {
			return fmt.Errorf("comparing: %w", err)
		}
		left, right := e, f
		for len(left) > 0 || len(right) > 0 {
			var print uint64
			switch {
			case len(left) == 0:
				print = right[0].print
			case len(right) == 0:
				print = left[0].print
			default:
				print = min(left[0].print, right[0].print)
			}
			n, m := countEqual(left, print), countEqual(right, print)
			if err := do(left[:n], right[:m]); err != nil {
				return err
			}
			left, right = left[n:], right[m:]
		}
	}
	return nil
}

// countEqual is how many entries at the front have the fingerprint.
func countEqual(entries []entry, print uint64) int {
	n := 0
	for n < len(entries) && entries[n].print == print {
		n++
	}
	return n
}
