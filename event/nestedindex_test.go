package event

import (
	"strings"
	"testing"

	"firehose-pipeline/schema"
)

// What the index rejects a whole event for is moved to malformed, and what it accepts stays.
func TestNestedMembersThatTheIndexRejects(t *testing.T) {
	arrays := func(n int) string { return strings.Repeat("[", n) + "1" + strings.Repeat("]", n) }
	long := strings.Repeat("k", 200)
	const user = `"user":{"type":"object","properties":{"id":{"type":"string"}}}`
	const list = `"list":{"type":"array","items":{"type":"object","properties":{"id":{"type":"string"}}}}`
	for _, c := range []struct {
		name, properties, event string
		moved                   string // its key in malformed, empty for none
	}{
		{"arrays 20 deep", user, `{"user":{"x":` + arrays(20) + `}}`, ""},
		{"arrays 21 deep", user, `{"user":{"x":` + arrays(21) + `}}`, "/user/x"},
		{"arrays 21 deep inside an object", user, `{"user":{"x":[{"y":` + arrays(21) + `}]}}`, ""},
		{"brackets in a text", user, `{"user":{"x":["` + strings.Repeat("[", 30) + `"]}}`, ""},
		{"arrays 19 deep in one that is declared", list, `{"list":[{"x":` + arrays(19) + `}]}`, ""},
		{"arrays 20 deep in one that is declared", list, `{"list":[{"id":"a"},{"x":` + arrays(20) + `}]}`, "/list/1/x"},
		{"arrays 20 deep behind an element that is rewritten", list, `{"list":[{"id":1},{"x":` + arrays(20) + `}]}`, "/list/1/x"},
		{"a scalar where a key with a dot has an object", `"o":{"type":"object","properties":{"geo.lat":{"type":"number"}}}`,
			`{"o":{"geo":1}}`, "/o/geo"},
		{"the same with an escape", `"o":{"type":"object","properties":{"geo.lat":{"type":"number"}}}`, `{"o":{"g\u0065o":1}}`, "/o/geo"},
		{"the same in an array", `"o":{"type":"array","items":{"type":"object","properties":{"geo.lat":{"type":"number"}}}}`,
			`{"o":[{"geo":1}]}`, "/o/0/geo"},
		{"a name of a key with a dot beside the object", user + `,"user.name":{"type":"string"}`, `{"user":{"name":{"a":1}}}`, "/user/name"},
		{"a name of a dropped key with a dot", user + `,"user.name":{"x-protect":"drop"}`, `{"user":{"name":{"a":1}}}`, ""},
		{"a long text in a map", `"m":{"type":"object","additionalProperties":{"type":"string"}}`,
			`{"m":{"a":"` + strings.Repeat("x", 31_990) + `"}}`, ""},
		{"a long text in a map with a long path", `"` + long + `":{"type":"object","properties":{"` + long[1:] + `":{"type":"object",
			"properties":{"` + long[2:] + `":{"type":"object","additionalProperties":{"type":"string"}}}}}}`,
			`{"` + long + `":{"` + long[1:] + `":{"` + long[2:] + `":{"a":"` + strings.Repeat("x", 31_990) + `"}}}}`,
			"/" + long + "/" + long[1:] + "/" + long[2:] + "/a"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, err := schema.Parse([]byte(`{"type":"object","properties":{` + c.properties + `}}`))
			if err != nil {
				t.Fatal(err)
			}
			p, err := NewProcessor(MustCompile(s), Search, Options{})
			if err != nil {
				t.Fatal(err)
			}
			out, result := p.Append(nil, []byte(c.event), 1<<20)
			if result.Refused.Reason != "" || (result.Partial == 1) != (c.moved != "" || strings.Contains(c.event, `"id":1`)) {
				t.Fatalf("%+v: %.300s", result, out)
			}
			if c.moved != "" && !strings.Contains(string(out), `"`+c.moved+`":"`) {
				t.Errorf("%s is not in malformed: %.300s", c.moved, out[max(0, len(out)-300):])
			}
		})
	}
}

// A key that is no UTF-8 cannot be the key of its value in malformed.
func TestNestedLoneSurrogateInMalformed(t *testing.T) {
	s, err := schema.Parse([]byte(`{"type":"object","properties":{"m":{"type":"object","additionalProperties":{"type":"integer"}}}}`))
	if err != nil {
		t.Fatal(err)
	}
	p, err := NewProcessor(MustCompile(s), Lake, Options{})
	if err != nil {
		t.Fatal(err)
	}
	out, _ := p.Append(nil, []byte(`{"m":{"a\ud800":"x"}}`), 1<<20)
	if err := Check(Lake, out); err != nil || !strings.Contains(string(out), `"/m/a�…@`) {
		t.Errorf("%v: %q", err, out)
	}
}
