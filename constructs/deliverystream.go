package constructs

import (
	"strconv"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awskinesisfirehose"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslogs"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"firehose-pipeline/contract"
	"firehose-pipeline/event"
)

// What both delivery streams share.
//
// The streams are L1: the CDK's L2 stream grants deletion of the lake's objects and Glue rights on everything, adds a
// second role, calls the function unqualified and cannot say a processor buffer below 1 MB.

// processorBufferMB and processorBufferSeconds bound the records that Firehose sends to one invocation of the
// transform. The answer is bounded by 6 MB, and the fields added and base64 make it larger than the records, the more
// so the smaller they are. With 0.5 MB a buffer of events of 31 bytes fits; with 1 MB one of events of 80 bytes may
// not, with 3 MB one of 569 bytes (docs/performance.md). A batch then takes a hundredth of a second at the default
// memory, so that less than ten seconds of buffering would only multiply the invocations.
const (
	processorBufferMB      = "0.5"
	processorBufferSeconds = "10"
	processorRetries       = "3"
)

// deliveryPrincipal is the principal of a stream's role. Firehose presents the account as external id: AWS's own guard
// against the confused deputy. https://docs.aws.amazon.com/firehose/latest/dev/controlling-access.html
func deliveryPrincipal() awsiam.IPrincipal {
	return awsiam.NewServicePrincipal(jsii.String("firehose.amazonaws.com"), &awsiam.ServicePrincipalOpts{
		Conditions: &map[string]any{"StringEquals": map[string]any{"sts:ExternalId": *awscdk.Aws_ACCOUNT_ID()}},
	})
}

// deliveryLog is where a stream writes why a delivery failed: a sample, not every record. Group and log streams have to
// be there before the stream.
type deliveryLog struct {
	group               awslogs.LogGroup
	destination, backup awslogs.LogStream
}

func newDeliveryLog(scope constructs.Construct, stackName string, stream event.Stream, logs Logs) deliveryLog {
	group := newLogGroup(scope, "LogGroup", "/aws/kinesisfirehose/"+stackName+"-"+string(stream), logs)
	logStream := func(name string) awslogs.LogStream {
		return awslogs.NewLogStream(scope, jsii.String(name), &awslogs.LogStreamProps{
			LogGroup:      group,
			LogStreamName: jsii.String(name),
			RemovalPolicy: awscdk.RemovalPolicy_DESTROY,
		})
	}
	return deliveryLog{group, logStream("DestinationDelivery"), logStream("BackupDelivery")}
}

func (l deliveryLog) options(
	stream awslogs.LogStream,
) *awskinesisfirehose.CfnDeliveryStream_CloudWatchLoggingOptionsProperty {
	return &awskinesisfirehose.CfnDeliveryStream_CloudWatchLoggingOptionsProperty{
		Enabled:       jsii.Bool(true),
		LogGroupName:  l.group.LogGroupName(),
		LogStreamName: stream.LogStreamName(),
	}
}

func (l deliveryLog) write() statement {
	return statement{Actions: []string{"logs:PutLogEvents"}, Resources: []string{*l.group.LogGroupArn()}}
}

// processing calls the transform; nil means records go through as they are.
func processing(
	transform *Transform,
	role awsiam.Role,
) *awskinesisfirehose.CfnDeliveryStream_ProcessingConfigurationProperty {
	if transform == nil {
		return &awskinesisfirehose.CfnDeliveryStream_ProcessingConfigurationProperty{Enabled: jsii.Bool(false)}
	}
	parameter := func(name, value string) *awskinesisfirehose.CfnDeliveryStream_ProcessorParameterProperty {
		return &awskinesisfirehose.CfnDeliveryStream_ProcessorParameterProperty{
			ParameterName:  jsii.String(name),
			ParameterValue: jsii.String(value),
		}
	}
	return &awskinesisfirehose.CfnDeliveryStream_ProcessingConfigurationProperty{
		Enabled: jsii.Bool(true),
		Processors: []any{&awskinesisfirehose.CfnDeliveryStream_ProcessorProperty{
			Type: jsii.String("Lambda"),
			Parameters: []any{
				parameter("LambdaArn", *transform.Function.FunctionArn()+":$LATEST"),
				parameter("RoleArn", *role.RoleArn()),
				parameter("NumberOfRetries", processorRetries),
				parameter("BufferSizeInMBs", processorBufferMB),
				parameter("BufferIntervalInSeconds", processorBufferSeconds),
			},
		}},
	}
}

// errorPrefix is where a stream writes failed records, by the class of failure. An expression anywhere in an error
// prefix makes error-output-type obligatory. https://docs.aws.amazon.com/firehose/latest/dev/s3-prefixes.html
func errorPrefix(stream event.Stream) *string {
	return jsii.String(errorPrefixOf(stream) + "!{firehose:error-output-type}/" + partition)
}

func errorPrefixOf(stream event.Stream) string { return contract.ErrorPrefix + string(stream) + "/" }

func encryptedBy(lake *DataLake) *awskinesisfirehose.CfnDeliveryStream_EncryptionConfigurationProperty {
	return &awskinesisfirehose.CfnDeliveryStream_EncryptionConfigurationProperty{
		KmsEncryptionConfig: &awskinesisfirehose.CfnDeliveryStream_KMSEncryptionConfigProperty{
			AwskmsKeyArn: lake.key.KeyArn(),
		},
	}
}

func bufferingHints(sizeMB, intervalSeconds int) *awskinesisfirehose.CfnDeliveryStream_BufferingHintsProperty {
	return &awskinesisfirehose.CfnDeliveryStream_BufferingHintsProperty{
		SizeInMBs:         jsii.Number(sizeMB),
		IntervalInSeconds: jsii.Number(intervalSeconds),
	}
}

// backupInterval bounds the interval of a backup, which Firehose wants between 60 and 900 seconds where a destination
// may have 0. https://docs.aws.amazon.com/firehose/latest/dev/create-configure-backup.html
func backupInterval(seconds int) int { return max(60, seconds) }

// ownedKeyEncryption encrypts records inside Firehose with its own key: a customer key would ask KMS rights of every
// producer.
func ownedKeyEncryption() *awskinesisfirehose.CfnDeliveryStream_DeliveryStreamEncryptionConfigurationInputProperty {
	return &awskinesisfirehose.CfnDeliveryStream_DeliveryStreamEncryptionConfigurationInputProperty{
		KeyType: jsii.String("AWS_OWNED_CMK"),
	}
}

// source is where a delivery stream gets its records from. Without a data stream producers put them.
//
// A stream keeps its source for life, and CloudFormation would replace it at a change. So the source is part of its id
// and with it of its name, which makes the replacement plain to see in a difference of templates.
type source struct {
	id         string // of the stream, or its beginning
	kind       *string
	encryption any
	kinesis    any
}

func sourceOf(from *DataStream, role awsiam.Role) source {
	if from == nil {
		return source{id: "Stream", kind: jsii.String("DirectPut"), encryption: ownedKeyEncryption()}
	}
	// No encryption here: with a Kinesis source the data stream has it.
	return source{id: "FromKinesis", kind: jsii.String("KinesisStreamAsSource"),
		kinesis: &awskinesisfirehose.CfnDeliveryStream_KinesisStreamSourceConfigurationProperty{
			KinesisStreamArn: from.Resource.AttrArn(),
			RoleArn:          role.RoleArn(),
		}}
}

// Stream is one delivery stream and what its alarms need to know.
type Stream struct {
	constructs.Construct
	Kind            event.Stream
	Source          *DataStream // nil: producers put records to the stream itself
	Resource        awskinesisfirehose.CfnDeliveryStream
	IntervalSeconds int // buffer interval of the destination
	Converts        bool
	BacksUp         bool
	Transform       *Transform // nil: records go through as they are
}

// Name is the generated name of the stream.
func (s *Stream) Name() *string { return s.Resource.Ref() }

// after makes the stream wait for what its first delivery needs; CloudFormation deletes in the reverse order.
func after(stream awskinesisfirehose.CfnDeliveryStream, needs ...constructs.IDependable) {
	stream.Node().AddDependency(needs...)
}

func seconds(n int) string { return strconv.Itoa(n) + " s" }
