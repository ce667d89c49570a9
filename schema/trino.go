package schema

import "strings"

// TrinoType returns the type that Athena and Trino give a column of the Hive type: row("a" varchar, "b" bigint) for
// struct<a:string,b:bigint>. The Hive type is that of a [Column] and is not checked.
//
// A view in the Glue Data Catalog has both types of each column. Names of a row's fields are quoted, as Trino writes
// them: a field may be named like a type. https://trino.io/docs/current/language/types.html
func TrinoType(hive string) string {
	text, _ := trinoType(hive)
	return text
}

// trinoType converts the type at the start of the text and returns the text behind it.
func trinoType(hive string) (converted, rest string) {
	end := strings.IndexAny(hive, "<>,")
	if end < 0 {
		end = len(hive)
	}
	name, rest := hive[:end], hive[end:]
	if !strings.HasPrefix(rest, "<") {
		if name == "string" {
			name = "varchar"
		}
		return name, rest
	}
	var parts []string
	for !strings.HasPrefix(rest, ">") && rest != "" {
		rest = rest[1:] // < before the first part, a comma before the others
		field := ""
		if name == "struct" {
			field, rest, _ = strings.Cut(rest, ":")
			field = `"` + field + `" `
		}
		var part string
		part, rest = trinoType(rest)
		parts = append(parts, field+part)
	}
	if name == "struct" {
		name = "row"
	}
	return name + "(" + strings.Join(parts, ", ") + ")", strings.TrimPrefix(rest, ">")
}
