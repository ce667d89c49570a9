package errorobject

// MaxText is the bound of the texts that a [Reader] keeps.
const MaxText = maxText

// Held returns the memory of a reader that grows with what it reads.
func (r *Reader) Held() int {
	n := r.in.Size() + cap(r.key) + cap(r.open)
	for i := range r.fields {
		n += cap(r.fields[i].text)
	}
	return n
}

// HeldRawData returns how much of [Reader.Held] is for the record.
func (r *Reader) HeldRawData() int { return cap(r.fields[fRaw].text) }
