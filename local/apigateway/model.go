package apigateway

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
)

// model is a request model: the part of JSON Schema draft 4 that the front door's model has.
type model struct {
	Schema     string `json:"$schema"`
	Title      string `json:"title"`
	Type       string `json:"type"`
	Required   []string
	Properties map[string]*model
	Items      *model
}

// parseModel rejects keywords that are not modelled.
func parseModel(text []byte) (*model, error) {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	m := &model{}
	if err := decoder.Decode(m); err != nil {
		return nil, err
	}
	return m, nil
}

// validate returns why the body does not fit, in the words that clients of the real service publish; empty when it
// does. That an empty body counts as {} is an assumption.
func (m *model) validate(body string) string {
	if strings.TrimSpace(body) == "" {
		body = "{}"
	}
	var value any
	decoder := json.NewDecoder(strings.NewReader(body))
	decoder.UseNumber() // 1E400 is a number, too
	err := decoder.Decode(&value)
	if err == nil {
		if _, more := decoder.Token(); !errors.Is(more, io.EOF) {
			err = errors.New("there is text after the value")
		}
	}
	if err != nil {
		return "Could not parse request body into json: " + err.Error()
	}
	problems := m.check(value, nil)
	if problems == nil {
		return ""
	}
	return "[" + strings.Join(problems, ", ") + "]"
}

func (m *model) check(value any, problems []string) []string {
	if kind := kindOf(value); m.Type != "" && m.Type != kind {
		return append(problems, fmt.Sprintf("instance type (%s) does not match any allowed primitive type (allowed: [%q])",
			kind, m.Type))
	}
	switch value := value.(type) {
	case map[string]any:
		var missing []string
		for _, name := range m.Required {
			if _, ok := value[name]; !ok {
				missing = append(missing, fmt.Sprintf("%q", name))
			}
		}
		if missing != nil {
			slices.Sort(missing)
			problems = append(problems,
				fmt.Sprintf("object has missing required properties ([%s])", strings.Join(missing, ",")))
		}
		for _, name := range slices.Sorted(maps.Keys(m.Properties)) {
			if inner, ok := value[name]; ok {
				problems = m.Properties[name].check(inner, problems)
			}
		}
	case []any:
		if m.Items == nil {
			return problems
		}
		for _, item := range value {
			problems = m.Items.check(item, problems)
		}
	}
	return problems
}

func kindOf(value any) string {
	switch value.(type) {
	case nil:
		return "null"
	case bool:
		return "boolean"
	case string:
		return "string"
	case json.Number:
		return "number"
	case []any:
		return "array"
	}
	return "object"
}
