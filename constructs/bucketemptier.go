package constructs

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"
)

// bucketEmptier is the id that the CDK gives to the function that empties a bucket before its deletion.
const bucketEmptier = "Custom::S3AutoDeleteObjectsCustomResourceProvider"

// restrictBucketEmptier gives the one function that the CDK adds by itself (it empties the stack's buckets on destroy)
// a log group of the stack and no other rights. As the CDK writes it, the function creates a log group that no destroy
// deletes, by a managed policy on every log group of the account.
func restrictBucketEmptier(scope constructs.Construct, stackName string, logs Logs) {
	provider := awscdk.Stack_Of(scope).Node().TryFindChild(jsii.String(bucketEmptier))
	if provider == nil {
		return // the bucket is kept
	}
	group := newLogGroup(scope, "EmptyBucketLogGroup", "/aws/lambda/"+stackName+"-empty-bucket", logs)
	role := provider.Node().FindChild(jsii.String("Role")).(awscdk.CfnResource)
	role.AddPropertyDeletionOverride(jsii.String("ManagedPolicyArns"))
	role.AddPropertyOverride(jsii.String("Policies"), []any{map[string]any{
		"PolicyName": "Log",
		"PolicyDocument": map[string]any{
			"Version": "2012-10-17",
			"Statement": []any{map[string]any{
				"Effect":   "Allow",
				"Action":   []string{"logs:CreateLogStream", "logs:PutLogEvents"},
				"Resource": *group.LogGroupArn(),
			}},
		},
	}})
	handler := provider.Node().FindChild(jsii.String("Handler")).(awscdk.CfnResource)
	handler.AddPropertyOverride(jsii.String("LoggingConfig"), map[string]any{"LogGroup": *group.LogGroupName()})
}
