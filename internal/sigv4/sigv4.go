package sigv4

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

// New returns a signer of requests to a service, by the name that its signatures have (es for Amazon OpenSearch Service
// domains). now gives the signing time.
func New(
	credentials aws.CredentialsProvider, service, region string, now func() time.Time,
) func(ctx context.Context, r *http.Request, body []byte) error {
	signer := v4.NewSigner()
	return func(ctx context.Context, r *http.Request, body []byte) error {
		c, err := credentials.Retrieve(ctx)
		if err != nil {
			return fmt.Errorf("retrieving credentials: %w", err)
		}
		sum := sha256.Sum256(body)
		if err := signer.SignHTTP(ctx, c, r, hex.EncodeToString(sum[:]), service, region, now()); err != nil {
			return fmt.Errorf("signing request: %w", err)
		}
		return nil
	}
}
