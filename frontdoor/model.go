package frontdoor

import "firehose-pipeline/schema"

// BuildModel returns the request model of an event: a JSON Schema of draft 4, as API Gateway accepts it.
//
// It has the required members of the event and of its objects, and no type below the event itself. A value of a wrong
// type does not make the event invalid: the transform converts it, or keeps it as text in malformed. And API Gateway's
// message about a type does not say which member has it.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/models-mappings-models.html
func BuildModel(s *schema.Schema) map[string]any {
	model := describeMembers(s.Fields)
	model["$schema"] = "http://json-schema.org/draft-04/schema#"
	model["title"] = "Event"
	model["type"] = "object"
	return model
}

// describeMembers returns the rules for the members of an object; none when nothing in it is required.
func describeMembers(fields []*schema.Field) map[string]any {
	rules := map[string]any{}
	var required []string
	properties := map[string]any{}
	for _, f := range fields {
		if f.Required {
			required = append(required, f.Key)
		}
		if inner := describeValue(f.Declared); len(inner) > 0 {
			properties[f.Key] = inner
		}
	}
	if required != nil { // draft 4 rejects an empty list
		rules["required"] = required
	}
	if len(properties) > 0 {
		rules["properties"] = properties
	}
	return rules
}

// describeValue returns the rules for a value. required and items restrict objects and arrays only: null fits, and so
// does a value that the transform moves to malformed.
func describeValue(t *schema.Type) map[string]any {
	switch t.Kind {
	case schema.Struct:
		return describeMembers(t.Fields)
	case schema.Array:
		if inner := describeValue(t.Elem); len(inner) > 0 {
			return map[string]any{"items": inner}
		}
	}
	return nil
}
