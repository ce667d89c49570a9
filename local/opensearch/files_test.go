package opensearch

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestFiles(t *testing.T) {
	dir := t.TempDir()
	m, err := NewMapping(mappings(nil), "")
	if err != nil {
		t.Fatal(err)
	}
	f := NewFiles(dir, m)
	bulk := func(body string) (string, error) {
		status, answer, err := f.Bulk(t.Context(), time.Time{}, []byte(body))
		if err == nil && status != 200 {
			t.Errorf("status %d", status)
		}
		return string(answer), err
	}
	action := func(index string) string { return `{"index":{"_index":"` + index + `","_id":"1.0"}}` + "\n" }
	read := func(index string) string {
		text, err := os.ReadFile(filepath.Join(dir, index+".ndjson"))
		if err != nil {
			t.Error(err)
		}
		return string(text)
	}
	t.Run("documents are lines of their index's file", func(t *testing.T) {
		answer, err := bulk(action("a") + "{\"n\":1}\n" + action("a") + "{\"n\":2}\n" + action("b") + "{\"n\":3}\n" +
			action("a") + "{\"n\":4}\n")
		if err != nil || answer != `{"took":0,"errors":false,"items":[]}` {
			t.Errorf("got %s, %v", answer, err)
		}
		if a, b := read("a"), read("b"); a != "{\"n\":1}\n{\"n\":2}\n{\"n\":4}\n" || b != "{\"n\":3}\n" {
			t.Errorf("got %q, %q", a, b)
		}
	})
	t.Run("a key that comes twice is refused, alone", func(t *testing.T) {
		answer, err := bulk(action("c") + "{\"n\":1}\n" + action("c") + "{\"n\":1,\"n\":2}\n" + action("c") +
			"{\"n\":3}\n")
		if err != nil || strings.Count(answer, `"status":201`) != 2 || strings.Count(answer, `"status":400`) != 1 ||
			!strings.Contains(answer, `"errors":true`) {
			t.Errorf("got %s, %v", answer, err)
		}
		if got := read("c"); got != "{\"n\":1}\n{\"n\":3}\n" {
			t.Errorf("got %q", got)
		}
	})
	t.Run("a document that comes again with its id takes the place of the one before, when that is wanted",
		func(t *testing.T) {
			one, two := `{"index":{"_index":"d","_id":"1.0"}}`+"\n{\"n\":1}\n",
				`{"index":{"_index":"d","_id":"2.0"}}`+"\n{\"n\":2}\n"
			without := `{"index":{"_index":"d"}}` + "\n{\"n\":3}\n"
			f.Overwrite()
			for _, body := range []string{one + two, two, without, without} {
				if _, err := bulk(body); err != nil {
					t.Fatal(err)
				}
			}
			if got := read("d"); got != "{\"n\":1}\n{\"n\":2}\n{\"n\":3}\n{\"n\":3}\n" || f.Overwritten() != 1 {
				t.Errorf("got %q, %d overwritten", got, f.Overwritten())
			}
		})
	for name, body := range map[string]string{
		"an action without a document": action("a"),
		"a line that does not end":     action("a") + "{}",
		"another action":               "{\"create\":{\"_index\":\"a\"}}\n{}\n",
		"an index that is a path":      action("../a") + "{}\n",
		"an index of no name":          action("") + "{}\n",
	} {
		t.Run("no bulk request of the model: "+name, func(t *testing.T) {
			if answer, err := bulk(body); err == nil {
				t.Errorf("got %s", answer)
			}
		})
	}
}
