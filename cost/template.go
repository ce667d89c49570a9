package cost

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
)

// Template is a synthesised CloudFormation template.
type Template struct {
	resources map[string]*resource
	defaults  map[string]any // of parameters
}

type resource struct {
	id         string
	Type       string
	Condition  string
	Properties map[string]any
}

// ReadTemplate parses a template in JSON.
func ReadTemplate(text []byte) (*Template, error) {
	var file struct {
		Resources  map[string]*resource
		Parameters map[string]struct{ Default any }
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	if err := decoder.Decode(&file); err != nil {
		return nil, fmt.Errorf("must be a CloudFormation template in JSON: %w", err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("must be a CloudFormation template in JSON: there is text after the object")
	}
	if len(file.Resources) == 0 {
		return nil, errors.New("must be a CloudFormation template with Resources")
	}
	t := &Template{file.Resources, map[string]any{}}
	for id, r := range t.resources {
		if r == nil || r.Type == "" {
			return nil, fmt.Errorf("resource %q: must have a Type", id)
		}
		r.id = id
	}
	for name, parameter := range file.Parameters {
		t.defaults[name] = parameter.Default
	}
	return t, nil
}

// of returns the resources of a type, in the order of their ids.
func (t *Template) of(kind string) []*resource {
	var found []*resource
	for _, id := range slices.Sorted(maps.Keys(t.resources)) {
		if t.resources[id].Type == kind {
			found = append(found, t.resources[id])
		}
	}
	return found
}

// at returns a value inside another; nil when it is not there.
func (t *Template) at(in any, path ...string) any {
	for _, name := range path {
		object, ok := t.resolve(in).(map[string]any)
		if !ok {
			return nil
		}
		in = object[name]
	}
	return t.resolve(in)
}

// resolve replaces a reference to a parameter by the parameter's default.
func (t *Template) resolve(value any) any {
	if object, ok := value.(map[string]any); ok && len(object) == 1 {
		if name, ok := object["Ref"].(string); ok {
			if given, ok := t.defaults[name]; ok {
				return given
			}
		}
	}
	return value
}

func (t *Template) text(in any, path ...string) string {
	text, _ := t.at(in, path...).(string)
	return text
}

func (t *Template) list(in any, path ...string) []any {
	list, _ := t.at(in, path...).([]any)
	return list
}

// isTrue reads a boolean, which CloudFormation accepts as a string, too.
func (t *Template) isTrue(in any, path ...string) bool {
	value := t.at(in, path...)
	return value == true || value == "true"
}

// notLiteral is a property whose value is known only on deployment.
type notLiteral struct{ path string }

func (n notLiteral) Error() string { return n.path + " is not a number in the template" }

// number reads a number, which CloudFormation accepts as a string, too; otherwise is its value when it is not there.
// A number that is known only on deployment is an error.
func (t *Template) number(otherwise Number, in any, path ...string) (Number, error) {
	switch value := t.at(in, path...).(type) {
	case nil:
		return otherwise, nil
	case json.Number:
		return parseProperty(value.String(), path)
	case string:
		return parseProperty(value, path)
	}
	return Number{}, notLiteral{path[len(path)-1]}
}

func parseProperty(text string, path []string) (Number, error) {
	n, err := ParseNumber(text)
	if err != nil || n.Sign() < 0 {
		return Number{}, notLiteral{path[len(path)-1]}
	}
	return n, nil
}

// referred returns the ids of resources that a value refers to, each once, in the order of the text.
func (t *Template) referred(value any) []string {
	var ids []string
	var walk func(value any, depth int)
	note := func(id string) {
		if t.resources[id] != nil && !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	walk = func(value any, depth int) {
		if depth > 100 {
			return
		}
		switch value := value.(type) {
		case []any:
			for _, element := range value {
				walk(element, depth+1)
			}
		case map[string]any:
			if id, ok := value["Ref"].(string); ok {
				note(id)
			}
			if path, ok := value["Fn::GetAtt"].([]any); ok && len(path) > 0 {
				if id, ok := path[0].(string); ok {
					note(id)
				}
			}
			for _, name := range slices.Sorted(maps.Keys(value)) {
				walk(value[name], depth+1)
			}
		}
	}
	walk(value, 0)
	return ids
}

// find returns the first resource of a type that a value refers to; nil when there is none.
func (t *Template) find(value any, kind string) *resource {
	for _, id := range t.referred(value) {
		if t.resources[id].Type == kind {
			return t.resources[id]
		}
	}
	return nil
}
