package secretsmanager

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"time"

	"firehose-pipeline/local/loopback"
)

// maxRequest bounds a request in bytes: an ARN has at most 2,048 characters.
const maxRequest = 64 << 10

// Server is a running endpoint.
type Server struct {
	URL    string // http://127.0.0.1:port
	server *http.Server
}

// Serve serves a secret, whatever its ARN, on any free port of loopback until Close, or until ctx is done.
func Serve(ctx context.Context, secret string) (*Server, error) {
	listener, err := loopback.Listen("127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("serving the secret: %w", err)
	}
	s := &Server{URL: "http://" + listener.Addr().String()}
	s.server = &http.Server{
		Handler:           http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { answer(w, r, secret) }),
		ReadHeaderTimeout: 10 * time.Second,
		BaseContext:       func(net.Listener) context.Context { return ctx },
	}
	go func() { _ = s.server.Serve(listener) }() // ErrServerClosed, after Close
	context.AfterFunc(ctx, func() { _ = s.server.Close() })
	return s, nil
}

// Close ends the endpoint.
func (s *Server) Close() error {
	if s == nil {
		return nil
	}
	return s.server.Close()
}

func answer(w http.ResponseWriter, r *http.Request, secret string) {
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	var request struct{ SecretId string }
	err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxRequest)).Decode(&request)
	switch {
	case r.Header.Get("X-Amz-Target") != "secretsmanager.GetSecretValue":
		refuse(w, "UnknownOperationException", "only GetSecretValue is served")
	case err != nil || request.SecretId == "":
		refuse(w, "InvalidRequestException", "SecretId: must be set")
	default:
		// to a client that left, if it fails
		_ = json.NewEncoder(w).Encode(map[string]string{"ARN": request.SecretId, "SecretString": secret})
	}
}

func refuse(w http.ResponseWriter, code, message string) {
	w.WriteHeader(http.StatusBadRequest)
	_ = json.NewEncoder(w).Encode(map[string]string{"__type": code, "message": message}) // as above
}
