package jsonscan

import (
	"bytes"
	"encoding/binary"
	"unicode/utf8"
)

// Limits of readers on the JVM, which RFC 8259 does not have. They are the defaults of Jackson's StreamReadConstraints,
// with which OpenSearch reads documents; MaxArrays is OpenSearch's index.mapping.depth.limit.
// https://javadoc.io/doc/com.fasterxml.jackson.core/jackson-core/latest/com/fasterxml/jackson/core/StreamReadConstraints.html
const (
	MaxDigits   = 1000   // of a number: those before and after the point and of the exponent
	MaxKeyBytes = 50_000 // of a decoded key, in UTF-8
	MaxArrays   = 20     // arrays directly inside each other
)

// Findings are properties of a JSON value that RFC 8259 allows and some readers reject.
type Findings uint8

// The findings. All but DeepArrays are of the value itself and everything inside it.
const (
	RepeatedKeys   Findings = 1 << iota // an object has a key twice, compared decoded
	LongNumbers                         // a number has more than MaxDigits digits
	LongKeys                            // a key has more than MaxKeyBytes bytes
	LoneSurrogates                      // a key has an escaped lone surrogate
	DeepArrays                          // the value is more than MaxArrays arrays directly inside each other
)

// Inspect returns what a value that has been scanned holds. It is slower than the scan, whose [Member.OddValue] says
// when to ask.
func Inspect(value []byte) Findings {
	in := inspection{data: value}
	in.inspectValue(SkipSpace(value, 0), 0)
	return in.found
}

// inspection reads a value that a scan has accepted, so that it need not look for problems.
type inspection struct {
	data  []byte
	found Findings
}

// inspectValue inspects the value that begins at data[i], inside so many arrays directly around it, and returns the
// offset after it.
func (in *inspection) inspectValue(i, arrays int) int {
	switch kinds[in.data[i]] {
	case Object:
		return in.inspectObject(i)
	case Array:
		if arrays++; arrays > MaxArrays {
			in.found |= DeepArrays
		}
		i = SkipSpace(in.data, i+1)
		for in.data[i] != ']' {
			if i = SkipSpace(in.data, in.inspectValue(i, arrays)); in.data[i] == ',' {
				i = SkipSpace(in.data, i+1)
			}
		}
		return i + 1
	case Number:
		end, _, _ := scanNumber(in.data, i)
		if TooManyDigits(in.data[i:end]) {
			in.found |= LongNumbers
		}
		return end
	}
	end, _ := Value(in.data, i)
	return end
}

// insideObject is the number of arrays around a value of an object: OpenSearch, which skips the content of an object
// that it does not index, does not count these.
const insideObject = -MaxDepth

func (in *inspection) inspectObject(i int) int {
	var few [16][]byte // keys are compared one by one as long as they have room here
	keys, many := few[:0], map[string]bool(nil)
	i = SkipSpace(in.data, i+1)
	for in.data[i] != '}' {
		end, escaped, _ := scanString(in.data, i+1)
		key := in.data[i+1 : end]
		if escaped {
			if key = Unescape(nil, key); !utf8.Valid(key) {
				in.found |= LoneSurrogates
			}
		}
		if len(key) > MaxKeyBytes {
			in.found |= LongKeys
		}
		if many == nil && len(keys) == cap(keys) {
			many = make(map[string]bool, 2*len(keys))
			for _, k := range keys {
				many[string(k)] = true
			}
		}
		if many != nil {
			if many[string(key)] {
				in.found |= RepeatedKeys
			}
			many[string(key)] = true
		} else {
			for _, k := range keys {
				if bytes.Equal(k, key) {
					in.found |= RepeatedKeys
				}
			}
			keys = append(keys, key)
		}
		i = SkipSpace(in.data, SkipSpace(in.data, end+1)+1) // over the colon
		if i = SkipSpace(in.data, in.inspectValue(i, insideObject)); in.data[i] == ',' {
			i = SkipSpace(in.data, i+1)
		}
	}
	return i + 1
}

// digitsOf counts the digits of a JSON number.
func digitsOf(number []byte) int {
	n := 0
	for _, c := range number {
		if c-'0' <= 9 {
			n++
		}
	}
	return n
}

// TooManyDigits reports whether a JSON number has more than MaxDigits digits.
func TooManyDigits(number []byte) bool {
	return len(number) > MaxDigits && digitsOf(number) > MaxDigits
}

// oddKey is [Member.OddKey] for a key without escapes that ends within the sixteen bytes.
func oddKey(first, second uint64, length int) bool {
	mask := &fingerprintMasks[min(uint(length), 16)]
	return byte(first)&byte(mask[0]) == '_' || length == 0 || hasDot(first&mask[0]) || hasDot(second&mask[1])
}

// hasDot reports whether one of the eight bytes is a dot.
func hasDot(w uint64) bool {
	w ^= '.' * ones
	return (w-ones)&^w&high != 0
}

// oddLongKey is oddKey for a key of any length.
func oddLongKey(key []byte) bool {
	if len(key) == 0 || key[0] == '_' || len(key) > MaxKeyBytes {
		return true
	}
	for len(key) >= 8 {
		if hasDot(binary.LittleEndian.Uint64(key)) {
			return true
		}
		key = key[8:]
	}
	return bytes.IndexByte(key, '.') >= 0
}
