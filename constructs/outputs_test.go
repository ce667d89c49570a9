package constructs_test

import (
	"slices"
	"strings"
	"testing"
)

func TestOutputs(t *testing.T) {
	expected := []string{
		"AlarmTopicArn", "DeadLetterQueueUrl", "ErrorHandlerFunctionName", "FirehoseStreamName", "GlueTable", "ListErrorsCommand",
		"ListLakeCommand", "OpenSearchDomainName", "OpenSearchEndpoint", "ProducerPolicyArn", "QueryOpenSearchCommand", "S3BucketName",
		"SearchSetupFunctionName", "SearchStreamName", "SendEventCommand", "TransformLakeFunctionName", "TransformSearchFunctionName",
	}
	if got := sortedKeys(synth(t, variants["dev"]).Outputs); !slices.Equal(got, expected) {
		t.Errorf("outputs: must be\n%v\n(got\n%v)", expected, got)
	}
	inVPC := []string{"OpenSearchClientSecurityGroupId", "VpcId", "VpcSubnetIds"}
	for _, name := range []string{"vpc new", "vpc existing"} {
		outputs := synth(t, variants[name]).Outputs
		if got := sortedKeys(outputs); !slices.Equal(got, slices.Sorted(slices.Values(append(inVPC, expected...)))) {
			t.Errorf("outputs of %s: must be those of dev and %v (got\n%v)", name, inVPC, got)
		}
		for _, private := range []string{"OpenSearchEndpoint", "QueryOpenSearchCommand"} {
			if text, _ := outputs[private]["Description"].(string); !strings.Contains(text, "from inside the VPC only") {
				t.Errorf("%s of %s: must say from where it works (got %s)", private, name, text)
			}
		}
	}
	for _, name := range sortedKeys(synth(t, variants["smallest"]).Outputs) {
		if strings.Contains(name, "Search") || strings.Contains(name, "Transform") {
			t.Errorf("outputs: must not name what is not there (got %s)", name)
		}
	}
}
