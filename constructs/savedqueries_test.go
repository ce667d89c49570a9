package constructs

import (
	"slices"
	"strings"
	"testing"

	"firehose-pipeline/internal/testkit/shopschema"
	"firehose-pipeline/schema"
)

// A query that does not fit the schema is left out, and the columns are those of the schema's mapping.
func TestSavedQueriesFitTheSchema(t *testing.T) {
	const always = "events-per-hour failures-by-reason malformed-values"
	for name, of := range map[string]struct{ properties, roles, more, holds string }{
		"nothing":  {`"color": {"type": "string"}`, ``, "", "count(*) AS events"},
		"id alone": {`"event_id": {"type": "string"}`, ``, "duplicates create-view-events_once", `nullif("event_id", '')`},
		"a number as id": {`"Order-No": {"type": "integer"}`, `"x-event-id": "Order-No"`,
			"duplicates create-view-events_once", `SELECT "order_no" AS id`},
		"an id in a struct": {`"metaData": {"type": "object", "properties": {"eventId": {"type": "string"}}}`,
			`"x-event-id": "/metaData/eventId"`, "duplicates create-view-events_once",
			`PARTITION BY nullif("meta_data"."event_id", '')`},
		"timestamp before other times": {`"@sent": {"type": "string", "format": "date-time"},
			"timestamp": {"type": "string", "format": "date-time", "x-column": "happened_at"}`, ``, "late-data",
			`replace("happened_at", 'T', ' ')`},
		"the first time": {`"day": {"type": "string", "format": "date"}, "ts": {"type": "string", "format": "date-time"},
			"sent": {"type": "string", "format": "date-time"}`, ``, "late-data", `replace("ts", 'T', ' ')`},
		"a hashed time": {`"ts": {"type": "string", "format": "date-time"}, "at": {"type": "string", "x-protect": "hash"}`,
			``, "late-data", `replace("ts", 'T', ' ')`},
		"a sum": {`"amount": {"type": "integer", "x-column": "cents"}, "category_code": {"type": "string"},
			"event_type": {"type": "string"}`, ``, "revenue-per-category", `"cents" AS amount`},
		"a sum of other events": {`"amount": {"type": "number"}, "category_code": {"type": "string"},
			"event_type": {"type": "string", "enum": ["view"]}`, ``, "", ""},
		"an amount that is text": {`"amount": {"type": "string"}, "category_code": {"type": "string"},
			"event_type": {"type": "string"}`, ``, "", ""},
		"an amount that is hidden": {`"amount": {"type": "integer", "x-protect": "redact"},
			"category_code": {"type": "string"}, "event_type": {"type": "string"}`, ``, "", ""},
		"no type of event": {`"amount": {"type": "number"}, "category_code": {"type": "string"},
			"event_type": {"type": "string"}`, `"x-event-type": null`, "", ""},
		"a column named copy": {`"event_id": {"type": "string"}, "copy": {"type": "string"}`, ``,
			"duplicates create-view-events_once", "AS copy_"},
	} {
		text := `{"type": "object", "properties": {` + of.properties + `}`
		if of.roles != "" {
			text += ", " + of.roles
		}
		s, err := schema.Parse([]byte(text + "}"))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		var names, texts []string
		for _, q := range savedQueries(s) {
			names, texts = append(names, q.name), append(texts, q.sql)
		}
		slices.Sort(names)
		want := strings.Fields(always + " " + of.more)
		slices.Sort(want)
		if !slices.Equal(names, want) {
			t.Errorf("%s: must have the queries %v (got %v)", name, want, names)
		}
		if all := strings.Join(texts, "\n"); !strings.Contains(all, of.holds) {
			t.Errorf("%s: the queries must have %s (got %s)", name, of.holds, all)
		}
	}
}

// Limits of Athena: https://docs.aws.amazon.com/athena/latest/APIReference/API_CreateNamedQuery.html
func TestSavedQueriesAreWithinAthenasLimits(t *testing.T) {
	seen := map[string]bool{}
	for _, q := range savedQueries(shopschema.Load()) {
		if len(q.name) > 128 || len(q.description) > 1024 || len(q.sql) > 262144 || seen[q.name] || seen[q.id] {
			t.Errorf("%s: must be within the limits, and there once", q.name)
		}
		seen[q.name], seen[q.id] = true, true
	}
}
