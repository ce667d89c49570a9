package searchrelay

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/lambda"

	"firehose-pipeline/contract"
)

// New makes the relay from the environment: SETUP_FUNCTION names the setup function.
func New(ctx context.Context, getenv func(string) string) (Relay, error) {
	function := getenv(contract.EnvSetupFunction)
	if function == "" {
		return Relay{}, errors.New("SETUP_FUNCTION: must name the setup function (got nothing)")
	}
	cfg, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		return Relay{}, fmt.Errorf("loading configuration: %w", err)
	}
	return Relay{Function: function, Lambda: lambda.NewFromConfig(cfg), IAM: iam.NewFromConfig(cfg)}, nil
}
