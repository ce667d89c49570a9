package constructs

import (
	"maps"
	"slices"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awskms"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslogs"
	"github.com/aws/aws-cdk-go/awscdk/v2/awss3"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"
)

// conditions of an IAM statement: operator → key → value (a string or a list of strings).
type conditions map[string]map[string]any

// statement is one IAM statement that allows Actions on Resources, or denies them.
type statement struct {
	Deny       bool
	Actions    []string
	Resources  []string
	Conditions conditions
	Principals []awsiam.IPrincipal // resource policies only
}

func (s statement) build() awsiam.PolicyStatement {
	props := &awsiam.PolicyStatementProps{Actions: jsii.Strings(s.Actions...), Resources: jsii.Strings(s.Resources...)}
	if s.Deny {
		props.Effect = awsiam.Effect_DENY
	}
	if s.Principals != nil {
		props.Principals = &s.Principals
	}
	if s.Conditions != nil {
		built := map[string]any{}
		for operator, keys := range s.Conditions {
			built[operator] = keys
		}
		props.Conditions = &built
	}
	return awsiam.NewPolicyStatement(props)
}

// newServiceRole makes a role whose permissions are inline, one policy a purpose: what uses the role can never be
// created before its rights, which a separate policy resource would allow.
func newServiceRole(
	scope constructs.Construct,
	id, description string,
	principal awsiam.IPrincipal,
	policies map[string][]statement,
) awsiam.Role {
	inline := map[string]awsiam.PolicyDocument{}
	for _, name := range slices.Sorted(maps.Keys(policies)) {
		inline[name] = awsiam.NewPolicyDocument(&awsiam.PolicyDocumentProps{Statements: build(policies[name])})
	}
	//accept:finding IAMNoInlinePolicy on */Role, Network/FlowLogRole
	// because a policy that belongs to one role goes with it, and nobody can attach it to another
	return awsiam.NewRole(scope, jsii.String(id), &awsiam.RoleProps{
		Description:    jsii.String(description),
		AssumedBy:      principal,
		InlinePolicies: &inline,
	})
}

func build(statements []statement) *[]awsiam.PolicyStatement {
	built := make([]awsiam.PolicyStatement, len(statements))
	for i, s := range statements {
		built[i] = s.build()
	}
	return &built
}

// writeLogs lets a function write to its own log group. It may not create one: a line that arrives after a destroy
// would bring back a group without retention.
func writeLogs(group awslogs.ILogGroup) statement {
	return statement{
		Actions:   []string{"logs:CreateLogStream", "logs:PutLogEvents"},
		Resources: []string{*group.LogGroupArn()}, // ends with :*, its streams
	}
}

// useKeyForBucket lets a role read or write the bucket's encrypted objects, through S3 only. With an S3 Bucket Key the
// encryption context is the bucket's ARN, without one the object's.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-key.html
func useKeyForBucket(key awskms.IKey, bucket awss3.IBucket, actions ...string) statement {
	return statement{
		Actions:   actions,
		Resources: []string{*key.KeyArn()},
		Conditions: conditions{
			"StringEquals": {"kms:ViaService": regional("s3")},
			"StringLike":   {"kms:EncryptionContext:aws:s3:arn": []string{*bucket.BucketArn(), *bucket.BucketArn() + "/*"}},
		},
	}
}

// removal is the policy of resources with data. Kept data survives the deletion of the stack, but a first deployment
// that fails takes it away again: a domain stranded by a rollback would be billed and block the next try by its name.
func removal(retain bool) awscdk.RemovalPolicy {
	if retain {
		return awscdk.RemovalPolicy_RETAIN_ON_UPDATE_OR_DELETE
	}
	return awscdk.RemovalPolicy_DESTROY
}
