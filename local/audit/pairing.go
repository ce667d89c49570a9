package audit

// pairing compares the rows that a store has, in its order, with those that the records become, in theirs. Where the
// store has them in the order of the records, as it does without faults, it pairs them one by one; the others of both
// sides go to the indexes, to be compared by fingerprint.
type pairing struct {
	checker         *checker
	records         *cursor
	window          []row // expected next, from head
	head            int
	rows            int64
	paired          []uint64 // bits by the number of the row
	expected, found *index
}

// row is one expected row.
type row struct {
	entry
	number int64 // among all rows of all records
}

// windowRows is how many expected rows a found one may be ahead of the order.
const windowRows = 256

func (c *checker) newPairing() *pairing {
	return &pairing{checker: c, expected: c.newIndex(), found: c.newIndex(), records: c.storedRecords()}
}

// storedRecords walks along the records whose outcome is the store.
func (c *checker) storedRecords() *cursor {
	return &cursor{expectations: c.expectations, wanted: func(e *expectation) bool {
		return e.outcome == toStore && c.flags[e.index]&(lostStore|lostFailure) == 0
	}}
}

func (p *pairing) close() { p.records.close() }

// fillWindow reads expected rows until the window is full. Rows that are not needed are compared by their fingerprints.
func (p *pairing) fillWindow() error {
	if p.head > windowRows {
		p.window = p.window[:copy(p.window, p.window[p.head:])]
		p.head = 0
	}
	for len(p.window)-p.head < windowRows {
		e, err := p.records.takeNext()
		if e == nil || err != nil {
			return err
		}
		presence := p.checker.presenceOf(e)
		for _, print := range e.rows {
			r := row{entry{print, uint64(e.number)<<2 | uint64(presence)}, p.rows}
			p.rows++
			if presence == needed {
				p.window = append(p.window, r)
			} else if err := p.expected.addEntry(r.print, r.owner); err != nil {
				return err
			}
		}
	}
	return nil
}

// addFound takes the next row of the store.
func (p *pairing) addFound(print, place uint64) error {
	if err := p.fillWindow(); err != nil {
		return err
	}
	for i := p.head; i < len(p.window); i++ {
		if p.window[i].print != print {
			continue
		}
		if err := p.passOver(i); err != nil {
			return err
		}
		p.setPaired(p.window[i].number)
		p.head = i + 1
		return nil
	}
	return p.found.addEntry(print, place)
}

// passOver leaves the expected rows before window[to] to the index.
func (p *pairing) passOver(to int) error {
	for _, r := range p.window[p.head:to] {
		if err := p.expected.addEntry(r.print, r.owner); err != nil {
			return err
		}
	}
	p.head = to
	return nil
}

func (p *pairing) setPaired(number int64) {
	for int64(len(p.paired)) <= number/64 {
		p.paired = append(p.paired, 0)
	}
	p.paired[number/64] |= 1 << (number % 64)
}

func (p *pairing) isPaired(number int64) bool {
	return number/64 < int64(len(p.paired)) && p.paired[number/64]>>(number%64)&1 == 1
}

// finish completes the indexes, after the last row of the store.
func (p *pairing) finish() error {
	for {
		if err := p.fillWindow(); err != nil {
			return err
		}
		if p.head == len(p.window) {
			break
		}
		if err := p.passOver(len(p.window)); err != nil {
			return err
		}
	}
	if p.found.length == 0 {
		return nil
	}
	return p.addPaired()
}

// addPaired adds to the indexes the pairs whose fingerprint a row has that found no partner: rows of equal content
// count for each other. The found half of a pair comes before every place, so that it is not the one reported.
func (p *pairing) addPaired() error {
	records := p.checker.storedRecords()
	defer records.close()
	seen := p.found.seen // as it is now
	number := int64(0)
	for {
		e, err := records.takeNext()
		if e == nil || err != nil {
			return err
		}
		for _, print := range e.rows {
			if seen.mayHave(print) && p.isPaired(number) {
				if err := p.expected.addEntry(print, uint64(e.number)<<2|uint64(needed)); err != nil {
					return err
				}
				if err := p.found.addEntry(print, 0); err != nil {
					return err
				}
			}
			number++
		}
	}
}
