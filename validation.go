package main

import (
	"fmt"
	"io"
	"os"
	"runtime/debug"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/jsii-runtime-go"

	"firehose-pipeline/internal/resultcache"
)

const (
	// recordedContents is the number of contents that the record has room for, those of both validators.
	recordedContents = 1000
	// bindings is the module that brings the CDK, its validator and the validator's rules.
	bindings = "github.com/aws/aws-cdk-go/awscdk/v2"
)

// validator is a validator for content that it has not seen: the CDK calls it at the end of each synthesis, with the
// templates as they are on disk, and the engine of the CDK needs several seconds and 400 MB. Content without any finding
// is recorded, and the same content is not validated again: docs/decisions/6-validate-each-template-once.md.
type validator struct {
	name    string             // by which the CDK knows it
	forced  bool               // validate whatever the record says
	version string             // of the rules; empty when it is unknown, and nothing is recorded or skipped then
	record  resultcache.Folder // a result for each content without a finding
	notes   io.Writer
	engine  func() awscdk.IPolicyValidationPlugin
}

// addValidators adds the CDK's validator and the rules of Guard to the app. The record is a folder. The wish is the
// caller's value of [cdkenv.Variable]: "false" means no validation, and any other value one that the record does not
// spare.
func addValidators(app awscdk.App, wish, record string, notes io.Writer) {
	if wish == "false" {
		return
	}
	folder := resultcache.Folder{Path: record, Max: recordedContents}
	// The CDK knows its own validator by its name, and shows its errors as warnings without the feature flag.
	awscdk.Validations_Of(app).AddPlugins(
		&validator{name: *awscdk.CloudFormationValidatePlugin_PLUGIN_NAME(), forced: wish != "", version: versionOfCDK(),
			notes: notes, record: folder, engine: newEngine},
		newRuleValidator(wish != "", folder, notes))
}

func newEngine() awscdk.IPolicyValidationPlugin { return awscdk.NewCloudFormationValidatePlugin(nil) }

// versionOfCDK returns version and check sum of the CDK in this executable, or nothing when it comes from a folder.
func versionOfCDK() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	for _, module := range info.Deps {
		if module.Path == bindings && module.Replace == nil && module.Sum != "" {
			return module.Version + " " + module.Sum
		}
	}
	return ""
}

// Name returns the name in the report.
func (v *validator) Name() *string { return &v.name }

// Version returns nothing: the engine, which knows it, may not be there. The report has it.
func (v *validator) Version() *string { return nil }

// RuleIds returns nothing, for the same reason.
func (v *validator) RuleIds() *[]*string { return nil }

// Validate is called by the CDK at the end of the synthesis. An error of the engine becomes a failed report, as the CDK
// makes one.
func (v *validator) Validate(context awscdk.IPolicyValidationContext) (report *awscdk.PolicyValidationPluginReport) {
	none := &awscdk.PolicyValidationPluginReport{Success: jsii.Bool(true), Violations: &[]*awscdk.PolicyViolation{}}
	key, err := v.keyOf(*context.StackTemplates())
	known := err == nil && v.version != ""
	if known && !v.forced {
		if _, ok := v.record.Read(key); ok {
			return none
		}
	}
	defer func() {
		if problem := recover(); problem != nil {
			text := fmt.Sprintf("%s failed, and the templates are not validated by it: %v", v.name, problem)
			fmt.Fprintln(v.notes, "note:", text)
			report = &awscdk.PolicyValidationPluginReport{Success: jsii.Bool(false),
				Violations: none.Violations, Metadata: &map[string]*string{"error": &text}}
		}
	}()
	engine := v.engine()
	report = engine.Validate(context)
	report.PluginVersion = engine.Version()
	if known && *report.Success && len(*report.Violations) == 0 {
		if err := v.record.Write(key, nil); err != nil {
			fmt.Fprintln(v.notes, "note: the next synthesis validates the same templates again:", err)
		}
	}
	return report
}

// keyOf names what the engine sees: the templates with their stacks and environments, and the engine itself.
func (v *validator) keyOf(stacks []*awscdk.PolicyValidationStack) (resultcache.Key, error) {
	var input resultcache.Input
	input.Add(v.name, []byte(v.version))
	for _, stack := range stacks {
		text, err := os.ReadFile(*stack.TemplatePath)
		if err != nil {
			return resultcache.Key{}, fmt.Errorf("reading the template: %w", err)
		}
		input.Add("stack", []byte(*stack.StackConstructPath))
		for _, place := range []*string{stack.AccountId, stack.Region} {
			if place == nil {
				input.Add("no place", nil)
			} else {
				input.Add("place", []byte(*place))
			}
		}
		input.Add("template", text)
	}
	return input.Key(), nil
}
