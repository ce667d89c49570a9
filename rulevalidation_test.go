package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/jsii-runtime-go"

	"firehose-pipeline/internal/resultcache"
)

// streamApp makes an app of one stream to S3 with that buffer.
func streamApp(t *testing.T, interval int) awscdk.App {
	t.Helper()
	app := awscdk.NewApp(&awscdk.AppProps{AnalyticsReporting: jsii.Bool(false), Outdir: jsii.String(t.TempDir())})
	stack := awscdk.NewStack(app, jsii.String("example"), nil)
	awscdk.NewCfnResource(stack, jsii.String("Stream"), &awscdk.CfnResourceProps{
		Type: jsii.String("AWS::KinesisFirehose::DeliveryStream"),
		Properties: &map[string]any{"ExtendedS3DestinationConfiguration": map[string]any{
			"BucketARN": "arn:aws:s3:::lake", "RoleARN": "arn:aws:iam::111122223333:role/firehose",
			"BufferingHints": map[string]any{"SizeInMBs": 5, "IntervalInSeconds": interval}}}})
	return app
}

// synthesiseStream returns how the synthesis ends and the number of files in the record.
func synthesiseStream(t *testing.T, v *validator, interval int) (problem any, recorded int) {
	t.Helper()
	app := streamApp(t, interval)
	awscdk.Validations_Of(app).AddPlugins(v)
	func() {
		defer func() { problem = recover() }()
		app.Synth(nil)
	}()
	files, err := filepath.Glob(filepath.Join(v.record.Path, "*"))
	if err != nil {
		t.Fatal(err)
	}
	return problem, len(files)
}

// A mistake in a construct fails the synthesis with the rule's message; a template without one is recorded.
func TestRulesFailTheSynthesis(t *testing.T) {
	notes := new(bytes.Buffer)
	v := newRuleValidator(false, resultcache.Folder{Path: filepath.Join(t.TempDir(), "record")}, notes)
	for range 2 {
		if problem, recorded := synthesiseStream(t, v, 1000); problem == nil || recorded != 0 {
			t.Errorf("interval 1000: must fail and not be recorded (got %v, %d records)", problem, recorded)
		}
	}
	if problem, recorded := synthesiseStream(t, v, 900); problem != nil || recorded != 1 {
		t.Errorf("interval 900: must pass and be recorded (got %v, %d records)", problem, recorded)
	}
	if notes.Len() > 0 {
		t.Errorf("notes: must be none (got %s)", notes)
	}
}

// The report names rule, message, resource and property.
func TestReportOfTheRules(t *testing.T) {
	v := newRuleValidator(false, resultcache.Folder{Path: filepath.Join(t.TempDir(), "record")}, new(bytes.Buffer))
	app := streamApp(t, 1000)
	awscdk.Validations_Of(app).AddPlugins(v)
	func() {
		defer func() {
			if recover() == nil {
				t.Error("the synthesis must fail")
			}
		}()
		app.Synth(nil)
	}()
	text, err := os.ReadFile(filepath.Join(*app.Outdir(), "validation-report.json"))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{ruleValidator, "FIREHOSE_S3_BUFFER", "The buffer interval of an S3 destination is 0 to 900 s.",
		"example/Stream", "Properties.ExtendedS3DestinationConfiguration.BufferingHints.IntervalInSeconds"} {
		if !strings.Contains(string(text), want) {
			t.Errorf("the report must have %s (got %s)", want, text)
		}
	}
}

// Without cfn-guard nothing is checked, and the synthesis fails with the reason.
func TestSynthesisWithoutGuardFails(t *testing.T) {
	t.Chdir(t.TempDir())
	notes := new(bytes.Buffer)
	v := newRuleValidator(false, resultcache.Folder{Path: filepath.Join(t.TempDir(), "record")}, notes)
	report := v.engine().Validate(&contextOf{template: "x.template.json"})
	if *report.Success || len(*report.Violations) != 1 || !strings.Contains(*(*report.Violations)[0].Description, "npm ci") {
		t.Errorf("must be one finding that names npm ci (got %+v)", report)
	}
	if problem, recorded := synthesiseStream(t, v, 900); problem == nil || recorded != 0 {
		t.Errorf("must fail and not be recorded (got %v, %d records)", problem, recorded)
	}
}

// contextOf is the validator's input for one template.
type contextOf struct {
	awscdk.IPolicyValidationContext
	template string
}

func (c *contextOf) StackTemplates() *[]*awscdk.PolicyValidationStack {
	return &[]*awscdk.PolicyValidationStack{{StackConstructPath: jsii.String("example"), TemplatePath: &c.template}}
}
