package jsonscan

import (
	"encoding/binary"
	"hash/maphash"
	"math/bits"
)

// Names are the keys that a [Scanner] looks for. They are read only, so that scanners can share them.
type Names struct {
	names  []string
	tokens []token // by 1 + name; at 0 one that nothing is
	seed   maphash.Seed
	slots  []slot // by fingerprint; a power of two long, at most an eighth full
}

type slot struct {
	mark uint64
	name int32 // 1 + index in names, 0 for none
}

// token is a key as it is written without escapes, with quotes and colon, to be compared in three words. One that is
// too long for that, or can only be written with escapes, is equal to nothing.
type token struct {
	words, masks [3]uint64
	length       int
}

func newToken(name string) token {
	text := []byte(`"` + name + `":`)
	end, escaped, problem := scanString(text, 1)
	if len(text) > 24 || problem != None || escaped || end != len(name)+1 {
		return token{words: [3]uint64{1}} // with no mask
	}
	t := token{length: len(text)}
	for k, c := range text {
		t.words[k/8] |= uint64(c) << (k % 8 * 8)
		t.masks[k/8] |= 0xFF << (k % 8 * 8)
	}
	return t
}

// is reports whether 24 bytes begin with the token.
func (t *token) is(w []byte) bool {
	a, b, c := binary.LittleEndian.Uint64(w[0:8:8]), binary.LittleEndian.Uint64(w[8:16:16]),
		binary.LittleEndian.Uint64(w[16:24:24])
	return (a&t.masks[0]^t.words[0])|(b&t.masks[1]^t.words[1])|(c&t.masks[2]^t.words[2]) == 0
}

// NewNames returns the names as a set to look for; their order gives [Member.Name].
func NewNames(names ...string) *Names {
	n := &Names{names: names, tokens: make([]token, 1, len(names)+1), seed: maphash.MakeSeed(),
		slots: make([]slot, 1<<bits.Len(uint(8*len(names))))}
	n.tokens[0].words[0] = 1
	for k, name := range names {
		n.tokens = append(n.tokens, newToken(name))
		mark := keyMark([]byte(name))
		at := mark
		for n.slots[at&uint64(len(n.slots)-1)].name != 0 {
			at++
		}
		n.slots[at&uint64(len(n.slots)-1)] = slot{mark, int32(k) + 1}
	}
	return n
}

// Index returns the index of name, -1 when it is not among the names.
func (n *Names) Index(name string) int {
	key := []byte(name)
	return int(n.findKey(key, keyMark(key)))
}

// findKey returns the index of the key that has this mark, -1 when it is not among the names.
func (n *Names) findKey(key []byte, mark uint64) int32 {
	for at := mark; ; at++ {
		s := &n.slots[at&uint64(len(n.slots)-1)]
		if s.name == 0 {
			return -1
		}
		if s.mark == mark && n.names[s.name-1] == string(key) {
			return s.name - 1
		}
	}
}

// fingerprint distinguishes most keys by their length, their first eight bytes and the eight after them or, of a longer
// key, the last. It does not defend against hostile keys: it is easy to make many of the same fingerprint.
func fingerprint(first, last uint64, length int) uint64 {
	mask := &fingerprintMasks[min(uint(length), 16)]
	high, low := bits.Mul64(first&mask[0]^0x9E3779B97F4A7C15, last&mask[1]^uint64(length)^0xD1B54A32D192ED03)
	return high ^ low
}

// fingerprintMasks has, by a key's length, which bits of its sixteen bytes are the key's.
var fingerprintMasks = func() (masks [17][2]uint64) {
	for n := range masks {
		masks[n] = [2]uint64{1<<(8*n) - 1, 1<<(8*max(n-8, 0)) - 1}
	}
	return masks
}()

// keyMark is the fingerprint of a key.
func keyMark(key []byte) uint64 {
	n := len(key)
	if n > 16 {
		return fingerprint(loadWord(key, 0), loadWord(key, n-8), n)
	}
	var padded [16]byte
	copy(padded[:], key)
	return fingerprint(loadWord(padded[:], 0), loadWord(padded[:], 8), n)
}

// keySet finds repeated keys among those of one object that are in no Names.
//
// As long as no two keys have the same bit in prints, no two are the same, and there is nothing more to do. When two
// have, or the bits get crowded, an exact table takes over for the rest of the object: an open hash table, with a hash
// that is seeded anew in each process, because a hostile producer chooses the keys. Slots of an earlier generation are
// empty, so that clearing it costs nothing.
type keySet struct {
	prints [8]uint64
	seen   int  // keys put
	exact  bool // slots is in use

	slots      []keySlot // a power of two long, at most half full
	generation uint32
	used       int
}

type keySlot struct {
	generation uint32
	hash       uint32
	member     int
}

// crowded is the number of keys from which on prints would more often than not have to be checked anyway.
const crowded = 48

func (k *keySet) clearKeys() {
	k.prints = [8]uint64{}
	k.seen, k.exact = 0, false
}

// isNew notes a key of this fingerprint and reports whether it is certainly the first of its kind. Otherwise put has to
// be asked.
func (k *keySet) isNew(mark uint64) bool {
	word, bit := &k.prints[mark>>61], uint64(1)<<(mark>>55&63)
	if *word&bit != 0 || k.seen >= crowded {
		return false
	}
	*word |= bit
	k.seen++
	return true
}

// putKey notes that members[at] has this key and returns the earlier member of the same key, or -1.
func (k *keySet) putKey(s *Scanner, members []Member, key []byte, at int) int {
	if !k.exact {
		k.exact, k.used = true, 0
		k.seen = crowded // from now on no key is certainly new
		k.generation++
		if k.generation == 0 { // wrapped around: old slots would look new
			clear(k.slots)
			k.generation = 1
		}
		for before := range at {
			if m := &members[before]; m.Name < 0 {
				k.insertKey(s, members, s.Key(m), before)
			}
		}
	}
	return k.insertKey(s, members, key, at)
}

func (k *keySet) insertKey(s *Scanner, members []Member, key []byte, at int) int {
	if 2*k.used >= len(k.slots) {
		k.growTable()
	}
	hash := uint32(maphash.Bytes(s.names.seed, key))
	for place := hash; ; place++ {
		slot := &k.slots[place&uint32(len(k.slots)-1)]
		if slot.generation != k.generation {
			*slot = keySlot{k.generation, hash, at}
			k.used++
			return -1
		}
		if slot.hash == hash && string(s.Key(&members[slot.member])) == string(key) {
			earlier := slot.member
			slot.member = at
			return earlier
		}
	}
}

func (k *keySet) growTable() {
	old := k.slots
	k.slots = make([]keySlot, max(64, 4*len(old)))
	for _, slot := range old {
		if slot.generation != k.generation {
			continue
		}
		at := slot.hash
		for k.slots[at&uint32(len(k.slots)-1)].generation == k.generation {
			at++
		}
		k.slots[at&uint32(len(k.slots)-1)] = slot
	}
}
