package searchrelay

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/cfn"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/aws/smithy-go"

	"firehose-pipeline/contract"
)

// propagation is how long a role that was just made is given until the domain's creation looks for it: IAM is
// eventually consistent, and the domain is rejected without it.
const propagation = 20 * time.Second

// IAM is the part of IAM's API that the relay uses.
type IAM interface {
	GetRole(context.Context, *iam.GetRoleInput, ...func(*iam.Options)) (*iam.GetRoleOutput, error)
	CreateServiceLinkedRole(context.Context, *iam.CreateServiceLinkedRoleInput,
		...func(*iam.Options)) (*iam.CreateServiceLinkedRoleOutput, error)
}

// serviceLinkedRole creates the role unless it exists. CloudFormation's own resource type fails when it exists, and
// deletes it with the stack, although other domains may need it: here a Delete leaves it.
func (r Relay) serviceLinkedRole(ctx context.Context, request cfn.RequestType) error {
	if request == cfn.RequestDelete {
		return nil
	}
	exists, lookErr := r.roleExists(ctx)
	if exists {
		return nil
	}
	if lookErr != nil && !isAccessDenied(lookErr) {
		return lookErr
	}
	// A rejected look-up says nothing: IAM may reject it for a role that is missing, whose path it cannot know. The
	// creation does.
	input := &iam.CreateServiceLinkedRoleInput{AWSServiceName: aws.String(contract.OpenSearchService)}
	_, err := r.IAM.CreateServiceLinkedRole(ctx, input)
	switch {
	case isNameTaken(err):
		r.log().Info("the service-linked role exists", "role", contract.OpenSearchServiceRole)
		return nil
	case err != nil:
		// Another stack may have made it in between.
		if exists, err := r.roleExists(ctx); err == nil && exists {
			return nil
		}
		return errors.Join(fmt.Errorf("creating the service-linked role of %s: %w", contract.OpenSearchService, err),
			lookErr)
	}
	r.log().Info("created the service-linked role", "role", contract.OpenSearchServiceRole)
	return r.sleep(ctx, propagation)
}

func (r Relay) roleExists(ctx context.Context) (bool, error) {
	_, err := r.IAM.GetRole(ctx, &iam.GetRoleInput{RoleName: aws.String(contract.OpenSearchServiceRole)})
	var missing *types.NoSuchEntityException
	switch {
	case err == nil:
		return true, nil
	case errors.As(err, &missing):
		return false, nil
	}
	return false, fmt.Errorf("looking for the role %s: %w", contract.OpenSearchServiceRole, err)
}

// isAccessDenied reports whether IAM did not answer for want of rights.
func isAccessDenied(err error) bool {
	var code smithy.APIError
	return errors.As(err, &code) && (code.ErrorCode() == "AccessDenied" || code.ErrorCode() == "AccessDeniedException")
}

// isNameTaken reports whether the role could not be created because it is there. IAM has no code for it, only this
// message: "Service role name … has been taken in this account, please try a different suffix."
// https://github.com/awslabs/data-solutions-framework-on-aws/pull/409
func isNameTaken(err error) bool {
	var invalid *types.InvalidInputException
	return errors.As(err, &invalid) && strings.Contains(invalid.ErrorMessage(), "has been taken in this account")
}
