package constructs

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awskms"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"
)

// EncryptionKeyProps configure an [EncryptionKey].
type EncryptionKeyProps struct {
	StackName string
	Retain    bool // keep the key when the stack is deleted: without it, kept data cannot be read
	FlowLog   bool // there is a VPC whose flow log it encrypts
	FrontDoor bool // there is an API whose access log it encrypts
}

// EncryptionKey is the one customer managed key of the pipeline: lake, results of queries, dead-letter queue, alarm
// topic, log groups and search domain.
type EncryptionKey struct {
	constructs.Construct
	Key awskms.Key
}

// NewEncryptionKey makes the key. Roles of this account get their use of it in their own policies (the root statement,
// which the CDK writes, delegates to IAM); only AWS services that act by themselves are named here. They are bound to
// ARN patterns, because a GetAtt of an encrypted resource would close a circle.
func NewEncryptionKey(scope constructs.Construct, id string, props EncryptionKeyProps) *EncryptionKey {
	this := constructs.NewConstruct(scope, jsii.String(id))
	key := awskms.NewKey(this, jsii.String("Key"), &awskms.KeyProps{
		Description:       jsii.String("Data of the event pipeline " + props.StackName),
		Alias:             jsii.String("alias/" + props.StackName),
		EnableKeyRotation: jsii.Bool(true),
		PendingWindow:     awscdk.Duration_Days(jsii.Number(7)),
		RemovalPolicy:     removal(props.Retain),
	})
	services := []string{"lambda", "kinesisfirehose", "opensearch"}
	if props.FlowLog {
		services = append(services, "vpc")
	}
	if props.FrontDoor {
		services = append(services, "apigateway")
	}
	var logGroups []string
	for _, service := range services {
		logGroups = append(logGroups, arn("logs", "log-group:/aws/"+service+"/"+props.StackName+"-*"))
	}
	// The CDK adds no principal for CloudWatch Logs to the key of a log group.
	// https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/encrypt-log-data-kms.html
	key.AddToResourcePolicy(statement{
		Principals: []awsiam.IPrincipal{awsiam.NewServicePrincipal(jsii.String(regional("logs")), nil)},
		Actions: []string{
			"kms:Decrypt",
			"kms:DescribeKey",
			"kms:Encrypt",
			"kms:GenerateDataKey",
			"kms:GenerateDataKeyWithoutPlaintext",
			"kms:ReEncryptFrom",
			"kms:ReEncryptTo",
		},
		Resources:  []string{"*"}, // in a key policy: this key
		Conditions: conditions{"ArnLike": {"kms:EncryptionContext:aws:logs:arn": logGroups}},
	}.build(), nil)
	// Alarms publish to an encrypted topic only when the key admits CloudWatch itself; the AWS managed key never does.
	// https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Notify_Users_Alarm_Changes.html
	key.AddToResourcePolicy(statement{
		Principals: []awsiam.IPrincipal{awsiam.NewServicePrincipal(jsii.String("cloudwatch.amazonaws.com"), nil)},
		Actions:    []string{"kms:Decrypt", "kms:GenerateDataKey"},
		Resources:  []string{"*"}, // in a key policy: this key
		Conditions: alarmsOf(props.StackName),
	}.build(), nil)
	for _, s := range encryptResults(arn("athena", "workgroup/"+props.StackName)) {
		key.AddToResourcePolicy(s.build(), nil)
	}
	return &EncryptionKey{this, key}
}

// alarmsOf admits only the alarms of the stack, all named <stack>-….
func alarmsOf(stackName string) conditions {
	return conditions{
		"StringEquals": {"aws:SourceAccount": *awscdk.Aws_ACCOUNT_ID()},
		"ArnLike":      {"aws:SourceArn": arn("cloudwatch", "alarm:"+stackName+"-*")},
	}
}

// encryptResults admits Athena, which encrypts the results of queries as a principal of its own, for one workgroup. To
// describe a key there is no encryption context.
// https://docs.aws.amazon.com/athena/latest/ug/managed-results.html
func encryptResults(workGroup string) []statement {
	athena := []awsiam.IPrincipal{awsiam.NewServicePrincipal(jsii.String("encryption.athena.amazonaws.com"), nil)}
	account := map[string]any{"aws:SourceAccount": *awscdk.Aws_ACCOUNT_ID()}
	return []statement{
		{
			Principals: athena,
			Actions:    []string{"kms:Decrypt", "kms:GenerateDataKey"},
			Resources:  []string{"*"}, // in a key policy: this key
			Conditions: conditions{
				"StringEquals": account,
				"ArnLike":      {"aws:SourceArn": workGroup, "kms:EncryptionContext:aws:athena:arn": workGroup},
			},
		},
		{
			Principals: athena,
			Actions:    []string{"kms:DescribeKey"},
			Resources:  []string{"*"}, // in a key policy: this key
			Conditions: conditions{"StringEquals": account, "ArnLike": {"aws:SourceArn": workGroup}},
		},
	}
}
