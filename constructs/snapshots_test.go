package constructs_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// snapshotContexts are the contexts whose whole templates are in testdata/templates: each environment, and each file of
// examples.
func snapshotContexts(t *testing.T) map[string]string {
	t.Helper()
	contexts := map[string]string{}
	for _, environment := range []string{"dev", "staging", "production"} {
		contexts[environment] = `{"environment": "` + environment + `"}`
	}
	paths, err := filepath.Glob(fromRoot("examples/*.json"))
	if err != nil || len(paths) == 0 {
		t.Fatalf("examples: must have files (got %v, %v)", paths, err)
	}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		var file struct{ Context json.RawMessage }
		if err := json.Unmarshal(text, &file); err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		contexts["example-"+strings.TrimSuffix(filepath.Base(path), ".json")] = string(file.Context)
	}
	return contexts
}

// assetHash is the name of an asset's content, which changes with every line of a function.
var assetHash = regexp.MustCompile(`[0-9a-f]{64}`)

// The whole templates are in testdata/templates, so that a review sees what a change does to them. A difference is no
// mistake by itself: look at it, and let make update write it.
func TestSnapshots(t *testing.T) {
	const folder = "testdata/templates"
	contexts := snapshotContexts(t)
	files, err := filepath.Glob(filepath.Join(fromRoot(folder), "*.json"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if name := strings.TrimSuffix(filepath.Base(file), ".json"); contexts[name] == "" {
			t.Errorf("%s/%s.json: is of no environment or example: remove it", folder, name)
		}
	}
	for name, context := range contexts {
		text, err := json.MarshalIndent(synth(t, context).cdk.ToJSON(), "", " ")
		if err != nil {
			t.Fatal(err)
		}
		text = append(assetHash.ReplaceAll(text, []byte("<asset>")), '\n')
		path := filepath.Join(fromRoot(folder), name+".json")
		if *update {
			if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, text, 0o644); err != nil {
				t.Fatal(err)
			}
			continue
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(text, want) {
			t.Errorf("%s/%s.json: the template is another one, from line %d on; make update writes it", folder, name,
				firstDifference(text, want))
		}
	}
}

// firstDifference is the number of the first line that differs.
func firstDifference(a, b []byte) int {
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	return 1 + bytes.Count(a[:n], []byte("\n"))
}
