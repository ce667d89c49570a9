package unzip_test

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"firehose-pipeline/internal/unzip"
)

func TestReader(t *testing.T) {
	var zipped bytes.Buffer
	w := gzip.NewWriter(&zipped)
	if _, err := io.WriteString(w, "line\n"); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ name, content, want string }{
		{"empty", "", ""},
		{"one byte", "\x1f", "\x1f"},
		{"plain", "line\n", "line\n"},
		{"compressed", zipped.String(), "line\n"},
		{"compressed twice, one after the other", zipped.String() + zipped.String(), "line\nline\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r, err := unzip.Reader(strings.NewReader(c.content))
			if err != nil {
				t.Fatal(err)
			}
			if got, err := io.ReadAll(r); err != nil || string(got) != c.want {
				t.Errorf("got %q, %v, want %q", got, err, c.want)
			}
		})
	}
	t.Run("a broken header", func(t *testing.T) {
		if _, err := unzip.Reader(strings.NewReader("\x1f\x8bxx")); err == nil {
			t.Error("no error")
		}
	})
	t.Run("torn content", func(t *testing.T) {
		r, err := unzip.Reader(bytes.NewReader(zipped.Bytes()[:zipped.Len()-9]))
		if err == nil {
			_, err = io.ReadAll(r)
		}
		if !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("got %v", err)
		}
	})
	t.Run("content that cannot be read", func(t *testing.T) {
		problem := errors.New("broken")
		if _, err := unzip.Reader(iotest.ErrReader(problem)); !errors.Is(err, problem) {
			t.Errorf("got %v", err)
		}
	})
}
