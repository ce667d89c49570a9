package constructs

import (
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"
)

// Producers is the managed policy of producers: it allows to put records to the delivery streams or, when a data stream
// feeds them, to that one, and nothing else.
type Producers struct {
	constructs.Construct
	Policy awsiam.ManagedPolicy
}

// NewProducers makes the policy.
func NewProducers(
	scope constructs.Construct, id string, streams []*Stream, from *DataStream, door *FrontDoor,
) *Producers {
	this := constructs.NewConstruct(scope, jsii.String(id))
	var arns []string
	for _, stream := range streams {
		arns = append(arns, *stream.Resource.AttrArn())
	}
	statements := []statement{{Actions: []string{"firehose:PutRecord", "firehose:PutRecordBatch"}, Resources: arns}}
	if from != nil {
		statements = from.put()
	}
	if door != nil {
		statements = append(statements, door.invoke())
	}
	policy := awsiam.NewManagedPolicy(this, jsii.String("Policy"), &awsiam.ManagedPolicyProps{
		Description: jsii.String("Puts events to the pipeline's streams"),
		Statements:  build(statements),
	})
	return &Producers{this, policy}
}
