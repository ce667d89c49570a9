package event

import (
	"encoding/json"
	"errors"
	"math"
	"math/rand/v2"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"firehose-pipeline/schema"
)

// TestTraps has the cases in which transforms go wrong. In want, @ stands for the two fields that every event gets:
// processed_timestamp and the status SUCCESS; @@ for them with PARTIAL.
func TestTraps(t *testing.T) {
	deep := func(n int) string { return strings.Repeat(`{"a":`, n) + "1" + strings.Repeat("}", n) }
	for _, c := range []struct {
		trap, record string
		want         string
		refused      Reason
	}{
		{trap: "empty object", record: `{}`, want: `{@,"data_quality_score":0}`},
		{trap: "duplicate keys: the last wins, the earlier are removed", record: `{"amount":900,"x":1,"amount":5,"x":2,"y":3}`,
			want: `{"amount":5,"x":2,"y":3,@,"amount_category":"low","amount_tier":"basic","data_quality_score":11.11}`},
		{trap: "duplicate keys: by their escaped form", record: `{"\u0078":1,"user\u005fid":"","x":2,"user_id":"7"}`,
			want: `{"x":2,"user_id":"7",@,"user_category":"registered","data_quality_score":11.11}`},
		{trap: "escaped keys", record: `{"user\u005fid":"","am\u006funt":"600"}`,
			want: `{"user\u005fid":"","am\u006funt":600,@,"user_category":"guest","amount_category":"high","amount_tier":"premium","data_quality_score":11.11}`},
		{trap: "integers above 2^53 stay as text", record: `{"category_id":2103807459595387724,"n":12345678901234567890123}`,
			want: `{"category_id":2103807459595387724,"n":12345678901234567890123,@,"data_quality_score":0}`},
		{trap: "long decimals stay as text", record: `{"n":0.10000000000000000555111512312578270211815834045410156250,"m":1.50E+2}`,
			want: `{"n":0.10000000000000000555111512312578270211815834045410156250,"m":1.50E+2,@,"data_quality_score":0}`},
		{trap: "1E400 is no double", record: `{"amount":1E400}`,
			want: `{@@,"amount_category":"unknown","amount_tier":"unknown","data_quality_score":0,"malformed":{"amount":"1E400"}}`},
		{trap: "1E400 elsewhere stays", record: `{"x":1E400}`, want: `{"x":1E400,@,"data_quality_score":0}`},
		{trap: "NaN", record: `{"amount":NaN}`, refused: InvalidJSON},
		{trap: "Infinity", record: `{"amount":Infinity}`, refused: InvalidJSON},
		{trap: "minus Infinity", record: `{"amount":-Infinity}`, refused: InvalidJSON},
		{trap: "Infinity in a string", record: `{"amount":"Infinity"}`,
			want: `{@@,"amount_category":"unknown","amount_tier":"unknown","data_quality_score":0,"malformed":{"amount":"Infinity"}}`},
		{trap: "NaN in a string", record: `{"amount":"NaN"}`,
			want: `{@@,"amount_category":"unknown","amount_tier":"unknown","data_quality_score":0,"malformed":{"amount":"NaN"}}`},
		{trap: "invalid UTF-8", record: "{\"a\":\"\xff\"}", refused: InvalidUTF8},
		{trap: "overlong UTF-8", record: "{\"a\":\"\xc0\xaf\"}", refused: InvalidUTF8},
		{trap: "UTF-8 cut in a character", record: "{\"a\":\"\xe2\x82\"}", refused: InvalidUTF8},
		{trap: "UTF-8 beyond Unicode", record: "{\"a\":\"\xf4\x90\x80\x80\"}", refused: InvalidUTF8},
		{trap: "invalid UTF-8 in a nested key", record: "{\"a\":{\"\x80\":1}}", refused: InvalidUTF8},
		{trap: "UTF-8 surrogates", record: "{\"a\":\"\xed\xa0\x80\"}", refused: InvalidUTF8},
		{trap: "escaped lone surrogates are JSON and stay", record: `{"a":"\ud800"}`, want: `{"a":"\ud800",@,"data_quality_score":0}`},
		{trap: "raw control characters", record: "{\"a\":\"\t\"}", refused: InvalidJSON},
		{trap: "null bytes", record: "{\"a\":\"\x00\"}", refused: InvalidJSON},
		{trap: "escaped null bytes stay", record: `{"a":"\u0000"}`, want: `{"a":"\u0000",@,"data_quality_score":0}`},
		{trap: "trailing data", record: `{"a":1}x`, refused: TrailingData},
		{trap: "trailing data: another object", record: `{"a":1}{"b":2}`, refused: TrailingData},
		{trap: "trailing white space is none", record: "{\"a\":1} \r\n", want: `{"a":1,@,"data_quality_score":0}`},
		{trap: "byte order mark", record: "\xEF\xBB\xBF{}", refused: ByteOrderMark},
		{trap: "gzip", record: "\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff", refused: Compressed},
		{trap: "zlib", record: "x\x9c\xab\xae\x05\x00\x01\x75\x00\xf9", refused: Compressed},
		{trap: "nothing", record: "", refused: EmptyRecord},
		{trap: "only white space", record: " \n", refused: EmptyRecord},
		{trap: "cut off", record: `{"a":"b`, refused: UnexpectedEnd},
		{trap: "an array", record: `[{"a":1}]`, refused: NotAnObject},
		{trap: "a string", record: `"a"`, refused: NotAnObject},
		{trap: "null", record: `null`, refused: NotAnObject},
		{trap: "plain text", record: `hello`, refused: InvalidJSON},
		{trap: "fields already present are replaced", record: `{"processing_status":"OLD","user_category":1,"user_id":"7","processed_timestamp":null,"data_quality_score":"x","z":1}`,
			want: `{"user_id":"7","z":1,@,"user_category":"registered","data_quality_score":11.11}`},
		{trap: "pretty-printed input becomes one line", record: "{\n  \"user_id\" : \"a b\",\n  \"x\" : [ 1,\n 2 , { \"y\" : \" \\\" \" } ]\n}\n",
			want: `{"user_id":"a b","x":[1,2,{"y":" \" "}],@,"user_category":"registered","data_quality_score":11.11}`},
		{trap: "depth 1,000", record: deep(1000), want: strings.TrimSuffix(deep(1000), "}") + `,@,"data_quality_score":0}`},
		{trap: "depth 1,001", record: deep(1001), refused: TooDeep},
		{trap: "depth 500,000", record: strings.Repeat("[", 500_000), refused: TooDeep},
		{trap: "amount as a string", record: `{"amount":"150.5"}`,
			want: `{"amount":150.5,@,"amount_category":"high","amount_tier":"standard","data_quality_score":11.11}`},
		{trap: "amount as a string with spaces", record: `{"amount":" 150.5 "}`,
			want: `{"amount":150.5,@,"amount_category":"high","amount_tier":"standard","data_quality_score":11.11}`},
		{trap: "hexadecimal floats that are no strings", record: `{"amount":0x1p-2}`, refused: InvalidJSON},
		{trap: "hexadecimal floats", record: `{"amount":"0x1p-2"}`,
			want: `{@@,"amount_category":"unknown","amount_tier":"unknown","data_quality_score":0,"malformed":{"amount":"0x1p-2"}}`},
	} {
		t.Run(c.trap, func(t *testing.T) {
			p := newTestProcessor(Search)
			refused := Check(Search, []byte(c.record))
			if c.refused != "" {
				out, result := p.Append([]byte("before"), []byte(c.record), 1<<24)
				if result.Refused.Reason != c.refused || string(out) != "before" {
					t.Fatalf("got %v and %q, want %s", result.Refused, out, c.refused)
				}
				if refused == nil || *refused != result.Refused {
					t.Fatalf("check says %v, the processor %v", refused, result.Refused)
				}
				return
			}
			if refused != nil {
				t.Fatal(refused)
			}
			got := become(t, p, c.record)
			want := strings.Replace(c.want, `@@`, `"processed_timestamp":"`+testNow+`","processing_status":"PARTIAL"`, 1)
			want = strings.Replace(want, `@`, `"processed_timestamp":"`+testNow+`","processing_status":"SUCCESS"`, 1)
			if got != want {
				t.Fatalf("got  %s\nwant %s", got, want)
			}
			compareToOracle(t, Search, c.record, got, testNow)
			twice(t, p, got)
		})
	}
}

// TestConform has the table of declared types, value by value. A want of "-" is malformed.
func TestConform(t *testing.T) {
	for _, c := range []struct {
		kind schema.Kind
		in   string
		want string
	}{
		{schema.String, `"a"`, `"a"`}, {schema.String, `""`, `""`}, {schema.String, `"\u0061"`, `"\u0061"`}, {schema.String, `null`, `null`},
		{schema.String, `1.50`, `"1.50"`}, {schema.String, `1E400`, `"1E400"`}, {schema.String, `true`, `"true"`}, {schema.String, `false`, `"false"`},
		{schema.String, `{}`, `-`}, {schema.String, `[1]`, `-`},
		{schema.Double, `1`, `1`}, {schema.Double, `-0`, `-0`}, {schema.Double, `1.7976931348623157e308`, `1.7976931348623157e308`}, {schema.Double, `null`, `null`},
		{schema.Double, `1.8e308`, `-`}, {schema.Double, `1e-400`, `1e-400`}, {schema.Double, `"1e3"`, `1e3`}, {schema.Double, `"\t-1.5\n"`, `-1.5`},
		{schema.Double, `"1.8e308"`, `-`}, {schema.Double, `""`, `-`}, {schema.Double, `"1,5"`, `-`}, {schema.Double, `"+1"`, `-`}, {schema.Double, `".5"`, `-`},
		{schema.Double, `"1."`, `-`}, {schema.Double, `"Infinity"`, `-`}, {schema.Double, `"1 2"`, `-`}, {schema.Double, `true`, `-`}, {schema.Double, `{}`, `-`}, {schema.Double, `[1]`, `-`},
		{schema.BigInt, `0`, `0`}, {schema.BigInt, `-9223372036854775808`, `-9223372036854775808`}, {schema.BigInt, `9223372036854775807`, `9223372036854775807`},
		{schema.BigInt, `9223372036854775808`, `-`}, {schema.BigInt, `1.0`, `-`}, {schema.BigInt, `1e3`, `-`}, {schema.BigInt, `"12"`, `12`}, {schema.BigInt, `"-12"`, `-12`},
		{schema.BigInt, `" 12"`, `-`}, {schema.BigInt, `"012"`, `-`}, {schema.BigInt, `"+12"`, `-`}, {schema.BigInt, `"9223372036854775808"`, `-`}, {schema.BigInt, `"1.0"`, `-`},
		{schema.BigInt, `true`, `-`}, {schema.BigInt, `null`, `null`}, {schema.BigInt, `[]`, `-`},
		{schema.Boolean, `true`, `true`}, {schema.Boolean, `false`, `false`}, {schema.Boolean, `"true"`, `true`}, {schema.Boolean, `"f\u0061lse"`, `false`},
		{schema.Boolean, `"True"`, `-`}, {schema.Boolean, `" true"`, `-`}, {schema.Boolean, `1`, `-`}, {schema.Boolean, `null`, `null`}, {schema.Boolean, `{}`, `-`},
		{schema.Timestamp, `"2019-10-01T00:00:00Z"`, `"2019-10-01T00:00:00Z"`}, {schema.Timestamp, `null`, `null`}, {schema.Timestamp, `1569888000`, `"2019-10-01T00:00:00Z"`},
		{schema.Timestamp, `"2019-10-01T00:00:00\u005a"`, `"2019-10-01T00:00:00\u005a"`}, {schema.Timestamp, `"yesterday"`, `-`}, {schema.Timestamp, `true`, `-`},
	} {
		t.Run(c.in, func(t *testing.T) {
			p := newProcessor(t, shop, Search, Options{})
			record := []byte(`{"x":` + c.in + `}`)
			if _, problem := p.event.scan.Object(record, 0); problem != 0 {
				t.Fatal(problem)
			}
			p.event.record = record
			m := &p.event.scan.Members[0]
			var v value
			got := ""
			switch ed := p.event.conform(&v, &node{kind: c.kind}, m); ed.rewrite {
			case asSent:
				got = string(record[m.Start:m.End])
			case quoted:
				got = `"` + string(record[m.Start:m.End]) + `"`
			case unquoted:
				got = string(v.text)
			case replaced:
				got = `"` + string(v.text) + `"`
			case removed:
				got = "-"
			}
			if got != c.want {
				t.Errorf("type %d: %s, want %s", c.kind, got, c.want)
			}
		})
	}
}

func TestParseDouble(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 5))
	for range 100_000 {
		text := strconv.FormatInt(random.Int64N(1<<random.IntN(63)+1), 10)
		if cut := random.IntN(len(text) + 1); cut < len(text) {
			text = text[:cut+1] + "." + text[cut:]
			if cut > 0 && text[0] == '0' {
				continue
			}
		}
		if random.IntN(2) == 0 {
			text = "-" + text
		}
		if random.IntN(5) == 0 {
			text += "e" + strconv.Itoa(random.IntN(700)-350)
		}
		want, err := strconv.ParseFloat(text, 64)
		got, state := parseDouble([]byte(text))
		if (state == conformed) != (err == nil) || err == nil && math.Float64bits(got) != math.Float64bits(want) {
			t.Fatalf("%s: %v %d, want %v %v", text, got, state, want, err)
		}
	}
}

func TestTimestamp(t *testing.T) {
	for text, want := range map[string]bool{
		"2019-10-01T00:00:00Z": true, "0000-01-01T00:00:00Z": true, "9999-12-31T23:59:59.999999999Z": true,
		"2019-10-01T00:00:00+00:00": true, "2019-10-01T00:00:00-00:00": true, "2019-10-01T00:00:00.5+05:30": true,
		"2019-10-01T00:00:00+14:00": true, "2019-10-01T00:00:00-14:00": true, "2019-10-01T00:00:00+18:00": false, "2019-10-01T00:00:00-14:01": false,
		"2020-02-29T00:00:00Z": true, "2000-02-29T00:00:00Z": true, "2019-02-29T00:00:00Z": false, "1900-02-29T00:00:00Z": false,
		"2019-04-31T00:00:00Z": false, "2019-00-01T00:00:00Z": false, "2019-13-01T00:00:00Z": false, "2019-10-00T00:00:00Z": false, "2019-10-32T00:00:00Z": false,
		"2019-10-01T24:00:00Z": false, "2019-10-01T00:60:00Z": false, "2016-12-31T23:59:60Z": false,
		"2019-10-01T00:00:00z": false, "2019-10-01t00:00:00Z": false, "2019-10-01 00:00:00Z": false,
		"2019-10-01T00:00:00": false, "2019-10-01T00:00Z": false, "2019-10-01": false, "": false, "20191001T000000Z": false,
		"2019-10-01T00:00:00.Z": false, "2019-10-01T00:00:00.1234567890Z": false, "2019-10-01T00:00:00,5Z": false, "2019-10-01T00:00:00.5": false,
		"2019-10-01T00:00:00+14:01": false, "2019-10-01T00:00:00+05:60": false, "2019-10-01T00:00:00+0530": false, "2019-10-01T00:00:00+05": false,
		"2019-10-01T00:00:00Z ": false, " 2019-10-01T00:00:00Z": false, "+019-10-01T00:00:00Z": false, "2019-10-01T0:00:00Z0": false, "2019-1\xff-01T00:00:00Z": false,
	} {
		if got := isTimestamp([]byte(text)); got != want {
			t.Errorf("%q: %v", text, got)
		}
		if got := oracleTimestamp(text); got != want {
			t.Errorf("%q: the oracle says %v", text, got)
		}
	}
	t.Run("every byte at every place", func(t *testing.T) {
		for _, text := range []string{"2020-02-29T23:59:59.123456789+13:59", "1900-12-30T00:00:00Z"} {
			for at := range len(text) {
				changed := []byte(text)
				for c := range 256 {
					changed[at] = byte(c)
					if got, want := isTimestamp(changed), oracleTimestamp(string(changed)); got != want {
						t.Fatalf("%q: %v", changed, got)
					}
				}
			}
		}
	})
}

// TestTimestampForms has the other forms of a timestamp, as JSON. A want of "-" is malformed.
func TestTimestampForms(t *testing.T) {
	for sent, want := range map[string]string{
		`1533689070`: "2018-08-08T00:44:30Z", `"1533689070"`: "2018-08-08T00:44:30Z", `1533689070.5`: "2018-08-08T00:44:30.5Z",
		`1533689070.589123456`: "2018-08-08T00:44:30.589123456Z", `"1533689070.000"`: "2018-08-08T00:44:30.000Z",
		`1533689070589`: "2018-08-08T00:44:30.589Z", `"1533689070589"`: "2018-08-08T00:44:30.589Z", `1000000000`: "2001-09-09T01:46:40Z",
		`9999999999`: "2286-11-20T17:46:39Z", `1000000000000`: "2001-09-09T01:46:40.000Z",
		`"2018-08-08T01:04:30+0000"`: "2018-08-08T01:04:30+00:00", `"2018-08-08T01:04:30-0330"`: "2018-08-08T01:04:30-03:30",
		`"2018-08-08 01:04:30.589Z"`: "2018-08-08T01:04:30.589Z", `"2018-08-08 01:04:30+02:00"`: "2018-08-08T01:04:30+02:00",
		`"2018-08-08 01:04:30.5+0200"`: "2018-08-08T01:04:30.5+02:00", `"2018-08-08t01:04:30z"`: "2018-08-08T01:04:30Z",
		`"2018-08-08\u002001:04:30Z"`: "2018-08-08T01:04:30Z", `"2018-08-08T01:04:30+1400"`: "2018-08-08T01:04:30+14:00",

		`153368907`: "-", `15336890700`: "-", `153368907058`: "-", `15336890705890`: "-", `-1533689070`: "-", `1.533689070e9`: "-",
		`1533689070.5891234567`: "-", `1533689070589.5`: "-", `"0533689070"`: "-", `"1533689070."`: "-", `" 1533689070"`: "-",
		`"153368907\u0665"`: "-", `"1533689070,5"`: "-", `"1533689070Z"`: "-", `1533689070e0`: "-", `15336890705e-1`: "-",
		`"2018-08-08T01:04:30"`: "-", `"2018-08-08 01:04:30.589"`: "-", `"08/Aug/2018:01:04:30 +0000"`: "-", `"2018-08-08"`: "-",
		`"2018-08-08T01:04:30+1401"`: "-", `"2018-08-08T01:04:30+02"`: "-", `"2018-08-08T01:04:30 +0200"`: "-", `"2018-08-08_01:04:30Z"`: "-",
		`"2018-08-08T01:04+0000"`: "-", `"2018-08-08T01:04:30+000"`: "-", `"2018-08-08T01:04:300000"`: "-", `"20180808T010430Z"`: "-",
		`"2018-08-08T01:04:30++000"`: "-", `"2018-02-30 01:04:30Z"`: "-", `"Wed, 08 Aug 2018 01:04:30 GMT"`: "-", `[1533689070]`: "-", `true`: "-",
	} {
		record := `{"timestamp":` + sent + `}`
		p := newTestProcessor(Search)
		got := become(t, p, record)
		if want == "-" && !strings.Contains(got, `"malformed":{"timestamp":`) || want != "-" && !strings.HasPrefix(got, `{"timestamp":"`+want+`",`) {
			t.Errorf("%s became %s, want %s", record, got, want)
		}
		compareToOracle(t, Search, record, got, testNow)
		twice(t, p, got)
	}
}

// TestRules has the rules' values, and what of them an event of a replay keeps.
func TestRules(t *testing.T) {
	field := func(record, name string) string {
		t.Helper()
		p := newTestProcessor(Search)
		got := become(t, p, record)
		twice(t, p, got)
		object, err := parseObject(got)
		if err != nil {
			t.Fatal(err)
		}
		if at := object.find(name); at >= 0 {
			return object[at].value
		}
		return ""
	}
	for _, c := range []struct{ rule, record, field, want string }{
		{"no user_id, no user_category", `{}`, "user_category", ``},
		{"guest for an empty string", `{"user_id":""}`, "user_category", `"guest"`},
		{"guest for null", `{"user_id":null}`, "user_category", `"guest"`},
		{"guest for false, which becomes text", `{"user_id":false}`, "user_category", `"guest"`},
		{"guest for 0, which becomes text", `{"user_id":0}`, "user_category", `"guest"`},
		{"guest for zero however written", `{"user_id":-0.0e9}`, "user_category", `"guest"`},
		{"guest for an empty object", `{"user_id":{ }}`, "user_category", `"guest"`},
		{"guest for an empty array", `{"user_id":[]}`, "user_category", `"guest"`},
		{"registered for text", `{"user_id":"7"}`, "user_category", `"registered"`},
		{"registered for a blank string", `{"user_id":" "}`, "user_category", `"registered"`},
		{"registered for the text 0", `{"user_id":"0"}`, "user_category", `"registered"`},
		{"registered for the text false", `{"user_id":"false"}`, "user_category", `"registered"`},
		{"registered for true", `{"user_id":true}`, "user_category", `"registered"`},
		{"registered for a number", `{"user_id":0.1}`, "user_category", `"registered"`},
		{"registered for an object", `{"user_id":{"a":1}}`, "user_category", `"registered"`},
		{"an own user_category without user_id stays", `{"user_category":"vip"}`, "user_category", `"vip"`},
		{"an own user_category without user_id gets the column's type", `{"user_category":5}`, "user_category", `"5"`},
		{"an own user_category of no possible type is malformed", `{"user_category":{}}`, "malformed", `{"user_category":"{}"}`},
		{"amount 100 is low", `{"amount":100}`, "amount_category", `"low"`},
		{"amount 100.01 is high", `{"amount":100.01}`, "amount_category", `"high"`},
		{"amount null is unknown", `{"amount":null}`, "amount_category", `"unknown"`},
		{"amount malformed is unknown", `{"amount":[]}`, "amount_category", `"unknown"`},
		{"no amount, no amount_category", `{}`, "amount_category", ``},
		{"amount 100 is basic", `{"amount":100}`, "amount_tier", `"basic"`},
		{"amount 500 is standard", `{"amount":5e2}`, "amount_tier", `"standard"`},
		{"amount 500.01 is premium", `{"amount":500.01}`, "amount_tier", `"premium"`},
		{"a negative amount is basic", `{"amount":-1000}`, "amount_tier", `"basic"`},
		{"amount null has no tier", `{"amount":null}`, "amount_tier", `"unknown"`},
		{"purchase is commerce", `{"event_type":"purchase"}`, "event_category", `"commerce"`},
		{"view, written with an escape, is engagement", `{"event_type":"vi\u0065w"}`, "event_category", `"engagement"`},
		{"other types", `{"event_type":"View"}`, "event_category", `"other"`},
		{"null type", `{"event_type":null}`, "event_category", `"other"`},
		{"malformed type", `{"event_type":{}}`, "event_category", `"other"`},
		{"no type, no event_category", `{}`, "event_category", ``},
		{"score: everything present", `{"event_id":"1","event_type":"x","timestamp":"2019-10-01T00:00:00Z","user_id":"1","amount":0,"product_id":"p"}`, "data_quality_score", `100`},
		{"score: two thirds", `{"event_id":"1","event_type":"x","timestamp":"2019-10-01T00:00:00Z"}`, "data_quality_score", `66.67`},
		{"score: one decimal is enough where it is", `{"event_id":"1","event_type":"x","user_id":"1"}`, "data_quality_score", `55.56`},
		{"score: blank strings are not present", `{"event_id":" \t\u00a0","event_type":"","user_id":"x"}`, "data_quality_score", `11.11`},
		{"score: null and malformed are not present", `{"event_id":null,"timestamp":"x","amount":"x"}`, "data_quality_score", `0`},
		{"malformed: a string's content", `{"amount":"a\"\u00e9"}`, "malformed", `{"amount":"a\"\u00e9"}`},
		{"malformed: JSON, without white space between tokens", `{"amount":{"a": ["b \" \\"]}}`, "malformed", `{"amount":"{\"a\":[\"b \\\" \\\\\"]}"}`},
		{"malformed: true and false", `{"amount":true,"category_id":false}`, "malformed", `{"amount":"true","category_id":"false"}`},
		{"malformed: an own object is kept and added to", `{"malformed":{"x":"y"},"amount":"z"}`, "malformed", `{"x":"y","amount":"z"}`},
		{"malformed: what is new wins over an own entry", `{"malformed":{"amount":"old","x":"y"},"amount":"new"}`, "malformed", `{"x":"y","amount":"new"}`},
		{"malformed: own values become strings, null goes", `{"malformed":{"a":1,"b":true,"c":null,"d":{"e": []}}}`, "malformed", `{"a":"1","b":"true","d":"{\"e\":[]}"}`},
		{"malformed: an own entry that is null goes, with earlier ones of its key", `{"malformed":{"a":1,"a":null}}`, "malformed", `{}`},
		{"malformed: an own entry that is null does not make the event partial", `{"malformed":{"a":null}}`, "processing_status", `"SUCCESS"`},
		{"malformed: a repeated own entry counts once", `{"malformed":{"a":"1","\u0061":"2"}}`, "malformed", `{"\u0061":"2"}`},
		{"malformed: an own empty object stays", `{"malformed":{}}`, "malformed", `{}`},
		{"malformed: an own empty object is no problem", `{"malformed":{}}`, "processing_status", `"SUCCESS"`},
		{"malformed: an own entry makes the event partial", `{"malformed":{"a":"b"}}`, "processing_status", `"PARTIAL"`},
		{"malformed: own null stays", `{"malformed":null}`, "malformed", `null`},
		{"malformed: what is no object is malformed itself", `{"malformed":[1, 2]}`, "malformed", `{"malformed":"[1,2]"}`},
		{"malformed: an entry is not taken for a field that came", `{"malformed":{"user_id":"{}"}}`, "user_category", ``},
	} {
		t.Run(c.rule, func(t *testing.T) {
			if got := field(c.record, c.field); got != c.want {
				t.Errorf("%s: %s, want %s", c.record, got, c.want)
			}
			compareToOracle(t, Search, c.record, become(t, newTestProcessor(Search), c.record), testNow)
		})
	}
	for category, eventTypes := range map[string][]string{
		"commerce":   {"purchase", "add_to_cart", "remove_from_cart", "cart", "checkout"},
		"engagement": {"view", "click", "scroll", "hover", "search"},
		"other":      {"", "login", "Purchase", "views", " view"},
	} {
		for _, eventType := range eventTypes {
			t.Run(category+" for "+strconv.Quote(eventType), func(t *testing.T) {
				record := `{"event_type":"` + eventType + `"}`
				if got := field(record, "event_category"); got != `"`+category+`"` {
					t.Errorf("%s: %s", record, got)
				}
			})
		}
	}
}

// Categories with many members of one length, and with long ones, are found by another way than few short ones.
func TestManyCategories(t *testing.T) {
	var members []string
	for i := range 3 * fewTexts {
		members = append(members, "type-"+strconv.Itoa(10+i)) // of one length
	}
	long := strings.Repeat("x", 40)
	known := newTexts([]schema.Set{{Value: "a", Members: members}, {Value: "b", Members: []string{long, "", "short"}}})
	want := map[string]string{long: "b", "": "b", "short": "b", "type-99": "", long + "x": "", "shirt": "", "t": ""}
	for _, member := range members {
		want[member] = "a"
	}
	for text, value := range want {
		if got := known.find([]byte(text)); got != value {
			t.Errorf("%q: got %q, want %q", text, got, value)
		}
	}
}

// Constants and presence of each type, whatever the event has under these names.
func TestConstantsAndPresence(t *testing.T) {
	s, err := schema.Parse([]byte(`{"type": "object", "properties": {"user": {"type": "string"}}, "x-enrich": [
		{"name": "processed_timestamp", "processedAt": true},
		{"name": "source", "constant": "caf\u00e9 \"1\""}, {"name": "version", "constant": 2},
		{"name": "share", "constant": 0.5}, {"name": "live", "constant": true}, {"name": "test", "constant": false},
		{"name": "known", "presence": {"field": "user"}},
		{"name": "visitor", "presence": {"field": "user", "present": "known", "absent": "guest"}},
		{"name": "marked", "presence": {"field": "user", "present": "yes"}}]}`))
	if err != nil {
		t.Fatal(err)
	}
	l, err := Compile(s)
	if err != nil {
		t.Fatal(err)
	}
	const constants = `"source":"café \"1\"","version":2,"share":0.5,"live":true,"test":false,`
	for record, want := range map[string]string{
		`{"user":"u"}`:              `{"user":"u",` + constants + `"known":true,"visitor":"known","marked":"yes"}`,
		`{"source":"x","live":"x"}`: `{` + constants + `"known":false,"visitor":"guest"}`,
	} {
		out, result := newProcessor(t, l, Search, Options{MaskHashes: true}).Append(nil, []byte(record), 1<<20)
		var got, wanted map[string]any
		if err := errors.Join(json.Unmarshal(out, &got), json.Unmarshal([]byte(want), &wanted)); err != nil || result.Refused.Reason != "" {
			t.Fatalf("%s: %v, %v", out, err, result.Refused)
		}
		delete(got, "processed_timestamp")
		delete(got, Malformed)
		if !reflect.DeepEqual(got, wanted) {
			t.Errorf("%s: got %s, want %s", record, out, want)
		}
	}
}
