package schema_test

import (
	"os"
	"testing"
)

func TestDDL(t *testing.T) {
	s := parse(t, []byte(`{
		"type": "object",
		"properties": {
			"date": {"type": "string", "format": "date", "description": "The shop's day, as \\ and ' are written"},
			"deviceInfo": {"type": "object", "properties": {
				"timestamp": {"type": "string", "format": "date-time"},
				"tags": {"type": "object", "additionalProperties": {"type": "string"}},
				"screens": {"type": "array", "items": {"type": "object", "properties": {"width": {"type": "integer"}}}}
			}},
			"secret": {"type": "string", "x-protect": "drop"}
		}
	}`))
	const golden = "testdata/ddl.sql"
	got := s.DDL("shop`db.events", "s3://bucket/transformed-data")
	if *update {
		if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if want := string(readFile(t, golden)); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}
