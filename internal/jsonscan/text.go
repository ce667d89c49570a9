package jsonscan

import (
	"unicode/utf16"
	"unicode/utf8"
)

// Unescape appends to dst what text, the content of a scanned JSON string, means. A lone surrogate such as \ud800,
// which has no UTF-8, becomes the three bytes that its number would have, so that different strings stay different.
func Unescape(dst, text []byte) []byte {
	for i := 0; i < len(text); {
		if text[i] != '\\' {
			from := i
			for i < len(text) && text[i] != '\\' {
				i++
			}
			dst = append(dst, text[from:i]...)
			continue
		}
		c := text[i+1]
		if c != 'u' {
			dst = append(dst, unescaped[c])
			i += 2
			continue
		}
		r := hexUnit(text[i+2:])
		i += 6
		if utf16.IsSurrogate(r) {
			if i+6 <= len(text) && text[i] == '\\' && text[i+1] == 'u' {
				if pair := utf16.DecodeRune(r, hexUnit(text[i+2:])); pair != utf8.RuneError {
					dst = utf8.AppendRune(dst, pair)
					i += 6
					continue
				}
			}
			dst = append(dst, 0xE0|byte(r>>12), 0x80|byte(r>>6)&0x3F, 0x80|byte(r)&0x3F)
			continue
		}
		dst = utf8.AppendRune(dst, r)
	}
	return dst
}

var unescaped = [256]byte{'"': '"', '\\': '\\', '/': '/', 'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t'}

// hexUnit reads the four hexadecimal digits of an escape.
func hexUnit(hex []byte) rune {
	var r rune
	for _, c := range hex[:4] {
		r = r<<4 | rune(hexDigits[c])
	}
	return r
}

// hexDigits has the value of a hexadecimal digit, -1 for any other byte.
var hexDigits = func() (values [256]int8) {
	for c := range values {
		values[c] = -1
	}
	for v := range 10 {
		values['0'+v] = int8(v)
	}
	for v := range 6 {
		values['a'+v], values['A'+v] = int8(10+v), int8(10+v)
	}
	return values
}()

// Compact appends a scanned JSON value to dst without the white space between its tokens; all else stays byte for byte.
func Compact(dst, value []byte) []byte {
	from := 0
	for i := 0; i < len(value); {
		switch c := value[i]; {
		case c == '"':
			end, _, problem := scanString(value, i+1)
			if problem != None { // not a scanned value
				end = len(value) - 1
			}
			i = end + 1
		case c <= ' ':
			dst = append(dst, value[from:i]...)
			i = SkipSpace(value, i+1)
			from = i
		default:
			i++
		}
	}
	return append(dst, value[from:]...)
}
