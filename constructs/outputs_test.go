package constructs_test

import (
	"encoding/base64"
	"encoding/json"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

func TestOutputs(t *testing.T) {
	expected := []string{
		"AlarmTopicArn", "AthenaWorkGroup", "DashboardName", "DeadLetterQueueUrl", "DropEventTypes",
		"ErrorHandlerFunctionName", "EventsOnceView", "FailuresTable", "FirehoseStreamName", "GlueTable",
		"LakeReaderPolicyArn", "ListErrorsCommand", "ListLakeCommand", "OpenSearchDomainName", "OpenSearchEndpoint",
		"ProducerPolicyArn", "QueryAthenaCommand", "QueryOpenSearchCommand",
		"S3BucketName",
		"SearchIndexPattern", "SearchSetupFunctionName", "SearchStreamName", "SendEventCommand", "TicketTopicArn",
		"TransformLakeFunctionName",
		"TransformSearchFunctionName",
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
	fromKinesis := slices.Sorted(slices.Values(append([]string{"DataStreamName"}, expected...)))
	if got := sortedKeys(synth(t, variants["ingestion kinesis"]).Outputs); !slices.Equal(got, fromKinesis) {
		t.Errorf("outputs with ingestion kinesis: must be those of dev and DataStreamName (got\n%v)", got)
	}
	for _, name := range sortedKeys(synth(t, variants["smallest"]).Outputs) {
		if strings.Contains(name, "Search") || strings.Contains(name, "Transform") || strings.Contains(name, "Drop") {
			t.Errorf("outputs: must not name what is not there (got %s)", name)
		}
	}
}

// The command puts one record to each stream; that of the lake ends with a newline. With a data stream it is one record,
// without a newline.
func TestSendEventCommand(t *testing.T) {
	if _, err := exec.LookPath("bash"); err != nil {
		t.Skip("bash is not here")
	}
	for variant, want := range map[string][]string{"dev": {"}\n", "}"}, "enableOpenSearch false": {"}\n"},
		"ingestion kinesis": {"}"}, "ingestion kinesis, no search": {"}"}} {
		joined, err := json.Marshal(synth(t, variants[variant]).Outputs["SendEventCommand"]["Value"])
		if err != nil {
			t.Fatal(err)
		}
		var value struct {
			Join []any `json:"Fn::Join"`
		}
		if err := json.Unmarshal(joined, &value); err != nil || len(value.Join) != 2 {
			t.Fatalf("%s: must be joined (got %s, %v)", variant, joined, err)
		}
		text := ""
		for _, part := range value.Join[1].([]any) {
			if literal, ok := part.(string); ok {
				text += literal
			} else {
				text += "reference"
			}
		}
		out, err := exec.Command("bash", "-euc", `aws() { printf '%s\n' "${@: -1}"; }; `+text).Output()
		if err != nil {
			t.Fatalf("%s: %s: %v", variant, text, err)
		}
		records := strings.Fields(string(out))
		if len(records) != len(want) {
			t.Fatalf("%s: must put %d records (got %q)", variant, len(want), records)
		}
		for i, record := range records {
			data, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(record, "Data="))
			if err != nil || !strings.HasPrefix(string(data), `{"event_id":"hello-1",`) ||
				string(data[strings.IndexByte(string(data), '}'):]) != want[i] {
				t.Errorf("%s: record %d must end with %q (got %q, %v)", variant, i, want[i], data, err)
			}
		}
	}
}
