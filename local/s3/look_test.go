package s3_test

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"testing"
)

func TestObjectsInPages(t *testing.T) {
	w := serve(t, t.TempDir())
	for _, key := range []string{"a/1", "b/1", "b/2", "b/3", "b0", "c/1"} {
		w.put(t, lake, key, key)
	}
	for _, c := range []struct {
		prefix, after string
		limit         int
		want          string
	}{
		{"b/", "", 2, "[b/1 b/2] true"}, {"b/", "b/2", 2, "[b/3] false"}, {"b/", "b/2x", 9, "[b/3] false"},
		{"b/", "b/3", 9, "[] false"}, {"b/", "a/1", 9, "[b/1 b/2 b/3] false"}, {"x", "", 9, "[] false"},
	} {
		objects, more, err := w.server.Objects(lake, c.prefix, c.after, c.limit)
		keys := []string{}
		for _, o := range objects {
			keys = append(keys, o.Key)
		}
		if got := fmt.Sprint(keys, more); err != nil || got != c.want {
			t.Errorf("%+v: got %s, %v", c, got, err)
		}
	}
	file, err := w.server.Open(lake, "b/2")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if text, err := io.ReadAll(file); err != nil || string(text) != "b/2" {
		t.Errorf("got %s, %v", text, err)
	}
	for _, key := range []string{"b/9", "../x", "/etc/passwd", ""} {
		if _, err := w.server.Open(lake, key); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%q: got %v", key, err)
		}
	}
}
