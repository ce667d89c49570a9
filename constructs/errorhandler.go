package constructs

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awss3"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"firehose-pipeline/contract"
)

// Memory buys processor here: the handler's process stays below 64 MiB with any input (make verify measures it), and
// Lambda gives 512 MB 0.29 of a vCPU. An error object of 128 MB takes 0.6 to 1.5 s of CPU time, one that unzips to 1 GB
// 3.8 s (docs/reliability.md), so 2 to 13 s here. With less memory an object would cost the same and take longer.
//
// The time limit is twenty times that, for days on which S3 or SQS are slow. The handler stops by itself 10 s before
// it, and the invocation fails with the unfinished work in its error.
const (
	errorHandlerMemoryMB       = 512
	ErrorHandlerTimeoutSeconds = 300
)

// ErrorHandlerProps configure an [ErrorHandler].
type ErrorHandlerProps struct {
	StackName   string
	Asset       FunctionAsset
	DeadLetters *DeadLetterQueue
	EventID     string // JSON Pointer of the event's id, empty for none
	RawData     string // inline or pointer
	LogLevel    string
	Tracing     bool
	Logs        Logs
}

// ErrorHandler is the function that turns every object under [contract.ErrorPrefix] into dead letters. An object that
// it cannot handle reaches the same queue: Lambda writes the failed invocation there after its retries.
type ErrorHandler struct {
	constructs.Construct
	Function awslambda.Function
	role     awsiam.Role
	// admission is the permission that S3 checks when the notification is configured.
	admission awslambda.CfnPermission
}

// NewErrorHandler makes the function. It may not read the lake yet: [ErrorHandler.readErrorObjects] adds that, because
// the bucket refers to the function and so has to come after it.
func NewErrorHandler(scope constructs.Construct, id string, props ErrorHandlerProps) *ErrorHandler {
	this := constructs.NewConstruct(scope, jsii.String(id))
	function, role := newFunction(this, functionProps{
		Name:        props.StackName + "-error-handler",
		Description: "Sends every record that a stream could not deliver to the dead-letter queue",
		Asset:       props.Asset,
		Environment: map[string]string{
			contract.EnvDeadLetterQueueURL: *props.DeadLetters.Queue.QueueUrl(),
			contract.EnvErrorPrefix:        contract.ErrorPrefix,
			contract.EnvStack:              props.StackName,
			contract.EnvEventID:            props.EventID,
			contract.EnvDeadLetterRawData:  props.RawData,
			contract.EnvLogLevel:           props.LogLevel,
		},
		MemoryMB:       errorHandlerMemoryMB,
		TimeoutSeconds: ErrorHandlerTimeoutSeconds,
		Tracing:        props.Tracing,
		Logs:           props.Logs,
		Policies:       map[string][]statement{"DeadLetters": props.DeadLetters.send()},
	})
	// S3 invokes asynchronously: 2 retries, then the on-failure destination. Throttled events wait up to 6 hours.
	// https://docs.aws.amazon.com/lambda/latest/dg/invocation-async.html
	awslambda.NewCfnEventInvokeConfig(this, jsii.String("OnFailure"), &awslambda.CfnEventInvokeConfigProps{
		FunctionName:             function.FunctionName(),
		Qualifier:                jsii.String("$LATEST"),
		MaximumRetryAttempts:     jsii.Number(2),
		MaximumEventAgeInSeconds: jsii.Number(6 * 60 * 60),
		DestinationConfig: &awslambda.CfnEventInvokeConfig_DestinationConfigProperty{
			OnFailure: &awslambda.CfnEventInvokeConfig_OnFailureProperty{Destination: props.DeadLetters.Queue.QueueArn()},
		},
	})
	// No SourceArn: the bucket's generated name is not known before the bucket, and the bucket needs this permission
	// first. The account condition closes the confused deputy, and the role reads this stack's bucket only.
	admission := awslambda.NewCfnPermission(this, jsii.String("AllowS3"), &awslambda.CfnPermissionProps{
		Action:        jsii.String("lambda:InvokeFunction"),
		FunctionName:  function.FunctionArn(),
		Principal:     jsii.String("s3.amazonaws.com"),
		SourceAccount: awscdk.Aws_ACCOUNT_ID(),
	})
	return &ErrorHandler{this, function, role, admission}
}

// readErrorObjects lets the handler read the objects under [contract.ErrorPrefix]. It is a policy of its own, outside
// the role: the role's inline policies must not name the bucket, which comes after the function.
func (h *ErrorHandler) readErrorObjects(lake *DataLake) awsiam.Policy {
	//accept:finding AwsSolutions-IAM5,IAMNoInlinePolicy on ErrorHandler/ReadErrorObjects
	// because the pattern is the objects below one prefix, and a policy that belongs to one role goes with it
	return awsiam.NewPolicy(h.Construct, jsii.String("ReadErrorObjects"), &awsiam.PolicyProps{
		Roles: &[]awsiam.IRole{h.role},
		Statements: build([]statement{
			{
				Actions:   []string{"s3:GetObject", "s3:GetObjectVersion"},
				Resources: []string{*lake.Bucket.BucketArn() + "/" + contract.ErrorPrefix + "*"},
			},
			useKeyForBucket(lake.key, lake.Bucket, "kms:Decrypt"),
		}),
	})
}

// notification makes the bucket call the function for every object under [contract.ErrorPrefix]. With buffering below
// 60 seconds Firehose completes multipart uploads instead of putting objects, so every kind of creation counts.
// https://docs.aws.amazon.com/firehose/latest/dev/buffering-hints.html
func (h *ErrorHandler) notification() *awss3.CfnBucket_NotificationConfigurationProperty {
	return &awss3.CfnBucket_NotificationConfigurationProperty{
		LambdaConfigurations: []any{&awss3.CfnBucket_LambdaConfigurationProperty{
			Event:    jsii.String("s3:ObjectCreated:*"),
			Function: h.Function.FunctionArn(),
			Filter: &awss3.CfnBucket_NotificationFilterProperty{S3Key: &awss3.CfnBucket_S3KeyFilterProperty{
				Rules: []any{
					&awss3.CfnBucket_FilterRuleProperty{Name: jsii.String("prefix"),
						Value: jsii.String(contract.ErrorPrefix)},
				},
			}},
		}},
	}
}
