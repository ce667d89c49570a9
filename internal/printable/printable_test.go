package printable

import (
	"encoding/json"
	"errors"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestText(t *testing.T) {
	for text, want := range map[string]string{
		"":                                   "",
		"plain, ä, 日本, 🙂, \ufffd":            "plain, ä, 日本, 🙂, \ufffd",
		"\x1b[2J\x1b]0;title\x07":            `\u001b[2J\u001b]0;title\u0007`,
		"a\r\nb\tc\x7f":                      `a\u000d\u000ab\u0009c\u007f`,
		"\u009b31m":                          `\u009b31m`,
		"\u202eevil\u2066\u200b\ufeff\u2028": `\u202eevil\u2066\u200b\ufeff\u2028`,
		"\xff\xc2":                           `\xff\xc2`,
		"tag \U000e0041":                     `tag \udb40\udc41`,
		"no-break\u00a0space":                `no-break\u00a0space`,
	} {
		if got := Text(text); got != want {
			t.Errorf("%q: got %s, want %s", text, got, want)
		}
	}
}

func TestLines(t *testing.T) {
	if got, want := Lines("a\tb\n\x1bc\r\n"), "a\tb\n\\u001bc\\u000d\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestWriter(t *testing.T) {
	var b strings.Builder
	w := &Writer{Out: &b}
	for _, part := range []string{"a\x1b\n", "\xc2", "\x9bm"} {
		if n, err := w.Write([]byte(part)); n != len(part) || err != nil {
			t.Errorf("%q: got %d, %v", part, n, err)
		}
	}
	if want := "a\\u001b\n\\xc2\\x9bm"; b.String() != want {
		t.Errorf("got %q, want %q", b.String(), want)
	}
	if _, err := (&Writer{Out: failing{}}).Write([]byte("a")); err == nil {
		t.Error("the error of the writer behind is lost")
	}
}

type failing struct{}

func (failing) Write([]byte) (int, error) { return 0, errors.New("gone") }

func FuzzText(f *testing.F) {
	for _, seed := range []string{"a\x1b\u009b", "\xff\ufffd", "\U000e0001\n\t"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		text, lines := Text(s), Lines(s)
		if !utf8.ValidString(text) || strings.ContainsFunc(text, func(c rune) bool { return !strconv.IsPrint(c) }) {
			t.Fatalf("%q became %q", s, text)
		}
		if Text(lines) != text && !strings.ContainsAny(s, "\n\t") || Text(text) != text || Lines(lines) != lines {
			t.Fatalf("%q became %q and %q", s, text, lines)
		}
		// JSON stays the same JSON.
		before, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		var want, got string
		if err := errors.Join(json.Unmarshal(before, &want),
			json.Unmarshal([]byte(Lines(string(before))), &got)); err != nil || !reflect.DeepEqual(got, want) {
			t.Fatalf("%s became %s: %v", before, Lines(string(before)), err)
		}
	})
}

func TestClip(t *testing.T) {
	for _, c := range []struct {
		text string
		most int
		want string
	}{
		{"", 3, ""}, {"abc", 3, "abc"}, {"abcd", 3, "abc… (3 of 4 bytes)"}, {"ab€", 3, "ab… (2 of 5 bytes)"},
		{"a\u202e", 9, `a\u202e`}, {"\xff\xff\xff", 2, `\xff\xff… (2 of 3 bytes)`}, {"a\nb", 9, `a\u000ab`},
		{"€", 1, "… (0 of 3 bytes)"},
	} {
		if got := Clip(c.text, c.most); got != c.want {
			t.Errorf("%q, %d: got %q, want %q", c.text, c.most, got, c.want)
		}
	}
	if got := ClipLines("a\nb\x00", 9); got != "a\nb\\u0000" {
		t.Errorf("got %q", got)
	}
}
