package vtl

import (
	"fmt"
	"strings"
)

// MaxIterations is the most rounds of a #foreach.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-execution-service-limits-table.html
const MaxIterations = 1000

// Object is a value with properties and methods of its own, such as $input.
type Object interface {
	// Property returns the value of a property; nil when there is none.
	Property(name string) any
	// Call calls a method.
	Call(name string, arguments []any) (any, error)
}

// Render renders the template. Variables are strings, bool, int64, nil, []any, map[string]any and [Object]s by their
// names without $; the template may set members of maps.
func (t *Template) Render(variables map[string]any) (string, error) {
	s := &scope{variables: map[string]any{}}
	for name, value := range variables {
		s.variables[name] = value
	}
	var out strings.Builder
	if err := s.renderNodes(&out, t.nodes); err != nil {
		return "", fmt.Errorf("rendering mapping template: %w", err)
	}
	return out.String(), nil
}

type scope struct{ variables map[string]any }

// node is a piece of a template.
type node interface {
	render(s *scope, out *strings.Builder) error
}

func (s *scope) renderNodes(out *strings.Builder, nodes []node) error {
	for _, n := range nodes {
		if err := n.render(s, out); err != nil {
			return err
		}
	}
	return nil
}

type textNode string

func (t textNode) render(_ *scope, out *strings.Builder) error {
	out.WriteString(string(t))
	return nil
}

// render writes the value; without one, its source, or nothing when the reference is quiet.
func (r reference) render(s *scope, out *strings.Builder) error {
	value, err := r.evaluate(s)
	if err != nil {
		return err
	}
	text, ok := format(value)
	switch {
	case ok:
		out.WriteString(text)
	case value != nil:
		return fmt.Errorf("%s: a list or an object has no text in the subset", r.source)
	case !r.quiet:
		out.WriteString(r.source)
	}
	return nil
}

type setNode struct {
	path  []string
	value expression
}

func (n setNode) render(s *scope, _ *strings.Builder) error {
	value, err := n.value.evaluate(s)
	if err != nil {
		return err
	}
	if value == nil { // Velocity 1.7 leaves the variable as it is, 2.x removes it
		return fmt.Errorf("#set($%s …): the value must not be null", strings.Join(n.path, "."))
	}
	in := s.variables
	for i, name := range n.path[:len(n.path)-1] {
		members, ok := in[name].(map[string]any)
		if !ok {
			return fmt.Errorf("#set($%s …): $%s has no members that can be set", strings.Join(n.path, "."),
				strings.Join(n.path[:i+1], "."))
		}
		in = members
	}
	in[n.path[len(n.path)-1]] = value
	return nil
}

type branch struct {
	condition expression
	body      []node
}

type ifNode struct {
	branches  []branch
	otherwise []node
}

func (n ifNode) render(s *scope, out *strings.Builder) error {
	for _, b := range n.branches {
		value, err := b.condition.evaluate(s)
		if err != nil {
			return err
		}
		if isTrue(value) {
			return s.renderNodes(out, b.body)
		}
	}
	return s.renderNodes(out, n.otherwise)
}

type foreachNode struct {
	name  string
	items expression
	body  []node
}

func (n foreachNode) render(s *scope, out *strings.Builder) error {
	value, err := n.items.evaluate(s)
	if err != nil {
		return err
	}
	items, ok := value.([]any)
	switch {
	case !ok:
		return fmt.Errorf("#foreach($%s …): must be a list (got %T)", n.name, value)
	case len(items) > MaxIterations:
		return fmt.Errorf("#foreach($%s …): must have at most %d rounds (got %d)", n.name, MaxIterations, len(items))
	}
	outer, outerLoop := s.variables[n.name], s.variables["foreach"]
	for i, item := range items {
		s.variables[n.name] = item
		s.variables["foreach"] = map[string]any{"index": int64(i), "count": int64(i + 1), "hasNext": i+1 < len(items)}
		if err := s.renderNodes(out, n.body); err != nil {
			return err
		}
	}
	s.variables[n.name], s.variables["foreach"] = outer, outerLoop
	return nil
}
