package constructs_test

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	guardrules "firehose-pipeline/rules"
)

// plantedFault is a mistake that AWS rejects or runs wrongly: a change of one resource, and the rule that finds it.
type plantedFault struct {
	name, kind, rule string
	// edit changes the properties of the first resource of the kind for which it returns true.
	edit func(properties map[string]any) bool
}

// set returns an edit that sets a value by its path; a nil value removes it. It is for resources that have the path's
// parent.
func set(path string, value any) func(map[string]any) bool {
	return func(properties map[string]any) bool {
		keys := strings.Split(path, "/")
		var parent any = properties
		for _, key := range keys[:len(keys)-1] {
			switch p := parent.(type) {
			case map[string]any:
				parent = p[key]
			case []any:
				parent = p[len(p)-1] // of a list the last one
			default:
				return false
			}
		}
		last, ok := parent.(map[string]any)
		if !ok {
			return false
		}
		if value == nil {
			delete(last, keys[len(keys)-1])
		} else {
			last[keys[len(keys)-1]] = value
		}
		return true
	}
}

// withoutService removes the key policy's statements for a service, and the statement for the account when there is
// none.
func withoutService(service string) func(map[string]any) bool {
	return func(properties map[string]any) bool {
		policy := properties["KeyPolicy"].(map[string]any)
		var rest []any
		for _, s := range policy["Statement"].([]any) {
			name, _ := at(s, "Principal.Service")
			text, err := json.Marshal(name)
			if err != nil || !strings.Contains(string(text), service) {
				rest = append(rest, s)
			}
		}
		removed := len(rest) < len(policy["Statement"].([]any))
		policy["Statement"] = rest
		return removed
	}
}

const (
	streamType = "AWS::KinesisFirehose::DeliveryStream"
	domainType = "AWS::OpenSearchService::Domain"
	alarmType  = "AWS::CloudWatch::Alarm"
	lakePath   = "ExtendedS3DestinationConfiguration/"
	searchPath = "AmazonopensearchserviceDestinationConfiguration/"
	parameter  = lakePath + "ProcessingConfiguration/Processors/0/Parameters/0/"
)

var plantedFaults = []plantedFault{
	{"lake interval", streamType, "FIREHOSE_S3_BUFFER", set(lakePath+"BufferingHints/IntervalInSeconds", 1000)},
	{"search buffer", streamType, "FIREHOSE_SEARCH_BUFFER", set(searchPath+"BufferingHints/SizeInMBs", 200)},
	{"search retry", streamType, "FIREHOSE_SEARCH_RETRY", set(searchPath+"RetryOptions/DurationInSeconds", 8000)},
	{"rotation", streamType, "FIREHOSE_SEARCH_ROTATION", set(searchPath+"IndexRotationPeriod", "OneYear")},
	{"processor parameter", streamType, "FIREHOSE_PROCESSOR_PARAMETER", set(parameter+"ParameterName", "BufferSize")},
	{"instance type", domainType, "OPENSEARCH_INSTANCE_TYPE", set("ClusterConfig/InstanceType", "t3.tiny.search")},
	{"function timeout", "AWS::Lambda::Function", "LAMBDA_TIMEOUT", set("Timeout", 1000)},
	{"GZIP around Parquet", streamType, "FIREHOSE_CONVERSION_COMPRESSION", set(lakePath+"CompressionFormat", "GZIP")},
	{"buffer with Parquet", streamType, "FIREHOSE_CONVERSION_BUFFER", set(lakePath+"BufferingHints/SizeInMBs", 5)},
	{"conversion without schema", streamType, "FIREHOSE_CONVERSION_PARTS",
		set(lakePath+"DataFormatConversionConfiguration/SchemaConfiguration", nil)},
	{"processors not enabled", streamType, "FIREHOSE_PROCESSING_ENABLED",
		set(lakePath+"ProcessingConfiguration/Enabled", nil)},
	{"processor buffer", streamType, "FIREHOSE_LAMBDA_BUFFER", func(properties map[string]any) bool {
		return set(parameter+"ParameterName", "BufferSizeInMBs")(properties) &&
			set(parameter+"ParameterValue", "4")(properties)
	}},
	{"two destinations", streamType, "FIREHOSE_ONE_DESTINATION",
		set("S3DestinationConfiguration", map[string]any{"BucketARN": "arn:aws:s3:::x", "RoleARN": "arn:aws:iam::1:role/x"})},
	{"Kinesis source with encryption", streamType, "FIREHOSE_SOURCE_ENCRYPTION", set("KinesisStreamSourceConfiguration",
		map[string]any{"KinesisStreamARN": "arn:aws:kinesis:eu-west-1:1:stream/x", "RoleARN": "arn:aws:iam::1:role/x"})},
	{"error prefix without type", streamType, "FIREHOSE_ERROR_PREFIX_TYPE",
		set(lakePath+"ErrorOutputPrefix", "error-data/!{timestamp:yyyy}/")},
	{"no error prefix", streamType, "FIREHOSE_ERROR_PREFIX_MISSING", set(lakePath+"ErrorOutputPrefix", nil)},
	{"type name", streamType, "FIREHOSE_SEARCH_TYPE_NAME", set(searchPath+"TypeName", "_doc")},
	{"engine", domainType, "OPENSEARCH_ENGINE", set("EngineVersion", "OpenSearch_9.9")},
	{"access control without HTTPS", domainType, "OPENSEARCH_FINE_GRAINED",
		set("DomainEndpointOptions/EnforceHTTPS", false)},
	{"volume", domainType, "OPENSEARCH_VOLUME", set("EBSOptions/VolumeSize", 5000)},
	{"alarm namespace", alarmType, "ALARM_NAMESPACE", func(properties map[string]any) bool {
		return properties["Namespace"] == "AWS/Firehose" && set("Namespace", "AWS/KinesisFirehose")(properties)
	}},
	{"alarm metric", alarmType, "ALARM_FIREHOSE_METRIC", func(properties map[string]any) bool {
		return properties["Namespace"] == "AWS/Firehose" && set("MetricName", "DeliveryToOpenSearch.Errors")(properties)
	}},
	{"column type", "AWS::Glue::Table", "GLUE_COLUMN_TYPE", set("TableInput/StorageDescriptor/Columns/0/Type", "text")},
	{"key without CloudWatch", "AWS::KMS::Key", "KEY_ADMITS_ALARMS", withoutService("cloudwatch.amazonaws.com")},
	{"key without Logs", "AWS::KMS::Key", "KEY_ADMITS_LOGS", withoutService("logs.")},
	{"key without the account", "AWS::KMS::Key", "KEY_ADMITS_FIREHOSE", withoutService("null")},
}

// Mistakes that a person could make in a construct: each is found, by its rule, in its resource. Of 24 such faults
// CloudFormation's validator of the CDK finds 6 and cfn-lint 7.
func TestRulesFindPlantedFaults(t *testing.T) {
	guard, err := guardrules.Find("../node_modules")
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(synth(t, variants["dev"]).cdk.ToJSON())
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	sound := filepath.Join(folder, "sound.json")
	if err := os.WriteFile(sound, text, 0o600); err != nil {
		t.Fatal(err)
	}
	files, faulty := []string{sound}, map[string]string{} // the resource by file
	for n, fault := range plantedFaults {
		file := filepath.Join(folder, fmt.Sprintf("%02d.json", n))
		faulty[file] = writeFault(t, text, file, fault)
		files = append(files, file)
	}
	findings, err := guard.Check(t.Context(), files...)
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]bool{}
	for _, f := range findings {
		if f.Template == sound {
			t.Errorf("the template without a fault: %s", f)
		} else if f.Resource == faulty[f.Template] {
			found[f.Template+f.Rule] = true
		}
	}
	for n, fault := range plantedFaults {
		if !found[files[n+1]+fault.rule] {
			t.Errorf("%s: %s must find it in %s", fault.name, fault.rule, faulty[files[n+1]])
		}
	}
}

// writeFault writes the template with one fault, and returns the resource that has it.
func writeFault(t *testing.T, text []byte, file string, fault plantedFault) (resource string) {
	t.Helper()
	var template struct {
		Resources map[string]map[string]any
	}
	if err := json.Unmarshal(text, &template); err != nil {
		t.Fatal(err)
	}
	for _, id := range sortedKeys(template.Resources) {
		properties, _ := template.Resources[id]["Properties"].(map[string]any)
		if template.Resources[id]["Type"] != fault.kind || !fault.edit(properties) {
			continue
		}
		text, err := json.Marshal(template)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, text, 0o600); err != nil {
			t.Fatal(err)
		}
		return id
	}
	t.Fatalf("%s: no %s can have this fault", fault.name, fault.kind)
	return ""
}

// TestTemplatesFollowTheRules is for verify/templates.sh, as TestTemplatesAreValid is.
func TestTemplatesFollowTheRules(t *testing.T) {
	files := writtenTemplates(t)
	guard, err := guardrules.Find("../node_modules")
	if err != nil {
		t.Fatal(err)
	}
	findings, err := guard.Check(t.Context(), files...)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range findings {
		t.Error(f)
	}
	version, err := exec.CommandContext(t.Context(), guard.Executable, "--version").Output()
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%s with rules/firehose.guard: %d templates, no finding", strings.TrimSpace(string(version)), len(files))
}
