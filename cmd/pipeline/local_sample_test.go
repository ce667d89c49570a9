package main

import (
	"bytes"
	"compress/gzip"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestIndented(t *testing.T) {
	for text, want := range map[string]string{
		`{"a":[1]}`:                              "  {\n    \"a\": [\n      1\n    ]\n  }",
		"not json":                               `  "not json"`,
		"\x00\xff":                               `  "\x00\xff"`,
		"{\"a\u202e\":\"\u009b\x7f\U000e0041\"}": "  {\n    \"a\\u202e\": \"\\u009b\\u007f\\udb40\\udc41\"\n  }",
		"{\"a\":\"\xff\"}":                       `  "{\"a\":\"\xff\"}"`,
	} {
		if got := indentJSON([]byte(text)); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}

func TestShorten(t *testing.T) {
	for text, want := range map[string]string{
		"short":                         "short",
		strings.Repeat("ä", 36):         strings.Repeat("ä", 36),
		strings.Repeat("ä", 37):         strings.Repeat("ä", 35) + "…",
		"\u009b31m\u202e\u200b\x7f\xff": `\u009b31m\u202e\u200b\u007f\xff`,
		"tab\tand\x1b[31m":              `tab\u0009and\u001b[31m`,
	} {
		if got := shorten(text); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}

func TestWriteRows(t *testing.T) {
	var w bytes.Buffer
	of := func(values ...string) row {
		return row{{"event_id", "string", values[0]}, {"amount", "double", values[1]}}
	}
	writeRows(&w, []row{of("a", "1"), of("b", "2"), of("c", "3"), of("d", "4")})
	want := "  event_id  string  a  b  c\n  amount    double  1  2  3\n\n  event_id  string  d\n  amount    double  4\n"
	if w.String() != want {
		t.Errorf("got\n%s\nwant\n%s", &w, want)
	}
}

func TestWriteLines(t *testing.T) {
	var zipped bytes.Buffer
	z := gzip.NewWriter(&zipped)
	if _, err := z.Write([]byte("{}\n{}\n{}\n")); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string]string{"zipped": zipped.String(), "plain": "{}\n{}\n{}\n"} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			path := filepath.Join(dir, "object")
			if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
				t.Fatal(err)
			}
			var w bytes.Buffer
			if err := writeLines(&w, dir, 2); err != nil {
				t.Fatal(err)
			}
			if want := "\nfrom the lake, read back from " + path + "\n  {}\n  {}\n"; w.String() != want {
				t.Errorf("got %q, want %q", &w, want)
			}
		})
	}
	t.Run("no object", func(t *testing.T) {
		var w bytes.Buffer
		if err := writeLines(&w, filepath.Join(t.TempDir(), "none"), 2); err != nil || w.Len() > 0 {
			t.Errorf("got %q, %v", &w, err)
		}
	})
}
