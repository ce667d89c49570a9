package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/jsii-runtime-go"

	"firehose-pipeline/internal/functionbuild"
	"firehose-pipeline/internal/resultcache"
	"firehose-pipeline/internal/testkit/shopschema"
)

// appOf makes an app of one queue, with the property and its value.
func appOf(t *testing.T, property string, value any) awscdk.App {
	t.Helper()
	app := awscdk.NewApp(&awscdk.AppProps{AnalyticsReporting: jsii.Bool(false), Outdir: jsii.String(t.TempDir())})
	stack := awscdk.NewStack(app, jsii.String("example"), nil)
	awscdk.NewCfnResource(stack, jsii.String("Queue"), &awscdk.CfnResourceProps{
		Type: jsii.String("AWS::SQS::Queue"), Properties: &map[string]any{property: value}})
	return app
}

// synthesise writes the app's template with the validator, and returns the CDK's report.
func synthesise(app awscdk.App, v *validator) (report string, err error) {
	awscdk.Validations_Of(app).AddPlugins(v)
	text, err := os.ReadFile(filepath.Join(*app.Synth(nil).Directory(), "validation-report.json"))
	return string(text), err
}

// stubEngine counts its calls, and answers with a warning or a panic.
type stubEngine struct {
	calls   int
	warning string
	panics  bool
}

func (s *stubEngine) Name() *string       { return jsii.String("stub") }
func (s *stubEngine) Version() *string    { return jsii.String("1.2.3") }
func (s *stubEngine) RuleIds() *[]*string { return nil }

func (s *stubEngine) Validate(awscdk.IPolicyValidationContext) *awscdk.PolicyValidationPluginReport {
	s.calls++
	if s.panics {
		panic(errors.New("out of memory"))
	}
	violations := []*awscdk.PolicyViolation{}
	if s.warning != "" {
		violations = append(violations, &awscdk.PolicyViolation{RuleName: jsii.String("W1"), Severity: jsii.String("warning"),
			Description: jsii.String(s.warning), ViolatingResources: &[]*awscdk.PolicyViolatingResource{}})
	}
	return &awscdk.PolicyValidationPluginReport{Success: jsii.Bool(true), Violations: &violations}
}

// validatorOf is a validator with the engine and a record of its own.
func validatorOf(t *testing.T, engine awscdk.IPolicyValidationPlugin) (*validator, *bytes.Buffer) {
	t.Helper()
	notes := new(bytes.Buffer)
	return &validator{name: *awscdk.CloudFormationValidatePlugin_PLUGIN_NAME(), version: "1", notes: notes, record: resultcache.Folder{Path: filepath.Join(t.TempDir(), "record")},
		engine: func() awscdk.IPolicyValidationPlugin { return engine }}, notes
}

// mustSynthesise synthesises the queue and checks how often the engine has been called since the test began.
func mustSynthesise(t *testing.T, v *validator, engine *stubEngine, delay, calls int) string {
	t.Helper()
	report, err := synthesise(appOf(t, "DelaySeconds", delay), v)
	if err != nil {
		t.Fatal(err)
	}
	if engine.calls != calls {
		t.Fatalf("the engine was called %d times, want %d", engine.calls, calls)
	}
	return report
}

// An app without the validator is not validated at all: the CDK's own is off, and a template is not validated twice.
func TestTheCDKDoesNotValidate(t *testing.T) {
	app := appOf(t, "DelaySeconds", 1)
	if _, err := os.Stat(filepath.Join(*app.Synth(nil).Directory(), "validation-report.json")); !os.IsNotExist(err) {
		t.Errorf("the CDK must write no report (got %v): internal/cdkenv is too late", err)
	}
}

func TestContentIsValidatedOnce(t *testing.T) {
	engine := &stubEngine{}
	v, notes := validatorOf(t, engine)
	first := mustSynthesise(t, v, engine, 1, 1)
	if again := mustSynthesise(t, v, engine, 1, 1); again != first {
		t.Errorf("the report must be %s (got %s)", first, again)
	}
	mustSynthesise(t, v, engine, 2, 2)
	mustSynthesise(t, v, engine, 1, 2)
	v.version = "2"
	mustSynthesise(t, v, engine, 1, 3)
	v.forced = true
	mustSynthesise(t, v, engine, 1, 4)
	if notes.Len() > 0 {
		t.Errorf("notes: must be none (got %s)", notes)
	}
}

// Only content without any finding is recorded, so a finding is shown each time.
func TestFindingsAreNotRecorded(t *testing.T) {
	engine := &stubEngine{warning: "the delay is long"}
	v, _ := validatorOf(t, engine)
	for calls := 1; calls <= 2; calls++ {
		if report := mustSynthesise(t, v, engine, 1, calls); !strings.Contains(report, engine.warning) {
			t.Errorf("the report lacks the finding: %s", report)
		}
	}
}

// An engine that fails has validated nothing.
func TestFailedEngineIsNotRecorded(t *testing.T) {
	engine := &stubEngine{panics: true}
	v, notes := validatorOf(t, engine)
	mustSynthesise(t, v, engine, 1, 1)
	mustSynthesise(t, v, engine, 1, 2)
	if !strings.Contains(notes.String(), "CloudFormation Validate failed, and the templates are not validated by it: out of memory") {
		t.Errorf("notes: must have the error (got %s)", notes)
	}
	engine.panics = false
	mustSynthesise(t, v, engine, 1, 3)
	mustSynthesise(t, v, engine, 1, 3)
}

// What is wrong with the record leads to a validation.
func TestSpoiledRecordIsNotTrusted(t *testing.T) {
	engine := &stubEngine{}
	v, _ := validatorOf(t, engine)
	mustSynthesise(t, v, engine, 1, 1)
	files, err := filepath.Glob(filepath.Join(v.record.Path, "*"))
	if err != nil || len(files) != 1 {
		t.Fatalf("record: want one file (got %v, %v)", files, err)
	}
	mine, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	other, _ := validatorOf(t, engine)
	mustSynthesise(t, other, engine, 2, 2)
	others, err := filepath.Glob(filepath.Join(other.record.Path, "*"))
	if err != nil || len(others) != 1 {
		t.Fatalf("record: want one file (got %v, %v)", others, err)
	}
	foreign, err := os.ReadFile(others[0])
	if err != nil {
		t.Fatal(err)
	}
	for i, text := range [][]byte{nil, []byte("{}"), mine[:len(mine)-1], foreign} {
		if err := os.WriteFile(files[0], text, 0o644); err != nil {
			t.Fatal(err)
		}
		mustSynthesise(t, v, engine, 1, 3+i)
	}
}

func TestNothingIsSkippedWithoutARecord(t *testing.T) {
	engine := &stubEngine{}
	v, notes := validatorOf(t, engine)
	if err := os.WriteFile(v.record.Path, nil, 0o600); err != nil { // in the folder's place
		t.Fatal(err)
	}
	mustSynthesise(t, v, engine, 1, 1)
	mustSynthesise(t, v, engine, 1, 2)
	if !strings.Contains(notes.String(), "note: the next synthesis validates the same templates again") {
		t.Errorf("notes: must have the error (got %s)", notes)
	}
	unknown, _ := validatorOf(t, engine)
	unknown.version = ""
	mustSynthesise(t, unknown, engine, 1, 3)
	mustSynthesise(t, unknown, engine, 1, 4)
}

// The CDK's own engine: a wrong value is a finding, and not recorded.
func TestRealEngine(t *testing.T) {
	for value, recorded := range map[any]int{5: 1, 100_000: 0} {
		v, notes := validatorOf(t, nil)
		v.engine, v.version = newEngine, versionOfCDK()
		text, err := synthesise(appOf(t, "DelaySeconds", value), v)
		if err != nil {
			t.Fatal(err)
		}
		var report struct {
			PluginReports []struct{ PluginVersion string }
		}
		if err := json.Unmarshal([]byte(text), &report); err != nil {
			t.Fatal(err)
		}
		files, err := filepath.Glob(filepath.Join(v.record.Path, "*"))
		if err != nil || len(files) != recorded || len(report.PluginReports) != 1-recorded {
			t.Errorf("DelaySeconds %v: got %d records, %v, report %s, notes %s", value, len(files), err, text, notes)
		}
	}
}

// The CDK's command line, which could deploy it, never gets a template of functions that were not built.
func TestCommandLineBuildsTheFunctions(t *testing.T) {
	schema := shopschema.JSON
	t.Setenv(functionbuild.TemplateOnly, "true")
	t.Setenv("CDK_CLI_VERSION", "2.1147.0")
	if _, _, err := prepareFunctions(t.Context(), schema, io.Discard); err == nil ||
		!strings.Contains(err.Error(), functionbuild.TemplateOnly) {
		t.Errorf("must be an error that names the variable (got %v)", err)
	}
	t.Setenv("CDK_CLI_VERSION", "")
	functions, remove, err := prepareFunctions(t.Context(), schema, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range functionbuild.Names {
		if entries, err := os.ReadDir(functions[name].Dir); err != nil || len(entries) > 0 || functions[name].Hash == "" {
			t.Errorf("%s: must be named and not built (got %+v, %v, %v)", name, functions[name], entries, err)
		}
	}
	remove()
	if _, err := os.Stat(functions["transform"].Dir); !os.IsNotExist(err) {
		t.Errorf("the folder must be removed (got %v)", err)
	}
}
