package printable

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// Text returns s on one line: every character that [strconv.IsPrint] rejects, line ends and tabs included, becomes
// \uXXXX (two of them above U+FFFF, as in JSON), and every byte that is not UTF-8 becomes \xXX. A text of printable
// characters comes back as it is.
func Text(s string) string { return escapeText(s, "") }

// Lines is [Text] that keeps line feeds and tabs, for text of several lines. JSON stays the same JSON.
func Lines(s string) string { return escapeText(s, "\n\t") }

// Clip is [Text] of at most so many bytes of s. A longer text ends with its length.
func Clip(s string, most int) string { return clipText(s, most, "") }

// ClipLines is [Lines] of at most so many bytes of s. A longer text ends with its length.
func ClipLines(s string, most int) string { return clipText(s, most, "\n\t") }

func clipText(s string, most int, kept string) string {
	if len(s) <= most {
		return escapeText(s, kept)
	}
	cut := most
	for cut > 0 && cut > most-utf8.UTFMax && !utf8.RuneStart(s[cut]) {
		cut--
	}
	return fmt.Sprintf("%s… (%d of %d bytes)", escapeText(s[:cut], kept), cut, len(s))
}

func escapeText(s, kept string) string {
	accepted := func(c rune, size int) bool {
		invalid := c == utf8.RuneError && size == 1
		return !invalid && (strconv.IsPrint(c) || strings.ContainsRune(kept, c))
	}
	clean := true
	for at := 0; at < len(s) && clean; {
		c, size := utf8.DecodeRuneInString(s[at:])
		clean = accepted(c, size)
		at += size
	}
	if clean {
		return s
	}
	var b strings.Builder
	for at := 0; at < len(s); {
		c, size := utf8.DecodeRuneInString(s[at:])
		switch {
		case accepted(c, size):
			b.WriteString(s[at : at+size])
		case c == utf8.RuneError && size == 1:
			fmt.Fprintf(&b, `\x%02x`, s[at])
		case c > 0xffff:
			high, low := utf16.EncodeRune(c)
			fmt.Fprintf(&b, `\u%04x\u%04x`, high, low)
		default:
			fmt.Fprintf(&b, `\u%04x`, c)
		}
		at += size
	}
	return b.String()
}

// Writer escapes as [Lines] does. It is the last fence before a terminal: text not escaped at its source stays
// harmless, too. A character that comes in two writes is escaped byte by byte.
type Writer struct{ Out io.Writer }

// Write implements [io.Writer]; its count is of p.
func (w *Writer) Write(p []byte) (int, error) {
	if _, err := io.WriteString(w.Out, Lines(string(p))); err != nil {
		return 0, err
	}
	return len(p), nil
}
