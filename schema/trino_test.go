package schema

import "testing"

func TestTrinoType(t *testing.T) {
	for hive, want := range map[string]string{
		"string":                         "varchar",
		"bigint":                         "bigint",
		"date":                           "date",
		"map<string,string>":             "map(varchar, varchar)",
		"array<double>":                  "array(double)",
		"array<array<string>>":           "array(array(varchar))",
		"struct<timestamp:string>":       `row("timestamp" varchar)`,
		"struct<a:string,b:bigint>":      `row("a" varchar, "b" bigint)`,
		"array<struct<a:string,b:date>>": `array(row("a" varchar, "b" date))`,
		"struct<a:struct<b:array<struct<c:boolean>>,d:map<string,bigint>>,e:string>": `row("a" row("b" array(` +
			`row("c" boolean)), "d" map(varchar, bigint)), "e" varchar)`,
	} {
		if got := TrinoType(hive); got != want {
			t.Errorf("%s: must be %s (got %s)", hive, want, got)
		}
	}
}
