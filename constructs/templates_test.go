package constructs_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var templates = flag.String(
	"templates",
	"",
	"folder that TestWriteTemplates writes a template of every variant, combination, instance family and volume size to",
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
	for _, contexts := range []map[string]string{variants, combinations(), families(), volumes()} {
		for name, context := range contexts {
			t.Logf("%s: %d resources", name, len(synth(t, context).Resources))
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

// combinations are all accepted combinations of ingestion, search, network and format.
func combinations() map[string]string {
	networks := map[string]string{"without search": `"enableOpenSearch": false`, "public": `"vpc": "none"`}
	for _, name := range []string{"vpc new", "vpc existing"} {
		networks[name] = strings.TrimSuffix(strings.TrimPrefix(variants[name], "{"), "}")
	}
	all := map[string]string{}
	for _, ingestion := range []string{"direct", "kinesis"} {
		for _, format := range []string{"parquet", "orc", "json"} {
			for network, settings := range networks {
				all[strings.Join([]string{"combination", ingestion, format, network}, " ")] = fmt.Sprintf(
					`{"ingestion": %q, "dataFormat": %q, %s}`, ingestion, format, settings)
			}
		}
	}
	return all
}
