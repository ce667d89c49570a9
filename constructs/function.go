package constructs

import (
	"maps"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awss3assets"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"
)

// functionProps configure a Go function.
type functionProps struct {
	Name           string // the function's name, fixed, at most 64 characters
	Description    string
	Asset          FunctionAsset
	Environment    map[string]string
	MemoryMB       int
	TimeoutSeconds int
	Reserved       int // concurrency kept for this function; 0: none
	Tracing        bool
	Logs           Logs
	Policies       map[string][]statement // beside writing its own log
	VPC            *placement             // nil: outside any VPC
}

// newFunction makes a Go function for provided.al2023 on arm64, with a role and a log group of its own. Names are fixed
// so that roles and key policies can refer to a function by ARN; an update never replaces it.
func newFunction(scope constructs.Construct, props functionProps) (awslambda.Function, awsiam.Role) {
	group := newLogGroup(scope, "LogGroup", "/aws/lambda/"+props.Name, props.Logs)
	policies := map[string][]statement{"Log": {writeLogs(group)}}
	tracing := awslambda.Tracing_DISABLED
	if props.Tracing {
		tracing = awslambda.Tracing_ACTIVE
		// X-Ray has no resources to name.
		// https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsx-ray.html
		policies["Trace"] = []statement{
			{Actions: []string{"xray:PutTelemetryRecords", "xray:PutTraceSegments"}, Resources: []string{"*"}},
		}
	}
	if props.VPC != nil {
		policies["Network"] = props.VPC.manageFunctionInterfaces(props.Name)
	}
	maps.Copy(policies, props.Policies)
	role := newServiceRole(scope, "Role", "Runs "+props.Name,
		awsiam.NewServicePrincipal(jsii.String("lambda.amazonaws.com"), nil), policies)
	environment := map[string]*string{}
	for name, value := range props.Environment {
		environment[name] = jsii.String(value)
	}
	//accept:finding LambdaConcurrency,CKV_AWS_115 on */Function
	// because a reserved limit is a setting (transformReservedConcurrency): a wrong one throttles, and the account's
	// own limit protects the others
	//accept:finding LambdaInsideVPC,CKV_AWS_117 on */Function
	// because it reaches AWS's services only, and inside a VPC each would need an endpoint; the search setup runs in
	// the domain's VPC when there is one
	//accept:finding LambdaDLQ,CKV_AWS_116 on *Transform/Function, Search*/Function, ErrorHandler/Function
	// because Firehose and CloudFormation invoke synchronously and act on a failure themselves; the error handler's
	// failed invocations have a destination, the dead-letter queue, with more in it than a dead-letter configuration
	// gives
	//accept:finding CKV_AWS_173 on */Function
	// because the variables hold names and settings, no secret (a hash key is read from its secret), and Lambda
	// encrypts them with its own key; with the stack's key a function could not start while that key is disabled
	function := awslambda.NewFunction(scope, jsii.String("Function"), &awslambda.FunctionProps{
		FunctionName: jsii.String(props.Name),
		Description:  jsii.String(props.Description),
		Runtime:      awslambda.Runtime_PROVIDED_AL2023(),
		Architecture: awslambda.Architecture_ARM_64(),
		Handler:      jsii.String("bootstrap"),
		Code: awslambda.Code_FromAsset(jsii.String(props.Asset.Dir), &awss3assets.AssetOptions{
			AssetHash:     jsii.String(props.Asset.Hash),
			AssetHashType: awscdk.AssetHashType_CUSTOM,
		}),
		// The CDK would add X-Ray rights as a policy of its own; the role has them already, inline.
		Role:        role.WithoutPolicyUpdates(nil),
		LogGroup:    group,
		Environment: &environment,
		MemorySize:  jsii.Number(props.MemoryMB),
		Timeout:     awscdk.Duration_Seconds(jsii.Number(props.TimeoutSeconds)),
		Tracing:     tracing,
	})
	setProperties(function.Node().DefaultChild().(awslambda.CfnFunction), props)
	return function, role
}

// setProperties sets the properties of a function that the L2 construct does not set as they must be.
func setProperties(function awslambda.CfnFunction, props functionProps) {
	if props.VPC != nil {
		// Through the L1: the L2 would add a managed policy on every network interface there is.
		function.SetVpcConfig(&awslambda.CfnFunction_VpcConfigProperty{
			SubnetIds:        jsii.Strings(props.VPC.subnets...),
			SecurityGroupIds: jsii.Strings(props.VPC.group),
		})
	}
	if props.Reserved > 0 {
		function.SetReservedConcurrentExecutions(jsii.Number(props.Reserved))
	}
}
