package event

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"

	"firehose-pipeline/schema"
)

// reading is the type of a nested value: three levels, arrays and a map.
func nestedLayout(t testing.TB) *Layout {
	t.Helper()
	str := &schema.Type{Kind: schema.String, MaxLength: -1}
	of := func(kind schema.Kind) *schema.Type { return &schema.Type{Kind: kind, MaxLength: -1} }
	field := func(key string, typ *schema.Type) *schema.Field {
		return &schema.Field{Key: key, Column: key, Type: typ}
	}
	item := &schema.Type{Kind: schema.Struct, Fields: []*schema.Field{field("sku", str), field("price", of(schema.Double)), field("day", of(schema.Date))}}
	position := &schema.Type{Kind: schema.Struct, Fields: []*schema.Field{field("lat", of(schema.Double)), field("lon", of(schema.Double))}}
	bounded := of(schema.BigInt)
	bounded.Bounds = schema.Bounds{HasMin: true, HasMax: true, MinInt: 0, MaxInt: 100}
	reading := &schema.Type{Kind: schema.Struct, Fields: []*schema.Field{
		field("tempC", of(schema.Double)), field("at", of(schema.Timestamp)), field("ok", of(schema.Boolean)), field("charge", bounded), field("position", position)}}
	reading.Fields[0].Pointer = "/reading/tempC"
	s := &schema.Schema{Fields: []*schema.Field{
		field("id", str), field("reading", reading),
		field("items", &schema.Type{Kind: schema.Array, Elem: item}),
		field("labels", &schema.Type{Kind: schema.Map, Elem: str}),
		field("counts", &schema.Type{Kind: schema.Map, Elem: of(schema.BigInt)}),
		field("tags", &schema.Type{Kind: schema.Array, Elem: str}),
		field("grid", &schema.Type{Kind: schema.Array, Elem: &schema.Type{Kind: schema.Array, Elem: of(schema.Double)}}),
		field("user.name", str),
	}}
	s.Enrich = []*schema.Enrichment{
		{Name: "processed_timestamp", Kind: schema.Timestamp, ProcessedAt: true},
		{Name: "heat", Kind: schema.String, Bands: &schema.Bands{Field: reading.Fields[0], Bands: []schema.Band{{Bound: 30, Inclusive: true, Value: "hot"}},
			Otherwise: ptr("cold"), Invalid: ptr("broken"), Absent: ptr("none")}},
	}
	l, err := Compile(s)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func ptr[T any](x T) *T { return &x }

// TestNested has values of nested fields; want is the event without what every event gets, then its malformed object.
func TestNested(t *testing.T) {
	for _, c := range []struct{ rule, record, want string }{
		{"values of the declared types stay as sent", `{"reading":{"tempC":1.50,"at":"2019-10-01T00:00:00Z","ok":true,"charge":100,"position":{"lat":1e1,"lon":-0}}}`, `= cold`},
		{"so do undeclared members and null", `{"reading":{"x":{"y":[1,2.0]},"tempC":null,"position":null},"items":null,"labels":null}`, `= broken`},
		{"white space goes", `{ "reading" : { "tempC" : 1 , "x" : [ 1 ] } }`, `{"reading":{"tempC":1,"x":[1]}} cold`},
		{"a string that is a number is converted", `{"reading":{"tempC":" 31 ","x":1}}`, `{"reading":{"tempC":31,"x":1}} hot`},
		{"a number in a string's place is quoted", `{"items":[{"sku":5}],"tags":["a",1.50,true]}`, `{"items":[{"sku":"5"}],"tags":["a","1.50","true"]} none`},
		{"a malformed member goes, the others stay", `{"reading":{"tempC":"x","ok":true}}`, `{"reading":{"ok":true}} broken {"/reading/tempC":"x"}`},
		{"the only member", `{"reading":{"tempC":[1, 2]}}`, `{"reading":{}} broken {"/reading/tempC":"[1,2]"}`},
		{"out of bounds", `{"reading":{"charge":101}}`, `{"reading":{}} none {"/reading/charge":"101"}`},
		{"a malformed element leaves null", `{"tags":["a",{"b":1},"c"]}`, `{"tags":["a",null,"c"]} none {"/tags/1":"{\"b\":1}"}`},
		{"null elements stay", `{"tags":[null,"a"],"items":[null,{"sku":null}],"grid":[null,[null,1]]}`, `= none`},
		{"a struct's place taken by another type", `{"items":[{"sku":"a"},7,{"price":1}]}`, `{"items":[{"sku":"a"},null,{"price":1}]} none {"/items/1":"7"}`},
		{"deep inside arrays", `{"items":[{"sku":"a","price":"1e1"},{"day":"2024-02-30"},{"day":"2024-02-29"}]}`,
			`{"items":[{"sku":"a","price":1e1},{},{"day":"2024-02-29"}]} none {"/items/1/day":"2024-02-30"}`},
		{"arrays of arrays", `{"grid":[[1,"2"],[],5]}`, `{"grid":[[1,2],[],null]} none {"/grid/2":"5"}`},
		{"a map's null goes", `{"labels":{"a":null,"b":"c"}}`, `{"labels":{"b":"c"}} none`},
		{"a map's values have its type", `{"labels":{"a":1,"b":[1],"c/d~":{}},"counts":{"x":"7","y":1.5}}`,
			`{"labels":{"a":"1"},"counts":{"x":7}} none {"/labels/b":"[1]","/labels/c~1d~0":"{}","/counts/y":"1.5"}`},
		{"the field itself of another type", `{"reading":5,"items":{},"labels":[],"tags":"a"}`, `{} none {"reading":"5","items":"{}","labels":"[]","tags":"a"}`},
		{"a repeated key inside moves the field", `{"reading":{"tempC":1,"tempC":2},"id":"a"}`, `{"id":"a"} none {"reading":"{\"tempC\":1,\"tempC\":2}"}`},
		{"keys written with escapes", `{"reading":{"temp\u0043":"3","\u006fk":1}}`, `{"reading":{"temp\u0043":3}} cold {"/reading/ok":"1"}`},
		{"an undeclared key with a dot inside a declared object", `{"reading":{"position.lat":1,"":2,"ok":true}}`, `{"reading":{"ok":true}} none {"/reading/position.lat":"1","/reading/":"2"}`},
		{"a declared key with a dot", `{"user.name":7}`, `{"user.name":"7"} none`},
		{"an undeclared key where the index has an object", `{"user":{"name":"x"},"id":"a"}`, `{"id":"a"} none {"user":"{\"name\":\"x\"}"}`},
		{"strings with escapes inside", `{"tags":["a\nb"],"items":[{"sku":"\u0041","price":"\u0031"}]}`, `{"tags":["a\nb"],"items":[{"sku":"\u0041","price":1}]} none`},
		{"empty objects and arrays", `{"reading":{},"items":[],"labels":{},"tags":[]}`, `= none`},
		{"a timestamp in another form", `{"reading":{"at":"2018-08-08 00:44:30Z"}}`, `{"reading":{"at":"2018-08-08T00:44:30Z"}} none`},
		{"a pointer that the event has as a key", `{"/tags/0":1,"malformed":{"/tags/0":"own"},"tags":[{}]}`, `{"/tags/0":1,"tags":[null]} none {"/tags/0":"{}"}`},
	} {
		t.Run(c.rule, func(t *testing.T) {
			p := newProcessor(t, nestedLayout(t), Search, Options{})
			p.SetTime(parseTime(t, testNow))
			got := become(t, p, c.record)
			want, rest, _ := strings.Cut(c.want, " ")
			if want == "=" {
				want = c.record
			} else if strings.HasPrefix(c.want, "{") { // the object may have spaces of its own
				at := strings.LastIndex(c.want[:len(c.want)-len(malformedOf(c.want))], "} ") + 1
				want, rest = c.want[:at], c.want[at+1:]
			}
			heat, moved, partial := strings.Cut(rest, " ")
			want = strings.TrimSuffix(want, "}")
			if want != "{" {
				want += ","
			}
			want += `"processed_timestamp":"` + testNow + `","heat":"` + heat + `"`
			if partial {
				want += `,"malformed":` + moved
			}
			if want += "}"; got != want {
				t.Errorf("%s\ngot  %s\nwant %s", c.record, got, want)
			}
			if strings.Contains(c.want, "broken") && partial || !partial {
				twice(t, p, got)
			}
		})
	}
}

// malformedOf is the malformed object at the end of a want, if there is one.
func malformedOf(want string) string {
	if at := strings.LastIndex(want, ` {"`); at >= 0 {
		return want[at:]
	}
	return ""
}

// TestNestedAgainstReference compares nested values with a reference that works on decoded values, for random layouts and events.
func TestNestedAgainstReference(t *testing.T) {
	random := rand.New(rand.NewPCG(11, 4))
	layout := nestedLayout(t)
	for _, stream := range []Stream{Search, Lake} {
		p := newProcessor(t, layout, stream, Options{})
		p.SetTime(parseTime(t, testNow))
		for range 2_000 {
			record := randomNested(random)
			out, result := p.Append(nil, []byte(record), 1<<24)
			if result.Refused.Reason != "" {
				t.Fatalf("%s: %v", record, result.Refused)
			}
			compareToReference(t, layout, stream, record, strings.TrimSuffix(string(out), "\n"))
			twiceLines(t, p, out)
			if t.Failed() {
				return
			}
		}
	}
}

// twiceLines fails when another pass changes an event.
func twiceLines(t *testing.T, p *Processor, once []byte) {
	t.Helper()
	again, result := p.Append(nil, once, 1<<24)
	if result.Refused.Reason != "" || !bytes.Equal(again, once) {
		t.Errorf("once  %s\ntwice %s", once, again)
	}
}

func randomNested(random *rand.Rand) string {
	var b strings.Builder
	scalar := func() string {
		return []string{"1", "-0", "1.5", "100", "101", "1e400", `"a"`, `"12"`, `" 3 "`, "true", "null", "false", `""`, `"2019-10-01T00:00:00Z"`, `"2024-01-31"`,
			"1569888000", `"true"`, "[]", "{}", `"x\"y"`, "9223372036854775808", `"é"`}[random.IntN(22)]
	}
	space := func() string { return []string{"", "", "", "", " ", "\n"}[random.IntN(6)] }
	var value func(depth int, keys []string) string
	object := func(depth int, keys []string) string {
		var b strings.Builder
		b.WriteString("{")
		picked := slices.Clone(keys)
		random.Shuffle(len(picked), func(i, j int) { picked[i], picked[j] = picked[j], picked[i] })
		picked = picked[:random.IntN(len(picked)+1)]
		for i, k := range picked {
			if i > 0 {
				b.WriteString(",")
			}
			b.WriteString(space() + strconv.Quote(k) + space() + ":" + space() + value(depth+1, nil) + space())
		}
		b.WriteString("}")
		return b.String()
	}
	all := []string{"tempC", "at", "ok", "charge", "position", "lat", "lon", "sku", "price", "day", "other", "x.y", ""}
	value = func(depth int, keys []string) string {
		if depth > 2 {
			return scalar()
		}
		switch random.IntN(6) {
		case 0, 1:
			return object(depth, all)
		case 2:
			n := random.IntN(4)
			parts := make([]string, n)
			for i := range parts {
				parts[i] = space() + value(depth+1, nil)
			}
			return "[" + strings.Join(parts, ",") + "]"
		}
		return scalar()
	}
	b.WriteString("{")
	keys := []string{"id", "reading", "items", "labels", "counts", "tags", "grid", "user.name", "loose"}
	for i, k := range keys {
		if random.IntN(3) == 0 {
			continue
		}
		if b.Len() > 1 {
			b.WriteString(",")
		}
		b.WriteString(strconv.Quote(k) + ":")
		switch {
		case random.IntN(4) == 0:
			b.WriteString(value(0, nil))
		case k == "reading":
			b.WriteString(object(1, all[:7]))
		case k == "items":
			n := random.IntN(4)
			parts := make([]string, n)
			for j := range parts {
				parts[j] = object(2, all[7:])
			}
			b.WriteString("[" + strings.Join(parts, ",") + "]")
		case k == "labels" || k == "counts":
			b.WriteString(object(3, all))
		default:
			b.WriteString(value(2, nil))
		}
		_ = i
	}
	b.WriteString("}")
	return b.String()
}

// reference conforms decoded values: slowly, and with nothing of the processor but its scalar rules, which the oracle has anew.
type reference struct {
	stream Stream
	moved  map[string]string
}

func (r *reference) conform(typ *schema.Type, pointer string, sent json.RawMessage) (any, bool) {
	text := strings.TrimSpace(string(sent))
	if text == "null" {
		return nil, true
	}
	move := func() (any, bool) {
		var compact bytes.Buffer
		if err := json.Compact(&compact, sent); err != nil {
			panic(err)
		}
		r.moved[pointer] = meaning(asText(compact.String()))
		return nil, false
	}
	escape := strings.NewReplacer("~", "~0", "/", "~1").Replace
	switch typ.Kind {
	case schema.Struct, schema.Map:
		if text[0] != '{' {
			return move()
		}
		object, err := parseObject(text)
		if err != nil {
			panic(err)
		}
		out := map[string]any{}
		for _, m := range object {
			below := pointer + "/" + escape(m.key)
			if typ.Kind == schema.Map {
				if m.value == "null" {
					continue
				}
				if v, ok := r.conform(typ.Elem, below, json.RawMessage(m.value)); ok {
					out[m.key] = v
				}
				continue
			}
			at := slices.IndexFunc(typ.Fields, func(f *schema.Field) bool { return f.Key == m.key })
			if at < 0 {
				if r.stream == Search && (m.key == "" || strings.Contains(m.key, ".")) {
					r.moved[below] = meaning(asText(m.value))
				} else {
					out[m.key] = decode(m.value)
				}
			} else if v, ok := r.conform(typ.Fields[at].Type, below, json.RawMessage(m.value)); ok {
				out[m.key] = v
			}
		}
		return out, true
	case schema.Array:
		var elements []json.RawMessage
		if text[0] != '[' || json.Unmarshal(sent, &elements) != nil {
			return move()
		}
		out := make([]any, 0, len(elements))
		for i, e := range elements {
			v, _ := r.conform(typ.Elem, pointer+"/"+strconv.Itoa(i), e)
			out = append(out, v)
		}
		return out, true
	}
	value, ok := "", false
	if typ.Kind == schema.Date {
		value, ok = text, text[0] == '"' && len(meaning(text)) == 10 && oracleTimestamp(meaning(text)+"T00:00:00Z")
	} else {
		value, ok = oracleConform(typ.Kind, text)
	}
	if b := typ.Bounds; ok && b.HasMin {
		n, _ := strconv.ParseInt(value, 10, 64)
		ok = n >= b.MinInt && n <= b.MaxInt
	}
	if !ok {
		return move()
	}
	return decode(value), true
}

func decode(text string) any {
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		panic(err)
	}
	return v
}

func compareToReference(t *testing.T, l *Layout, stream Stream, record, got string) {
	t.Helper()
	sent, err := parseObject(record)
	if err != nil {
		t.Fatal(err)
	}
	r := &reference{stream: stream, moved: map[string]string{}}
	want := map[string]any{}
	for _, m := range sent.unique() {
		at := slices.IndexFunc(l.schema.Fields, func(f *schema.Field) bool { return f.Key == m.key })
		switch {
		case at < 0 && oracleRejects(stream, m.key, m.value):
			r.moved[m.key] = meaning(asText(m.value))
		case at < 0:
			want[m.key] = decode(m.value)
		case !l.schema.Fields[at].Type.Kind.Scalar() && oracleRejects(Lake, "x", m.value):
			r.moved[m.key] = meaning(asText(m.value))
		default:
			pointer := "/" + m.key
			if v, ok := r.conform(l.schema.Fields[at].Type, pointer, json.RawMessage(m.value)); ok {
				want[m.key] = v
			} else {
				r.moved[m.key] = r.moved[pointer]
				delete(r.moved, pointer)
			}
		}
	}
	have := decode(got).(map[string]any)
	moved := map[string]string{}
	if own, ok := have[Malformed].(map[string]any); ok {
		for k, v := range own {
			moved[k] = v.(string)
		}
	}
	delete(have, Malformed)
	delete(have, "processed_timestamp")
	delete(have, "heat")
	if fmt.Sprint(have) != fmt.Sprint(want) || !maps.Equal(moved, r.moved) {
		t.Errorf("%s\ngot  %s\nwant %v\nmoved %v", record, got, want, r.moved)
	}
}

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
