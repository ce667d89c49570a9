package constructs_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/aws/jsii-runtime-go"

	"firehose-pipeline/contract"
	"firehose-pipeline/settings"
)

const firehose = "AWS::KinesisFirehose::DeliveryStream"

// The names of CloudFormation's own schema of AWS::KinesisFirehose::DeliveryStream, as far as the streams use them.
// Published samples of this pipeline use names that do not exist; CloudFormation rejects those only at the first
// deployment.
var streamProperties = []string{
	"DeliveryStreamType", "DeliveryStreamEncryptionConfigurationInput", "ExtendedS3DestinationConfiguration",
	"AmazonopensearchserviceDestinationConfiguration", "KinesisStreamSourceConfiguration", "Tags",
}

var destinationProperties = map[string][]string{
	"ExtendedS3DestinationConfiguration": {
		"BucketARN", "BufferingHints", "CloudWatchLoggingOptions", "CompressionFormat", "DataFormatConversionConfiguration",
		"EncryptionConfiguration", "ErrorOutputPrefix", "Prefix", "ProcessingConfiguration", "RoleARN",
		"S3BackupConfiguration", "S3BackupMode",
	},
	"AmazonopensearchserviceDestinationConfiguration": {
		"BufferingHints", "CloudWatchLoggingOptions", "DocumentIdOptions", "DomainARN", "IndexName", "IndexRotationPeriod",
		"ProcessingConfiguration", "RetryOptions", "RoleARN", "S3BackupMode", "S3Configuration", "VpcConfiguration",
	},
}

func TestStreamsUseTheNamesOfTheSchema(t *testing.T) {
	everyVariant(t, func(t *testing.T, _ settings.Settings, template *template) {
		for id, stream := range template.of(firehose) {
			for name := range stream.Properties {
				if !slices.Contains(streamProperties, name) {
					t.Errorf("%s: has no property %s", id, name)
				}
			}
			for kind, names := range destinationProperties {
				destination, _ := stream.Properties[kind].(map[string]any)
				for name := range destination {
					if !slices.Contains(names, name) {
						t.Errorf("%s: %s has no property %s", id, kind, name)
					}
				}
			}
		}
	})
}

func TestStreamsHaveOneDestinationEach(t *testing.T) {
	everyVariant(t, func(t *testing.T, config settings.Settings, template *template) {
		expected := 1
		if config.EnableOpenSearch {
			expected = 2
		}
		if got := len(template.of(firehose)); got != expected {
			t.Errorf("streams: must be %d (got %d)", expected, got)
		}
		for id, stream := range template.of(firehose) {
			var destinations []string
			for name := range stream.Properties {
				if strings.HasSuffix(name, "DestinationConfiguration") {
					destinations = append(destinations, name)
				}
			}
			if len(destinations) != 1 {
				t.Errorf("%s: must have one destination (got %v)", id, destinations)
			}
		}
	})
}

// Conversion wants a buffer of at least 64 MB, no outer compression, and all three of input, output and schema.
// https://docs.aws.amazon.com/firehose/latest/dev/record-format-conversion.html
func TestConversion(t *testing.T) {
	everyVariant(t, func(t *testing.T, config settings.Settings, template *template) {
		_, stream := template.one(t, firehose, "LakeStream")
		lake := stream.Properties["ExtendedS3DestinationConfiguration"].(map[string]any)
		conversion := lake["DataFormatConversionConfiguration"].(map[string]any)
		converts := conversion["Enabled"].(bool)
		if converts != (config.DataFormat != "json") {
			t.Fatalf("conversion with dataFormat %s: must be %t (got %t)", config.DataFormat, !converts, converts)
		}
		if !converts {
			expected := "UNCOMPRESSED"
			if config.EnableCompression {
				expected = "GZIP"
			}
			want(t, lake, "CompressionFormat", expected)
			return
		}
		want(t, lake, "CompressionFormat", "UNCOMPRESSED")
		if size := lake["BufferingHints"].(map[string]any)["SizeInMBs"].(float64); size < 64 || size > 128 {
			t.Errorf("BufferingHints.SizeInMBs: must be 64 to 128 (got %v)", size)
		}
		// Case-sensitive: an undeclared key that differs from a column in case only must not reach the column unconformed.
		want(t, conversion, "InputFormatConfiguration.Deserializer.OpenXJsonSerDe.CaseInsensitive", false)
		serializer, compressed, uncompressed := "ParquetSerDe", "SNAPPY", "UNCOMPRESSED"
		if config.DataFormat == "orc" {
			serializer, uncompressed = "OrcSerDe", "NONE"
		}
		if !config.EnableCompression {
			compressed = uncompressed
		}
		want(t, conversion, "OutputFormatConfiguration.Serializer."+serializer+".Compression", compressed)
		if all, _ := at(conversion, "OutputFormatConfiguration.Serializer"); len(all.(map[string]any)) != 1 {
			t.Errorf("Serializer: must be exactly one (got %v)", all)
		}
		want(t, conversion, "SchemaConfiguration.DatabaseName", strings.ReplaceAll(config.StackName(), "-", "_"))
		want(t, conversion, "SchemaConfiguration.TableName", "events")
		if _, ok := at(conversion, "SchemaConfiguration.RoleARN"); !ok {
			t.Error("SchemaConfiguration.RoleARN: must be given")
		}
	})
}

func TestSearchDestination(t *testing.T) {
	_, stream := synth(t, variants["dev"]).one(t, firehose, "SearchStream")
	search := stream.Properties["AmazonopensearchserviceDestinationConfiguration"].(map[string]any)
	wantAbsent(t, search, "TypeName") // refused by OpenSearch 2
	wantAbsent(t, search, "ClusterEndpoint")
	want(t, search, "IndexName", "realtime-events")
	want(t, search, "IndexRotationPeriod", "OneDay")
	want(t, search, "DocumentIdOptions.DefaultDocumentIdFormat", "FIREHOSE_DEFAULT")
	want(t, search, "S3BackupMode", "FailedDocumentsOnly")
	want(t, search, "S3Configuration.CompressionFormat", "UNCOMPRESSED")
	_, stream = synth(t, variants["openSearchBackup all"]).one(t, firehose, "SearchStream")
	want(t, stream.Properties, "AmazonopensearchserviceDestinationConfiguration.S3BackupMode", "AllDocuments")
}

// A prefix with an expression wants an error prefix, and that one error-output-type.
// https://docs.aws.amazon.com/firehose/latest/dev/s3-prefixes.html
func TestPrefixes(t *testing.T) {
	everyVariant(t, func(t *testing.T, _ settings.Settings, template *template) {
		for id, stream := range template.of(firehose) {
			stores := 0
			for _, path := range []string{
				"ExtendedS3DestinationConfiguration", "ExtendedS3DestinationConfiguration.S3BackupConfiguration",
				"AmazonopensearchserviceDestinationConfiguration.S3Configuration",
			} {
				value, ok := at(stream.Properties, path)
				if !ok {
					continue
				}
				stores++
				store := value.(map[string]any)
				kind := "lake"
				if strings.HasPrefix(path, "Amazon") {
					kind = "search"
				}
				want(
					t,
					store,
					"ErrorOutputPrefix",
					"error-data/"+kind+"/!{firehose:error-output-type}/"+
						"year=!{timestamp:yyyy}/month=!{timestamp:MM}/day=!{timestamp:dd}/hour=!{timestamp:HH}/",
				)
				prefix, _ := store["Prefix"].(string)
				if strings.Contains(prefix, "error-output-type") || strings.Contains(prefix, "YYYY") ||
					!strings.HasSuffix(prefix,
						"/year=!{timestamp:yyyy}/month=!{timestamp:MM}/day=!{timestamp:dd}/hour=!{timestamp:HH}/") {
					t.Errorf("%s %s: Prefix %q is not a Hive-style prefix of its own", id, path, prefix)
				}
				if strings.HasPrefix(prefix, contract.ErrorPrefix) {
					t.Errorf("%s %s: Prefix %q would call the error handler", id, path, prefix)
				}
				want(t, store, "CloudWatchLoggingOptions.Enabled", true)
				if seconds := store["BufferingHints"].(map[string]any)["IntervalInSeconds"].(float64); seconds < 60 &&
					strings.Contains(path, ".") {
					t.Errorf("%s %s: a backup's interval must be at least 60 s (got %v)", id, path, seconds)
				}
			}
			if stores == 0 {
				t.Errorf("%s: must write to S3", id)
			}
		}
	})
}

// Enabled is optional and means disabled when it is left out; half a megabyte keeps an answer below Lambda's 6 MB.
func TestProcessor(t *testing.T) {
	everyVariant(t, func(t *testing.T, config settings.Settings, template *template) {
		for id, stream := range template.of(firehose) {
			for kind := range destinationProperties {
				destination, ok := stream.Properties[kind].(map[string]any)
				if !ok {
					continue
				}
				want(t, destination, "ProcessingConfiguration.Enabled", config.EnableDataTransformation)
				processors, _ := at(destination, "ProcessingConfiguration.Processors")
				if !config.EnableDataTransformation {
					if processors != nil {
						t.Errorf("%s: must have no processor", id)
					}
					continue
				}
				got := map[string]any{}
				for _, p := range processors.([]any)[0].(map[string]any)["Parameters"].([]any) {
					got[p.(map[string]any)["ParameterName"].(string)] = p.(map[string]any)["ParameterValue"]
				}
				want(t, got, "BufferSizeInMBs", "0.5")
				want(t, got, "BufferIntervalInSeconds", "10")
				want(t, got, "NumberOfRetries", "3")
				arn, _ := at(got, "LambdaArn.Fn::Join.1.1")
				if arn != ":$LATEST" {
					t.Errorf("%s: LambdaArn must be qualified (got %v)", id, got["LambdaArn"])
				}
			}
		}
	})
}

func TestStreamsAreEncryptedWithFirehosesKey(t *testing.T) {
	everyVariant(t, func(t *testing.T, config settings.Settings, template *template) {
		if config.FromKinesis() {
			return // the data stream is encrypted: TestDataStreamFeedsTheDeliveryStreams
		}
		template.cdk.AllResourcesProperties(jsii.String(firehose), map[string]any{
			"DeliveryStreamType":                         "DirectPut",
			"DeliveryStreamEncryptionConfigurationInput": map[string]any{"KeyType": "AWS_OWNED_CMK"},
		})
	})
}
