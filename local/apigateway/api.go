package apigateway

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"mime"
	"net/http"
	"strings"
	"time"

	"github.com/google/uuid"

	"firehose-pipeline/local/template"
)

// MaxBytes is the largest body of a request.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-execution-service-limits-table.html
const MaxBytes = 10 << 20

// drainBytes bounds what is read and discarded of a larger body, so that the client can see the response.
const drainBytes = 1 << 30

// Options describe an API. Config and Service are required.
type Options struct {
	Config *template.API
	// Service is the service of the integration, which gets requests of its JSON protocol.
	Service http.Handler
	// Target is X-Amz-Target of these requests.
	Target string
	Key    string           // the API key that requests must have if Config.KeyRequired
	Now    func() time.Time // of the throttle; default time.Now
}

// API is the front door. It is safe for concurrent use.
type API struct {
	options  Options
	models   map[string]*model
	throttle *throttle
}

// New makes an API. It returns an error for a model or a gateway response that is outside of what is modelled.
func New(o Options) (*API, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	a := &API{options: o, models: map[string]*model{}, throttle: newThrottle(o.Config.Rate, o.Config.Burst, o.Now)}
	for contentType, text := range o.Config.Models {
		m, err := parseModel(text)
		if err != nil {
			return nil, fmt.Errorf("request model for %s: %w", contentType, err)
		}
		a.models[contentType] = m
	}
	for kind, response := range o.Config.Gateway {
		if _, err := substitute(response.Text, gatewayError{}); err != nil {
			return nil, fmt.Errorf("gateway response %s: %w", kind, err)
		}
	}
	return a, nil
}

// Handles reports whether a path is the API's: its stage or below.
func (a *API) Handles(path string) bool {
	return path == "/"+a.options.Config.Stage || strings.HasPrefix(path, "/"+a.options.Config.Stage+"/")
}

// gatewayError is why a request does not reach the integration, or got no response from it.
type gatewayError struct {
	kind       string // of gateway response
	status     int    // unless the stack has a response of this kind
	message    string
	validation string // why the body does not fit the model
}

func (e *gatewayError) Error() string { return e.kind + ": " + e.message }

// ServeHTTP serves the API.
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	response, failed := a.serve(r)
	if failed != nil {
		response = a.answerError(failed)
	}
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("x-amzn-RequestId", uuid.NewString())
	for name, value := range response.headers {
		h.Set(name, value)
	}
	w.WriteHeader(response.status)
	_, _ = io.WriteString(w, response.body) // the client may have gone
}

type response struct {
	status  int
	headers map[string]string
	body    string
}

func (a *API) serve(r *http.Request) (response, *gatewayError) {
	c := a.options.Config
	// API Gateway answers so to a path or a method that the API does not have.
	if r.URL.Path != "/"+c.Stage+c.Path || r.Method != c.Method {
		return response{}, &gatewayError{"MISSING_AUTHENTICATION_TOKEN", http.StatusForbidden,
			"Missing Authentication Token", ""}
	}
	if failed := a.authorise(r); failed != nil {
		return response{}, failed
	}
	contentType, failed := readContentType(r)
	if failed != nil {
		return response{}, failed
	}
	body, failed := readBody(r)
	if failed != nil {
		return response{}, failed
	}
	request, known := c.Requests[contentType]
	if !known {
		return response{}, unsupported
	}
	if m := a.models[contentType]; m != nil {
		if reason := m.validate(body); reason != "" {
			return response{}, &gatewayError{"BAD_REQUEST_BODY", http.StatusBadRequest, "Invalid request body", reason}
		}
	}
	variables := newVariables(body)
	rendered, err := request.Render(variables)
	if err != nil {
		return response{}, internalError(err)
	}
	return a.integrate(r.Context(), rendered)
}

var unsupported = &gatewayError{"UNSUPPORTED_MEDIA_TYPE", http.StatusUnsupportedMediaType, "Unsupported Media Type", ""}

// authorise checks what is seen of a signature, the API key and the quota. Signatures themselves are not checked.
func (a *API) authorise(r *http.Request) *gatewayError {
	authorization := r.Header.Get("Authorization")
	switch {
	case !strings.HasPrefix(authorization, "AWS4-HMAC-SHA256 "):
		return &gatewayError{"MISSING_AUTHENTICATION_TOKEN", http.StatusForbidden, "Missing Authentication Token", ""}
	case !strings.Contains(authorization, "/execute-api/aws4_request"):
		return &gatewayError{"INVALID_SIGNATURE", http.StatusForbidden,
			"Credential should be scoped to correct service: 'execute-api'.", ""}
	case a.options.Config.KeyRequired && r.Header.Get("X-Api-Key") != a.options.Key:
		return &gatewayError{"INVALID_API_KEY", http.StatusForbidden, "Forbidden", ""}
	case !a.throttle.takeToken():
		return &gatewayError{"THROTTLED", http.StatusTooManyRequests, "Too Many Requests", ""}
	}
	return nil
}

// readContentType returns the content type without parameters. Without the header it is application/json.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/integration-passthrough-behaviors.html
func readContentType(r *http.Request) (string, *gatewayError) {
	header := r.Header.Get("Content-Type")
	if header == "" {
		return "application/json", nil
	}
	// That parameters such as a charset do not matter is an assumption: AWS does not document it.
	contentType, _, err := mime.ParseMediaType(header)
	if err != nil {
		return "", unsupported
	}
	return contentType, nil
}

func readBody(r *http.Request) (string, *gatewayError) {
	body, err := io.ReadAll(io.LimitReader(r.Body, MaxBytes+1))
	if err != nil {
		return "", &gatewayError{"DEFAULT_4XX", http.StatusBadRequest, "Bad Request", ""}
	}
	if len(body) > MaxBytes {
		_, _ = io.Copy(io.Discard, io.LimitReader(r.Body, drainBytes)) // the response says what is wrong
		return "", &gatewayError{"REQUEST_TOO_LARGE", http.StatusRequestEntityTooLarge, "Request Too Long", ""}
	}
	// A body that is not UTF-8 is not documented: each wrong byte becomes U+FFFD, as in Java.
	return string([]rune(string(body))), nil
}

func internalError(err error) *gatewayError {
	return &gatewayError{"DEFAULT_5XX", http.StatusInternalServerError, "Internal server error: " + err.Error(), ""}
}

// integrate calls the service and maps its response.
func (a *API) integrate(ctx context.Context, body string) (response, *gatewayError) {
	status, answer, err := a.callService(ctx, body)
	if err != nil {
		if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
			return response{}, &gatewayError{"INTEGRATION_TIMEOUT", http.StatusGatewayTimeout,
				"Endpoint request timed out", ""}
		}
		return response{}, internalError(err)
	}
	var chosen *template.APIResponse
	for i, r := range a.options.Config.Responses {
		if r.Pattern == nil && chosen == nil || r.Pattern != nil && r.Pattern.MatchString(fmt.Sprint(status)) {
			chosen = &a.options.Config.Responses[i]
		}
	}
	if chosen == nil {
		return response{}, internalError(fmt.Errorf("no integration response for status %d", status))
	}
	variables := newVariables(answer)
	text, err := chosen.Template.Render(variables)
	if err != nil {
		return response{}, internalError(err)
	}
	mapped := response{status: chosen.Status, headers: maps.Clone(chosen.Headers), body: text}
	if err := mapped.override(variables); err != nil {
		return response{}, internalError(err)
	}
	return mapped, nil
}

// callService posts the body as API Gateway does to an action of a service.
func (a *API) callService(ctx context.Context, body string) (status int, answer string, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://127.0.0.1/", bytes.NewBufferString(body))
	if err != nil {
		return 0, "", err
	}
	request.Header.Set("X-Amz-Target", a.options.Target)
	request.Header.Set("Content-Type", a.options.Config.ContentType)
	r := &recorder{header: http.Header{}, status: http.StatusOK}
	a.options.Service.ServeHTTP(r, request)
	return r.status, r.body.String(), ctx.Err()
}

// recorder keeps a response.
type recorder struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (r *recorder) Header() http.Header            { return r.header }
func (r *recorder) WriteHeader(status int)         { r.status = status }
func (r *recorder) Write(data []byte) (int, error) { return r.body.Write(data) }
func quoteJSON(text string) (string, error) {
	var out strings.Builder
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	err := encoder.Encode(text)
	return strings.TrimSpace(out.String()), err
}
