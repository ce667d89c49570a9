// Package rules has CloudFormation Guard rules for templates with Amazon Data Firehose, and runs them with cfn-guard.
//
// The rules are in firehose.guard, which needs nothing else of this project: docs/rules.md. cfn-guard is the
// executable in an npm package that package.json pins: docs/decisions/8-guard-rules-with-guard.md.
package rules
