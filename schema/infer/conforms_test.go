package infer

import (
	"encoding/json"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"firehose-pipeline/schema"
)

// checkResult checks that a result's schema is accepted, and that nothing of the events it was inferred from is
// malformed for it. Further checks of schema and events, such as the transform itself, belong here.
func checkResult(t testing.TB, result *Result, events []string) {
	t.Helper()
	if result.Schema == nil {
		return
	}
	inferred, err := schema.Parse(result.Schema)
	if err != nil {
		t.Fatalf("the schema is not accepted: %v\n%s", err, result.Schema)
	}
	checkTransform(t, inferred, events)
	var root declaration
	if err := json.Unmarshal(result.Schema, &root); err != nil {
		t.Fatal(err)
	}
	for _, event := range events {
		decoder := json.NewDecoder(strings.NewReader(event))
		decoder.UseNumber()
		var value any
		if err := decoder.Decode(&value); err != nil {
			t.Fatalf("%s: %v", event, err)
		}
		if err := root.check(value, ""); err != nil {
			t.Fatalf("malformed: %v\nevent: %.2000s\nschema: %s", err, event, result.Schema)
		}
	}
}

// declaration is what the check knows of a schema. It is independent of the packages that write and read schemas.
type declaration struct {
	Type                 any                     `json:"type"`
	Format               string                  `json:"format"`
	Properties           map[string]*declaration `json:"properties"`
	Required             []string                `json:"required"`
	Items                *declaration            `json:"items"`
	AdditionalProperties *declaration            `json:"additionalProperties"`
}

func (d *declaration) typeName() (name string, nullable bool) {
	switch t := d.Type.(type) {
	case string:
		return t, false
	case []any:
		return t[0].(string), slices.Contains(t, any("null"))
	}
	return "", true
}

var (
	anyTimestamp = regexp.MustCompile(`^\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:?\d\d)$`)
	integer      = regexp.MustCompile(`^-?\d+$`)
)

func (d *declaration) check(value any, at string) error {
	name, nullable := d.typeName()
	bad := func() error {
		return fmt.Errorf("%s: %T %.100q is not %s %s", at, value, fmt.Sprint(value), name, d.Format)
	}
	if value == nil {
		if !nullable {
			return bad()
		}
		return nil
	}
	switch name {
	case "":
		return nil
	case "string":
		text, ok := value.(string)
		switch _, composite := value.(map[string]any); {
		case composite:
			return bad()
		case d.Format == "date-time" && (!ok || !anyTimestamp.MatchString(text)):
			return bad()
		case d.Format == "date":
			if _, err := time.Parse(time.DateOnly, text); err != nil || !ok {
				return bad()
			}
		}
		if _, array := value.([]any); array {
			return bad()
		}
	case "boolean":
		if _, ok := value.(bool); !ok {
			return bad()
		}
	case "number":
		number, ok := value.(json.Number)
		if x, err := strconv.ParseFloat(string(number), 64); !ok || err != nil || math.IsInf(x, 0) ||
			len(number) > 1000 {
			return bad()
		}
	case "integer":
		number, ok := value.(json.Number)
		if _, err := strconv.ParseInt(string(number), 10, 64); !ok || err != nil ||
			!integer.MatchString(string(number)) {
			return bad()
		}
	case "object":
		object, ok := value.(map[string]any)
		if !ok {
			return bad()
		}
		return d.checkObject(object, at)
	case "array":
		array, ok := value.([]any)
		if !ok {
			return bad()
		}
		for i, element := range array {
			if err := d.Items.check(element, at+"/"+strconv.Itoa(i)); err != nil {
				return err
			}
		}
	default:
		return fmt.Errorf("%s: unknown type %q", at, name)
	}
	return nil
}

func (d *declaration) checkObject(object map[string]any, at string) error {
	for _, key := range d.Required {
		if _, ok := object[key]; !ok {
			return fmt.Errorf("%s: %q is required and missing", at, key)
		}
	}
	for key, value := range object {
		declared := d.Properties[key]
		if declared == nil {
			declared = d.AdditionalProperties
		}
		if declared == nil {
			continue
		}
		if err := declared.check(value, at+"/"+key); err != nil {
			return err
		}
	}
	return nil
}
