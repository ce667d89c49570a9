package parquet

import (
	"bytes"
	"slices"
	"strings"
	"testing"
)

// Sources of the rules: see convert.go.
func TestRules(t *testing.T) {
	for _, tt := range []struct {
		rule, source string
		column       string // "a" and its type
		record       string
		want         string // the rows, or
		code         string // why the record is refused
	}{
		{rule: "a key is lower-cased", source: "AWS API OpenXJsonSerDe.CaseInsensitive", column: "string",
			record: `{"A":"x"}`, want: `{"a":"x"}`},
		{rule: "an escaped key is its character", source: "RFC 8259", column: "string", record: `{"\u0041":"x"}`,
			want: `{"a":"x"}`},
		{rule: "an undeclared key is dropped", source: "AWS, record format conversion", column: "string",
			record: `{"b":1,"c":{"d":[]},"a":"x"}`, want: `{"a":"x"}`},
		{rule: "a missing key is null", source: "AWS, probe", column: "string", record: `{}`, want: `{"a":null}`},
		{rule: "null is null", source: "probe", column: "bigint", record: `{"a":null}`, want: `{"a":null}`},
		{rule: "a repeated key fails", source: "OpenX, JSONObject.putOnce", column: "string",
			record: `{"a":"x","a":"y"}`, code: MalformedData},
		{rule: "a key repeated in another case fails", source: "OpenX, JSONObject.putOnce", column: "string",
			record: `{"a":"x","A":"y"}`, code: MalformedData},
		{rule: "an undeclared repeated key fails", source: "OpenX, JSONObject.putOnce", column: "string",
			record: `{"b":1,"B":1}`, code: MalformedData},
		{rule: "a nested repeated key fails", source: "OpenX, JSONObject.putOnce", column: "string",
			record: `{"b":[{"c":1,"d":{"e":1,"E":2}}]}`, code: MalformedData},
		{rule: "the same key in two objects is no repetition", source: "OpenX, JSONObject.putOnce", column: "string",
			record: `{"b":[{"c":{"c":1}},{"c":1}]}`, want: `{"a":null}`},

		{rule: "several documents", source: "AWS, record format conversion", column: "bigint", record: `{"a":1}{"a":2}`,
			want: `{"a":1}` + "\n" + `{"a":2}`},
		{rule: "documents on lines", source: "AWS, record format conversion", column: "bigint",
			record: "{\"a\":1}\n\r\n {\"a\":2}\n", want: `{"a":1}` + "\n" + `{"a":2}`},
		{rule: "an array of documents is not valid", source: "AWS, record format conversion", column: "bigint",
			record: `[{"a":1}]`, code: MalformedData},
		{rule: "all or none of a record's documents", source: "AWS: records fail, not documents", column: "bigint",
			record: `{"a":1}{"a":"x"}`, code: MalformedData},
		{rule: "an empty record fails", source: "probe", column: "bigint", record: ``, code: MalformedData},
		{rule: "a blank record fails", source: "probe", column: "bigint", record: " \n", code: MalformedData},
		{rule: "a scalar document fails", source: "probe", column: "bigint", record: `1`, code: MalformedData},
		{rule: "what is no JSON fails", source: "probe", column: "bigint", record: `this is not json`,
			code: ParseError},
		{rule: "text after a document fails", source: "probe", column: "bigint", record: `{"a":1} and then some`,
			code: ParseError},
		{rule: "a comma between documents fails", source: "AWS, record format conversion", column: "bigint",
			record: `{"a":1},{"a":2}`, code: ParseError},
		{rule: "invalid UTF-8 fails", source: "RFC 8259", column: "string", record: "{\"a\":\"\xff\"}",
			code: ParseError},

		{rule: "unicode and escapes", source: "RFC 8259", column: "string", record: `{"a":"é\u00e9\ud83d\ude00漢\n"}`,
			want: `{"a":"éé😀漢\n"}`},
		{rule: "an empty string is not null", source: "probe", column: "string", record: `{"a":""}`, want: `{"a":""}`},
		{rule: "a lone surrogate becomes ?", source: "Java's UTF-8", column: "string", record: `{"a":"x\ud800y\udfff"}`,
			want: `{"a":"x?y?"}`},
		{rule: "a number in a string column is its text", source: "probe", column: "string", record: `{"a":1.50}`,
			want: `{"a":"1.50"}`},
		{rule: "32 bits in a string column", source: "report, 2019", column: "string", record: `{"a":-2147483648}`,
			want: `{"a":"-2147483648"}`},
		{rule: "an integer beyond 32 bits in a string column fails", source: "report, 2019", column: "string",
			record: `{"a":2147483648}`, code: MalformedData},
		{rule: "true in a string column is its text", source: "probe", column: "string", record: `{"a":true}`,
			want: `{"a":"true"}`},
		{rule: "an object in a string column is compact text with lower-case keys", source: "probe", column: "string",
			record: `{"a":{ "Outer": {"In\u0022ner" : [1, "X y"] }} }`,
			want:   `{"a":"{\"outer\":{\"in\\\"ner\":[1,\"X y\"]}}"}`},
		{rule: "an array in a string column is its text", source: "probe", column: "string",
			record: `{"a":[ 1, {"B":null} ]}`, want: `{"a":"[1,{\"b\":null}]"}`},

		{rule: "a double", source: "AWS", column: "double", record: `{"a":-12.5e1}`, want: `{"a":-125}`},
		{rule: "a numeric string in a double column", source: "probe", column: "double", record: `{"a":" 2.25 "}`,
			want: `{"a":2.25}`},
		{rule: "oops in a double column fails", source: "probe", column: "double", record: `{"a":"oops"}`,
			code: MalformedData},
		{rule: "beyond a float64 fails", source: "stricter: OpenX reads Infinity", column: "double",
			record: `{"a":1E400}`, code: MalformedData},
		{rule: "NaN fails", source: "stricter: OpenX reads it", column: "double", record: `{"a":"NaN"}`,
			code: MalformedData},
		{rule: "hexadecimal fails", source: "stricter: OpenX reads it", column: "double", record: `{"a":"0x1p3"}`,
			code: MalformedData},
		{rule: "true in a double column fails", source: "OpenX, Double.parseDouble", column: "double",
			record: `{"a":true}`, code: MalformedData},
		{rule: "an object in a double column fails", source: "OpenX", column: "double", record: `{"a":{}}`,
			code: MalformedData},
		{rule: "a float", source: "AWS", column: "float", record: `{"a":1.5}`, want: `{"a":1.5}`},
		{rule: "beyond a float fails", source: "assumed", column: "float", record: `{"a":1e100}`, code: MalformedData},

		{rule: "a bigint is exact", source: "AWS", column: "bigint", record: `{"a":9223372036854775807}`,
			want: `{"a":9223372036854775807}`},
		{rule: "a numeric string in a bigint column", source: "probe", column: "bigint",
			record: `{"a":"-9223372036854775808"}`, want: `{"a":-9223372036854775808}`},
		{rule: "beyond a bigint fails", source: "OpenX, Long.parseLong", column: "bigint",
			record: `{"a":9223372036854775808}`, code: MalformedData},
		{rule: "a fraction in a bigint column fails", source: "OpenX, Long.parseLong", column: "bigint",
			record: `{"a":1.0}`, code: MalformedData},
		{rule: "an exponent in a bigint column fails", source: "OpenX, Long.parseLong", column: "bigint",
			record: `{"a":1e3}`, code: MalformedData},
		{rule: "a space in a bigint column fails", source: "OpenX, Long.parseLong", column: "bigint",
			record: `{"a":" 1"}`, code: MalformedData},
		{rule: "an empty string in a bigint column fails", source: "OpenX, Long.parseLong", column: "bigint",
			record: `{"a":""}`, code: MalformedData},
		{rule: "an int", source: "AWS", column: "int", record: `{"a":"2147483647"}`, want: `{"a":2147483647}`},
		{rule: "beyond an int fails", source: "OpenX, Integer.parseInt", column: "int", record: `{"a":2147483648}`,
			code: MalformedData},
		{rule: "a smallint", source: "AWS", column: "smallint", record: `{"a":-32768}`, want: `{"a":-32768}`},
		{rule: "beyond a tinyint fails", source: "OpenX, Byte.parseByte", column: "tinyint", record: `{"a":128}`,
			code: MalformedData},

		{rule: "a boolean", source: "AWS", column: "boolean", record: `{"a":false}`, want: `{"a":false}`},
		{rule: "a boolean string in any case", source: "OpenX, Boolean.parseBoolean", column: "boolean",
			record: `{"a":"TRUE"}`, want: `{"a":true}`},
		{rule: "another string in a boolean column fails", source: "stricter: OpenX reads false", column: "boolean",
			record: `{"a":"maybe"}`, code: MalformedData},
		{rule: "a number in a boolean column fails", source: "stricter: OpenX reads false", column: "boolean",
			record: `{"a":1}`, code: MalformedData},

		{rule: "a date", source: "OpenX, JavaStringDateObjectInspector",
			column: "date", record: `{"a":"2026-02-28"}`, want: `{"a":20512}`},
		{rule: "a date before 1970", source: "OpenX", column: "date", record: `{"a":"1969-12-31"}`, want: `{"a":-1}`},
		{rule: "the first date", source: "OpenX",
			column: "date", record: `{"a":"0001-01-01"}`, want: `{"a":-719162}`},
		{rule: "the last date", source: "OpenX", column: "date", record: `{"a":"9999-12-31"}`, want: `{"a":2932896}`},
		{rule: "a date written with escapes", source: "JSON",
			column: "date", record: `{"a":"2026\u002d02-28"}`, want: `{"a":20512}`},
		{rule: "a null date", source: "AWS", column: "date", record: `{"a":null}`, want: `{"a":null}`},
		{rule: "dates in an array and a map", source: "OpenX",
			column: "array<map<string,date>>", record: `{"a":[{"k":"1970-01-02","l":null}]}`, want: `{"a":[{"k":1,"l":null}]}`},
		{rule: "a date that is not in the calendar fails", source: "stricter: OpenX reads 2026-03-02",
			column: "date", record: `{"a":"2026-02-30"}`, code: MalformedData},
		{rule: "a date with a time fails", source: "stricter: OpenX reads past it",
			column: "date", record: `{"a":"2026-02-28T00:00:00Z"}`, code: MalformedData},
		{rule: "a date of short parts fails", source: "stricter: OpenX reads 2026-02-08",
			column: "date", record: `{"a":"2026-2-8"}`, code: MalformedData},
		{rule: "a year of five digits fails", source: "stricter: OpenX reads 2026-02-28",
			column: "date", record: `{"a":"12026-02-28"}`, code: MalformedData},
		{rule: "the year 0 fails", source: "stricter: OpenX reads 0001-01-01",
			column: "date", record: `{"a":"0000-01-01"}`, code: MalformedData},
		{rule: "text that is not a date fails", source: "stricter: OpenX reads 1970-01-01",
			column: "date", record: `{"a":"today"}`, code: MalformedData},
		{rule: "an empty string in a date column fails", source: "stricter: OpenX reads 1970-01-01",
			column: "date", record: `{"a":""}`, code: MalformedData},
		{rule: "a number in a date column fails", source: "stricter: OpenX reads 1970-01-01",
			column: "date", record: `{"a":20512}`, code: MalformedData},
		{rule: "a boolean in a date column fails", source: "OpenX, ClassCastException",
			column: "date", record: `{"a":true}`, code: MalformedData},
		{rule: "an object in a date column fails", source: "OpenX, ClassCastException",
			column: "date", record: `{"a":{}}`, code: MalformedData},

		{rule: "an array", source: "probe", column: "array<string>", record: `{"a":["x",null,1]}`,
			want: `{"a":["x",null,"1"]}`},
		{rule: "a scalar becomes an array of one", source: "probe", column: "array<bigint>", record: `{"a":"7"}`,
			want: `{"a":[7]}`},
		{rule: "an object becomes an array of one", source: "probe", column: "array<struct<s:string,q:int>>",
			record: `{"a":{"s":"x","q":1}}`, want: `{"a":[{"q":1,"s":"x"}]}`},
		{rule: "an empty string for an array is null", source: "assumed: OpenX makes it empty", column: "array<string>",
			record: `{"a":""}`, want: `{"a":null}`},
		{rule: "an empty array", source: "probe", column: "array<array<int>>", record: `{"a":[[1],[],[2,3]]}{"a":[]}`,
			want: `{"a":[[1],[],[2,3]]}` + "\n" + `{"a":[]}`},
		{rule: "oops inside an array fails", source: "probe", column: "array<struct<s:string,q:int>>",
			record: `{"a":[{"q":1},{"q":"oops"}]}`, code: MalformedData},

		{rule: "a map", source: "probe", column: "map<string,string>",
			record: `{"a":{"MixedKey":"v","n":null,"d":1.5,"e":""}}`,
			want:   `{"a":{"d":"1.5","e":"","mixedkey":"v","n":null}}`},
		{rule: "an empty map", source: "probe", column: "map<string,string>", record: `{"a":{}}`, want: `{"a":{}}`},
		{rule: "a null map", source: "probe", column: "map<string,string>", record: `{"a":null}`, want: `{"a":null}`},
		{rule: "a map of arrays", source: "probe", column: "map<string,array<string>>",
			record: `{"a":{"k":["v","w"],"l":"x"}}`, want: `{"a":{"k":["v","w"],"l":["x"]}}`},
		{rule: "an array for a map fails", source: "probe", column: "map<string,string>", record: `{"a":[]}`,
			code: MalformedData},
		{rule: "a scalar for a map fails", source: "probe", column: "map<string,string>", record: `{"a":"x"}`,
			code: MalformedData},

		{rule: "a struct", source: "probe", column: "struct<name:string,age:int>",
			record: `{"a":{"NAME":"Bob","extra":1}}`, want: `{"a":{"age":null,"name":"Bob"}}`},
		{rule: "an empty object is a struct of nulls", source: "probe", column: "struct<name:string,age:int>",
			record: `{"a":{}}{"a":null}`, want: `{"a":{"age":null,"name":null}}` + "\n" + `{"a":null}`},
		{rule: "an array fills a struct by position", source: "probe", column: "struct<name:string,age:int>",
			record: `{"a":["Zoe",9,"ignored"]}{"a":["Zoe"]}`,
			want:   `{"a":{"age":9,"name":"Zoe"}}` + "\n" + `{"a":{"age":null,"name":"Zoe"}}`},
		{rule: "a scalar for a struct fails", source: "probe", column: "struct<name:string,age:int>",
			record: `{"a":42}`, code: MalformedData},
		{rule: "deep types", source: "AWS", column: "array<map<string,struct<x:int,y:array<bigint>>>>",
			record: `{"a":[{"k":{"x":1,"y":[2,3]},"l":null},null,{}]}`,
			want:   `{"a":[{"k":{"x":1,"y":[2,3]},"l":null},null,{}]}`},
	} {
		t.Run(tt.rule, func(t *testing.T) {
			good := `{"a":null}`
			f, malformed := convert(t, table("a "+tt.column), "SNAPPY", good, tt.record, good)
			want := good + "\n"
			if tt.code == "" {
				want += tt.want + "\n"
			}
			want += good
			if got := strings.Join(rows(t, f), "\n"); got != want {
				t.Errorf("rows\n%s\nwant\n%s", got, want)
			}
			if malformed[0] != nil || malformed[2] != nil {
				t.Errorf("a good record next to it failed: %v %v", malformed[0], malformed[2])
			}
			if code := codeOf(malformed[1]); code != tt.code {
				t.Errorf("error %q, want %q (source: %s): %v", code, tt.code, tt.source, malformed[1])
			}
		})
	}
}

func codeOf(m *MalformedError) string {
	if m == nil {
		return ""
	}
	return m.Code
}

func TestMessageIsFirehoses(t *testing.T) {
	_, malformed := convert(t, table("price double"), "SNAPPY", `{"price":"oops"}`, " ")
	if want := `Data does not match the schema. For input string: "oops" (column price)`; malformed[0].Message != want {
		t.Errorf("message %q, want %q", malformed[0].Message, want)
	}
	if want := "The record was empty or contained only whitespace."; malformed[1].Message != want {
		t.Errorf("message %q, want %q", malformed[1].Message, want)
	}
}

// AWS API, OpenXJsonSerDe.CaseInsensitive: set to false, keys are not lower-cased.
func TestMatchCase(t *testing.T) {
	var file bytes.Buffer
	w, err := NewWriter(&file, table("amount double", "text string", "labels map<string,string>",
		"inner struct<a:string>"), "UNCOMPRESSED")
	if err != nil {
		t.Fatal(err)
	}
	w.MatchCase()
	for _, record := range []string{
		`{"Amount":"oops","amount":1,"text":{"Key":1},"labels":{"Key":"v"},"inner":{"A":"no","a":"yes"}}`,
		`{"Amount":"oops"}`,
	} {
		if err := w.Write([]byte(record)); err != nil {
			t.Errorf("%s: a key in other letters is another key (got %v)", record, err)
		}
	}
	if err := w.Write([]byte(`{"Amount":1,"Amount":2}`)); err == nil {
		t.Error("a key that comes twice must fail the record")
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	got := rows(t, open(t, file.Bytes()))
	want := []string{
		`{"amount":1,"inner":{"a":"yes"},"labels":{"Key":"v"},"text":"{\"Key\":1}"}`,
		`{"amount":null,"inner":null,"labels":null,"text":null}`,
	}
	if !slices.Equal(got, want) {
		t.Errorf("rows: must be\n%s\n(got\n%s)", strings.Join(want, "\n"), strings.Join(got, "\n"))
	}
}
