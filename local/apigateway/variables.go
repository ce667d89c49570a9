package apigateway

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/google/uuid"
)

// newVariables returns what a mapping template can refer to, for a request or for the service's response.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-mapping-template-reference.html
func newVariables(body string) map[string]any { return Variables(body, uuid.NewString()) }

// Variables returns $input, $context and $util for a body, for [vtl.Template.Render].
func Variables(body, requestID string) map[string]any {
	return map[string]any{
		"input": &input{body: body},
		"util":  utilities{},
		"context": map[string]any{
			"requestId":        requestID,
			"responseOverride": map[string]any{"header": map[string]any{}},
		},
	}
}

// input is $input.
type input struct {
	body   string
	parsed any
}

func (i *input) Property(name string) any {
	if name == "body" {
		return i.body
	}
	return nil
}

// Call calls path, with members of objects only.
func (i *input) Call(name string, arguments []any) (any, error) {
	path := ""
	if len(arguments) == 1 {
		path, _ = arguments[0].(string)
	}
	if name != "path" || path != "$" && !strings.HasPrefix(path, "$.") {
		return nil, fmt.Errorf("%s(%v): only path('$') and path('$.name') are modelled", name, arguments)
	}
	if i.parsed == nil {
		decoder := json.NewDecoder(strings.NewReader(i.body))
		decoder.UseNumber()
		var value any
		if err := decoder.Decode(&value); err != nil {
			return nil, fmt.Errorf("%s: the body is not JSON: %w", name, err)
		}
		i.parsed = convert(value)
	}
	value := i.parsed
	for _, key := range strings.Split(path, ".")[1:] {
		object, _ := value.(map[string]any)
		value = object[key]
	}
	return value, nil
}

// convert makes whole numbers int64, as the templates compare them; other numbers become text.
func convert(value any) any {
	switch value := value.(type) {
	case json.Number:
		if n, err := value.Int64(); err == nil {
			return n
		}
		return value.String()
	case []any:
		for i := range value {
			value[i] = convert(value[i])
		}
	case map[string]any:
		for key := range value {
			value[key] = convert(value[key])
		}
	}
	return value
}

// utilities is $util.
type utilities struct{}

func (utilities) Property(string) any { return nil }

func (utilities) Call(name string, arguments []any) (any, error) {
	if len(arguments) == 1 && name == "base64Encode" {
		if text, ok := arguments[0].(string); ok {
			return base64.StdEncoding.EncodeToString([]byte(text)), nil
		}
	}
	return nil, fmt.Errorf("%s with %d arguments: only base64Encode(text) is modelled", name, len(arguments))
}
