package vtl

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf16"
)

type expression interface {
	evaluate(s *scope) (any, error)
}

type literal struct{ value any }

func (l literal) evaluate(*scope) (any, error) { return l.value, nil }

// interpolated is a string in double quotes. The values of its references are text, whatever they contain.
type interpolated struct{ nodes []node }

func (i interpolated) evaluate(s *scope) (any, error) {
	var out strings.Builder
	err := s.renderNodes(&out, i.nodes)
	return out.String(), err
}

type not struct{ of expression }

func (n not) evaluate(s *scope) (any, error) {
	value, err := n.of.evaluate(s)
	return !isTrue(value), err
}

type binary struct {
	operator    string
	left, right expression
}

func (b binary) evaluate(s *scope) (any, error) {
	left, err := b.left.evaluate(s)
	if err != nil {
		return nil, err
	}
	switch {
	case b.operator == "||" && isTrue(left):
		return true, nil
	case b.operator == "&&" && !isTrue(left):
		return false, nil
	}
	right, err := b.right.evaluate(s)
	if err != nil {
		return nil, err
	}
	switch b.operator {
	case "||", "&&":
		return isTrue(right), nil
	case "==":
		return left == right, sameKind(b.operator, left, right)
	case "!=":
		return left != right, sameKind(b.operator, left, right)
	}
	x, isNumber := left.(int64)
	y, areNumbers := right.(int64)
	if !isNumber || !areNumbers {
		return nil, fmt.Errorf("%s: both sides must be whole numbers (got %T and %T)", b.operator, left, right)
	}
	return map[string]bool{">": x > y, "<": x < y, ">=": x >= y, "<=": x <= y}[b.operator], nil
}

// sameKind rejects what the versions of Velocity compare differently: 1.7 compares values of other kinds by their text.
func sameKind(operator string, left, right any) error {
	for _, value := range []any{left, right} {
		switch value.(type) {
		case string, int64, bool:
		default:
			return fmt.Errorf("%s: both sides must be strings, whole numbers or booleans (got %T)", operator, value)
		}
	}
	if l, r := fmt.Sprintf("%T", left), fmt.Sprintf("%T", right); l != r {
		return fmt.Errorf("%s: both sides must be of one kind (got %s and %s)", operator, l, r)
	}
	return nil
}

// isTrue is for values of the kinds in the subset: null and false are false.
func isTrue(value any) bool {
	b, isBool := value.(bool)
	return value != nil && (!isBool || b)
}

func format(value any) (string, bool) {
	switch value := value.(type) {
	case string:
		return value, true
	case int64:
		return strconv.FormatInt(value, 10), true
	case bool:
		return strconv.FormatBool(value), true
	}
	return "", false
}

type reference struct {
	name   string
	steps  []step
	quiet  bool
	source string
}

type step struct {
	name      string
	call      bool
	arguments []expression
}

// evaluate returns nil when a part of the path has no value.
func (r reference) evaluate(s *scope) (any, error) {
	value := s.variables[r.name]
	for _, step := range r.steps {
		if value == nil {
			return nil, nil
		}
		var arguments []any
		for _, a := range step.arguments {
			argument, err := a.evaluate(s)
			if err != nil {
				return nil, err
			}
			arguments = append(arguments, argument)
		}
		var err error
		if value, err = follow(value, step, arguments); err != nil {
			return nil, fmt.Errorf("%s: %w", r.source, err)
		}
	}
	return value, nil
}

func follow(value any, step step, arguments []any) (any, error) {
	switch value := value.(type) {
	case Object:
		if step.call {
			return value.Call(step.name, arguments)
		}
		return value.Property(step.name), nil
	case map[string]any:
		if !step.call {
			return value[step.name], nil
		}
	case string:
		if step.call {
			return callString(value, step.name, arguments)
		}
	case []any:
		if step.call && step.name == "size" && len(arguments) == 0 {
			return int64(len(value)), nil
		}
	}
	return nil, fmt.Errorf("%s of %T is outside of the subset", step.name, value)
}

// callString calls a method of java.lang.String.
func callString(text, name string, arguments []any) (any, error) {
	argument, isText := "", false
	if len(arguments) == 1 {
		argument, isText = arguments[0].(string)
	}
	switch {
	case len(arguments) == 0 && name == "trim":
		return strings.TrimFunc(text, func(r rune) bool { return r <= ' ' }), nil
	case len(arguments) == 0 && name == "isEmpty":
		return text == "", nil
	case len(arguments) == 0 && name == "length":
		return int64(len(utf16.Encode([]rune(text)))), nil
	case isText && name == "contains":
		return strings.Contains(text, argument), nil
	case isText && name == "split":
		return splitText(text, argument)
	}
	return nil, fmt.Errorf("%s with %d arguments: must be trim(), isEmpty(), length(), contains(text) or split(text)",
		name, len(arguments))
}

// splitText splits as java.lang.String.split does: without the empty strings at the end.
func splitText(text, separator string) (any, error) {
	if len(separator) != 1 || strings.ContainsAny(separator, `.$|()[{^?*+\`) {
		return nil, fmt.Errorf("split: must be at one character without a meaning in regular expressions (got %q)",
			separator)
	}
	if text == "" {
		return []any{""}, nil
	}
	parts := strings.Split(text, separator)
	for len(parts) > 0 && parts[len(parts)-1] == "" {
		parts = parts[:len(parts)-1]
	}
	list := make([]any, len(parts))
	for i, part := range parts {
		list[i] = part
	}
	return list, nil
}
