package constructs_test

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var templates = flag.String(
	"templates",
	"",
	"folder that TestWriteTemplates writes a template of every variant, instance family and volume size to",
)

// TestWriteTemplates is for verify/templates.sh: one process replaces many runs of the command line. The templates are
// those of `cdk synth`, but for the functions' hashes and the paths that the command line adds.
func TestWriteTemplates(t *testing.T) {
	if *templates == "" {
		t.Skip("-templates names no folder")
	}
	if err := os.MkdirAll(*templates, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, contexts := range []map[string]string{variants, families(), volumes()} {
		for name, context := range contexts {
			text, err := json.MarshalIndent(synth(t, context).cdk.ToJSON(), "", " ")
			if err != nil {
				t.Fatal(err)
			}
			file := strings.NewReplacer(" ", "-", ",", "").Replace(name) + ".template.json"
			if err := os.WriteFile(filepath.Join(*templates, file), text, 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
}
