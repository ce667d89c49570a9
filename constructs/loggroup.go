package constructs

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awskms"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslogs"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"
)

// Logs says how the log groups of the stack are kept.
type Logs struct {
	Key           awskms.IKey
	RetentionDays int // one of the values that CloudWatch Logs accepts
}

// newLogGroup makes a log group under the fixed name where people look for it. It goes with the stack, in production
// too: a group kept under a fixed name would fail the next deployment.
func newLogGroup(scope constructs.Construct, id, name string, logs Logs) awslogs.LogGroup {
	group := awslogs.NewLogGroup(scope, jsii.String(id), &awslogs.LogGroupProps{
		LogGroupName:  jsii.String(name),
		EncryptionKey: logs.Key,
		RemovalPolicy: awscdk.RemovalPolicy_DESTROY,
		Retention:     awslogs.RetentionDays_INFINITE,
	})
	// By number: the CDK's enumeration has a name for each of CloudWatch's values, the settings already check them.
	group.Node().DefaultChild().(awslogs.CfnLogGroup).SetRetentionInDays(jsii.Number(logs.RetentionDays))
	return group
}
