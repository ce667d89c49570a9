package functions_test

import "strings"

// What a record comes to when it is not Ok.
const (
	failed  = "ProcessingFailed"
	dropped = "Dropped"
)

// trap is a record in which careless code goes wrong, and what it has to come to, byte for byte; processed_timestamp is
// "NOW".
type trap struct {
	name string
	in   string
	lake string // the output without its last newline, or failed or dropped
	// search is what it comes to on the search stream when that is something else.
	search string
	// or is another output that the contract allows.
	or string
	// noOracle: the oracle cannot tell, because the contract leaves something open.
	noOracle bool
	// reason is why it failed, as the error handler names it.
	reason string
}

func (c trap) want(stream string) []string {
	want := c.lake
	if stream == "search" && c.search != "" {
		want = c.search
	}
	all := []string{want}
	if c.or != "" {
		all = append(all, c.or)
	}
	if stream == "lake" && want != failed && want != dropped {
		for i := range all {
			all[i] += "\n"
		}
	}
	return all
}

// The parts of most outputs.
const (
	success = `"processed_timestamp":"NOW","processing_status":"SUCCESS"`
	partial = `"processed_timestamp":"NOW","processing_status":"PARTIAL"`
)

func nested(depth int) string {
	return `{"a":` + strings.Repeat("[", depth-1) + strings.Repeat("]", depth-1) + `}`
}

var traps = []trap{
	{name: "an object without members", in: `{}`, lake: `{` + success + `,"data_quality_score":0}`},
	{name: "white space around and inside", in: " \t\r\n{ }\n", lake: `{` + success + `,"data_quality_score":0}`},
	{name: "all fields that weigh", in: `{"event_id":"e","event_type":"purchase","timestamp":"2019-10-01T00:00:00Z","user_id":"u","amount":1,"product_id":"p"}`,
		lake: `{"event_id":"e","event_type":"purchase","timestamp":"2019-10-01T00:00:00Z","user_id":"u","amount":1,"product_id":"p",` + success +
			`,"user_category":"registered","amount_category":"low","amount_tier":"basic","event_category":"commerce","data_quality_score":100}`},

	// Keys.
	{name: "of a repeated key the last counts", in: `{"event_id":"a","x":1,"event_id":"b","x":2}`,
		lake: `{"event_id":"b","x":2,` + success + `,"data_quality_score":22.22}`},
	{name: "a repeated key that is malformed first", in: `{"amount":"x","amount":5}`,
		lake: `{"amount":5,` + success + `,"amount_category":"low","amount_tier":"basic","data_quality_score":11.11}`},
	{name: "an escaped key is the same key", in: `{"user\u005fid":"7"}`,
		lake: `{"user\u005fid":"7",` + success + `,"user_category":"registered","data_quality_score":11.11}`,
		or:   `{"user_id":"7",` + success + `,"user_category":"registered","data_quality_score":11.11}`},
	{name: "an escaped key repeats a plain one", in: `{"x":1,"user_id":"a","\u0078":2,"user\u005fid":""}`,
		lake: `{"\u0078":2,"user\u005fid":"",` + success + `,"user_category":"guest","data_quality_score":0}`,
		or:   `{"\u0078":2,"user_id":"",` + success + `,"user_category":"guest","data_quality_score":0}`},
	{name: "fields that are there already are replaced", in: `{"processed_timestamp":"old","event_id":"a","processing_status":"OLD","data_quality_score":1}`,
		lake: `{"event_id":"a",` + success + `,"data_quality_score":22.22}`},
	{name: "an escaped field that is there already", in: `{"processing\u005fstatus":"OLD","event_id":"a"}`,
		lake: `{"event_id":"a",` + success + `,"data_quality_score":22.22}`},
	{name: "an empty key", in: `{"":1}`, lake: `{"":1,` + success + `,"data_quality_score":0}`,
		search: `{` + partial + `,"data_quality_score":0,"malformed":{"":"1"}}`},

	// Numbers.
	{name: "integers above 2^53 and long decimals stay text", in: `{"category_id":9007199254740993,"n":123456789012345678901234567890,"d":0.1000000000000000055511151231257827,"e":-0.0}`,
		lake: `{"category_id":9007199254740993,"n":123456789012345678901234567890,"d":0.1000000000000000055511151231257827,"e":-0.0,` + success + `,"data_quality_score":0}`},
	{name: "1E400 in an undeclared field", in: `{"n":1E400}`, lake: `{"n":1E400,` + success + `,"data_quality_score":0}`},
	{name: "1E400 as amount", in: `{"amount":1E400}`,
		lake: `{` + partial + `,"amount_category":"unknown","amount_tier":"unknown","data_quality_score":0,"malformed":{"amount":"1E400"}}`},
	{name: "a number too small for a float64 is zero", in: `{"amount":1e-400}`,
		lake: `{"amount":1e-400,` + success + `,"amount_category":"low","amount_tier":"basic","data_quality_score":11.11}`},
	{name: "the number's text stays", in: `{"amount":1.50e2}`,
		lake: `{"amount":1.50e2,` + success + `,"amount_category":"high","amount_tier":"standard","data_quality_score":11.11}`},
	{name: "amount as a string", in: `{"amount":"150.5"}`,
		lake: `{"amount":150.5,` + success + `,"amount_category":"high","amount_tier":"standard","data_quality_score":11.11}`},
	{name: "amount as a string with blanks", in: `{"amount":" 150.5 "}`,
		lake: `{"amount":150.5,` + success + `,"amount_category":"high","amount_tier":"standard","data_quality_score":11.11}`},
	{name: "amount as an escaped string", in: `{"amount":"\u0031\u002e5"}`,
		lake: `{"amount":1.5,` + success + `,"amount_category":"low","amount_tier":"basic","data_quality_score":11.11}`},
	{name: "amount of exactly 100", in: `{"amount":100}`,
		lake: `{"amount":100,` + success + `,"amount_category":"low","amount_tier":"basic","data_quality_score":11.11}`},
	{name: "amount above 100", in: `{"amount":100.01}`,
		lake: `{"amount":100.01,` + success + `,"amount_category":"high","amount_tier":"standard","data_quality_score":11.11}`},
	{name: "amount of exactly 500", in: `{"amount":5e2}`,
		lake: `{"amount":5e2,` + success + `,"amount_category":"high","amount_tier":"standard","data_quality_score":11.11}`},
	{name: "amount above 500", in: `{"amount":"500.01"}`,
		lake: `{"amount":500.01,` + success + `,"amount_category":"high","amount_tier":"premium","data_quality_score":11.11}`},
	{name: "amount below 0", in: `{"amount":-1000}`,
		lake: `{"amount":-1000,` + success + `,"amount_category":"low","amount_tier":"basic","data_quality_score":11.11}`},
	{name: "null stays", in: `{"amount":null,"user_id":null,"event_type":null,"timestamp":null,"category_id":null}`,
		lake: `{"amount":null,"user_id":null,"event_type":null,"timestamp":null,"category_id":null,` + success +
			`,"user_category":"guest","amount_category":"unknown","amount_tier":"unknown","event_category":"other","data_quality_score":0}`},
	malformedAmount("a hexadecimal float", `"0x1p4"`, `"0x1p4"`),
	malformedAmount("a number with a plus sign", `"+5"`, `"+5"`),
	malformedAmount("a number with underscores", `"1_000"`, `"1_000"`),
	malformedAmount("NaN in a string", `"NaN"`, `"NaN"`),
	malformedAmount("Infinity in a string", `"Infinity"`, `"Infinity"`),
	malformedAmount("a string beyond a float64", `"1e400"`, `"1e400"`),
	malformedAmount("a decimal comma", `"1,5"`, `"1,5"`),
	malformedAmount("an empty string", `""`, `""`),
	malformedAmount("true", `true`, `"true"`),
	malformedAmount("an object", `{"a":[1,"x"]}`, `"{\"a\":[1,\"x\"]}"`),
	malformedAmount("a string with a quote and a backslash", `"a\"b\\c"`, `"a\"b\\c"`),
	malformedAmount("leading zeros in a string", `"007"`, `"007"`),
	{name: "the largest bigint", in: `{"category_id":9223372036854775807}`, lake: `{"category_id":9223372036854775807,` + success + `,"data_quality_score":0}`},
	{name: "a bigint as a string", in: `{"category_id":"-9223372036854775808"}`, lake: `{"category_id":-9223372036854775808,` + success + `,"data_quality_score":0}`},
	{name: "beyond the largest bigint", in: `{"category_id":9223372036854775808}`,
		lake: `{` + partial + `,"data_quality_score":0,"malformed":{"category_id":"9223372036854775808"}}`},
	{name: "a bigint with a fraction", in: `{"category_id":1.5}`, lake: `{` + partial + `,"data_quality_score":0,"malformed":{"category_id":"1.5"}}`},

	// Strings.
	{name: "a number in a string field keeps its text", in: `{"product_id":1.50e3,"brand":true,"session_id":false}`,
		lake: `{"product_id":"1.50e3","brand":"true","session_id":"false",` + success + `,"data_quality_score":11.11}`},
	{name: "an array in a string field", in: `{"brand":["a\"b",1]}`, lake: `{` + partial + `,"data_quality_score":0,"malformed":{"brand":"[\"a\\\"b\",1]"}}`},
	{name: "escapes stay as they were sent", in: `{"x":"\u00e9\/\ud83d\ude00\u0000","event_id":"\u00e9\/"}`,
		lake: `{"x":"\u00e9\/\ud83d\ude00\u0000","event_id":"\u00e9\/",` + success + `,"data_quality_score":22.22}`},
	{name: "HTML and line separators stay as they were sent", in: `{"x":"<a href='&'>` + "\u2028\u2029\u007f" + `"}`,
		lake: `{"x":"<a href='&'>` + "\u2028\u2029\u007f" + `",` + success + `,"data_quality_score":0}`},
	{name: "blank strings are not present", in: `{"event_id":"","product_id":" \t","event_type":""}`,
		lake: `{"event_id":"","product_id":" \t","event_type":"",` + success + `,"event_category":"other","data_quality_score":0}`},
	{name: "user_id true", in: `{"user_id":true}`, lake: `{"user_id":"true",` + success + `,"user_category":"registered","data_quality_score":11.11}`},
	{name: "user_id false is a guest", in: `{"user_id":false}`, lake: `{"user_id":"false",` + success + `,"user_category":"guest","data_quality_score":11.11}`},
	{name: "user_id 0 is a guest", in: `{"user_id":0}`, lake: `{"user_id":"0",` + success + `,"user_category":"guest","data_quality_score":11.11}`},
	{name: `user_id "0" is registered`, in: `{"user_id":"0"}`, lake: `{"user_id":"0",` + success + `,"user_category":"registered","data_quality_score":11.11}`},
	{name: "user_id {} is a guest", in: `{"user_id":{}}`, lake: `{` + partial + `,"user_category":"guest","data_quality_score":0,"malformed":{"user_id":"{}"}}`},
	{name: "user_id [] is a guest", in: `{"user_id":[]}`, lake: `{` + partial + `,"user_category":"guest","data_quality_score":0,"malformed":{"user_id":"[]"}}`},
	{name: "user_id [0] is registered", in: `{"user_id":[0]}`, lake: `{` + partial + `,"user_category":"registered","data_quality_score":0,"malformed":{"user_id":"[0]"}}`},
	{name: "event_type of another case is other", in: `{"event_type":"Purchase"}`,
		lake: `{"event_type":"Purchase",` + success + `,"event_category":"other","data_quality_score":22.22}`},
	{name: "an escaped event_type", in: `{"event_type":"vie\u0077"}`,
		lake: `{"event_type":"vie\u0077",` + success + `,"event_category":"engagement","data_quality_score":22.22}`},
	{name: "a malformed event_type is other", in: `{"event_type":["view"]}`,
		lake: `{` + partial + `,"event_category":"other","data_quality_score":0,"malformed":{"event_type":"[\"view\"]"}}`},
	{name: "a timestamp with offset and fraction", in: `{"timestamp":"2019-10-01T02:00:00.123456789+02:00"}`,
		lake: `{"timestamp":"2019-10-01T02:00:00.123456789+02:00",` + success + `,"data_quality_score":22.22}`},
	{name: "a timestamp as a number", in: `{"timestamp":1569888000}`, lake: `{"timestamp":"2019-10-01T00:00:00Z",` + success + `,"data_quality_score":22.22}`},
	{name: "a timestamp in another form", in: `{"timestamp":"2019-10-01 00:00:00 UTC"}`,
		lake: `{` + partial + `,"data_quality_score":0,"malformed":{"timestamp":"2019-10-01 00:00:00 UTC"}}`},
	{name: "a day that does not exist", in: `{"timestamp":"2019-02-30T00:00:00Z"}`,
		lake: `{` + partial + `,"data_quality_score":0,"malformed":{"timestamp":"2019-02-30T00:00:00Z"}}`},

	// The malformed object.
	{name: "an own malformed object is kept and added to", in: `{"malformed":{"old":"x"},"amount":"y","event_id":"e"}`,
		lake: `{"event_id":"e",` + partial + `,"amount_category":"unknown","amount_tier":"unknown","data_quality_score":22.22,"malformed":{"old":"x","amount":"y"}}`},
	{name: "an own malformed object makes it partial", in: `{"malformed":{"old":"x"}}`,
		lake: `{` + partial + `,"data_quality_score":0,"malformed":{"old":"x"}}`},
	{name: "an own empty malformed object does not", in: `{"malformed":{}}`, lake: `{` + success + `,"data_quality_score":0,"malformed":{}}`,
		or: `{` + success + `,"data_quality_score":0}`, noOracle: true},

	// Structure.
	{name: "a pretty-printed event comes on one line", in: "{\n  \"event_id\" : \"a b\",\r\n\t\"o\" : { \"x\" : [ 1 , \"c d\" ] }\n}",
		lake: `{"event_id":"a b","o":{"x":[1,"c d"]},` + success + `,"data_quality_score":22.22}`},
	{name: "nested number texts stay", in: `{"o":{"a":1.0,"b":1.50e1,"user_id":null}}`,
		lake: `{"o":{"a":1.0,"b":1.50e1,"user_id":null},` + success + `,"data_quality_score":0}`},
	{name: "an object with a key twice is set aside", in: `{"o":{"a":1,"a":1.0,"user_id":null},"b":2}`,
		lake: `{"b":2,` + partial + `,"data_quality_score":0,"malformed":{"o":"{\"a\":1,\"a\":1.0,\"user_id\":null}"}}`},
	{name: "a metadata field of the index is set aside", in: `{"_id":"7"}`, lake: `{"_id":"7",` + success + `,"data_quality_score":0}`,
		search: `{` + partial + `,"data_quality_score":0,"malformed":{"_id":"7"}}`},
	{name: "nested 1000 deep", in: nested(1000), lake: strings.TrimSuffix(nested(1000), "}") + `,` + success + `,"data_quality_score":0}`,
		search: `{` + partial + `,"data_quality_score":0,"malformed":{"a":"` + strings.TrimSuffix(strings.TrimPrefix(nested(1000), `{"a":`), "}") + `"}}`},
	{name: "nested 1001 deep", in: nested(1001), lake: failed, reason: "TooDeep"},
	{name: "nested 100000 deep", in: strings.Repeat(`{"a":`, 100000), lake: failed, reason: "TooDeep"},
	{name: "two objects", in: `{"a":1}{"b":2}`, lake: `{"a":1,` + success + `,"data_quality_score":0}` + "\n" + `{"b":2,` + success + `,"data_quality_score":0}`,
		search: failed, reason: "TrailingData"},
	{name: "two objects on two lines", in: "{\"a\":1}\n{\"b\":2}\n", lake: `{"a":1,` + success + `,"data_quality_score":0}` + "\n" + `{"b":2,` + success + `,"data_quality_score":0}`,
		search: failed, reason: "TrailingData"},
	{name: "a newline after the object", in: "{\"a\":1}\n", lake: `{"a":1,` + success + `,"data_quality_score":0}`},
	{name: "a good object before a bad one", in: `{"a":1}{`, lake: failed},
	{name: "trailing data", in: `{"a":1}x`, lake: failed},
	{name: "a trailing bracket", in: `{"a":1}}`, lake: failed},
	{name: "two objects with a comma", in: `{"a":1},{"b":2}`, lake: failed},

	// Dropped by rule.
	{name: "a heartbeat", in: `{"event_type":"heartbeat","amount":"x"}`, lake: dropped},
	{name: "an escaped heartbeat", in: `{"event\u005ftype":"heart\u0062eat"}`, lake: dropped},
	{name: "a repeated event_type that is a heartbeat last", in: `{"event_type":"view","event_type":"heartbeat"}`, lake: dropped},
	{name: "a nested heartbeat is none", in: `{"o":{"event_type":"heartbeat"}}`, lake: `{"o":{"event_type":"heartbeat"},` + success + `,"data_quality_score":0}`},
	{name: "two heartbeats", in: `{"event_type":"heartbeat"}{"event_type":"heartbeat"}`, lake: dropped, search: failed, reason: "TrailingData"},
	{name: "a heartbeat beside an event", in: `{"event_type":"heartbeat"}{"a":1}`, lake: `{"a":1,` + success + `,"data_quality_score":0}`, noOracle: true,
		search: failed, reason: "TrailingData"},
	{name: "a heartbeat before something bad", in: `{"event_type":"heartbeat"}{`, lake: failed},

	// No JSON object.
	{name: "nothing", in: ``, lake: failed, reason: "EmptyRecord"},
	{name: "white space", in: " \n", lake: failed, reason: "EmptyRecord"},
	{name: "a byte order mark", in: "\ufeff{}", lake: failed, reason: "ByteOrderMark"},
	{name: "gzip", in: "\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff", lake: failed, reason: "Compressed"},
	{name: "zlib", in: "x\x9c\xab\xae\x05\x00\x01\x75\x00\xf9", lake: failed, reason: "Compressed"},
	{name: "an array", in: `[{"a":1}]`, lake: failed, reason: "NotAnObject"},
	{name: "a string", in: `"{}"`, lake: failed, reason: "NotAnObject"},
	{name: "a number", in: `12`, lake: failed, reason: "NotAnObject"},
	{name: "null", in: `null`, lake: failed, reason: "NotAnObject"},
	{name: "text", in: `purchase;12.50`, lake: failed, reason: "InvalidJson"},
	{name: "NaN", in: `{"amount":NaN}`, lake: failed, reason: "InvalidJson"},
	{name: "Infinity", in: `{"amount":Infinity}`, lake: failed, reason: "InvalidJson"},
	{name: "minus Infinity", in: `{"amount":-Infinity}`, lake: failed, reason: "InvalidJson"},
	{name: "a leading zero", in: `{"a":01}`, lake: failed, reason: "InvalidJson"},
	{name: "a leading plus", in: `{"a":+1}`, lake: failed, reason: "InvalidJson"},
	{name: "a leading point", in: `{"a":.5}`, lake: failed, reason: "InvalidJson"},
	{name: "a trailing point", in: `{"a":1.}`, lake: failed, reason: "InvalidJson"},
	{name: "an exponent without digits", in: `{"a":1e}`, lake: failed, reason: "InvalidJson"},
	{name: "a hexadecimal number", in: `{"a":0x10}`, lake: failed, reason: "InvalidJson"},
	{name: "a lone minus", in: `{"a":-}`, lake: failed, reason: "InvalidJson"},
	{name: "a trailing comma", in: `{"a":1,}`, lake: failed, reason: "InvalidJson"},
	{name: "a missing comma", in: `{"a":1 "b":2}`, lake: failed, reason: "InvalidJson"},
	{name: "a missing colon", in: `{"a" 1}`, lake: failed, reason: "InvalidJson"},
	{name: "single quotes", in: `{'a':1}`, lake: failed, reason: "InvalidJson"},
	{name: "a comment", in: `{"a":1/**/}`, lake: failed, reason: "InvalidJson"},
	{name: "True", in: `{"a":True}`, lake: failed, reason: "InvalidJson"},
	{name: "a bad escape", in: `{"a":"\x41"}`, lake: failed, reason: "InvalidJson"},
	{name: "a short unicode escape", in: `{"a":"\u12"}`, lake: failed, reason: "InvalidJson"},
	{name: "a raw newline in a string", in: "{\"a\":\"x\ny\"}", lake: failed, reason: "InvalidJson"},
	{name: "a raw tab in a string", in: "{\"a\":\"x\ty\"}", lake: failed, reason: "InvalidJson"},
	{name: "a raw NUL in a key", in: "{\"a\x00\":1}", lake: failed, reason: "InvalidJson"},
	{name: "a form feed between tokens", in: "{\f\"a\":1}", lake: failed, reason: "InvalidJson"},
	{name: "a no-break space between tokens", in: "{\u00a0\"a\":1}", lake: failed, reason: "InvalidJson"},
	{name: "cut off in a string", in: `{"event_id":"cut-1","a":"x`, lake: failed, reason: "UnexpectedEnd"},
	{name: "cut off after a value", in: `{"event_id":"cut-2","a":1`, lake: failed, reason: "UnexpectedEnd"},
	{name: "cut off in an escape", in: `{"a":"\`, lake: failed, reason: "UnexpectedEnd"},
	{name: "cut off in a word", in: `{"a":tru`, lake: failed, reason: "UnexpectedEnd"},
	{name: "an invalid byte in a string", in: "{\"a\":\"\xff\"}", lake: failed, reason: "InvalidUtf8"},
	{name: "an invalid byte in a key", in: "{\"a\xff\":1}", lake: failed, reason: "InvalidUtf8"},
	{name: "an invalid byte in a nested string", in: "{\"a\":[\"\x80\"]}", lake: failed, reason: "InvalidUtf8"},
	{name: "an overlong slash", in: "{\"a\":\"\xc0\xaf\"}", lake: failed, reason: "InvalidUtf8"},
	{name: "an overlong quote", in: "{\"a\":\"\xe0\x80\xa2\"}", lake: failed, reason: "InvalidUtf8"},
	{name: "a surrogate in UTF-8", in: "{\"a\":\"\xed\xa0\x80\"}", lake: failed, reason: "InvalidUtf8"},
	{name: "beyond Unicode", in: "{\"a\":\"\xf4\x90\x80\x80\"}", lake: failed, reason: "InvalidUtf8"},
	{name: "a character cut in its middle", in: "{\"a\":\"\xe2\x82\"}", lake: failed, reason: "InvalidUtf8"},
	{name: "Latin-1", in: "{\"brand\":\"Caf\xe9 au lait\"}", lake: failed, reason: "InvalidUtf8"},
}

func malformedAmount(name, sent, text string) trap {
	return trap{name: "amount: " + name, in: `{"amount":` + sent + `}`,
		lake: `{` + partial + `,"amount_category":"unknown","amount_tier":"unknown","data_quality_score":0,"malformed":{"amount":` + text + `}}`}
}
