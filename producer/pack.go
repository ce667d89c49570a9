package producer

// PackedBytes is how large a packed record gets: ten times Firehose's rounding, so that the last, unfilled part costs
// little, and far below a record's limit, because the transform makes events larger and a record fails as one.
const PackedBytes = 10 * BilledBytes

// packer puts several events, each with a newline behind it, into records of up to [PackedBytes].
type packer struct {
	bytes   []byte
	records [][]byte
	events  []int // of each record
	open    int   // where the record that is being filled begins
	filling int   // events in it
}

// addEvent appends an event. One that is to be alone gets a record of its own: a record is transformed as one, so that
// an event that the transform rejects takes the others of its record with it.
func (p *packer) addEvent(event []byte, alone bool) {
	size := len(event) + 1
	if alone || len(p.bytes)-p.open+size > PackedBytes {
		p.closeRecord()
	}
	p.bytes = append(p.bytes, event...)
	// A record of exactly the largest size has no room for it, and needs none.
	if len(event) < MaxRecordBytes {
		p.bytes = append(p.bytes, '\n')
	}
	p.filling++
	if alone {
		p.closeRecord()
	}
}

// closeRecord ends the record that is being filled.
func (p *packer) closeRecord() {
	if p.filling > 0 {
		p.records = append(p.records, p.bytes[p.open:len(p.bytes):len(p.bytes)])
		p.events = append(p.events, p.filling)
	}
	p.open, p.filling = len(p.bytes), 0
}
