package infer

import (
	"encoding/binary"
	"math/bits"
)

// hashText is a hash of 64 bits that is the same in each process, so that a result depends on the events alone. What a
// hostile producer can do with it is bounded by [maxSample].
func hashText(text []byte) uint64 {
	const k0, k1 = 0x9E3779B97F4A7C15, 0xD1B54A32D192ED03
	h := uint64(len(text)) ^ k1
	for len(text) >= 8 {
		h = mix(h^binary.LittleEndian.Uint64(text), k0)
		text = text[8:]
	}
	var last [8]byte
	copy(last[:], text)
	return mix(mix(h^binary.LittleEndian.Uint64(last[:]), k0)^k1, k0)
}

func mix(a, b uint64) uint64 {
	high, low := bits.Mul64(a, b)
	return high ^ low
}

// sample counts how many different values there are and whether they repeat. It remembers the hashes that end in level
// zero bits, every one of them, and raises the level when there are too many: so it has seen each time that a
// remembered value came.
type sample struct {
	level    uint
	size     int
	repeated int      // of the remembered values, those that came more than once
	slots    []uint64 // a power of two long, at most half full; a hash, its lowest bit replaced: came more than once
}

// add notes a value.
func (s *sample) add(hash uint64) {
	if hash>>1&(1<<s.level-1) != 0 {
		return
	}
	if hash>>1 == 0 {
		hash |= 1 << 63 // 0 is an empty slot
	}
	hash &^= 1
	if 2*s.size >= len(s.slots) {
		s.grow()
	}
	slot := s.slot(hash)
	switch {
	case *slot == 0:
		*slot = hash
		s.size++
	case *slot == hash:
		*slot |= 1
		s.repeated++
	}
}

// slot returns where a hash is or has its place.
func (s *sample) slot(hash uint64) *uint64 {
	mask := uint64(len(s.slots) - 1)
	for at := hash >> 40; ; at++ {
		if slot := &s.slots[at&mask]; *slot == 0 || *slot&^1 == hash {
			return slot
		}
	}
}

// grow makes room: twice as much, or by raising the level.
func (s *sample) grow() {
	old := s.slots
	size := max(16, 2*len(old))
	if s.size >= maxSample {
		size = len(old)
	}
	for {
		if s.size >= maxSample {
			s.level++
		}
		s.slots, s.size, s.repeated = make([]uint64, size), 0, 0
		for _, hash := range old {
			if hash == 0 || hash>>1&(1<<s.level-1) != 0 {
				continue
			}
			*s.slot(hash &^ 1) = hash
			s.size++
			s.repeated += int(hash & 1)
		}
		if 2*s.size < size || s.level >= 39 {
			return
		}
		old = s.slots
	}
}

// distinct estimates how many different values there were; exact is true when it is no estimate.
func (s *sample) distinct() (n int64, exact bool) { return int64(s.size) << s.level, s.level == 0 }

// repeatedShare is the share of the values that came more than once.
func (s *sample) repeatedShare() float64 {
	if s.size == 0 {
		return 0
	}
	return float64(s.repeated) / float64(s.size)
}

// missed is a set of keys that came and were not followed. It may hold keys that were not put into it, more of them the
// more there are: such a key is then not followed either.
type missed []uint64

func (m *missed) add(hash uint64) {
	if *m == nil {
		*m = make(missed, missedBits/64)
	}
	for _, bit := range missedPlaces(hash) {
		(*m)[bit/64] |= 1 << (bit % 64)
	}
}

func (m missed) has(hash uint64) bool {
	if m == nil {
		return false
	}
	for _, bit := range missedPlaces(hash) {
		if m[bit/64]>>(bit%64)&1 == 0 {
			return false
		}
	}
	return true
}

func missedPlaces(hash uint64) [2]uint64 {
	return [2]uint64{hash % missedBits, hash >> 32 % missedBits}
}
