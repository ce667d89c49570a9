package schema

import (
	"fmt"
	"strings"
)

// malformedComment is the comment of the column [Malformed].
const malformedComment = "Text of what the stores do not take, by key: declared fields of another type, " +
	"names that cannot be indexed"

// Columns returns the columns of the lake's table: the declared fields, those that the transform adds, then
// [Malformed]. The partition keys (year, month, day, hour) come from the object's prefix and are not among them.
func (s *Schema) Columns() []Column {
	columns := make([]Column, 0, len(s.Fields)+len(s.Enrich)+1)
	for _, f := range s.Fields {
		if of := f.hiveType(); of != "" {
			columns = append(columns, Column{f.Column, of, f.Comment})
		}
	}
	for _, e := range s.Enrich {
		columns = append(columns, Column{e.Name, hiveTypes[e.Kind], e.Comment})
	}
	return append(columns, Column{Malformed, "map<string,string>", malformedComment})
}

// KeyMappings returns the JSON keys of the columns, and of the fields of structs, that are not named as their key is.
// Firehose's OpenXJsonSerDe takes them as ColumnToJsonKeyMappings, the SerDe of a JSON table as parameters
// mapping.<column>.
//
// The open SerDe looks a name up in the one mapping at every depth (JsonStructObjectInspector.getJsonField; the
// inspectors of nested structs get the same options: github.com/rcongiu/Hive-JSON-Serde, 7a05e91, read and run).
func (s *Schema) KeyMappings() map[string]string {
	mappings := map[string]string{}
	addKeyMappings(mappings, s.Fields)
	return mappings
}

func addKeyMappings(mappings map[string]string, fields []*Field) {
	for _, f := range fields {
		if f.hiveType() == "" {
			continue
		}
		if f.Column != f.Key {
			mappings[f.Column] = f.Key
		}
		addKeyMappings(mappings, structFields(f.Type))
	}
}

// The years that the table's projection covers, as the stack's table has them.
const firstYear, lastYear = 2024, 2040

// DDL returns the statement by which Athena makes a table like the stack's own over Parquet objects. The location is
// that of the folder that has the folders year=…, such as s3://bucket/transformed-data/.
func (s *Schema) DDL(table, location string) string {
	location = strings.TrimSuffix(location, "/") + "/"
	var b strings.Builder
	fmt.Fprintf(&b, "CREATE EXTERNAL TABLE %s (\n", quoteName(table))
	columns := s.Columns()
	for i, c := range columns {
		fmt.Fprintf(&b, "  %s %s", quoteName(c.Name), quoteType(c.Type))
		if c.Comment != "" {
			fmt.Fprintf(&b, " COMMENT %s", quoteText(c.Comment))
		}
		if i < len(columns)-1 {
			b.WriteByte(',')
		}
		b.WriteByte('\n')
	}
	b.WriteString(")\nPARTITIONED BY (`year` string, `month` string, `day` string, `hour` string)\nSTORED AS PARQUET\n")
	fmt.Fprintf(&b, "LOCATION %s\nTBLPROPERTIES (\n", quoteText(location))
	properties := [][2]string{
		{"projection.enabled", "true"},
		{"projection.year.type", "integer"}, {"projection.year.range", fmt.Sprintf("%d,%d", firstYear, lastYear)},
		{"projection.month.type", "integer"}, {"projection.month.range", "1,12"}, {"projection.month.digits", "2"},
		{"projection.day.type", "integer"}, {"projection.day.range", "1,31"}, {"projection.day.digits", "2"},
		{"projection.hour.type", "integer"}, {"projection.hour.range", "0,23"}, {"projection.hour.digits", "2"},
		{"storage.location.template", location + "year=${year}/month=${month}/day=${day}/hour=${hour}/"},
	}
	for i, property := range properties {
		fmt.Fprintf(&b, "  %s = %s", quoteText(property[0]), quoteText(property[1]))
		if i < len(properties)-1 {
			b.WriteByte(',')
		}
		b.WriteByte('\n')
	}
	b.WriteString(");\n")
	return b.String()
}

// quoteName quotes a table or column, also database.table, as Athena's DDL wants it.
func quoteName(name string) string {
	parts := strings.Split(name, ".")
	for i, part := range parts {
		parts[i] = "`" + strings.ReplaceAll(part, "`", "``") + "`"
	}
	return strings.Join(parts, ".")
}

// quoteType quotes the names of a struct's fields, which may be reserved words of DDL such as date.
func quoteType(hive string) string {
	if !strings.Contains(hive, "struct<") {
		return hive
	}
	var b strings.Builder
	for i := 0; i < len(hive); {
		end := i
		for end < len(hive) && !strings.ContainsRune("<>,:", rune(hive[end])) {
			end++
		}
		word := hive[i:end]
		if end < len(hive) && hive[end] == ':' {
			word = "`" + word + "`"
		}
		b.WriteString(word)
		if end < len(hive) {
			b.WriteByte(hive[end])
		}
		i = end + 1
	}
	return b.String()
}

func quoteText(text string) string {
	return "'" + strings.ReplaceAll(strings.ReplaceAll(text, `\`, `\\`), "'", `\'`) + "'"
}
