package jsonscan

import "math/bits"

// notDigits has the high bit set in the lowest byte of w that is not a digit; above that byte its bits are meaningless.
func notDigits(w uint64) uint64 {
	w ^= '0' * ones // digits become 0 to 9
	return (w + (0x80-10)*ones | w) & high
}

// scanNumber checks the number that begins at data[i] and returns the offset after it and whether it is an integer;
// with a problem, the problem's offset. The caller checks the byte after the number.
func scanNumber(data []byte, i int) (end int, integer bool, problem Problem) {
	if uint(i) < uint(len(data)) && data[i] == '-' {
		i++
	}
	if uint(i) >= uint(len(data)) {
		return i, false, UnexpectedEnd
	}
	if data[i] == '0' {
		i++
	} else if data[i]-'0' > 9 {
		return i, false, Syntax
	} else {
		i = skipDigits(data, i)
	}
	if uint(i) >= uint(len(data)) {
		return i, true, None
	}
	if data[i] != '.' && data[i]|0x20 != 'e' {
		return i, true, None
	}
	return scanFraction(data, i)
}

// scanFraction is scanNumber from the decimal point or the exponent on.
func scanFraction(data []byte, i int) (end int, integer bool, problem Problem) {
	if data[i] == '.' {
		i++
		if uint(i) >= uint(len(data)) {
			return i, false, UnexpectedEnd
		}
		if data[i]-'0' > 9 {
			return i, false, Syntax
		}
		i = skipDigits(data, i)
	}
	if uint(i) < uint(len(data)) && data[i]|0x20 == 'e' {
		i++
		if uint(i) < uint(len(data)) && (data[i] == '+' || data[i] == '-') {
			i++
		}
		if uint(i) >= uint(len(data)) {
			return i, false, UnexpectedEnd
		}
		if data[i]-'0' > 9 {
			return i, false, Syntax
		}
		i = skipDigits(data, i)
	}
	return i, false, None
}

// skipDigits skips digits.
func skipDigits(data []byte, i int) int {
	for i >= 0 && i <= len(data)-8 {
		if stop := notDigits(loadWord(data, i)); stop != 0 {
			return i + bits.TrailingZeros64(stop)>>3
		}
		i += 8
	}
	for uint(i) < uint(len(data)) && data[i]-'0' <= 9 {
		i++
	}
	return i
}
