package main

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"firehose-pipeline/settings"
)

var templates = flag.String("templates", "", "folder that TestWriteTemplates writes a template of every variant and instance family to")

// families are contexts with one instance type of every family that the settings know, all else as small as it goes.
func families() map[string]string {
	contexts := map[string]string{}
	for _, name := range settings.InstanceTypes() {
		contexts["family "+name] = `{"openSearchInstanceType": "` + name + `", "enableDataTransformation": false, "enableSourceBackup": false, "dataFormat": "json"}`
	}
	return contexts
}

// Every family that the settings accept makes a domain of its type: a family has bounds of its own (volume, version, masters).
func TestEveryInstanceFamilyIsDeployed(t *testing.T) {
	for name, context := range families() {
		t.Run(name, func(t *testing.T) {
			_, domain := synth(t, context).one(t, "AWS::OpenSearchService::Domain", "SearchDomain")
			want(t, domain.Properties, "ClusterConfig.InstanceType", strings.TrimPrefix(name, "family "))
			want(t, domain.Properties, "EBSOptions.VolumeType", "gp3")
		})
	}
}

// TestWriteTemplates is for verify/templates.sh: one process writes what would be many runs of the command line. The templates
// are those of `cdk synth`, but for the functions' hashes and the paths that the command line adds.
func TestWriteTemplates(t *testing.T) {
	if *templates == "" {
		t.Skip("-templates names no folder")
	}
	if err := os.MkdirAll(*templates, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, contexts := range []map[string]string{variants, families()} {
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
