package constructs

import (
	"fmt"
	"slices"
	"strings"

	"firehose-pipeline/schema"
)

// savedQuery is a query that the workgroup holds for people to run and edit.
type savedQuery struct {
	id          string // of the construct
	name        string
	description string // at most 1,024 characters
	sql         string
}

// purchase is the type of an event whose amount is revenue.
const purchase = "purchase"

// Keys of the events by which [savedQueries] finds the columns of a sum.
const (
	amountKey   = "amount"
	categoryKey = "category_code"
	timeKey     = "timestamp"
)

// queryColumns are the expressions of Athena's SQL for the fields that the queries use; empty where the schema has no
// such field.
type queryColumns struct {
	id        string // null where an event has no id
	happened  string // a timestamp with time zone, null where it is missing or malformed
	amount    string
	category  string
	eventType string
	copyName  string // a name that no column has
}

// savedQueries returns the queries that fit the schema's columns, in the order of docs/use.md. Each scans the days of
// its first comment, and no others: the partition keys are text in UTC.
func savedQueries(s *schema.Schema) []savedQuery {
	c := columnsForQueries(s)
	queries := []savedQuery{eventsPerHour(c)}
	if c.amount != "" && c.category != "" && c.eventType != "" {
		queries = append(queries, revenuePerCategory(c))
	}
	queries = append(queries, failuresByReason(), malformedValues(c))
	if c.happened != "" {
		queries = append(queries, lateData(c))
	}
	if c.id != "" {
		queries = append(queries, duplicates(c), savedQuery{
			"CreateViewEventsOnce", "create-view-" + ViewName,
			"Makes the view " + ViewName + " anew, as the stack made it: the latest row of each event id",
			"CREATE OR REPLACE VIEW " + ViewName + " AS\n" + eventsOnce(s),
		})
	}
	return queries
}

func columnsForQueries(s *schema.Schema) queryColumns {
	c := queryColumns{copyName: freeName(s, "copy")}
	if s.EventID != nil {
		c.id = columnPath(s.Fields, s.EventID)
		if s.EventID.Type.Kind == schema.String {
			c.id = "nullif(" + c.id + ", '')"
		}
	}
	if f := timeField(s); f != nil {
		// Not from_iso8601_timestamp: it ends the query on an offset that Athena does not know, and try() does not help.
		c.happened = asInstant(columnPath(s.Fields, f))
	}
	for _, f := range s.Fields {
		switch {
		case f.Protect != schema.Unprotected:
		case f.Key == amountKey && (f.Type.Kind == schema.Double || f.Type.Kind == schema.BigInt):
			c.amount = quoteColumn(f.Column)
		case f.Key == categoryKey && f.Type.Kind == schema.String:
			c.category = quoteColumn(f.Column)
		}
	}
	if f := s.EventType; f != nil && f.Protect == schema.Unprotected && f.Type.Kind == schema.String &&
		(f.Type.Enum == nil || slices.Contains(f.Type.Enum, purchase)) {
		c.eventType = columnPath(s.Fields, f)
	}
	return c
}

// timeField is the field with the time at which an event happened: timestamp, else the first date-time; nil for none.
func timeField(s *schema.Schema) *schema.Field {
	var first *schema.Field
	for _, f := range s.Fields {
		if f.Protect != schema.Unprotected || f.Type.Kind != schema.Timestamp {
			continue
		}
		if f.Key == timeKey {
			return f
		}
		if first == nil {
			first = f
		}
	}
	return first
}

// columnPath is the expression for a field of the event or of a struct in it; empty when it is not there.
func columnPath(fields []*schema.Field, field *schema.Field) string {
	for _, f := range fields {
		if f == field {
			return quoteColumn(f.Column)
		}
		if f.Type != nil && f.Type.Kind == schema.Struct {
			if inner := columnPath(f.Type.Fields, field); inner != "" {
				return quoteColumn(f.Column) + "." + inner
			}
		}
	}
	return ""
}

// quoteColumn quotes a name of the schema, which has letters, digits and underscores: it may be a word of SQL.
func quoteColumn(name string) string { return `"` + name + `"` }

// freeName returns the name, with underscores behind it until no column has it.
func freeName(s *schema.Schema, name string) string {
	for slices.ContainsFunc(s.Columns(), func(c schema.Column) bool { return c.Name == name }) {
		name += "_"
	}
	return name
}

// asInstant converts RFC 3339 text; null where that is not possible.
func asInstant(text string) string {
	return "try_cast(replace(" + text + ", 'T', ' ') AS timestamp(3) with time zone)"
}

// lastDays is the condition for rows that arrived on the last days, today among them. By the year alone Athena skips
// other years without listing them; the text of the whole date does the same for days.
func lastDays(days int) string {
	first := fmt.Sprintf("current_date - INTERVAL '%d' DAY", days-1)
	return "year BETWEEN CAST(year(" + first + ") AS varchar) AND CAST(year(current_date) AS varchar)\n" +
		"  AND year || '-' || month || '-' || day BETWEEN CAST(" + first + " AS varchar) AND CAST(current_date AS varchar)"
}

// arrivedHour is the hour in which a row arrived, as text.
const arrivedHour = "year || '-' || month || '-' || day || ' ' || hour || ':00'"

// numbered is a subquery that numbers the rows of each event id: the first is the latest one, or the earliest. Without
// an id each row is the first. Rows of one batch of the transform have the same time, and are copies.
func numbered(c queryColumns, columns []string, latest bool, where string) string {
	number := "1"
	if c.id != "" {
		order := "DESC NULLS LAST, year DESC, month DESC, day DESC, hour DESC"
		if !latest {
			order = "ASC NULLS LAST, year, month, day, hour"
		}
		// Rows without an id are no copies of one another.
		number = "if(" + c.id + " IS NULL, 1,\n         row_number() OVER (PARTITION BY " + c.id +
			" ORDER BY \"processed_timestamp\" " + order + "))"
	}
	return "(\n  SELECT " + strings.Join(columns, ",\n         ") + ",\n         " + number + " AS " + c.copyName +
		"\n  FROM " + TableName + where + "\n)"
}

// within is the WHERE of a subquery.
func within(days int) string { return "\n  WHERE " + strings.ReplaceAll(lastDays(days), "\n", "\n  ") }

func eventsPerHour(c queryColumns) savedQuery {
	counts := "count(*) AS events"
	about := "Events of each hour in which they arrived"
	if c.id != "" {
		counts = "count(DISTINCT " + c.id + ") + count_if(" + c.id + " IS NULL) AS events,\n       count(*) AS row_count"
		about += "; more rows than events mean duplicates, such as replayed events"
	}
	return savedQuery{"EventsPerHour", "events-per-hour", about + ". The last 7 days of arrival, UTC",
		"-- The last 7 days of arrival, UTC.\nSELECT " + arrivedHour + " AS arrived,\n       " + counts +
			"\nFROM " + TableName + "\nWHERE " + lastDays(7) +
			"\nGROUP BY year, month, day, hour\nORDER BY year, month, day, hour"}
}

func revenuePerCategory(c queryColumns) savedQuery {
	columns := []string{c.amount + " AS amount", c.category + " AS category", c.eventType + " AS event_type"}
	condition := c.copyName + " = 1 AND event_type = '" + purchase + "'"
	about := "that arrived in the last 30 days"
	if c.happened != "" {
		columns = append(columns, c.happened+" AS happened")
		condition += "\n  AND (happened IS NULL OR happened >= current_date - INTERVAL '29' DAY)"
		about = "that happened in the last 30 days"
	}
	return savedQuery{"RevenuePerCategory", "revenue-per-category",
		"Sum of the amounts of purchases " + about + ", each event once",
		"-- Purchases " + about + ", UTC. Each event counts once, by its latest row.\n" +
			"SELECT coalesce(category, '(none)') AS category,\n       count(*) AS purchases,\n" +
			"       round(sum(amount), 2) AS revenue\nFROM " + numbered(c, columns, true, within(30)) +
			"\nWHERE " + condition + "\nGROUP BY 1\nORDER BY revenue DESC NULLS LAST, category"}
}

func failuresByReason() savedQuery {
	return savedQuery{"FailuresByReason", "failures-by-reason",
		"Records that Firehose could not deliver, by stream, error output type and Firehose's error code. " +
			"Replayed records stay counted. The last 7 days, UTC",
		"-- The last 7 days, UTC. One row of " + FailuresTableName + " a failed record; a replay does not remove it.\n" +
			"SELECT year || '-' || month || '-' || day AS failed_on,\n       stream,\n       error_type,\n" +
			"       coalesce(error_code, last_error_code, '(none)') AS reason,\n       count(*) AS records,\n" +
			"       max(coalesce(error_message, last_error_message)) AS example\nFROM " + FailuresTableName +
			"\nWHERE " + lastDays(7) +
			"\nGROUP BY year, month, day, stream, error_type, coalesce(error_code, last_error_code, '(none)')\n" +
			"ORDER BY failed_on, records DESC, stream, error_type, reason"}
}

func malformedValues(c queryColumns) savedQuery {
	return savedQuery{"MalformedValues", "malformed-values",
		"Fields whose values did not fit the event schema, with the number of events and one value. The last 7 days of " +
			"arrival, UTC",
		"-- The last 7 days of arrival, UTC. Each event counts once, by its latest row.\n" +
			"SELECT field,\n       count(*) AS events,\n       max(value) AS example\nFROM " +
			numbered(c, []string{quoteColumn(schema.Malformed) + " AS malformed"}, true, within(7)) +
			"\nCROSS JOIN UNNEST(malformed) AS m (field, value)\nWHERE " + c.copyName + " = 1\nGROUP BY field\n" +
			"ORDER BY events DESC, field"}
}

func lateData(c queryColumns) savedQuery {
	arrived := "coalesce(" + asInstant(`"processed_timestamp"`) + ",\n           " +
		"try_cast(" + arrivedHour + " || ':00 UTC' AS timestamp(3) with time zone)) AS arrived"
	columns := []string{"year || '-' || month || '-' || day AS arrived_on", c.happened + " AS happened", arrived}
	return savedQuery{"LateData", "late-data",
		"Events by the time between happening and arriving, for each day of arrival; a duplicate counts by its first row. " +
			"The last 7 days of arrival, UTC",
		"-- The last 7 days of arrival, UTC. Each event counts once, by its earliest row.\n" +
			"SELECT arrived_on,\n       count(*) AS events,\n" +
			"       count_if(arrived > happened + INTERVAL '1' HOUR) AS over_an_hour_late,\n" +
			"       count_if(arrived > happened + INTERVAL '1' DAY) AS over_a_day_late,\n" +
			"       count_if(happened > arrived + INTERVAL '5' MINUTE) AS in_the_future,\n" +
			"       count_if(happened IS NULL) AS without_time,\n" +
			"       max(date_diff('second', happened, arrived)) AS most_seconds_late\nFROM " +
			numbered(c, columns, false, within(7)) + "\nWHERE " + c.copyName +
			" = 1\nGROUP BY arrived_on\nORDER BY arrived_on"}
}

func duplicates(c queryColumns) savedQuery {
	return savedQuery{"Duplicates", "duplicates",
		"Event ids with more than one row, the most rows first. The last 7 days of arrival, UTC",
		"-- The last 7 days of arrival, UTC. At most 1,000 ids.\n" +
			"SELECT " + c.id + " AS id,\n       count(*) AS copies,\n       min(" + arrivedHour +
			") AS first_arrived,\n       max(" + arrivedHour + ") AS last_arrived\nFROM " + TableName +
			"\nWHERE " + lastDays(7) + "\n  AND " + c.id + " IS NOT NULL\nGROUP BY 1\nHAVING count(*) > 1\n" +
			"ORDER BY copies DESC, id\nLIMIT 1000"}
}
