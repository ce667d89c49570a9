package infer

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// inferFrom infers from events, checks the result against them, and returns it.
func inferFrom(t testing.TB, events ...string) *Result {
	t.Helper()
	in := New("")
	for _, event := range events {
		in.Add([]byte(event))
	}
	if in.Broken() > 0 {
		t.Fatalf("%d events were not used: %+v", in.Broken(), in.samples)
	}
	result := in.Result()
	checkResult(t, result, events)
	return result
}

// propertiesOf returns the compact text of a schema's properties.
func propertiesOf(t testing.TB, result *Result) string {
	t.Helper()
	if result.Schema == nil {
		return "none"
	}
	var file struct{ Properties json.RawMessage }
	if err := json.Unmarshal(result.Schema, &file); err != nil {
		t.Fatal(err)
	}
	var compact bytes.Buffer
	if err := json.Compact(&compact, file.Properties); err != nil {
		t.Fatal(err)
	}
	return compact.String()
}

func hasNote(notes []Note, pointer, text string) bool {
	return slices.ContainsFunc(notes, func(n Note) bool {
		return n.Pointer == pointer && strings.Contains(n.Text,
			text)
	})
}

// repeatEvents returns n events, each made of its number.
func repeatEvents(n int, event func(i int) string) []string {
	events := make([]string, n)
	for i := range events {
		events[i] = event(i)
	}
	return events
}

func TestTypes(t *testing.T) {
	for _, c := range []struct {
		name   string
		values []string // of v, one an event
		want   string   // schema of v
		unsure string
		hint   string
	}{
		{"string", []string{`"a"`, `""`}, `{"type":"string"}`, "", ""},
		{"null", []string{`"a"`, `null`}, `{"type":["string","null"]}`, "", ""},
		{"null alone", []string{`null`, `null`}, `{}`, "null alone", ""},
		{"integer", []string{`1`, `-2`, `9223372036854775807`}, `{"type":"integer"}`, "", ""},
		{"integers and numbers", []string{`1`, `2.5`}, `{"type":"number"}`, "", ""},
		{"1.0 and 1e3 are numbers", []string{`1.0`, `1e3`}, `{"type":"number"}`, "", ""},
		{"integers beyond 2^53 and numbers", []string{`9007199254740993`, `2.5`}, `{"type":"number"}`, "beyond 2^53",
			""},
		{"integers beyond 64 bits", []string{`1`, `9223372036854775808`}, `{"type":"string"}`, "beyond 64 bits: string",
			""},
		{"integers beyond a float64", []string{`1`, strings.Repeat("9", 400)}, `{"type":"string"}`,
			"beyond 64 bits: string", ""},
		{"numbers beyond a float64", []string{`1.5`, `1e400`}, `{}`, "beyond a float64: no type", ""},
		{"numbers of more than 1,000 digits", []string{`1`, strings.Repeat("9", 1001)}, `{}`,
			"more than 1,000 digits: no type", ""},
		{"small numbers of many digits", []string{`0.` + strings.Repeat("0", 400) + `1`}, `{"type":"number"}`, "", ""},
		{"boolean", []string{`true`, `false`, `null`}, `{"type":["boolean","null"]}`, "", ""},
		{"leading zeros", []string{`"007"`, `"12"`}, `{"type":"string"}`, "", ""},
		{"digits in quotes", []string{`"7"`, `"12"`}, `{"type":"string"}`, "", "if it is no identifier"},
		{"digits in quotes and integers", []string{`"7"`, `12`}, `{"type":"string"}`,
			"the strings are all numbers: string", ""},
		{"leading zeros and integers", []string{`"007"`, `12`}, `{"type":"string"}`,
			"the strings are all numbers: string", ""},
		{"numbers in quotes and numbers", []string{`"7.5"`, `12.25`, `9223372036854775808`}, `{"type":"string"}`,
			"string, which loses nothing", ""},
		{"digits in quotes and 1,001 digits", []string{`"7"`, strings.Repeat("9", 1001)}, `{}`, "no type", ""},
		{"text and numbers", []string{`"a"`, `12`}, `{}`, "string 50.0 %, integer 50.0 %: no type", ""},
		{"text and boolean", []string{`"a"`, `true`}, `{}`, "no type", ""},
		{"true in quotes and boolean", []string{`"false"`, `true`}, `{"type":"string"}`, "string, which loses nothing",
			""},
		{"true in quotes", []string{`"false"`, `"true"`}, `{"type":"string"}`, "", "declare it as boolean"},
		{"numbers and boolean", []string{`1`, `true`}, `{}`, "no type", ""},
		{"objects and text", []string{`{"a":1}`, `"x"`}, `{}`, "no type, the value stays in the event", ""},
		{"arrays and text", []string{`[1]`, `"x"`}, `{}`, "no type", ""},
		{"arrays and objects", []string{`[1]`, `{"a":1}`}, `{}`, "no type", ""},

		{"timestamp", []string{`"2026-01-02T03:04:05Z"`, `"2026-01-02T03:04:05.123+01:00"`},
			`{"type":"string","format":"date-time"}`, "", ""},
		{"timestamps with escapes", []string{`"2026-01-02T03:04:05\u005a"`}, `{"type":"string","format":"date-time"}`,
			"", ""},
		{"timestamps in other forms", []string{`"2026-01-02T03:04:05Z"`, `"2026-01-02 03:04:05+0100"`},
			`{"type":"string","format":"date-time"}`, "",
			"1 timestamp (50.0 %) in another form"},
		{"timestamps and null", []string{`"2026-01-02T03:04:05Z"`, `null`},
			`{"type":["string","null"],"format":"date-time"}`, "", ""},
		{"timestamps and an empty string", []string{`"2026-01-02T03:04:05Z"`, `"2026-01-02T03:04:05Z"`, `""`},
			`{"type":"string"}`, "66.7 % a date and time", ""},
		{"no zone", []string{`"2026-01-02T03:04:05"`}, `{"type":"string"}`, "", ""},
		{"no such day", []string{`"2026-02-30T03:04:05Z"`}, `{"type":"string"}`, "", ""},
		{"date", []string{`"2026-01-02"`, `"2024-02-29"`}, `{"type":"string","format":"date"}`, "", ""},
		{"no such date", []string{`"2026-01-02"`, `"2026-02-29"`}, `{"type":"string"}`, "", ""},
		{"dates and timestamps", []string{`"2026-01-02"`, `"2026-01-02T03:04:05Z"`}, `{"type":"string"}`,
			"50.0 % a date and time, 50.0 % a date", ""},
		{"epoch seconds", []string{`1767322800`, `1767322801`}, `{"type":"integer"}`, "", "looks like epoch seconds"},
		{"epoch seconds with fraction", []string{`1767322800.25`, `1767322801`}, `{"type":"number"}`, "",
			"looks like epoch seconds"},
		{"epoch milliseconds", []string{`1767322800123`}, `{"type":"integer"}`, "", "looks like epoch milliseconds"},
		{"epoch milliseconds among other integers", []string{`1767322800123`, `0`}, `{"type":"integer"}`, "", ""},
		{"epoch seconds in quotes", []string{`"1767322800"`}, `{"type":"string"}`, "", "if it is no identifier"},

		{"array", []string{`["a"]`, `[]`, `["b","c"]`}, `{"type":"array","items":{"type":"string"}}`, "", ""},
		{"array with null", []string{`["a",null]`}, `{"type":"array","items":{"type":["string","null"]}}`, "", ""},
		{"arrays or null", []string{`["a"]`, `null`}, `{"type":["array","null"],"items":{"type":"string"}}`, "", ""},
		{"array of mixed numbers", []string{`[1, 2.5]`}, `{"type":"array","items":{"type":"number"}}`, "", ""},
		{"empty arrays", []string{`[]`, `[ ]`}, `{}`, "empty arrays alone", ""},
		{"array of arrays", []string{`[[1],[2,3]]`},
			`{"type":"array","items":{"type":"array","items":{"type":"integer"}}}`, "", ""},
		{"array of objects", []string{`[{"a":1},{"a":2,"b":"x"}]`},
			`{"type":"array","items":{"type":"object","properties":{"a":{"type":"integer"},"b":{"type":"string"}},"required":["a"]}}`, "", ""},

		{"object", []string{`{"a":1,"b":"x"}`, `{"b":"y","c":true}`},
			`{"type":"object","properties":{"a":{"type":"integer"},"b":{"type":"string"},"c":{"type":"boolean"}},"required":["b"]}`, "", ""},
		{"object or null", []string{`{"a":1}`, `null`},
			`{"type":["object","null"],"properties":{"a":{"type":"integer"}},"required":["a"]}`, "", ""},
		{"nested object", []string{`{"a":{"b":{"c":1}}}`},
			`{"type":"object","properties":{"a":{"type":"object","properties":{"b":{"type":"object","properties":{"c":{"type":"integer"}},` +
				`"required":["c"]}},"required":["b"]}},"required":["a"]}`, "", ""},
		{"objects without keys", []string{`{}`, `{ }`}, `{}`, "without keys", ""},
		{"object of nulls", []string{`{"a":null}`}, `{}`, "without a property that has a type", ""},
		{"keys that are numbers", []string{`{"541312140":1}`, `{"541312141":2}`},
			`{"type":"object","additionalProperties":{"type":"integer"}}`,
			"", ""},
		{"keys that are e-mail addresses", []string{`{"ann@example.com":"x"}`},
			`{"type":"object","additionalProperties":{"type":"string"}}`, "", ""},
		{"keys that are UUIDs, mixed values",
			[]string{`{"123e4567-e89b-12d3-a456-426614174000":"x","123e4567-e89b-12d3-a456-426614174001":1.5}`}, `{}`,
			"values of several types", ""},
		{"a key of a map that cannot be declared", []string{`{"1":true,"":"x"}`}, `{}`, "", ""},
		{"repeated keys", []string{`{"a":"x","a":1}`},
			`{"type":"object","properties":{"a":{"type":"integer"}},"required":["a"]}`, "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			events := make([]string, len(c.values))
			for i, value := range c.values {
				events[i] = `{"v":` + value + `,"other":"x"}`
			}
			result := inferFrom(t, events...)
			want := `{"v":` + c.want + `,"other":{"type":"string"}}`
			if got := propertiesOf(t, result); got != want {
				t.Errorf("got  %s\nwant %s", got, want)
			}
			checkNotes := func(kind string, notes []Note, want string) {
				notes = slices.DeleteFunc(slices.Clone(notes), func(n Note) bool {
					return !strings.HasPrefix(n.Pointer,
						"/v")
				})
				found := slices.ContainsFunc(notes, func(n Note) bool { return strings.Contains(n.Text, want) })
				if want == "" && len(notes) > 0 || want != "" && !found {
					t.Errorf("%s: got %q, want %q", kind, notes, want)
				}
			}
			if !strings.Contains(c.name, "keys that are") && !strings.Contains(c.name, "of a map") {
				checkNotes("unsure", result.Report.Unsure, c.unsure)
			}
			checkNotes("hints", result.Report.Hints, c.hint)
		})
	}
}

func TestMaps(t *testing.T) {
	rare := func(value string) func(i int) string {
		return func(i int) string { return fmt.Sprintf(`{"v":{"k%d":%s,"k%d":%s}}`, i, value, i+1, value) }
	}
	for _, c := range []struct {
		name   string
		events []string
		want   string
		unsure string
	}{
		{"many rare keys of one type", repeatEvents(100, rare(`"x"`)),
			`{"type":"object","additionalProperties":{"type":"string"}}`, ""},
		{"more keys than are followed", repeatEvents(2000, rare(`1.5`)),
			`{"type":"object","additionalProperties":{"type":"number"}}`, ""},
		{"few rare keys of one type", repeatEvents(12, rare(`true`)),
			`{"type":"object","additionalProperties":{"type":"boolean"}}`, "its keys change"},
		{"timestamps", repeatEvents(100, rare(`"2026-01-02T03:04:05Z"`)),
			`{"type":"object","additionalProperties":{"type":"string","format":"date-time"}}`, ""},
		{"null among the values", append(repeatEvents(100, rare(`1`)), `{"v":{"k7":null}}`),
			`{"type":"object","additionalProperties":{"type":["integer","null"]}}`, ""},
		{"values of several types", append(repeatEvents(100, rare(`"x"`)), `{"v":{"k7":7.5}}`), `{}`,
			"changing keys (101) and values of several types"},
		{"more keys than are followed, several types", append(repeatEvents(2000, rare(`"x"`)), `{"v":{"k7":7.5}}`),
			`{}`,
			"changing keys (more than 500) and values of several types"},
		{"values that are objects", repeatEvents(100, rare(`{"a":1}`)), `{}`, "changing keys"},
		{"many keys that are always there", repeatEvents(50, func(int) string {
			var members []string
			for k := range 60 {
				members = append(members, fmt.Sprintf(`"k%d":1`, k))
			}
			return `{"v":{` + strings.Join(members, ",") + `}}`
		}), "struct", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			events := make([]string, len(c.events))
			for i, event := range c.events {
				events[i] = `{"other":"x",` + event[1:]
			}
			result := inferFrom(t, events...)
			got := propertiesOf(t, result)
			if c.want == "struct" {
				if !strings.Contains(got, `"k59":{"type":"integer"}`) {
					t.Errorf("got %s", got)
				}
			} else if want := `{"other":{"type":"string"},"v":` + c.want + `}`; got != want {
				t.Errorf("got  %s\nwant %s", got, want)
			}
			if c.unsure != "" && !hasNote(result.Report.Unsure, "/v", c.unsure) {
				t.Errorf("unsure: got %v, want %q", result.Report.Unsure, c.unsure)
			}
		})
	}
	t.Run("labels with optional keys", func(t *testing.T) {
		got := propertiesOf(t, inferFrom(t, `{"a":1,"labels":{"app":"x","tier":"y"}}`, `{"a":1,"labels":{"app":"z"}}`))
		if want := `{"a":{"type":"integer"},"labels":{"type":"object","additionalProperties":{"type":"string"}}}`; got != want {
			t.Errorf("got %s", got)
		}
	})
}

func TestRequired(t *testing.T) {
	result := inferFrom(t, `{"a":1,"b":null,"c":{"d":1,"e":2}}`, `{"a":2,"b":"x"}`, `{"a":3,"b":"y","c":{"d":1}}`)
	text := string(result.Schema)
	for _, want := range []string{"\"required\": [\n        \"d\"\n      ]",
		"\"required\": [\n    \"a\",\n    \"b\"\n  ]"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	if f := result.Report.Fields[2]; f.Pointer != "/c" || f.Values != 2 || f.Share < 0.66 || f.Share > 0.67 ||
		f.Required {
		t.Errorf("got %+v", f)
	}
}

func TestColumns(t *testing.T) {
	for _, c := range []struct{ name, event, want string }{
		{"one key at two depths", `{"id":"a","user":{"id":"b"}}`,
			`{"id":{"type":"string"},"user":{"type":"object","properties":{"id":{"type":"string"}},"required":["id"]}}`},
		{"two keys with one column", `{"userId":"a","user_id":"b"}`,
			`{"userId":{"type":"string"},"user_id":{"type":"string","x-column":"user_id_2"}}`},
		{"two keys with one column at two depths", `{"user":{"deviceId":"a"},"device_id":"b"}`,
			`{"user":{"type":"object","properties":{"deviceId":{"type":"string","x-column":"user_device_id"}},"required":["deviceId"]},` +
				`"device_id":{"type":"string"}}`},
		{"no letter of ASCII", `{"日付":"a","金額":1}`,
			`{"日付":{"type":"string","x-column":"field"},"金額":{"type":"integer","x-column":"field_2"}}`},
		{"names that a parser changes", `{"order":1,"@timestamp":"x","request-id":"y","year":1}`,
			`{"order":{"type":"integer"},"@timestamp":{"type":"string"},"request-id":{"type":"string"},"year":{"type":"integer"}}`},
		{"keys with dots", `{"a.b":1,"a":"x"}`, `{"a":{"type":"string"}}`},
		{"keys of the pipeline", `{"a":1,"malformed":{"a":"x"},"processed_timestamp":"2026-01-02T03:04:05Z","_id":"x"}`,
			`{"a":{"type":"integer"}}`},
		{"keys that are data", `{"a":1,"ann@example.com":1}`, `{"a":{"type":"integer"}}`},
		{"keys that cannot be declared", `{"a":1,"":2,"\u0007":3,"\ud800":4,"` + strings.Repeat("x", 129) + `":5}`,
			`{"a":{"type":"integer"}}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := propertiesOf(t, inferFrom(t, c.event)); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

func TestRoles(t *testing.T) {
	for _, c := range []struct {
		name          string
		event         func(i int) string
		n             int
		wantID, wantT string
	}{
		{"names of this project", func(i int) string {
			return fmt.Sprintf(`{"event_id":"e%d","event_type":"t%d"}`, i,
				i%3)
		}, 100, "event_id", "event_type"},
		{"names of Segment", func(i int) string {
			return fmt.Sprintf(`{"messageId":"e%d","type":"track","event":"t%d"}`,
				i, i%3)
		}, 100, "messageId", "event"},
		{"integers as ids", func(i int) string { return fmt.Sprintf(`{"id":%d,"type":"a"}`, i) }, 100, "id", "type"},
		{"too few events", func(i int) string { return fmt.Sprintf(`{"event_id":"e%d","event_type":"t"}`, i) }, 19, "",
			""},
		{"ids that repeat", func(i int) string { return fmt.Sprintf(`{"event_id":"e%d"}`, i%50) }, 100, "", ""},
		{"many events", func(i int) string { return fmt.Sprintf(`{"event_id":"e%d","event_type":"t%d"}`, i, i%3) },
			20_000, "event_id", "event_type"},
		{"many events, ids that repeat", func(i int) string { return fmt.Sprintf(`{"event_id":"e%d"}`, i%10_000) },
			20_000, "", ""},
		{"ids that are missing once", func(i int) string {
			if i == 7 {
				return `{"event_type":"t"}`
			}
			return fmt.Sprintf(`{"event_id":"e%d","event_type":"t"}`, i)
		}, 100, "", "event_type"},
		{"many types", func(i int) string { return fmt.Sprintf(`{"event_id":"e%d","event_type":"t%d"}`, i, i/2) }, 100,
			"event_id", ""},
		{"other names", func(i int) string { return fmt.Sprintf(`{"serial":"e%d","colour":"t%d"}`, i, i%3) }, 100, "",
			""},
	} {
		t.Run(c.name, func(t *testing.T) {
			result := inferFrom(t, repeatEvents(c.n, c.event)...)
			if result.Report.EventID != c.wantID || result.Report.EventType != c.wantT {
				t.Errorf("got %q and %q, want %q and %q", result.Report.EventID, result.Report.EventType, c.wantID,
					c.wantT)
			}
			if got := strings.Contains(string(result.Schema), `"x-event-id": "`+c.wantID+`"`); got != (c.wantID != "") {
				t.Errorf("x-event-id in the schema: %v\n%s", got, result.Schema)
			}
			if c.wantID == "" && !hasNote(result.Report.Unsure, "", "x-event-id") {
				t.Errorf("unsure: %v", result.Report.Unsure)
			}
		})
	}
}

func TestHints(t *testing.T) {
	events := repeatEvents(100, func(i int) string {
		return fmt.Sprintf(`{"clientIp":"203.0.113.%d","peer":"198.51.100.%d","contact":"a%d@example.com","user":{"name":"n%d"},"product":{"name":"p%d"},`+
			`"status":"%s","note":"text %d","pageToken":"t%d"}`, i, i, i, i, i, []string{"open", "closed"}[i%2], i, i)
	})
	result := inferFrom(t, events...)
	hints := result.Report.Hints
	for _, c := range []struct{ pointer, text string }{
		{"/clientIp", "by its name"}, {"/peer", "looks like IP addresses"}, {"/contact", "looks like e-mail addresses"},
		{"/user/name", "by its name"},
		{"/status", `2 different values: consider "enum": ["closed", "open"]`},
	} {
		if !hasNote(hints, c.pointer, c.text) {
			t.Errorf("no hint %q for %s in %v", c.text, c.pointer, hints)
		}
	}
	for _, pointer := range []string{"/product/name", "/note", "/pageToken"} {
		if hasNote(hints, pointer, "") {
			t.Errorf("hint for %s in %v", pointer, hints)
		}
	}
	for _, value := range []string{"example.com", "203.0.113", "open", "text 1"} {
		if bytes.Contains(result.Schema, []byte(value)) {
			t.Errorf("the schema has the value %q", value)
		}
	}
}

func TestOrder(t *testing.T) {
	a := []string{`{"z":1,"a":{"y":1,"b":2}}`, `{"m":1,"z":2}`}
	first := inferFrom(t, a...)
	if got, want := propertiesOf(t, first),
		`{"z":{"type":"integer"},"a":{"type":"object","properties":{"y":{"type":"integer"},"b":{"type":"integer"}},`+
			`"required":["y","b"]},"m":{"type":"integer"}}`; got != want {
		t.Errorf("got %s", got)
	}
	for range 10 {
		if again := inferFrom(t, a...); !bytes.Equal(again.Schema, first.Schema) {
			t.Fatalf("got\n%s\nand\n%s", first.Schema, again.Schema)
		}
	}
}

func TestNothing(t *testing.T) {
	if result := New("").Result(); result.Schema != nil || result.Report.Events != 0 {
		t.Errorf("got %+v", result)
	}
	if result := inferFrom(t, `{}`, `{"a":null}`); result.Schema != nil || !hasNote(result.Report.Unsure, "",
		"there is no schema") {
		t.Errorf("got %+v", result)
	}
}
