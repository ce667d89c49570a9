package constructs

import (
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awskms"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"firehose-pipeline/contract"
)

// LakeReadersProps configure [LakeReaders].
type LakeReadersProps struct {
	WorkGroupName string
	Lake          *DataLake
	Key           awskms.IKey
}

// LakeReaders is the managed policy of people who query the lake: it allows to run queries in the stack's workgroup on
// the stack's database, and to read the objects of its tables.
type LakeReaders struct {
	constructs.Construct
	Policy awsiam.ManagedPolicy
}

// NewLakeReaders makes the policy.
func NewLakeReaders(scope constructs.Construct, id string, props LakeReadersProps) *LakeReaders {
	this := constructs.NewConstruct(scope, jsii.String(id))
	lake := props.Lake
	bucket := *lake.Bucket.BucketArn()
	group := arn("athena", "workgroup/"+props.WorkGroupName)
	//accept:finding AwsSolutions-IAM5 on Athena/Readers/Policy
	// because the patterns are the tables of the stack's own database and objects below two prefixes
	policy := awsiam.NewManagedPolicy(this, jsii.String("Policy"), &awsiam.ManagedPolicyProps{
		Description: jsii.String("Queries the pipeline's data lake with Athena"),
		Statements: build([]statement{
			{
				Actions: []string{
					"athena:BatchGetNamedQuery", "athena:BatchGetQueryExecution", "athena:GetNamedQuery",
					"athena:GetQueryExecution", "athena:GetQueryResults", "athena:GetQueryResultsStream",
					"athena:GetQueryRuntimeStatistics", "athena:GetWorkGroup", "athena:ListNamedQueries",
					"athena:ListQueryExecutions", "athena:StartQueryExecution", "athena:StopQueryExecution",
				},
				Resources: []string{group},
			},
			{
				Actions: []string{"glue:GetDatabase", "glue:GetPartitions", "glue:GetTable", "glue:GetTables"},
				Resources: []string{
					arn("glue", "catalog"), arn("glue", "database/"+lake.DatabaseName),
					arn("glue", "table/"+lake.DatabaseName+"/*"),
				},
			},
			{Actions: []string{"s3:GetBucketLocation", "s3:ListBucket"}, Resources: []string{bucket}},
			{
				Actions:   []string{"s3:GetObject"},
				Resources: []string{bucket + "/" + contract.DataPrefix + "*", bucket + "/" + contract.ErrorPrefix + "*"},
			},
			useKeyForBucket(props.Key, lake.Bucket, "kms:Decrypt"),
			useKeyForResults(props.Key, group),
		}),
	})
	return &LakeReaders{this, policy}
}

// useKeyForResults lets a person's queries encrypt their results and read them again. Athena's encryption context is
// the workgroup. https://docs.aws.amazon.com/athena/latest/ug/managed-results.html
func useKeyForResults(key awskms.IKey, group string) statement {
	return statement{
		Actions:    []string{"kms:Decrypt", "kms:GenerateDataKey"},
		Resources:  []string{*key.KeyArn()},
		Conditions: conditions{"ArnLike": {"kms:EncryptionContext:aws:athena:arn": group}},
	}
}
