package constructs

import (
	"github.com/aws/aws-cdk-go/awscdk/v2/awskinesisfirehose"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"firehose-pipeline/contract"
	"firehose-pipeline/event"
)

// formatConversion has a name of its own because the CDK's fills a line.
type formatConversion = awskinesisfirehose.CfnDeliveryStream_DataFormatConversionConfigurationProperty

// LakeStreamProps configure the lake stream.
type LakeStreamProps struct {
	StackName       string
	Lake            *DataLake
	Source          *DataStream // nil: producers put records to the stream itself
	Transform       *Transform  // nil: records go through as they are
	Format          string      // parquet, orc or json
	Compressed      bool
	SourceBackup    bool
	BufferMB        int // 1 to 128 MiB, at least 64 with parquet or orc
	IntervalSeconds int // 0 to 900
	Logs            Logs
}

// NewLakeStream makes the stream that delivers to the lake. A stream has one destination, and format conversion works
// only towards S3: the search domain has a stream of its own.
func NewLakeStream(scope constructs.Construct, id string, props LakeStreamProps) *Stream {
	this := constructs.NewConstruct(scope, jsii.String(id))
	log := newDeliveryLog(this, props.StackName, event.Lake, props.Logs)
	converts := props.Format != "json"
	prefixes := []string{contract.DataPrefix, errorPrefixOf(event.Lake)}
	if props.SourceBackup {
		prefixes = append(prefixes, contract.SourcePrefix)
	}
	policies := map[string][]statement{
		"Lake":      props.Lake.write(prefixes...),
		"Log":       {log.write()},
		"Schema":    {props.Lake.readSchema()}, // without conversion too, as the transform's without a transform
		"Transform": {invokeTransform(props.StackName, event.Lake)},
	}
	if props.Source != nil {
		policies["Source"] = props.Source.read()
	}
	//accept:finding AwsSolutions-IAM5 on LakeStream/Role
	// because the patterns are objects below the stream's own prefixes and versions of its transform
	role := newServiceRole(this, "Role", "Delivers the lake stream of "+props.StackName, deliveryPrincipal(), policies)

	destination := &awskinesisfirehose.CfnDeliveryStream_ExtendedS3DestinationConfigurationProperty{
		BucketArn:                props.Lake.Bucket.BucketArn(),
		RoleArn:                  role.RoleArn(),
		Prefix:                   jsii.String(contract.DataPrefix + partition),
		ErrorOutputPrefix:        errorPrefix(event.Lake),
		BufferingHints:           bufferingHints(props.BufferMB, props.IntervalSeconds),
		CompressionFormat:        jsii.String("UNCOMPRESSED"),
		EncryptionConfiguration:  encryptedBy(props.Lake),
		CloudWatchLoggingOptions: log.options(log.destination),
		ProcessingConfiguration:  processing(props.Transform, role),
		S3BackupMode:             jsii.String("Disabled"),
	}
	if converts {
		destination.DataFormatConversionConfiguration = conversion(props, *role.RoleArn())
	} else {
		// Spelled out, because an update of a stream merges: a conversion that is left out would stay.
		destination.DataFormatConversionConfiguration = &formatConversion{Enabled: jsii.Bool(false)}
		if props.Compressed {
			destination.CompressionFormat = jsii.String("GZIP")
		}
	}
	if props.SourceBackup {
		destination.S3BackupMode = jsii.String("Enabled")
		destination.S3BackupConfiguration = &awskinesisfirehose.CfnDeliveryStream_S3DestinationConfigurationProperty{
			BucketArn:                props.Lake.Bucket.BucketArn(),
			RoleArn:                  role.RoleArn(),
			Prefix:                   jsii.String(contract.SourcePrefix + partition),
			ErrorOutputPrefix:        errorPrefix(event.Lake),
			BufferingHints:           bufferingHints(props.BufferMB, backupInterval(props.IntervalSeconds)),
			CompressionFormat:        jsii.String("GZIP"),
			EncryptionConfiguration:  encryptedBy(props.Lake),
			CloudWatchLoggingOptions: log.options(log.backup),
		}
	}
	from := sourceOf(props.Source, role)
	//accept:finding AwsSolutions-KDF1 on LakeStream/FromKinesis
	// because with a Kinesis source the data stream is encrypted, and Firehose accepts no encryption of its own
	resource := awskinesisfirehose.NewCfnDeliveryStream(
		this,
		jsii.String(from.id),
		&awskinesisfirehose.CfnDeliveryStreamProps{
			DeliveryStreamType:                         from.kind,
			DeliveryStreamEncryptionConfigurationInput: from.encryption,
			KinesisStreamSourceConfiguration:           from.kinesis,
			ExtendedS3DestinationConfiguration:         destination,
		},
	)
	after(resource, append(props.Lake.ready(), role, props.Lake.Table, log.group, log.destination, log.backup)...)
	return &Stream{
		Construct: this, Kind: event.Lake, Source: props.Source, Resource: resource,
		IntervalSeconds: props.IntervalSeconds, Converts: converts, BacksUp: props.SourceBackup, Transform: props.Transform,
	}
}

// openX reads JSON. keys has the JSON key of each column whose key has another name.
func openX(keys map[string]string) *awskinesisfirehose.CfnDeliveryStream_OpenXJsonSerDeProperty {
	serde := &awskinesisfirehose.CfnDeliveryStream_OpenXJsonSerDeProperty{CaseInsensitive: jsii.Bool(false)}
	if len(keys) > 0 {
		serde.ColumnToJsonKeyMappings = keys
	}
	return serde
}

// conversion turns JSON into Parquet or ORC by the columns of the lake's table. Compression is chosen inside the
// format: with conversion, any outer compression is rejected.
// https://docs.aws.amazon.com/firehose/latest/dev/record-format-conversion.html
func conversion(
	props LakeStreamProps,
	roleARN string,
) *formatConversion {
	serializer := &awskinesisfirehose.CfnDeliveryStream_SerializerProperty{}
	switch compression := "SNAPPY"; props.Format {
	case "parquet":
		if !props.Compressed {
			compression = "UNCOMPRESSED"
		}
		serializer.ParquetSerDe = &awskinesisfirehose.CfnDeliveryStream_ParquetSerDeProperty{
			Compression: jsii.String(compression),
		}
	case "orc":
		if !props.Compressed {
			compression = "NONE"
		}
		serializer.OrcSerDe = &awskinesisfirehose.CfnDeliveryStream_OrcSerDeProperty{Compression: jsii.String(compression)}
	}
	return &formatConversion{
		Enabled: jsii.Bool(true),
		InputFormatConfiguration: &awskinesisfirehose.CfnDeliveryStream_InputFormatConfigurationProperty{
			Deserializer: &awskinesisfirehose.CfnDeliveryStream_DeserializerProperty{
				// Case-sensitive: otherwise an undeclared key "Amount", which the transform leaves as it is, would land in the
				// column amount, in whatever type it has.
				OpenXJsonSerDe: openX(props.Lake.keys),
			},
		},
		OutputFormatConfiguration: &awskinesisfirehose.CfnDeliveryStream_OutputFormatConfigurationProperty{
			Serializer: serializer,
		},
		SchemaConfiguration: &awskinesisfirehose.CfnDeliveryStream_SchemaConfigurationProperty{
			DatabaseName: jsii.String(props.Lake.DatabaseName),
			TableName:    jsii.String(TableName),
			RoleArn:      jsii.String(roleARN),
			VersionId:    jsii.String("LATEST"),
		},
	}
}
