package template

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the golden files")

const stack = "kinesis-firehose-pipeline-dev"

func read(t *testing.T, name string) []byte {
	t.Helper()
	content, err := os.ReadFile("testdata/" + name + ".template.json")
	if err != nil {
		t.Fatal(err)
	}
	return content
}

// Each template of testdata is one that the app synthesises; its golden file is all that the model takes from it.
func TestTemplates(t *testing.T) {
	paths, err := filepath.Glob("testdata/*.template.json")
	if err != nil || len(paths) == 0 {
		t.Fatal("no templates", err)
	}
	for _, path := range paths {
		name := strings.TrimSuffix(filepath.Base(path), ".template.json")
		t.Run(name, func(t *testing.T) {
			config, err := Parse(read(t, name), stack)
			var got []byte
			if err != nil {
				got = []byte("error: " + err.Error() + "\n")
			} else if got, err = json.MarshalIndent(config, "", "  "); err != nil {
				t.Fatal(err)
			} else {
				got = append(got, '\n')
			}
			golden := "testdata/" + name + ".golden"
			if *update {
				if err := os.WriteFile(golden, got, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if string(got) != string(want) {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
		})
	}
}

// node finds something in a template: keys of objects; a key ending in * is completed.
func node(t *testing.T, tree map[string]any, path ...string) map[string]any {
	t.Helper()
	for _, key := range path {
		next, ok := tree[key].(map[string]any)
		for full, value := range tree {
			if prefix, wild := strings.CutSuffix(key, "*"); wild && strings.HasPrefix(full, prefix) &&
				len(full) == len(prefix)+8 {
				next, ok = value.(map[string]any)
			}
		}
		if !ok {
			t.Fatalf("no %s", key)
		}
		tree = next
	}
	return tree
}

// Every change that the model does not know is refused, and the error says where.
func TestRefusals(t *testing.T) {
	lake := []string{"Resources", "LakeStream*", "Properties"}
	under := func(path []string, keys ...string) []string { return slices.Concat(path, keys) }
	toS3 := under(lake, "ExtendedS3DestinationConfiguration")
	conversion := under(toS3, "DataFormatConversionConfiguration")
	search := []string{"Resources", "SearchStream*", "Properties", "AmazonopensearchserviceDestinationConfiguration"}
	bucket := []string{"Resources", "DataLakeBucket*", "Properties"}
	set := func(path []string, key string, value any) func(*testing.T, map[string]any) {
		return func(t *testing.T, tree map[string]any) { node(t, tree, path...)[key] = value }
	}
	remove := func(path []string, key string) func(*testing.T, map[string]any) {
		return func(t *testing.T, tree map[string]any) { delete(node(t, tree, path...), key) }
	}
	parameter := func(name, value string) func(*testing.T, map[string]any) {
		return func(t *testing.T, tree map[string]any) {
			processing := node(t, tree, under(toS3, "ProcessingConfiguration")...)
			first := processing["Processors"].([]any)[0].(map[string]any)
			first["Parameters"] = append(first["Parameters"].([]any),
				map[string]any{"ParameterName": name, "ParameterValue": value})
		}
	}
	hints := func(mb, seconds int) map[string]any {
		return map[string]any{"SizeInMBs": mb, "IntervalInSeconds": seconds}
	}
	for _, c := range []struct {
		name   string
		change func(*testing.T, map[string]any)
		want   string
	}{
		{"an unknown property of a stream", set(lake, "DirectPutSourceConfiguration", map[string]any{}),
			`unknown field "DirectPutSourceConfiguration"`},
		{"an unknown property of a destination", set(toS3, "DynamicPartitioningConfiguration", map[string]any{}),
			`unknown field "DynamicPartitioningConfiguration"`},
		{"an unknown property of a search destination", set(search, "TypeName", "_doc"), `unknown field "TypeName"`},
		{"an unknown property of a bucket", set(bucket, "ReplicationConfiguration", map[string]any{}),
			`unknown field "ReplicationConfiguration"`},
		{"an unknown property of a function",
			set([]string{"Resources", "ErrorHandlerFunction*", "Properties"}, "Layers", []any{}),
			`unknown field "Layers"`},
		{"an unknown property of the queue", set([]string{"Resources", "DeadLettersQueue*", "Properties"},
			"DelaySeconds", 5), `unknown field "DelaySeconds"`},
		{"an unknown property of the invocation",
			set([]string{"Resources", "ErrorHandlerOnFailure*", "Properties"}, "Other", 5), `unknown field "Other"`},
		{"a condition", set([]string{"Resources", "LakeStream*"}, "Condition", "Never"), "conditions are not modelled"},
		{"an unknown intrinsic function", set(toS3, "Prefix", map[string]any{"Fn::Select": []any{0, []any{"a"}}}),
			"resolving Fn::Select"},
		{"a reference to nothing", set(toS3, "Prefix", map[string]any{"Ref": "Nothing"}), `no resource "Nothing"`},
		{"an unknown attribute", set(toS3, "Prefix",
			map[string]any{"Fn::GetAtt": []any{"DataLakeBucketEF1CCA5A", "WebsiteURL"}}), "is not modelled"},
		{"a stream fed by MSK", set(lake, "DeliveryStreamType", "MSKAsSource"),
			"only DirectPut and KinesisStreamAsSource are modelled"},
		{"a stream fed by Kinesis without a source", set(lake, "DeliveryStreamType", "KinesisStreamAsSource"),
			"must be KinesisStreamAsSource with KinesisStreamSourceConfiguration, and only then"},
		{"a source of a stream that producers put to", set(lake, "KinesisStreamSourceConfiguration",
			map[string]any{"KinesisStreamARN": "arn"}),
			"must be KinesisStreamAsSource with KinesisStreamSourceConfiguration, and only then"},
		{"two destinations", set(lake, "AmazonopensearchserviceDestinationConfiguration", map[string]any{}),
			"exactly one destination"},
		{"no destination", remove(lake, "ExtendedS3DestinationConfiguration"), "exactly one destination"},
		// https://docs.aws.amazon.com/firehose/latest/dev/record-format-conversion.html
		{"compression with conversion", set(toS3, "CompressionFormat", "GZIP"),
			"must be UNCOMPRESSED with format conversion"},
		{"a buffer below 64 MB with conversion", set(toS3, "BufferingHints", hints(63, 300)),
			"size must be 64 to 128 MB (got 63)"},
		{"a conversion without schema", remove(conversion, "SchemaConfiguration"), "all required"},
		{"a table that is not there (probed)", set(under(conversion, "SchemaConfiguration"), "TableName", "other"),
			"table kinesis_firehose_pipeline_dev.other is not in the template"},
		{"another deserializer", set(under(conversion, "InputFormatConfiguration"), "Deserializer",
			map[string]any{"HiveJsonSerDe": map[string]any{}}), "only OpenXJsonSerDe"},
		{"an option of the deserializer", set(under(conversion, "InputFormatConfiguration", "Deserializer"),
			"OpenXJsonSerDe", map[string]any{"ConvertDotsInJsonKeysToUnderscores": true}),
			"ConvertDotsInJsonKeysToUnderscores is not modelled"},
		{"an option of the serializer", set(under(conversion, "OutputFormatConfiguration", "Serializer"),
			"ParquetSerDe", map[string]any{"WriterVersion": "V2"}), `unknown field "WriterVersion"`},
		{"a compression that is not modelled", set(under(toS3, "S3BackupConfiguration"), "CompressionFormat", "ZIP"),
			"only UNCOMPRESSED and GZIP are modelled (got ZIP)"},
		// https://docs.aws.amazon.com/firehose/latest/dev/buffering-hints.html
		{"one buffering hint", set(toS3, "BufferingHints", map[string]any{"SizeInMBs": 64}), "both size and interval"},
		{"an interval above 900 s", set(toS3, "BufferingHints", hints(64, 901)),
			"interval must be 0 to 900 s (got 901)"},
		{"an interval of a backup below 60 s",
			set(under(toS3, "S3BackupConfiguration"), "BufferingHints", hints(5, 59)),
			"interval must be 60 to 900 s (got 59)"},
		{"a buffer of the search stream above 100 MB", set(search, "BufferingHints", hints(101, 60)),
			"size must be 1 to 100 MB (got 101)"},
		// https://docs.aws.amazon.com/firehose/latest/dev/s3-prefixes.html
		{"an expression without error prefix", remove(toS3, "ErrorOutputPrefix"), "error output prefix: required"},
		{"an error prefix with expressions but without the type",
			set(toS3, "ErrorOutputPrefix", "e/!{timestamp:yyyy}/"), "must have !{firehose:error-output-type}"},
		{"the error type in the prefix", set(toS3, "Prefix", "!{firehose:error-output-type}/"), "must not have"},
		{"a partition key in the prefix", set(toS3, "Prefix", "!{partitionKeyFromLambda:k}/"),
			"dynamic partitioning is not modelled"},
		{"a backup without configuration", remove(toS3, "S3BackupConfiguration"), "S3BackupConfiguration is required"},
		{"a processor buffer above 3 MB", parameter("BufferSizeInMBs", "3.1"), "BufferSizeInMBs: must be 0.2 to 3"},
		{"a processor interval above 900 s", parameter("BufferIntervalInSeconds", "901"), "must be 0 to 900"},
		{"an unknown parameter of the processor", parameter("Delimiter", "x"), "Delimiter: unknown parameter"},
		{"an unknown rotation", set(search, "IndexRotationPeriod", "OneYear"), "index rotation: must be"},
		{"an unknown backup mode", set(search, "S3BackupMode", "All"), "backup mode: must be"},
		{"an unknown property of the way into a VPC", set(search, "VpcConfiguration", map[string]any{"VpcId": "vpc-1"}),
			`unknown field "VpcId"`},
		{"a way into a VPC without subnets", set(search, "VpcConfiguration",
			map[string]any{"RoleARN": "r", "SecurityGroupIds": []any{"sg-1"}}),
			"VPC: must have 1 to 16 subnets (got 0)"},
		{"a way into a VPC with too many groups",
			set(search, "VpcConfiguration", map[string]any{"RoleARN": "r", "SubnetIds": []any{"subnet-1"},
				"SecurityGroupIds": []any{"1", "2", "3", "4", "5", "6"}}), "VPC: must have 1 to 5 security groups (got 6)"},
		{"a way into a VPC without a role", set(search, "VpcConfiguration",
			map[string]any{"SubnetIds": []any{"subnet-1"}, "SecurityGroupIds": []any{"sg-1"}}),
			"VPC: must have a role"},
		{"a runtime that is not run", set([]string{"Resources", "LakeTransformFunction*", "Properties"}, "Runtime",
			"nodejs24.x"), "runtime: must be provided.al2023"},
		{"another engine than OpenSearch", set([]string{"Resources", "SearchDomain*", "Properties"}, "EngineVersion",
			"Elasticsearch_7.10"), `must be one domain with an engine OpenSearch_<version> (got 1, "Elasticsearch_7.10")`},
		{"no notification", remove(bucket, "NotificationConfiguration"), "notifies no function"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var tree map[string]any
			if err := json.Unmarshal(read(t, "dev"), &tree); err != nil {
				t.Fatal(err)
			}
			c.change(t, tree)
			changed, err := json.Marshal(tree)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := Parse(changed, stack); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error: got %v, want %q", err, c.want)
			}
		})
	}
	t.Run("no JSON", func(t *testing.T) {
		if _, err := Parse([]byte("{"), stack); err == nil {
			t.Error("got no error")
		}
	})
	t.Run("no stack name", func(t *testing.T) {
		if _, err := Parse(read(t, "dev"), ""); err == nil {
			t.Error("got no error")
		}
	})
}

func TestDefaults(t *testing.T) {
	var tree map[string]any
	if err := json.Unmarshal(read(t, "dev"), &tree); err != nil {
		t.Fatal(err)
	}
	toS3 := node(t, tree, "Resources", "LakeStream*", "Properties", "ExtendedS3DestinationConfiguration")
	for _, key := range []string{"BufferingHints", "ProcessingConfiguration", "S3BackupMode", "CompressionFormat"} {
		delete(toS3, key)
	}
	search := node(t, tree, "Resources", "SearchStream*", "Properties",
		"AmazonopensearchserviceDestinationConfiguration")
	for _, key := range []string{"BufferingHints", "IndexRotationPeriod", "RetryOptions", "DocumentIdOptions",
		"S3BackupMode"} {
		delete(search, key)
	}
	delete(node(t, search, "ProcessingConfiguration"), "Enabled")
	delete(node(t, search, "S3Configuration"), "BufferingHints")
	changed, err := json.Marshal(tree)
	if err != nil {
		t.Fatal(err)
	}
	config, err := Parse(changed, stack)
	if err != nil {
		t.Fatal(err)
	}
	lake, domain := config.Streams[0], config.Streams[1]
	for _, c := range []struct {
		name      string
		got, want any
	}{
		{"omitted hints with conversion are 128 MiB (probed)", lake.S3.Buffer.Bytes, int64(128 << 20)},
		{"and 300 s", lake.S3.Buffer.Interval.Seconds(), 300.0},
		{"omitted backup mode is Disabled", lake.S3.Backup == nil, true},
		{"omitted processing is none", lake.Transform == nil, true},
		{"processing with Enabled omitted is none", domain.Transform == nil, true},
		{"omitted hints of a search stream are 5 MB", domain.Search.Buffer.Bytes, int64(5 << 20)},
		{"omitted hints of its copy too", domain.Search.S3.Buffer.Bytes, int64(5 << 20)},
		{"omitted rotation is OneDay", domain.Search.Rotation, "OneDay"},
		{"omitted retry duration is 300 s", domain.Search.RetryDuration.Seconds(), 300.0},
		{"omitted backup mode of a search stream is FailedDocumentsOnly", domain.Search.BackupAll, false},
	} {
		if c.got != c.want {
			t.Errorf("%s: got %v, want %v", c.name, c.got, c.want)
		}
	}
}

// The same for a template with a data stream.
func TestRefusalsOfADataStream(t *testing.T) {
	for _, c := range []struct {
		name, resource, key string
		value               any
		want                string
	}{
		{"a stream in provisioned mode", "DataStream*", "StreamModeDetails", map[string]any{"StreamMode": "PROVISIONED"},
			"only ON_DEMAND is modelled"},
		{"an unknown property", "DataStream*", "ShardCount", 4, `unknown field "ShardCount"`},
		{"larger records", "DataStream*", "MaxRecordSizeInKiB", 10240, "only 1024 KiB is modelled (got 10240)"},
		{"a retention below a day", "DataStream*", "RetentionPeriodHours", 12, "must be 24 to 8760 hours (got 12)"},
		{"another encryption", "DataStream*", "StreamEncryption", map[string]any{"EncryptionType": "NONE"},
			"must be KMS (got NONE)"},
		{"encryption of the delivery stream too", "LakeStreamFromKinesis*", "DeliveryStreamEncryptionConfigurationInput",
			map[string]any{"KeyType": "AWS_OWNED_CMK"}, "must be the data stream's"},
		{"a source that is not there", "LakeStreamFromKinesis*", "KinesisStreamSourceConfiguration",
			map[string]any{"KinesisStreamARN": "arn:aws:kinesis:us-east-1:000000000000:stream/other"},
			"no AWS::Kinesis::Stream"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var tree map[string]any
			if err := json.Unmarshal(read(t, "kinesis"), &tree); err != nil {
				t.Fatal(err)
			}
			node(t, tree, "Resources", c.resource, "Properties")[c.key] = c.value
			changed, err := json.Marshal(tree)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := Parse(changed, stack); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error: got %v, want %q", err, c.want)
			}
		})
	}
}
