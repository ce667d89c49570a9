package constructs

import (
	"github.com/aws/aws-cdk-go/awscdk/v2/awskinesis"
	"github.com/aws/aws-cdk-go/awscdk/v2/awskms"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"
)

// maxRecordKiB is the largest record that the data stream accepts, its partition key included. A stream can be set to
// up to 10 MiB, but a record of over 4.5 MB does not fit into a request to the transform as base64 (6 MB), and Firehose
// names no limit for records of a Kinesis source.
// https://docs.aws.amazon.com/streams/latest/dev/large-records.html
const maxRecordKiB = 1024

// DataStreamProps configure a [DataStream].
type DataStreamProps struct {
	Key            awskms.IKey
	RetentionHours int // 24 to 8760
	Retain         bool
}

// DataStream is the Kinesis data stream that feeds both delivery streams: a producer puts each event once. Firehose
// reads it from LATEST, about once a second for each shard.
// https://docs.aws.amazon.com/firehose/latest/dev/writing-with-kinesis-streams.html
type DataStream struct {
	constructs.Construct
	Resource       awskinesis.CfnStream
	RetentionHours int
	key            awskms.IKey
}

// NewDataStream makes the stream. On demand, it scales by itself: a number of shards is one more thing to watch.
//
// How records are distributed over the shards is left at its default, by partition key: replays are told by their key,
// and producers keep the order of the records of one key. CloudFormation has no property for it yet.
func NewDataStream(scope constructs.Construct, id string, props DataStreamProps) *DataStream {
	this := constructs.NewConstruct(scope, jsii.String(id))
	//accept:finding AwsSolutions-KDS3 on DataStream/Stream
	// because it has the pipeline's one key, whose policy and rotation are known
	stream := awskinesis.NewCfnStream(this, jsii.String("Stream"), &awskinesis.CfnStreamProps{
		StreamModeDetails:    &awskinesis.CfnStream_StreamModeDetailsProperty{StreamMode: jsii.String("ON_DEMAND")},
		RetentionPeriodHours: jsii.Number(props.RetentionHours),
		MaxRecordSizeInKiB:   jsii.Number(maxRecordKiB),
		StreamEncryption: &awskinesis.CfnStream_StreamEncryptionProperty{
			EncryptionType: jsii.String("KMS"),
			KeyId:          props.Key.KeyArn(),
		},
	})
	stream.ApplyRemovalPolicy(removal(props.Retain), nil)
	return &DataStream{this, stream, props.RetentionHours, props.Key}
}

// Name is the generated name of the stream.
func (d *DataStream) Name() *string { return d.Resource.Ref() }

// read lets a delivery stream read the records. Of ListShards and DescribeStream Firehose uses either.
// https://docs.aws.amazon.com/firehose/latest/dev/controlling-access.html
func (d *DataStream) read() []statement {
	return []statement{{
		Actions: []string{
			"kinesis:DescribeStream",
			"kinesis:GetRecords",
			"kinesis:GetShardIterator",
			"kinesis:ListShards",
		},
		Resources: []string{*d.Resource.AttrArn()},
	}, d.useKey("kms:Decrypt")}
}

// put lets a producer put records. DescribeStreamSummary and ListShards are for the producer libraries, which map
// partition keys to shards. The key encrypts each record before Kinesis stores it, with the producer's rights.
// https://docs.aws.amazon.com/streams/latest/dev/permissions-user-key-KMS.html
func (d *DataStream) put() []statement {
	return []statement{{
		Actions: []string{
			"kinesis:DescribeStreamSummary",
			"kinesis:ListShards",
			"kinesis:PutRecord",
			"kinesis:PutRecords",
		},
		Resources: []string{*d.Resource.AttrArn()},
	}, d.useKey("kms:GenerateDataKey")}
}

// useKey lets a role use the key through Kinesis, for this stream only.
func (d *DataStream) useKey(action string) statement {
	return statement{
		Actions:   []string{action},
		Resources: []string{*d.key.KeyArn()},
		Conditions: conditions{
			"StringEquals": {
				"kms:ViaService":                        regional("kinesis"),
				"kms:EncryptionContext:aws:kinesis:arn": *d.Resource.AttrArn(),
			},
		},
	}
}
