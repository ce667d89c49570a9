package main

import (
	"context"
	"fmt"
	"io"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/jsii-runtime-go"

	"firehose-pipeline/internal/resultcache"
	"firehose-pipeline/rules"
)

const (
	// nodeModules is the folder of npm ci, below that of cdk.json, in which the CDK starts the app.
	nodeModules = "node_modules"
	// ruleValidator is the name of the validator in the report.
	ruleValidator = "Firehose rules"
	// notChecked is the rule in whose name the validator fails when it cannot check.
	notChecked = "RULES_NOT_CHECKED"
)

// newRuleValidator returns the validator of the rules in rules/firehose.guard, with the record that the CDK's
// validator has. Its findings are errors: the synthesis fails.
func newRuleValidator(forced bool, record resultcache.Folder, notes io.Writer) *validator {
	guard, err := rules.Find(nodeModules)
	v := &validator{name: ruleValidator, forced: forced, notes: notes, record: record,
		engine: func() awscdk.IPolicyValidationPlugin { return &ruleEngine{guard: guard, missing: err} }}
	if err == nil {
		v.version = guard.Version + "\n" + string(rules.Text)
	}
	return v
}

// ruleEngine checks templates with cfn-guard. An error of it is a finding, because the CDK shows nothing else.
type ruleEngine struct {
	guard   rules.Guard
	missing error // why there is no cfn-guard
}

// Name returns the name in the report.
func (e *ruleEngine) Name() *string { return jsii.String(ruleValidator) }

// Version returns the version of the npm package with cfn-guard.
func (e *ruleEngine) Version() *string { return &e.guard.Version }

// RuleIds returns nothing: the names of the rules are in the findings.
func (e *ruleEngine) RuleIds() *[]*string { return nil }

// Validate checks all templates in one process.
func (e *ruleEngine) Validate(validation awscdk.IPolicyValidationContext) *awscdk.PolicyValidationPluginReport {
	findings, err := []rules.Finding(nil), e.missing
	if err == nil {
		var files []string
		for _, stack := range *validation.StackTemplates() {
			files = append(files, *stack.TemplatePath)
		}
		findings, err = e.guard.Check(context.Background(), files...)
	}
	if err != nil {
		findings = nil
		for _, stack := range *validation.StackTemplates() {
			findings = append(findings, rules.Finding{Template: *stack.TemplatePath, Rule: notChecked,
				Message: fmt.Sprintf("the rules were not checked: %v", err)})
		}
	}
	violations := make([]*awscdk.PolicyViolation, 0, len(findings))
	for _, f := range findings {
		violations = append(violations, violationOf(f, *validation.StackTemplates()))
	}
	return &awscdk.PolicyValidationPluginReport{Success: jsii.Bool(len(violations) == 0), Violations: &violations}
}

// violationOf is a finding in the form of the CDK: in a resource, or else in the stack.
func violationOf(f rules.Finding, stacks []*awscdk.PolicyValidationStack) *awscdk.PolicyViolation {
	resource := &awscdk.PolicyViolatingResource{TemplatePath: &f.Template, Locations: &[]*string{}}
	if f.Property != "" {
		resource.Locations = &[]*string{&f.Property}
	}
	if f.Resource != "" {
		resource.ResourceLogicalId = &f.Resource
	} else {
		for _, stack := range stacks {
			if *stack.TemplatePath == f.Template {
				resource.ConstructPath = stack.StackConstructPath
			}
		}
	}
	return &awscdk.PolicyViolation{RuleName: &f.Rule, Description: &f.Message, Severity: jsii.String("error"),
		ViolatingResources: &[]*awscdk.PolicyViolatingResource{resource}}
}
