package searchsetup

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

// Signer puts proof of the caller's identity on a request. body is exactly what will be sent.
type Signer func(ctx context.Context, r *http.Request, body []byte) error

// SigV4 signs as an IAM role, with the service name es of Amazon OpenSearch Service domains. now gives the signing time.
func SigV4(credentials aws.CredentialsProvider, region string, now func() time.Time) Signer {
	signer := v4.NewSigner()
	return func(ctx context.Context, r *http.Request, body []byte) error {
		c, err := credentials.Retrieve(ctx)
		if err != nil {
			return fmt.Errorf("retrieving credentials: %w", err)
		}
		sum := sha256.Sum256(body)
		if err := signer.SignHTTP(ctx, c, r, hex.EncodeToString(sum[:]), "es", region, now()); err != nil {
			return fmt.Errorf("signing request: %w", err)
		}
		return nil
	}
}

// Basic authenticates as a user of the internal database, for a server that runs locally.
func Basic(user, password string) Signer {
	return func(_ context.Context, r *http.Request, _ []byte) error {
		r.SetBasicAuth(user, password)
		return nil
	}
}
