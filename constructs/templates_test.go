package constructs_test

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	_ "firehose-pipeline/internal/cdkenv" // verify/templates.sh validates templates, not each test
)

var templates = flag.String(
	"templates",
	"",
	"folder that TestWriteTemplates writes a template of every variant, combination, instance family, volume size and example to",
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
	for _, contexts := range []map[string]string{variants, combinations(), families(), volumes(), snapshotContexts(t)} {
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

var written = flag.String("validate", "", "folder below which TestTemplatesAreValid looks for templates")

// writtenTemplates returns the templates below the folder of -validate; without it the test is skipped.
func writtenTemplates(t *testing.T) []string {
	t.Helper()
	if *written == "" {
		t.Skip("-validate names no folder")
	}
	files, err := filepath.Glob(filepath.Join(*written, "*", "*.template.json"))
	if err != nil || len(files) == 0 {
		t.Fatalf("%s: want templates in its folders (got %d, %v)", *written, len(files), err)
	}
	return files
}

// TestTemplatesAreValid is for verify/templates.sh: the CDK's own validator finds nothing in any of the templates, not
// even a warning. One process replaces the engine's start at each synthesis.
func TestTemplatesAreValid(t *testing.T) {
	files := writtenTemplates(t)
	engine := awscdk.NewCloudFormationValidatePlugin(nil)
	wrong := filepath.Join(t.TempDir(), "wrong.template.json")
	text := `{"Resources": {"Queue": {"Type": "AWS::SQS::Queue", "Properties": {"DelaySeconds": 100000}}}}`
	if err := os.WriteFile(wrong, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if report := validate(engine, wrong); *report.Success || len(*report.Violations) == 0 {
		t.Fatal("the validator finds no error in a wrong template, so that it proves nothing")
	}
	for _, file := range files {
		for _, v := range *validate(engine, file).Violations {
			for _, resource := range *v.ViolatingResources {
				t.Errorf("%s: %s: %s: %s (%s)", file, *v.Severity, *v.RuleName, *v.Description, jsonOf(t, resource))
			}
		}
	}
	t.Logf("%d templates", len(files))
}

func validate(engine awscdk.IPolicyValidationPlugin, file string) *awscdk.PolicyValidationPluginReport {
	return engine.Validate(&oneTemplate{file, awscdk.NewApp(nil)})
}

func jsonOf(t *testing.T, value any) string {
	t.Helper()
	text, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// oneTemplate is the validator's input for one file.
type oneTemplate struct {
	file string
	app  awscdk.App
}

func (o *oneTemplate) AccountId() *string                  { return nil }
func (o *oneTemplate) Region() *string                     { return nil }
func (o *oneTemplate) AppConstruct() constructs.IConstruct { return o.app }
func (o *oneTemplate) TemplatePaths() *[]*string           { return &[]*string{&o.file} }

func (o *oneTemplate) StackTemplates() *[]*awscdk.PolicyValidationStack {
	return &[]*awscdk.PolicyValidationStack{{StackConstructPath: jsii.String("stack"), TemplatePath: &o.file}}
}
