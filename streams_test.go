package main

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2/assertions"
	"github.com/aws/jsii-runtime-go"

	"firehose-pipeline/contract"
	"firehose-pipeline/event"
	"firehose-pipeline/settings"
)

const firehose = "AWS::KinesisFirehose::DeliveryStream"

// The names of CloudFormation's own schema of AWS::KinesisFirehose::DeliveryStream, as far as the streams use them. Published
// samples of this pipeline use names that do not exist; CloudFormation refuses those only at the first deployment.
var streamProperties = []string{
	"DeliveryStreamType", "DeliveryStreamEncryptionConfigurationInput", "ExtendedS3DestinationConfiguration",
	"AmazonopensearchserviceDestinationConfiguration", "Tags",
}

var destinationProperties = map[string][]string{
	"ExtendedS3DestinationConfiguration": {
		"BucketARN", "BufferingHints", "CloudWatchLoggingOptions", "CompressionFormat", "DataFormatConversionConfiguration",
		"EncryptionConfiguration", "ErrorOutputPrefix", "Prefix", "ProcessingConfiguration", "RoleARN", "S3BackupConfiguration", "S3BackupMode",
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
				want(t, store, "ErrorOutputPrefix", "error-data/"+kind+"/!{firehose:error-output-type}/year=!{timestamp:yyyy}/month=!{timestamp:MM}/day=!{timestamp:dd}/hour=!{timestamp:HH}/")
				prefix, _ := store["Prefix"].(string)
				if strings.Contains(prefix, "error-output-type") || strings.Contains(prefix, "YYYY") || !strings.HasSuffix(prefix, "/year=!{timestamp:yyyy}/month=!{timestamp:MM}/day=!{timestamp:dd}/hour=!{timestamp:HH}/") {
					t.Errorf("%s %s: Prefix %q is not a Hive-style prefix of its own", id, path, prefix)
				}
				if strings.HasPrefix(prefix, contract.ErrorPrefix) {
					t.Errorf("%s %s: Prefix %q would call the error handler", id, path, prefix)
				}
				want(t, store, "CloudWatchLoggingOptions.Enabled", true)
				if seconds := store["BufferingHints"].(map[string]any)["IntervalInSeconds"].(float64); seconds < 60 && strings.Contains(path, ".") {
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
	everyVariant(t, func(t *testing.T, _ settings.Settings, template *template) {
		template.cdk.AllResourcesProperties(jsii.String(firehose), map[string]any{
			"DeliveryStreamType":                         "DirectPut",
			"DeliveryStreamEncryptionConfigurationInput": map[string]any{"KeyType": "AWS_OWNED_CMK"},
		})
	})
}

func TestFunctions(t *testing.T) {
	template := synth(t, variants["dev"])
	for name, environment := range map[string]map[string]any{
		"-transform-lake":   {"STREAM": "lake", "DROP_EVENT_TYPES": `["heartbeat"]`, "LOG_LEVEL": "info", "STACK": "kinesis-firehose-pipeline-dev"},
		"-transform-search": {"STREAM": "search", "DROP_EVENT_TYPES": `["heartbeat"]`, "LOG_LEVEL": "info", "STACK": "kinesis-firehose-pipeline-dev"},
		"-error-handler":    {"ERROR_PREFIX": "error-data/", "LOG_LEVEL": "info", "STACK": "kinesis-firehose-pipeline-dev"},
		"-search-setup":     {"LOG_LEVEL": "info"},
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
			if group.Properties["RetentionInDays"] == nil || group.Properties["KmsKeyId"] == nil || group.Properties["LogGroupName"] == nil {
				t.Errorf("%s: must have a name, a retention and the key", id)
			}
		}
	})
}

func TestTableHasTheColumnsOfTheSchema(t *testing.T) {
	everyVariant(t, func(t *testing.T, config settings.Settings, template *template) {
		_, table := template.one(t, "AWS::Glue::Table", "DataLake")
		columns, _ := at(table.Properties, "TableInput.StorageDescriptor.Columns")
		var got []event.Column
		for _, c := range columns.([]any) {
			column := c.(map[string]any)
			got = append(got, event.Column{Name: column["Name"].(string), Type: column["Type"].(string), Comment: column["Comment"].(string)})
		}
		if !slices.Equal(got, event.Columns()) {
			t.Errorf("columns: must be\n%v\n(got\n%v)", event.Columns(), got)
		}
		// Every partition key needs its projection, or every query fails.
		keys, _ := at(table.Properties, "TableInput.PartitionKeys")
		for _, key := range keys.([]any) {
			name := key.(map[string]any)["Name"].(string)
			parameters, _ := at(table.Properties, "TableInput.Parameters")
			if parameters.(map[string]any)["projection."+name+".type"] == nil || parameters.(map[string]any)["projection."+name+".range"] == nil {
				t.Errorf("partition key %s: has no projection", name)
			}
		}
		want(t, table.Properties, "TableInput.Parameters.classification", config.DataFormat)
	})
}

// What Athena and Trino read differently, or refuse, without a word in the table. A year as a date with the interval YEARS, or in
// the format yyyy, fails every query of Trino.
func TestTableIsReadAsItIsWritten(t *testing.T) {
	serde := map[string]map[string]any{
		"parquet": {"serialization.format": "1"}, // by name by default
		"orc":     {"serialization.format": "1", "orc.column.index.access": "false"},
		"json":    {"serialization.format": "1", "case.insensitive": "false", "ignore.malformed.json": "true"},
	}
	projected := map[string]string{"year": "2024,2040", "month": "1,12", "day": "1,31", "hour": "0,23"}
	everyVariant(t, func(t *testing.T, config settings.Settings, template *template) {
		_, table := template.one(t, "AWS::Glue::Table", "DataLake")
		got, _ := at(table.Properties, "TableInput.StorageDescriptor.SerdeInfo.Parameters")
		if expected := serde[config.DataFormat]; !reflect.DeepEqual(got, expected) {
			t.Errorf("SerDe of %s: must have the parameters %v (got %v)", config.DataFormat, expected, got)
		}
		value, _ := at(table.Properties, "TableInput.Parameters")
		parameters := value.(map[string]any)
		for key, values := range projected {
			if kind, of := parameters["projection."+key+".type"], parameters["projection."+key+".range"]; kind != "integer" || of != values {
				t.Errorf("%s: must be projected as integer %s (got %v %v)", key, values, kind, of)
			}
		}
		for name := range parameters {
			if strings.HasSuffix(name, ".format") || strings.Contains(name, ".interval") {
				t.Errorf("%s: is for dates", name)
			}
		}
	})
}
