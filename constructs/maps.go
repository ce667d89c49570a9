package constructs

import (
	"fmt"

	"firehose-pipeline/schema"
)

// checkMaps panics, like any other props that cannot be used, when the schema has a map and the search domain no type
// for it.
// https://docs.opensearch.org/latest/mappings/supported-field-types/flat-object/
func checkMaps(props PipelineProps) {
	pointer := firstMap(props.Schema.Fields)
	if pointer == "" || props.Settings.OpenSearchAtLeast(2, 7) {
		return
	}
	panic(fmt.Sprintf("openSearchVersion: must be 2.7 or later, because the event schema has a map, %s "+
		"(additionalProperties), which "+
		"is a flat_object in the index (got %q)", pointer, props.Settings.OpenSearchVersion))
}

// firstMap is the JSON Pointer of the first field that is a map, or an array of maps, or has one inside; empty for
// none.
func firstMap(fields []*schema.Field) string {
	for _, f := range fields {
		t := f.Type
		for t != nil && t.Kind == schema.Array {
			t = t.Elem
		}
		switch {
		case t == nil || f.Protect == schema.Drop:
		case t.Kind == schema.Map:
			return f.Pointer
		case t.Kind == schema.Struct:
			if pointer := firstMap(t.Fields); pointer != "" {
				return pointer
			}
		}
	}
	return ""
}
