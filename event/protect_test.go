package event

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"testing"

	"firehose-pipeline/schema"
)

var testKey = []byte("0123456789abcdef0123456789abcdef")

func hashOf(text string) string {
	mac := hmac.New(sha256.New, testKey)
	mac.Write([]byte(text))
	return HashPrefix + hex.EncodeToString(mac.Sum(nil))
}

func protectedLayout(t testing.TB) *Layout {
	t.Helper()
	str := func() *schema.Type { return &schema.Type{Kind: schema.String, MaxLength: -1} }
	field := func(key string, typ *schema.Type, p schema.Protection) *schema.Field {
		return &schema.Field{Key: key, Column: key, Type: typ, Protect: p, Pointer: "/" + key}
	}
	hashed := str()
	hashed.Protect = schema.Hash
	s := &schema.Schema{Fields: []*schema.Field{
		field("user", str(), schema.Hash), field("email", str(), schema.Redact), field("secret", str(), schema.Drop),
		field("contact", &schema.Type{Kind: schema.Struct, Fields: []*schema.Field{
			field("phone", str(), schema.Hash), field("name", str(), schema.Redact), field("age", &schema.Type{Kind: schema.BigInt, MaxLength: -1}, schema.Unprotected),
			field("notes", str(), schema.Drop)}}, schema.Unprotected),
		{Key: "age", Column: "age", Type: str(), Declared: &schema.Type{Kind: schema.BigInt, MaxLength: -1,
			Bounds: schema.Bounds{HasMax: true, MaxInt: 150}}, Protect: schema.Hash, Pointer: "/age"},
		field("ips", &schema.Type{Kind: schema.Array, Elem: hashed}, schema.Unprotected),
		{Key: "ids", Column: "ids", Pointer: "/ids", Type: &schema.Type{Kind: schema.Array, Elem: &schema.Type{Kind: schema.Array, Elem: str()}},
			Declared: &schema.Type{Kind: schema.Array, Elem: &schema.Type{Kind: schema.Array, Elem: &schema.Type{Kind: schema.BigInt, MaxLength: -1,
				Bounds: schema.Bounds{HasMin: true, MinInt: 1}, Protect: schema.Hash}}}},
		field("headers", &schema.Type{Kind: schema.Map, Elem: hashed}, schema.Unprotected),
		{Key: "marks", Column: "marks", Pointer: "/marks", Type: &schema.Type{Kind: schema.Map, Elem: str()},
			Declared: &schema.Type{Kind: schema.Map, Elem: &schema.Type{Kind: schema.Double, MaxLength: -1, Protect: schema.Redact}}},
	}}
	s.Enrich = []*schema.Enrichment{
		{Name: "processed_timestamp", Kind: schema.Timestamp, ProcessedAt: true},
		{Name: "kind", Kind: schema.String, Truth: &schema.Truth{Field: s.Fields[0], True: "known", False: "guest"}},
		{Name: "domain", Kind: schema.String, Categories: &schema.Categories{Field: s.Fields[1],
			Sets: []schema.Set{{Value: "staff", Members: []string{"boss@example.com"}}}, Otherwise: ptr("other")}},
		{Name: "has_secret", Kind: schema.Boolean, Presence: &schema.Presence{Field: s.Fields[2]}},
	}
	l, err := Compile(s)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// TestProtect has protected values; want is the event without processed_timestamp.
func TestProtect(t *testing.T) {
	notHex := HashPrefix + strings.Repeat("g", hashLength-len(HashPrefix))
	upper := HashPrefix + strings.Repeat("A", hashLength-len(HashPrefix))
	for _, c := range []struct{ rule, record, want string }{
		{"a hash", `{"user":"ann","x":1}`, `{"user":"` + hashOf("ann") + `","x":1,@"kind":"known","has_secret":false}`},
		{"the hash of the decoded content", `{"user":"\u0061nn"}`, `{"user":"` + hashOf("ann") + `",@"kind":"known","has_secret":false}`},
		{"a number is hashed as its text", `{"user":12345678901234567890}`, `{"user":"` + hashOf("12345678901234567890") + `",@"kind":"known","has_secret":false}`},
		{"a hash stays", `{"user":"` + hashOf("q") + `"}`, `{"user":"` + hashOf("q") + `",@"kind":"known","has_secret":false}`},
		{"a value that only begins like a hash is hashed", `{"user":"hmac-sha256:ann"}`, `{"user":"` + hashOf("hmac-sha256:ann") + `",@"kind":"known","has_secret":false}`},
		{"a value with the form of a hash but other digits is hashed", `{"user":"` + notHex + `"}`, `{"user":"` + hashOf(notHex) + `",@"kind":"known","has_secret":false}`},
		{"a hash in upper case is hashed", `{"user":"` + upper + `"}`, `{"user":"` + hashOf(upper) + `",@"kind":"known","has_secret":false}`},
		{"nothing to hide", `{"user":"","email":null}`, `{"user":"","email":null,@"kind":"guest","domain":"other","has_secret":false}`},
		{"false and 0", `{"user":0}`, `{"user":"0",@"kind":"guest","has_secret":false}`},
		{"redacted, and a rule sees the value as sent", `{"email":"boss@example.com"}`, `{"email":"REDACTED",@"domain":"staff","has_secret":false}`},
		{"dropped, whatever it is", `{"secret":{"a":"b"},"y":2}`, `{"y":2,@"has_secret":false}`},
		{"a protected field of another type", `{"user":{"first":"ann"},"email":["a@b.c"]}`,
			`{@"kind":"known","domain":"other","has_secret":false,"malformed":{"user":"REDACTED","email":"REDACTED"}}`},
		{"inside a struct", `{"contact":{"phone":"123","name":"Ann","age":7,"notes":"x","other":1}}`,
			`{"contact":{"phone":"` + hashOf("123") + `","name":"REDACTED","age":7,"other":1},@"has_secret":false}`},
		{"of another type inside a struct", `{"contact":{"phone":["123"],"age":"old"}}`,
			`{"contact":{},@"has_secret":false,"malformed":{"/contact/phone":"REDACTED","/contact/age":"old"}}`},
		{"a struct with protected fields of another type", `{"contact":"ann@example.com"}`, `{@"has_secret":false,"malformed":{"contact":"REDACTED"}}`},
		{"a struct with a repeated key", `{"contact":{"name":"Ann","name":"Bob"}}`, `{@"has_secret":false,"malformed":{"contact":"REDACTED"}}`},
		{"a number within its bounds", `{"age":42}`, `{"age":"` + hashOf("42") + `",@"has_secret":false}`},
		{"a number out of its bounds", `{"age":151}`, `{@"has_secret":false,"malformed":{"age":"REDACTED"}}`},
		{"a number as text", `{"age":"42"}`, `{"age":"` + hashOf("42") + `",@"has_secret":false}`},
		{"no number", `{"age":"old"}`, `{@"has_secret":false,"malformed":{"age":"REDACTED"}}`},
		{"a number 0", `{"age":0}`, `{"age":"0",@"has_secret":false}`},
		{"elements of an array", `{"ips":["10.0.0.1",{"v":"10.0.0.2"},null]}`,
			`{"ips":["` + hashOf("10.0.0.1") + `",null,null],@"has_secret":false,"malformed":{"/ips/1":"REDACTED"}}`},
		{"nothing to hide in an array", `{"ips":["","0","false",null,0]}`, `{"ips":["","0","false",null,"0"],@"has_secret":false}`},
		{"elements of arrays in an array", `{"ids":[[7,"8"],[0,"x"],5,[{"v":9}]]}`,
			`{"ids":[["` + hashOf("7") + `","` + hashOf("8") + `"],[null,null],null,[null]],@"has_secret":false,` +
				`"malformed":{"/ids/1/0":"REDACTED","/ids/1/1":"REDACTED","/ids/2":"REDACTED","/ids/3/0":"REDACTED"}}`},
		{"values of a map", `{"headers":{"a":"x","b":null,"c":[1],"d":7,"\u0065":"\u0079"}}`,
			`{"headers":{"a":"` + hashOf("x") + `","d":"` + hashOf("7") + `","\u0065":"` + hashOf("y") + `"},@"has_secret":false,"malformed":{"/headers/c":"REDACTED"}}`},
		{"redacted values of a map", `{"marks":{"a":1.5,"b":"2e1","c":"x","d":0}}`,
			`{"marks":{"a":"REDACTED","b":"REDACTED","d":"0"},@"has_secret":false,"malformed":{"/marks/c":"REDACTED"}}`},
		{"a map with protected values of another type", `{"headers":"secret","marks":[1],"ips":"10.0.0.1","ids":7}`,
			`{@"has_secret":false,"malformed":{"ips":"REDACTED","ids":"REDACTED","headers":"REDACTED","marks":"REDACTED"}}`},
		{"a map with a repeated key", `{"headers":{"a":"1","a":"2"}}`, `{@"has_secret":false,"malformed":{"headers":"REDACTED"}}`},
		{"malformed values of a map in an own malformed object", `{"malformed":{"/headers/a":"1","/marks/b/c":"2","/ids/1/0":"3"}}`,
			`{@"has_secret":false,"malformed":{"/headers/a":"REDACTED","/marks/b/c":"REDACTED","/ids/1/0":"REDACTED"}}`},
		{"an own malformed object", `{"malformed":{"email":"a@b.c","/contact/phone":"1","/ips/7":"2","/contact/age":"old","x":"y","em\u0061il":"d@e.f"}}`,
			`{@"has_secret":false,"malformed":{"/contact/phone":"REDACTED","/ips/7":"REDACTED","/contact/age":"old","x":"y","em\u0061il":"REDACTED"}}`},
		{"a repeated protected key", `{"email":"a@b.c","email":"d@e.f"}`, `{"email":"REDACTED",@"domain":"other","has_secret":false}`},
	} {
		t.Run(c.rule, func(t *testing.T) {
			for _, stream := range []Stream{Search, Lake} {
				p := newProcessor(t, protectedLayout(t), stream, Options{HashKey: testKey})
				p.SetTime(parseTime(t, testNow))
				out, result := p.Append(nil, []byte(c.record), 1<<20)
				if result.Refused.Reason != "" {
					t.Fatal(result)
				}
				got := strings.TrimSuffix(string(out), "\n")
				if want := strings.Replace(c.want, "@", `"processed_timestamp":"`+testNow+`",`, 1); got != want {
					t.Errorf("%s: %s\ngot  %s\nwant %s", stream, c.record, got, want)
				}
				twiceLines(t, p, out)
			}
		})
	}
	t.Run("a key is needed", func(t *testing.T) {
		if _, err := NewProcessor(protectedLayout(t), Lake, Options{HashKey: testKey[:31]}); err == nil || !strings.Contains(err.Error(), "32 bytes") {
			t.Errorf("%v", err)
		}
	})
	t.Run("without the key, a record and its transformed form give the same", func(t *testing.T) {
		record := []byte(`{"user":"ann","age":7,"contact":{"phone":"1"},"ips":["2"],"ids":[[3,4],[5]],"headers":{"a":"b"},"marks":{"c":6}}`)
		p := newProcessor(t, protectedLayout(t), Lake, Options{HashKey: testKey})
		mask := newProcessor(t, protectedLayout(t), Lake, Options{MaskHashes: true})
		p.SetTime(parseTime(t, testNow))
		mask.SetTime(parseTime(t, testNow))
		hashed, _ := p.Append(nil, record, 1<<20)
		first, _ := mask.Append(nil, record, 1<<20)
		second, _ := mask.Append(nil, hashed, 1<<20)
		if string(first) != string(second) || strings.Contains(string(first), "ann") {
			t.Errorf("\n%s\n%s", first, second)
		}
	})
}

// A rule sees objects and arrays that are dropped as they were sent, and keeps its value in a second pass.
func TestRuleOverADroppedContainer(t *testing.T) {
	s, err := schema.Parse([]byte(`{"type":"object","properties":{"body":{"type":"object","properties":{"a":{"type":"string"}},"x-protect":"drop"},
		"words":{"type":"array","items":{"type":"string","x-protect":"drop"}},"cookies":{"type":"object","additionalProperties":{"x-protect":"drop"}},
		"inner":{"type":"object","properties":{"list":{"type":"array","items":{"x-protect":"drop"}}}}},
		"x-enrich":[{"name":"processed_timestamp","processedAt":true},{"name":"b","presence":{"field":"body"}},{"name":"w","truth":{"field":"words"}},
			{"name":"c","presence":{"field":"cookies"}},{"name":"s","score":{"weights":{"body":1,"words":1,"cookies":1,"inner":1}}}]}`))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ event, want string }{
		{`{"body":{"a":"x"},"words":["y"],"cookies":{"z":1},"inner":{"list":[1]}}`, `{"inner":{},@"b":true,"w":true,"c":true,"s":100}`},
		{`{"body":{},"words":[],"cookies":{}}`, `{@"b":true,"w":false,"c":true,"s":75}`},
		{`{"body":null,"words":null}`, `{@"b":false,"w":false,"c":false,"s":0}`},
		{`{"body":"x","words":{"a":1},"cookies":[1]}`, `{@"b":false,"c":false,"s":0}`},
		{`{}`, `{@"b":false,"c":false,"s":0}`},
	} {
		p := newProcessor(t, MustCompile(s), Search, Options{})
		p.SetTime(parseTime(t, testNow))
		out, _ := p.Append(nil, []byte(c.event), 1<<20)
		if want := strings.Replace(c.want, "@", `"processed_timestamp":"`+testNow+`",`, 1); string(out) != want {
			t.Errorf("%s\ngot  %s\nwant %s", c.event, out, want)
		}
		twiceLines(t, p, out)
	}
}

// A map's entry is judged by what is written in its place: a long value by its hash, and a value that stays as it is.
func TestProtectedEntryThatTheIndexRejects(t *testing.T) {
	const limit = maxMapEntry - len(`""`) - hashLength - len(`""`)
	for _, c := range []struct{ name, key, value, entry string }{
		{"a long value has a short hash", "a", strings.Repeat("x", 40_000), hashOf(strings.Repeat("x", 40_000))},
		{"a long 0 stays, and is too long", "a", "0." + strings.Repeat("0", 32_000), ""},
		{"a key with room for a hash", strings.Repeat("k", limit), "x", hashOf("x")},
		{"a key without room for a hash", strings.Repeat("k", limit+1), "x", ""},
		{"without room for a hash, and nothing to hide", strings.Repeat("k", limit+1), "0", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := newProcessor(t, protectedLayout(t), Search, Options{HashKey: testKey})
			mask := newProcessor(t, protectedLayout(t), Search, Options{MaskHashes: true})
			p.SetTime(parseTime(t, testNow))
			mask.SetTime(parseTime(t, testNow))
			record := []byte(`{"headers":{"` + c.key + `":"` + c.value + `"}}`)
			out, result := p.Append(nil, record, 1<<20)
			want := `{"headers":{},`
			if c.entry != "" {
				want = `{"headers":{"` + c.key + `":"` + c.entry + `"},`
			}
			if !strings.HasPrefix(string(out), want) || (result.Partial == 1) != (c.entry == "") ||
				c.entry == "" && !strings.Contains(string(out), `":"REDACTED"}}`) {
				t.Errorf("%+v: %.100s … %s", result, out, out[len(out)-100:])
			}
			twiceLines(t, p, out)
			first, _ := mask.Append(nil, record, 1<<20)
			second, _ := mask.Append(nil, out, 1<<20)
			if string(first) != string(second) {
				t.Errorf("without the key: %.100s\nand %.100s", first, second)
			}
		})
	}
}

// FuzzProtect checks that a second pass changes nothing, and that a record and its transformed form give the same
// without the key, as replay compares them.
func FuzzProtect(f *testing.F) {
	for _, record := range []string{
		`{"user":"ann","age":7,"contact":{"phone":"1","name":[]},"ips":["2",{}],"ids":[[3,"x"],[0]],"headers":{"a":"b","c":0},"marks":{"c":6}}`,
		`{"user":"REDACTED","email":"` + hashOf("x") + `","ips":["","REDACTED"],"headers":{"k":"` + hashOf("y") + `"}}`,
		`{"malformed":{"user":"x","/ips/0":"y","/headers/a":"z","/contact/phone":1},"ids":[["0.0",-1]],"secret":[1]}`,
		`{"headers":{"a\ud800":1,"":2,"a..b":[]},"marks":{"":"1e400"},"contact":{"phone":"\u0061","name":false}}`,
	} {
		f.Add([]byte(record))
	}
	l := protectedLayout(f)
	f.Fuzz(func(t *testing.T, record []byte) {
		for _, stream := range []Stream{Search, Lake} {
			p := newProcessor(t, l, stream, Options{HashKey: testKey})
			mask := newProcessor(t, l, stream, Options{MaskHashes: true})
			p.SetTime(parseTime(t, testNow))
			mask.SetTime(parseTime(t, testNow))
			out, result := p.Append(nil, record, 1<<24)
			first, masked := mask.Append(nil, record, 1<<24)
			if result != masked {
				t.Fatalf("with the key %+v, without %+v", result, masked)
			}
			if result.Written == 0 {
				continue
			}
			twiceLines(t, p, out)
			if second, _ := mask.Append(nil, out, 1<<24); string(first) != string(second) {
				t.Fatalf("%s: without the key\n%s\nand of\n%s\n%s", stream, first, out, second)
			}
		}
	})
}
