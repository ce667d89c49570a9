package searchsetup

import (
	"context"

	"github.com/aws/aws-lambda-go/cfn"
)

// Answer is the result for a caller that answers CloudFormation itself, because this function cannot reach it from
// inside a VPC.
type Answer struct {
	PhysicalResourceID string         `json:"physicalResourceId"`
	Data               map[string]any `json:"data,omitempty"`
}

// Serve is the Lambda handler. A request that carries CloudFormation's address is answered there; one that comes
// without, through package searchrelay, to the caller.
func (r Resource) Serve(ctx context.Context, event cfn.Event) (any, error) {
	if event.ResponseURL != "" {
		return cfn.LambdaWrap(r.Handle)(ctx, event)
	}
	id, data, err := r.Handle(ctx, event)
	if err != nil {
		return nil, err
	}
	return Answer{id, data}, nil
}
