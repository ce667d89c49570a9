package constructs

import (
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awskinesisfirehose"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"firehose-pipeline/contract"
	"firehose-pipeline/event"
)

// SearchWriterProps configure a [SearchWriter].
type SearchWriterProps struct {
	StackName  string
	DomainName string
	Index      string // base name of the indices
	Lake       *DataLake
	Source     *DataStream // nil: producers put records to the stream itself
	Logs       Logs
	Network    *Network // nil: the domain has a public endpoint
}

// SearchWriter is the search stream's role and log. It comes before the domain, whose policy names the role, and so
// before the stream, which needs the domain.
type SearchWriter struct {
	constructs.Construct
	Role    awsiam.Role
	log     deliveryLog
	network *Network
}

// NewSearchWriter makes the role.
func NewSearchWriter(scope constructs.Construct, id string, props SearchWriterProps) *SearchWriter {
	this := constructs.NewConstruct(scope, jsii.String(id))
	log := newDeliveryLog(this, props.StackName, event.Search, props.Logs)
	domain := domainARN(props.DomainName)
	policies := map[string][]statement{
		"Lake":      props.Lake.write(contract.SearchBackupPrefix, errorPrefixOf(event.Search)),
		"Log":       {log.write()},
		"Transform": {invokeTransform(props.StackName, event.Search)},
		// The Describe actions act on the domain's ARN without a path: a policy with only …/* fails the creation of the
		// stream. https://docs.aws.amazon.com/firehose/latest/dev/controlling-access.html
		"Domain": append([]statement{{
			Actions:   []string{"es:DescribeDomain", "es:DescribeDomainConfig", "es:DescribeDomains"},
			Resources: []string{domain, domain + "/*"},
		}}, statementsOn(props.DomainName, writerRequests(props.Index))...),
	}
	if props.Source != nil {
		policies["Source"] = props.Source.read()
	}
	if props.Network != nil {
		policies["Network"] = props.Network.stream().manageDeliveryInterfaces()
	}
	//accept:finding AwsSolutions-IAM5 on SearchWriter/Role
	// because the patterns are objects below the stream's own prefixes, versions of its transform, paths of the
	// domain and network interfaces, whose ids nobody knows beforehand; EC2's Describe actions have no resources
	role := newServiceRole(this, "Role", "Delivers the search stream of "+props.StackName, deliveryPrincipal(), policies)
	if props.Network != nil {
		props.Network.createDeliveryInterfaces(this, role)
	}
	return &SearchWriter{this, role, log, props.Network}
}

// searchDestination has a name of its own because the CDK's fills a line.
type searchDestination = awskinesisfirehose.CfnDeliveryStream_AmazonopensearchserviceDestinationConfigurationProperty

// SearchStreamProps configure the search stream.
type SearchStreamProps struct {
	Writer          *SearchWriter
	Domain          *SearchDomain
	Ready           constructs.IDependable // the search setup: without its role mapping every delivery is refused
	Lake            *DataLake
	Source          *DataStream // nil: producers put records to the stream itself
	Transform       *Transform  // nil: records go through as they are
	Index           string
	Rotation        string // NoRotation, OneHour, OneDay, OneWeek or OneMonth
	BackupAll       bool   // every record to S3 too, not only the failed ones
	BufferMB        int    // 1 to 100 MiB
	IntervalSeconds int    // 0 to 900
	RetrySeconds    int    // 0 to 7200: how long a delivery is tried again before the documents go to the error prefix
}

// deliverInside makes Firehose deliver through network interfaces of its own in the domain's VPC. Objects for S3 go
// another way.
func deliverInside(network *Network, role awsiam.Role) *awskinesisfirehose.CfnDeliveryStream_VpcConfigurationProperty {
	if network == nil {
		return nil
	}
	inside := network.stream()
	return &awskinesisfirehose.CfnDeliveryStream_VpcConfigurationProperty{
		RoleArn:          role.RoleArn(),
		SubnetIds:        jsii.Strings(inside.subnets...),
		SecurityGroupIds: jsii.Strings(inside.group),
	}
}

// NewSearchStream makes the stream that delivers to the domain.
func NewSearchStream(scope constructs.Construct, name string, props SearchStreamProps) *Stream {
	this := constructs.NewConstruct(scope, jsii.String(name))
	role, log := props.Writer.Role, props.Writer.log
	// Firehose's update has no backup mode, and CloudFormation, which believes it can change it, would have nothing to
	// send: the stream would keep the old mode without an error. So the mode is part of the stream's id, and a change of
	// it replaces the stream.
	// https://docs.aws.amazon.com/firehose/latest/APIReference/API_AmazonopensearchserviceDestinationUpdate.html
	from := sourceOf(props.Source, role)
	id, backupMode := from.id, "FailedDocumentsOnly"
	if props.BackupAll {
		id, backupMode = from.id+"BackingUpAll", "AllDocuments"
	}
	//accept:finding AwsSolutions-KDF1 on SearchStream/FromKinesis
	// because with a Kinesis source the data stream is encrypted, and Firehose accepts no encryption of its own
	resource := awskinesisfirehose.NewCfnDeliveryStream(this, jsii.String(id), &awskinesisfirehose.CfnDeliveryStreamProps{
		DeliveryStreamType:                         from.kind,
		DeliveryStreamEncryptionConfigurationInput: from.encryption,
		KinesisStreamSourceConfiguration:           from.kinesis,
		// No TypeName: OpenSearch 2 and later reject one.
		AmazonopensearchserviceDestinationConfiguration: &searchDestination{
			RoleArn:             role.RoleArn(),
			DomainArn:           props.Domain.Resource.AttrArn(),
			IndexName:           jsii.String(props.Index),
			IndexRotationPeriod: jsii.String(props.Rotation),
			BufferingHints: &awskinesisfirehose.CfnDeliveryStream_AmazonopensearchserviceBufferingHintsProperty{
				SizeInMBs:         jsii.Number(props.BufferMB),
				IntervalInSeconds: jsii.Number(props.IntervalSeconds),
			},
			RetryOptions: &awskinesisfirehose.CfnDeliveryStream_AmazonopensearchserviceRetryOptionsProperty{
				DurationInSeconds: jsii.Number(props.RetrySeconds),
			},
			// Firehose's id stays the same over its retries, so that a retry overwrites instead of doubling.
			DocumentIdOptions: &awskinesisfirehose.CfnDeliveryStream_DocumentIdOptionsProperty{
				DefaultDocumentIdFormat: jsii.String("FIREHOSE_DEFAULT"),
			},
			CloudWatchLoggingOptions: log.options(log.destination),
			ProcessingConfiguration:  processing(props.Transform, role),
			VpcConfiguration:         deliverInside(props.Writer.network, role),
			S3BackupMode:             jsii.String(backupMode),
			// Uncompressed: failed records are read by the error handler and by people.
			S3Configuration: &awskinesisfirehose.CfnDeliveryStream_S3DestinationConfigurationProperty{
				BucketArn:                props.Lake.Bucket.BucketArn(),
				RoleArn:                  role.RoleArn(),
				Prefix:                   jsii.String(contract.SearchBackupPrefix + partition),
				ErrorOutputPrefix:        errorPrefix(event.Search),
				BufferingHints:           bufferingHints(5, backupInterval(props.IntervalSeconds)),
				CompressionFormat:        jsii.String("UNCOMPRESSED"),
				EncryptionConfiguration:  encryptedBy(props.Lake),
				CloudWatchLoggingOptions: log.options(log.backup),
			},
		},
	})
	after(resource, append(props.Lake.ready(), props.Writer.Construct, props.Domain.Construct, props.Ready)...)
	return &Stream{
		Construct: this, Kind: event.Search, Source: props.Source, Resource: resource,
		IntervalSeconds: props.IntervalSeconds, BacksUp: props.BackupAll, Transform: props.Transform,
	}
}
