package constructs

import (
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"
)

// arn returns an ARN in the stack's own partition, region and account. Resources are named by such strings wherever a
// GetAtt would close a circle of dependencies: the key's policy, the domain's policies, the roles that name the domain.
func arn(service, resource string) string {
	return strings.Join([]string{
		"arn", *awscdk.Aws_PARTITION(), service, *awscdk.Aws_REGION(), *awscdk.Aws_ACCOUNT_ID(), resource,
	}, ":")
}

// regional returns the service principal or endpoint name of a service in the stack's region.
func regional(service string) string {
	return service + "." + *awscdk.Aws_REGION() + "." + *awscdk.Aws_URL_SUFFIX()
}
