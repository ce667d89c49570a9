package searchsetup

import (
	"context"
	"net/http"
)

// Signer puts proof of the caller's identity on a request. body is exactly what will be sent.
type Signer func(ctx context.Context, r *http.Request, body []byte) error

// Basic authenticates as a user of the internal database, for a server that runs locally.
func Basic(user, password string) Signer {
	return func(_ context.Context, r *http.Request, _ []byte) error {
		r.SetBasicAuth(user, password)
		return nil
	}
}
