package constructs

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"firehose-pipeline/contract"
)

// SearchRelayProps configure a [SearchRelay].
type SearchRelayProps struct {
	StackName string
	Asset     FunctionAsset
	LogLevel  string
	Logs      Logs
}

// SearchRelay answers CloudFormation for a search setup inside a VPC, and creates the service-linked role that a domain
// in a VPC needs. It is outside the VPC.
//
// The other ways are worse. An S3 gateway endpoint for the setup function's own answer wants the route tables of a VPC
// that the stack does not know, and a rule for S3's addresses, which have another prefix list in every region. The
// CDK's provider framework works like this one, as a Node function with a managed policy on every log group of the
// account.
type SearchRelay struct {
	constructs.Construct
	Function awslambda.Function
	role     awscdk.CustomResource
}

// NewSearchRelay makes the function, and the custom resource for the service-linked role. It knows the setup function
// by name alone, because that function comes after the domain and the domain after the role.
func NewSearchRelay(scope constructs.Construct, id string, props SearchRelayProps) *SearchRelay {
	this := constructs.NewConstruct(scope, jsii.String(id))
	setup := setupFunctionName(props.StackName)
	roles := "arn:" + *awscdk.Aws_PARTITION() + ":iam::" + *awscdk.Aws_ACCOUNT_ID() + ":role/"
	serviceLinked := roles + "aws-service-role/" + contract.OpenSearchService + "/" + contract.OpenSearchServiceRole
	function, _ := newFunction(this, functionProps{
		Name:           props.StackName + "-search-relay",
		Description:    "Answers CloudFormation for the search setup, which stands in a VPC",
		Asset:          props.Asset,
		Environment:    map[string]string{contract.EnvLogLevel: props.LogLevel, contract.EnvSetupFunction: setup},
		MemoryMB:       256,
		TimeoutSeconds: searchSetupTimeoutSeconds,
		Logs:           props.Logs,
		Policies: map[string][]statement{
			"Setup": {{Actions: []string{"lambda:InvokeFunction"}, Resources: []string{arn("lambda", "function:"+setup)}}},
			"ServiceLinkedRole": {
				// A look-up names the role without its path, which IAM only knows of a role that exists: one that is missing is
				// looked for at the root.
				{Actions: []string{"iam:GetRole"}, Resources: []string{serviceLinked, roles + contract.OpenSearchServiceRole}},
				{
					Actions:    []string{"iam:CreateServiceLinkedRole"},
					Resources:  []string{serviceLinked},
					Conditions: conditions{"StringEquals": {"iam:AWSServiceName": contract.OpenSearchService}},
				},
			},
		},
	})
	role := awscdk.NewCustomResource(this, jsii.String("ServiceLinkedRole"), &awscdk.CustomResourceProps{
		ServiceToken:   function.FunctionArn(),
		ResourceType:   jsii.String(contract.ServiceLinkedRoleResource),
		RemovalPolicy:  awscdk.RemovalPolicy_DESTROY, // which leaves the role: see package searchrelay
		ServiceTimeout: awscdk.Duration_Seconds(jsii.Number(searchSetupTimeoutSeconds + 60)),
	})
	return &SearchRelay{this, function, role}
}
