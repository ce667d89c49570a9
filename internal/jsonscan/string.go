package jsonscan

import (
	"encoding/binary"
	"math/bits"
	"unicode/utf8"
)

const (
	ones = 0x0101010101010101
	high = 0x8080808080808080
)

// loadWord returns the eight bytes at data[i]. Where the caller has just compared i with 0 and with len(data)-8 it is
// one instruction: data[i:] would cost four more.
func loadWord(data []byte, i int) uint64 { return binary.LittleEndian.Uint64(data[i : i+8 : i+8]) }

// specialBytes has the high bit set in the lowest byte of w that ends a run of plain ASCII in a string: a quote, a
// backslash, a control character or a byte of 0x80 and above. Above that byte, borrows make its bits meaningless.
func specialBytes(w uint64) uint64 {
	// With its second bit flipped a quote is a blank, and bytes below a blank stay below it: one subtraction finds
	// both.
	return (((w ^ 0x02*ones) - 0x21*ones) | ((w ^ '\\'*ones) - ones) | w) & high
}

// loadWords returns the sixteen bytes at data[i]; as with load, without a check where i has just been compared.
func loadWords(data []byte, i int) (first, second uint64) {
	w := data[i : i+16 : i+16]
	return binary.LittleEndian.Uint64(w[0:8:8]), binary.LittleEndian.Uint64(w[8:16:16])
}

// stopAt returns the offset of the first byte that special stops at, when data[i] begins with these sixteen bytes; i+16
// without one. It is inlined.
func stopAt(i int, first, second uint64) int {
	stop := specialBytes(first)
	if stop == 0 {
		stop, i = specialBytes(second), i+8
	}
	return i + bits.TrailingZeros64(stop)>>3
}

// scanString checks a string from data[i], just after its opening quote or after plain ASCII of it, and returns the
// offset of its closing quote and whether there were escapes; with a problem, the problem's offset.
//
// Common strings are handled here, without a call, so that nothing has to be saved for one.
func scanString(data []byte, i int) (end int, escaped bool, problem Problem) {
	for {
		for i >= 0 && i <= len(data)-8 {
			if stop := specialBytes(loadWord(data, i)); stop != 0 {
				i += bits.TrailingZeros64(stop) >> 3
				break
			}
			i += 8
		}
		if uint(i) >= uint(len(data)) {
			return len(data), escaped, UnexpectedEnd
		}
		c := data[i]
		if c == '"' {
			return i, escaped, None
		}
		if i > len(data)-8 {
			return scanRest(data, i, escaped)
		}
		switch w := uint32(loadWord(data, i)); {
		case c == '\\':
			escaped = true
			if e := data[i+1]; e != 'u' && unescaped[e] != 0 {
				i += 2
			} else if e == 'u' &&
				hexDigits[data[i+2]]|hexDigits[data[i+3]]|hexDigits[data[i+4]]|hexDigits[data[i+5]] >= 0 {
				i += 6
			} else {
				return scanRest(data, i, escaped)
			}
		// Characters of two, three and four bytes. Excluded are sequences that could be shorter, surrogates, and values
		// beyond Unicode.
		case w&0xC0E0 == 0x80C0 && w&0x1E != 0:
			i += 2
		case w&0xC0C0F0 == 0x8080E0 && w&0x200F != 0 && w&0x200F != 0x200D:
			i += 3
		case w&0xC0C0C0F8 == 0x808080F0 && w&0x3007 != 0 && (w&7 < 4 || w&0x3007 == 4):
			i += 4
		case c >= ' ' && c < utf8.RuneSelf: // after it fewer than eight bytes are left
			i++
		default:
			return scanRest(data, i, escaped)
		}
	}
}

// scanRest is scanString for the last bytes of data, and where there is a problem.
func scanRest(data []byte, i int, escaped bool) (int, bool, Problem) {
	for i < len(data) {
		switch c := data[i]; {
		case c == '"':
			return i, escaped, None
		case c == '\\':
			escaped = true
			end, problem := scanEscape(data, i)
			if problem != None {
				return end, escaped, problem
			}
			i = end
		case c < ' ':
			return i, escaped, Syntax
		case c < utf8.RuneSelf:
			i++
		default:
			_, size := utf8.DecodeRune(data[i:])
			if size == 1 {
				return i, escaped, InvalidUTF8
			}
			i += size
		}
	}
	return len(data), escaped, UnexpectedEnd
}

// scanEscape checks the escape whose backslash is data[i] and returns the offset after it.
func scanEscape(data []byte, i int) (int, Problem) {
	if i+1 >= len(data) {
		return len(data), UnexpectedEnd
	}
	if c := data[i+1]; c != 'u' {
		if unescaped[c] == 0 {
			return i + 1, Syntax
		}
		return i + 2, None
	}
	for k := i + 2; k < i+6; k++ {
		if k >= len(data) {
			return len(data), UnexpectedEnd
		}
		if hexDigits[data[k]] < 0 {
			return k, Syntax
		}
	}
	return i + 6, None
}
