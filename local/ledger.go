package local

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

// ledger is a list of fingerprints, each with a number that says whose it is. A long one is kept in files by the first bits
// of the fingerprint, so that two ledgers are compared one part at a time, in memory that a million records do not fill.
type ledger struct {
	dir    string
	memory []mark // until there are too many
	sorted bool   // memory
	parts  [ledgerParts]*os.File
	out    [ledgerParts]*bufio.Writer
}

const (
	ledgerParts  = 64
	ledgerShift  = 64 - 6
	ledgerMemory = 1 << 14 // marks
)

// mark is one line of a ledger.
type mark struct {
	print uint64
	whose uint64
}

func (l *ledger) close() error {
	var errs []error
	for _, file := range l.parts {
		if file != nil {
			errs = append(errs, file.Close(), os.Remove(file.Name()))
		}
	}
	return errors.Join(errs...)
}

// add adds a mark; not after the first comparison.
func (l *ledger) add(print, whose uint64) error {
	if l.parts[0] != nil {
		return l.write(mark{print, whose})
	}
	l.memory = append(l.memory, mark{print, whose})
	if len(l.memory) < ledgerMemory {
		return nil
	}
	for i := range l.parts {
		file, err := os.CreateTemp(l.dir, "ledger-")
		if err != nil {
			return err
		}
		l.parts[i], l.out[i] = file, bufio.NewWriter(file)
	}
	for _, m := range l.memory {
		if err := l.write(m); err != nil {
			return err
		}
	}
	l.memory = nil
	return nil
}

func (l *ledger) write(m mark) error {
	var b [16]byte
	binary.LittleEndian.PutUint64(b[:], m.print)
	binary.LittleEndian.PutUint64(b[8:], m.whose)
	_, err := l.out[m.print>>ledgerShift].Write(b[:])
	return err
}

// part returns the marks of one part, sorted, in the memory of marks if it needs any.
func (l *ledger) part(i int, marks []mark) ([]mark, error) {
	marks = marks[:0]
	if l.parts[0] == nil {
		if !l.sorted {
			sortMarks(l.memory)
			l.sorted = true
		}
		from := sort.Search(len(l.memory), func(n int) bool { return l.memory[n].print>>ledgerShift >= uint64(i) })
		to := sort.Search(len(l.memory), func(n int) bool { return l.memory[n].print>>ledgerShift > uint64(i) })
		return append(marks, l.memory[from:to]...), nil
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
		marks = append(marks, mark{binary.LittleEndian.Uint64(b[:]), binary.LittleEndian.Uint64(b[8:])})
	}
	sortMarks(marks)
	return marks, nil
}

func sortMarks(marks []mark) {
	slices.SortFunc(marks, func(a, b mark) int {
		return cmp.Or(cmp.Compare(a.print, b.print), cmp.Compare(a.whose, b.whose))
	})
}

// compare calls do for each fingerprint with the marks that it has in each ledger.
func compare(expected, found *ledger, do func(expected, found []mark) error) error {
	var e, f []mark
	for i := range ledgerParts {
		var err error
		if e, err = expected.part(i, e); err == nil {
			f, err = found.part(i, f)
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
			n, m := run(left, print), run(right, print)
			if err := do(left[:n], right[:m]); err != nil {
				return err
			}
			left, right = left[n:], right[m:]
		}
	}
	return nil
}

// run is how many marks at the front have the fingerprint.
func run(marks []mark, print uint64) int {
	n := 0
	for n < len(marks) && marks[n].print == print {
		n++
	}
	return n
}
