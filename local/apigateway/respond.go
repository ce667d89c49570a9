package apigateway

import (
	"fmt"
	"maps"
	"regexp"
	"strings"
)

// answerError answers with the gateway response of the stack, or with API Gateway's own.
func (a *API) answerError(e *gatewayError) response {
	own := map[string]string{"x-amzn-ErrorType": errorTypes[e.kind]}
	configured, ok := a.options.Config.Gateway[e.kind]
	if !ok {
		configured.Text, configured.Status = `{"message":$context.error.messageString}`, e.status
	}
	body, err := substitute(configured.Text, *e)
	if err != nil { // New has tried it
		body = `{"message":"Internal server error"}`
	}
	maps.Copy(own, configured.Headers)
	return response{status: configured.Status, headers: own, body: body}
}

// errorTypes are the values of the header x-amzn-ErrorType.
var errorTypes = map[string]string{
	"BAD_REQUEST_BODY":             "BadRequestException",
	"INVALID_API_KEY":              "ForbiddenException",
	"INVALID_SIGNATURE":            "InvalidSignatureException",
	"MISSING_AUTHENTICATION_TOKEN": "MissingAuthenticationTokenException",
	"REQUEST_TOO_LARGE":            "RequestTooLargeException",
	"THROTTLED":                    "TooManyRequestsException",
	"UNSUPPORTED_MEDIA_TYPE":       "UnsupportedMediaTypeException",
	"INTEGRATION_TIMEOUT":          "InternalServerErrorException",
	"DEFAULT_5XX":                  "InternalServerErrorException",
}

var contextVariable = regexp.MustCompile(`\$context\.[A-Za-z.]+`)

// substitute replaces the variables of a gateway response, which has no other part of VTL. Validation errors are
// escaped for the string that the template puts them in: published clients of the real service parse them so.
func substitute(text string, e gatewayError) (string, error) {
	var failed error
	out := contextVariable.ReplaceAllStringFunc(text, func(name string) string {
		value, quoted := "", false
		switch name {
		case "$context.error.messageString":
			value, quoted = e.message, true
		case "$context.error.message":
			value = e.message
		case "$context.error.validationErrorString":
			value = e.validation
		default:
			failed = fmt.Errorf("%s is not modelled", name)
		}
		escaped, err := quoteJSON(value)
		if err != nil {
			failed = err
		}
		if !quoted {
			escaped = strings.TrimSuffix(strings.TrimPrefix(escaped, `"`), `"`)
		}
		return escaped
	})
	return out, failed
}

// override applies $context.responseOverride, as the template left it.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-override-request-response-parameters.html
func (r *response) override(variables map[string]any) error {
	override := variables["context"].(map[string]any)["responseOverride"].(map[string]any) // of newVariables
	if status, ok := override["status"]; ok {
		number, isNumber := status.(int64)
		if !isNumber || number < 200 || number > 599 {
			return fmt.Errorf("$context.responseOverride.status: must be 200 to 599 (got %v)", status)
		}
		r.status = int(number)
	}
	headers, ok := override["header"].(map[string]any)
	if !ok {
		return fmt.Errorf("$context.responseOverride.header: must have headers (got %v)", override["header"])
	}
	for name, value := range headers {
		text, isText := value.(string)
		if !isText {
			return fmt.Errorf("$context.responseOverride.header.%s: must be a string (got %v)", name, value)
		}
		r.headers[name] = text
	}
	return nil
}
