package settings

import (
	"bytes"
	"reflect"
	"slices"
	"testing"
)

func TestTableNamesEveryFieldOnce(t *testing.T) {
	var s Settings
	rows := table(&s)
	var keys []string
	for _, field := range reflect.VisibleFields(reflect.TypeFor[Settings]()) {
		keys = append(keys, field.Tag.Get("json"))
	}
	if len(keys) != len(rows) {
		t.Errorf("got %d rows for %d fields", len(rows), len(keys))
	}
	for i, row := range rows {
		if !slices.Contains(keys, row.key) {
			t.Errorf("%s: no such field", row.key)
		}
		if slices.ContainsFunc(rows[:i], func(other setting) bool { return other.key == row.key }) {
			t.Errorf("%s: two rows", row.key)
		}
	}
	// Each row must point at the field whose name it has: only that one may change through it.
	for i := range rows {
		var one Settings
		row := table(&one)[i]
		before := fields(t, one)
		switch f := row.field.(type) {
		case integer:
			*f.to = 77
		case boolean:
			*f.to = true
		case choice:
			*f.to = "other"
		case vpc:
			*f.to = VPC{New: true}
		case version:
			*f.to = "other"
		case text:
			*f.to = "other"
		case list:
			*f.to = []string{"other"}
		default:
			t.Fatalf("%s: unknown field %T", row.key, f)
		}
		var changed []string
		for key, value := range fields(t, one) {
			if !bytes.Equal(value, before[key]) {
				changed = append(changed, key)
			}
		}
		if !slices.Equal(changed, []string{row.key}) {
			t.Errorf("%s: the row sets %v", row.key, changed)
		}
	}
}
