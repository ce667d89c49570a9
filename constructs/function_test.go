package constructs_test

import (
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2/assertions"
	"github.com/aws/jsii-runtime-go"

	"firehose-pipeline/settings"
)

func TestFunctions(t *testing.T) {
	template := synth(t, variants["dev"])
	for name, environment := range map[string]map[string]any{
		"-transform-lake": {
			"STREAM": "lake", "DROP_EVENT_TYPES": `["heartbeat"]`, "LOG_LEVEL": "info",
			"STACK": "kinesis-firehose-pipeline-dev",
		},
		"-transform-search": {
			"STREAM": "search", "DROP_EVENT_TYPES": `["heartbeat"]`, "LOG_LEVEL": "info",
			"STACK": "kinesis-firehose-pipeline-dev",
		},
		"-error-handler": {"ERROR_PREFIX": "error-data/", "LOG_LEVEL": "info", "STACK": "kinesis-firehose-pipeline-dev"},
		"-search-setup":  {"LOG_LEVEL": "info"},
	} {
		template.cdk.HasResourceProperties(jsii.String("AWS::Lambda::Function"), map[string]any{
			"FunctionName":  "kinesis-firehose-pipeline-dev" + name,
			"Runtime":       "provided.al2023",
			"Architectures": []string{"arm64"},
			"Handler":       "bootstrap",
			"LoggingConfig": map[string]any{"LogGroup": assertions.Match_AnyValue()},
			"Environment":   map[string]any{"Variables": environment},
		})
	}
	// A stream's name in a function's environment closes a circle with the stream that calls the function.
	for id, function := range template.of("AWS::Lambda::Function") {
		for other := range references(function.Properties["Environment"], template.Resources) {
			if template.Resources[other].Type == firehose {
				t.Errorf("%s: must not know a stream's name", id)
			}
		}
	}
}

func TestEveryFunctionWritesToALogGroupOfTheStack(t *testing.T) {
	everyVariant(t, func(t *testing.T, _ settings.Settings, template *template) {
		for id, function := range template.of("AWS::Lambda::Function") {
			group, _ := at(function.Properties, "LoggingConfig.LogGroup")
			found := false
			for other := range references(group, template.Resources) {
				found = found || template.Resources[other].Type == "AWS::Logs::LogGroup"
			}
			if !found {
				t.Errorf("%s: must log to a group of the stack (got %v)", id, group)
			}
		}
		for id, group := range template.of("AWS::Logs::LogGroup") {
			if group.Properties["RetentionInDays"] == nil || group.Properties["KmsKeyId"] == nil ||
				group.Properties["LogGroupName"] == nil {
				t.Errorf("%s: must have a name, a retention and the key", id)
			}
		}
	})
}
