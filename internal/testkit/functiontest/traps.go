package functiontest

import "strings"

// Results of a record that is not Ok.
const (
	Failed  = "ProcessingFailed"
	Dropped = "Dropped"
)

// Trap is a record in which careless code goes wrong, with the required output, byte for byte; processed_timestamp is
// "NOW".
type Trap struct {
	Name string
	In   string
	Lake string // the output without its last newline, or Failed or Dropped
	// Search is the output on the search stream where it differs.
	Search string
	// Or is another output that the contract allows.
	Or string
	// NoOracle: the oracle cannot decide, because the contract leaves something open.
	NoOracle bool
	// Reason is why it failed, as the error handler names it.
	Reason string
}

// Want returns the outputs that the contract allows on a stream.
func (c Trap) Want(stream string) []string {
	want := c.Lake
	if stream == "search" && c.Search != "" {
		want = c.Search
	}
	all := []string{want}
	if c.Or != "" {
		all = append(all, c.Or)
	}
	if stream == "lake" && want != Failed && want != Dropped {
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

func nestedObject(depth int) string {
	return `{"a":` + strings.Repeat("[", depth-1) + strings.Repeat("]", depth-1) + `}`
}

// Traps are records for the transform, of one field each or of a kind that careless code gets wrong.
var Traps = []Trap{
	{Name: "an object without members", In: `{}`, Lake: `{` + success + `,"data_quality_score":0}`},
	{Name: "white space around and inside", In: " \t\r\n{ }\n", Lake: `{` + success + `,"data_quality_score":0}`},
	{Name: "all fields that weigh", In: `{"event_id":"e","event_type":"purchase","timestamp":"2019-10-01T00:00:00Z","user_id":"u","amount":1,"product_id":"p"}`,
		Lake: `{"event_id":"e","event_type":"purchase","timestamp":"2019-10-01T00:00:00Z","user_id":"u","amount":1,"product_id":"p",` + success +
			`,"user_category":"registered","amount_category":"low","amount_tier":"basic","event_category":"commerce","data_quality_score":100}`},

	// Keys.
	{Name: "of a repeated key the last counts", In: `{"event_id":"a","x":1,"event_id":"b","x":2}`,
		Lake: `{"event_id":"b","x":2,` + success + `,"data_quality_score":22.22}`},
	{Name: "a repeated key that is malformed first", In: `{"amount":"x","amount":5}`,
		Lake: `{"amount":5,` + success + `,"amount_category":"low","amount_tier":"basic","data_quality_score":11.11}`},
	{Name: "an escaped key is the same key", In: `{"user\u005fid":"7"}`,
		Lake: `{"user\u005fid":"7",` + success + `,"user_category":"registered","data_quality_score":11.11}`,
		Or:   `{"user_id":"7",` + success + `,"user_category":"registered","data_quality_score":11.11}`},
	{Name: "an escaped key repeats a plain one", In: `{"x":1,"user_id":"a","\u0078":2,"user\u005fid":""}`,
		Lake: `{"\u0078":2,"user\u005fid":"",` + success + `,"user_category":"guest","data_quality_score":0}`,
		Or:   `{"\u0078":2,"user_id":"",` + success + `,"user_category":"guest","data_quality_score":0}`},
	{Name: "fields that are there already are replaced",
		In:   `{"processed_timestamp":"old","event_id":"a","processing_status":"OLD","data_quality_score":1}`,
		Lake: `{"event_id":"a",` + success + `,"data_quality_score":22.22}`},
	{Name: "an escaped field that is there already", In: `{"processing\u005fstatus":"OLD","event_id":"a"}`,
		Lake: `{"event_id":"a",` + success + `,"data_quality_score":22.22}`},
	{Name: "an empty key", In: `{"":1}`, Lake: `{"":1,` + success + `,"data_quality_score":0}`,
		Search: `{` + partial + `,"data_quality_score":0,"malformed":{"":"1"}}`},

	// Numbers.
	{Name: "integers above 2^53 and long decimals stay text",
		In:   `{"category_id":9007199254740993,"n":123456789012345678901234567890,"d":0.1000000000000000055511151231257827,"e":-0.0}`,
		Lake: `{"category_id":9007199254740993,"n":123456789012345678901234567890,"d":0.1000000000000000055511151231257827,"e":-0.0,` + success + `,"data_quality_score":0}`},
	{Name: "1E400 in an undeclared field", In: `{"n":1E400}`,
		Lake: `{"n":1E400,` + success + `,"data_quality_score":0}`},
	{Name: "1E400 as amount", In: `{"amount":1E400}`,
		Lake: `{` + partial + `,"amount_category":"unknown","amount_tier":"unknown","data_quality_score":0,"malformed":{"amount":"1E400"}}`},
	{Name: "a number too small for a float64 is zero", In: `{"amount":1e-400}`,
		Lake: `{"amount":1e-400,` + success +
			`,"amount_category":"low","amount_tier":"basic","data_quality_score":11.11}`},
	{Name: "the number's text stays", In: `{"amount":1.50e2}`,
		Lake: `{"amount":1.50e2,` + success +
			`,"amount_category":"high","amount_tier":"standard","data_quality_score":11.11}`},
	{Name: "amount as a string", In: `{"amount":"150.5"}`,
		Lake: `{"amount":150.5,` + success + `,"amount_category":"high","amount_tier":"standard","data_quality_score":11.11}`},
	{Name: "amount as a string with blanks", In: `{"amount":" 150.5 "}`,
		Lake: `{"amount":150.5,` + success + `,"amount_category":"high","amount_tier":"standard","data_quality_score":11.11}`},
	{Name: "amount as an escaped string", In: `{"amount":"\u0031\u002e5"}`,
		Lake: `{"amount":1.5,` + success + `,"amount_category":"low","amount_tier":"basic","data_quality_score":11.11}`},
	{Name: "amount of exactly 100", In: `{"amount":100}`,
		Lake: `{"amount":100,` + success + `,"amount_category":"low","amount_tier":"basic","data_quality_score":11.11}`},
	{Name: "amount above 100", In: `{"amount":100.01}`,
		Lake: `{"amount":100.01,` + success +
			`,"amount_category":"high","amount_tier":"standard","data_quality_score":11.11}`},
	{Name: "amount of exactly 500", In: `{"amount":5e2}`,
		Lake: `{"amount":5e2,` + success + `,"amount_category":"high","amount_tier":"standard","data_quality_score":11.11}`},
	{Name: "amount above 500", In: `{"amount":"500.01"}`,
		Lake: `{"amount":500.01,` + success +
			`,"amount_category":"high","amount_tier":"premium","data_quality_score":11.11}`},
	{Name: "amount below 0", In: `{"amount":-1000}`,
		Lake: `{"amount":-1000,` + success + `,"amount_category":"low","amount_tier":"basic","data_quality_score":11.11}`},
	{Name: "null stays", In: `{"amount":null,"user_id":null,"event_type":null,"timestamp":null,"category_id":null}`,
		Lake: `{"amount":null,"user_id":null,"event_type":null,"timestamp":null,"category_id":null,` + success +
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
	{Name: "the largest bigint", In: `{"category_id":9223372036854775807}`,
		Lake: `{"category_id":9223372036854775807,` + success + `,"data_quality_score":0}`},
	{Name: "a bigint as a string", In: `{"category_id":"-9223372036854775808"}`,
		Lake: `{"category_id":-9223372036854775808,` + success + `,"data_quality_score":0}`},
	{Name: "beyond the largest bigint", In: `{"category_id":9223372036854775808}`,
		Lake: `{` + partial + `,"data_quality_score":0,"malformed":{"category_id":"9223372036854775808"}}`},
	{Name: "a bigint with a fraction", In: `{"category_id":1.5}`,
		Lake: `{` + partial + `,"data_quality_score":0,"malformed":{"category_id":"1.5"}}`},

	// Strings.
	{Name: "a number in a string field keeps its text", In: `{"product_id":1.50e3,"brand":true,"session_id":false}`,
		Lake: `{"product_id":"1.50e3","brand":"true","session_id":"false",` + success + `,"data_quality_score":11.11}`},
	{Name: "an array in a string field", In: `{"brand":["a\"b",1]}`,
		Lake: `{` + partial + `,"data_quality_score":0,"malformed":{"brand":"[\"a\\\"b\",1]"}}`},
	{Name: "escapes stay as they were sent", In: `{"x":"\u00e9\/\ud83d\ude00\u0000","event_id":"\u00e9\/"}`,
		Lake: `{"x":"\u00e9\/\ud83d\ude00\u0000","event_id":"\u00e9\/",` + success + `,"data_quality_score":22.22}`},
	{Name: "HTML and line separators stay as they were sent", In: `{"x":"<a href='&'>` + "\u2028\u2029\u007f" + `"}`,
		Lake: `{"x":"<a href='&'>` + "\u2028\u2029\u007f" + `",` + success + `,"data_quality_score":0}`},
	{Name: "blank strings are not present", In: `{"event_id":"","product_id":" \t","event_type":""}`,
		Lake: `{"event_id":"","product_id":" \t","event_type":"",` + success +
			`,"event_category":"other","data_quality_score":0}`},
	{Name: "user_id true", In: `{"user_id":true}`,
		Lake: `{"user_id":"true",` + success + `,"user_category":"registered","data_quality_score":11.11}`},
	{Name: "user_id false is a guest", In: `{"user_id":false}`,
		Lake: `{"user_id":"false",` + success + `,"user_category":"guest","data_quality_score":11.11}`},
	{Name: "user_id 0 is a guest", In: `{"user_id":0}`,
		Lake: `{"user_id":"0",` + success + `,"user_category":"guest","data_quality_score":11.11}`},
	{Name: `user_id "0" is registered`, In: `{"user_id":"0"}`,
		Lake: `{"user_id":"0",` + success + `,"user_category":"registered","data_quality_score":11.11}`},
	{Name: "user_id {} is a guest", In: `{"user_id":{}}`,
		Lake: `{` + partial + `,"user_category":"guest","data_quality_score":0,"malformed":{"user_id":"{}"}}`},
	{Name: "user_id [] is a guest", In: `{"user_id":[]}`,
		Lake: `{` + partial + `,"user_category":"guest","data_quality_score":0,"malformed":{"user_id":"[]"}}`},
	{Name: "user_id [0] is registered", In: `{"user_id":[0]}`,
		Lake: `{` + partial + `,"user_category":"registered","data_quality_score":0,"malformed":{"user_id":"[0]"}}`},
	{Name: "event_type of another case is other", In: `{"event_type":"Purchase"}`,
		Lake: `{"event_type":"Purchase",` + success + `,"event_category":"other","data_quality_score":22.22}`},
	{Name: "an escaped event_type", In: `{"event_type":"vie\u0077"}`,
		Lake: `{"event_type":"vie\u0077",` + success + `,"event_category":"engagement","data_quality_score":22.22}`},
	{Name: "a malformed event_type is other", In: `{"event_type":["view"]}`,
		Lake: `{` + partial + `,"event_category":"other","data_quality_score":0,"malformed":{"event_type":"[\"view\"]"}}`},
	{Name: "a timestamp with offset and fraction", In: `{"timestamp":"2019-10-01T02:00:00.123456789+02:00"}`,
		Lake: `{"timestamp":"2019-10-01T02:00:00.123456789+02:00",` + success + `,"data_quality_score":22.22}`},
	{Name: "a timestamp as a number", In: `{"timestamp":1569888000}`,
		Lake: `{"timestamp":"2019-10-01T00:00:00Z",` + success + `,"data_quality_score":22.22}`},
	{Name: "a timestamp in another form", In: `{"timestamp":"2019-10-01 00:00:00 UTC"}`,
		Lake: `{` + partial + `,"data_quality_score":0,"malformed":{"timestamp":"2019-10-01 00:00:00 UTC"}}`},
	{Name: "a day that does not exist", In: `{"timestamp":"2019-02-30T00:00:00Z"}`,
		Lake: `{` + partial + `,"data_quality_score":0,"malformed":{"timestamp":"2019-02-30T00:00:00Z"}}`},

	// The malformed object.
	{Name: "an own malformed object is kept and added to", In: `{"malformed":{"old":"x"},"amount":"y","event_id":"e"}`,
		Lake: `{"event_id":"e",` + partial + `,"amount_category":"unknown","amount_tier":"unknown","data_quality_score":22.22,"malformed":{"old":"x","amount":"y"}}`},
	{Name: "an own malformed object makes it partial", In: `{"malformed":{"old":"x"}}`,
		Lake: `{` + partial + `,"data_quality_score":0,"malformed":{"old":"x"}}`},
	{Name: "an own empty malformed object does not", In: `{"malformed":{}}`,
		Lake: `{` + success + `,"data_quality_score":0,"malformed":{}}`,
		Or:   `{` + success + `,"data_quality_score":0}`, NoOracle: true},

	// Structure.
	{Name: "a pretty-printed event comes on one line",
		In:   "{\n  \"event_id\" : \"a b\",\r\n\t\"o\" : { \"x\" : [ 1 , \"c d\" ] }\n}",
		Lake: `{"event_id":"a b","o":{"x":[1,"c d"]},` + success + `,"data_quality_score":22.22}`},
	{Name: "nested number texts stay", In: `{"o":{"a":1.0,"b":1.50e1,"user_id":null}}`,
		Lake: `{"o":{"a":1.0,"b":1.50e1,"user_id":null},` + success + `,"data_quality_score":0}`},
	{Name: "an object with a key twice is set aside", In: `{"o":{"a":1,"a":1.0,"user_id":null},"b":2}`,
		Lake: `{"b":2,` + partial + `,"data_quality_score":0,"malformed":{"o":"{\"a\":1,\"a\":1.0,\"user_id\":null}"}}`},
	{Name: "a metadata field of the index is set aside", In: `{"_id":"7"}`,
		Lake:   `{"_id":"7",` + success + `,"data_quality_score":0}`,
		Search: `{` + partial + `,"data_quality_score":0,"malformed":{"_id":"7"}}`},
	{Name: "nested 1000 deep", In: nestedObject(1000),
		Lake: strings.TrimSuffix(nestedObject(1000), "}") + `,` + success + `,"data_quality_score":0}`,
		Search: `{` + partial + `,"data_quality_score":0,"malformed":{"a":"` +
			strings.TrimSuffix(strings.TrimPrefix(nestedObject(1000), `{"a":`), "}") + `"}}`},
	{Name: "nested 1001 deep", In: nestedObject(1001), Lake: Failed, Reason: "TooDeep"},
	{Name: "nested 100000 deep", In: strings.Repeat(`{"a":`, 100000), Lake: Failed, Reason: "TooDeep"},
	{Name: "two objects", In: `{"a":1}{"b":2}`,
		Lake: `{"a":1,` + success + `,"data_quality_score":0}` + "\n" + `{"b":2,` + success +
			`,"data_quality_score":0}`,
		Search: Failed, Reason: "TrailingData"},
	{Name: "two objects on two lines", In: "{\"a\":1}\n{\"b\":2}\n",
		Lake: `{"a":1,` + success + `,"data_quality_score":0}` + "\n" + `{"b":2,` + success +
			`,"data_quality_score":0}`,
		Search: Failed, Reason: "TrailingData"},
	{Name: "a newline after the object", In: "{\"a\":1}\n", Lake: `{"a":1,` + success + `,"data_quality_score":0}`},
	{Name: "a good object before a bad one", In: `{"a":1}{`, Lake: Failed},
	{Name: "trailing data", In: `{"a":1}x`, Lake: Failed},
	{Name: "a trailing bracket", In: `{"a":1}}`, Lake: Failed},
	{Name: "two objects with a comma", In: `{"a":1},{"b":2}`, Lake: Failed},

	// Dropped by rule.
	{Name: "a heartbeat", In: `{"event_type":"heartbeat","amount":"x"}`, Lake: Dropped},
	{Name: "an escaped heartbeat", In: `{"event\u005ftype":"heart\u0062eat"}`, Lake: Dropped},
	{Name: "a repeated event_type that is a heartbeat last", In: `{"event_type":"view","event_type":"heartbeat"}`,
		Lake: Dropped},
	{Name: "a nested heartbeat is none", In: `{"o":{"event_type":"heartbeat"}}`,
		Lake: `{"o":{"event_type":"heartbeat"},` + success + `,"data_quality_score":0}`},
	{Name: "two heartbeats", In: `{"event_type":"heartbeat"}{"event_type":"heartbeat"}`, Lake: Dropped, Search: Failed,
		Reason: "TrailingData"},
	{Name: "a heartbeat beside an event", In: `{"event_type":"heartbeat"}{"a":1}`,
		Lake: `{"a":1,` + success + `,"data_quality_score":0}`, NoOracle: true,
		Search: Failed, Reason: "TrailingData"},
	{Name: "a heartbeat before something bad", In: `{"event_type":"heartbeat"}{`, Lake: Failed},

	// No JSON object.
	{Name: "nothing", In: ``, Lake: Failed, Reason: "EmptyRecord"},
	{Name: "white space", In: " \n", Lake: Failed, Reason: "EmptyRecord"},
	{Name: "a byte order mark", In: "\ufeff{}", Lake: Failed, Reason: "ByteOrderMark"},
	{Name: "gzip", In: "\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff", Lake: Failed, Reason: "Compressed"},
	{Name: "zlib", In: "x\x9c\xab\xae\x05\x00\x01\x75\x00\xf9", Lake: Failed, Reason: "Compressed"},
	{Name: "an array", In: `[{"a":1}]`, Lake: Failed, Reason: "NotAnObject"},
	{Name: "a string", In: `"{}"`, Lake: Failed, Reason: "NotAnObject"},
	{Name: "a number", In: `12`, Lake: Failed, Reason: "NotAnObject"},
	{Name: "null", In: `null`, Lake: Failed, Reason: "NotAnObject"},
	{Name: "text", In: `purchase;12.50`, Lake: Failed, Reason: "InvalidJson"},
	{Name: "NaN", In: `{"amount":NaN}`, Lake: Failed, Reason: "InvalidJson"},
	{Name: "Infinity", In: `{"amount":Infinity}`, Lake: Failed, Reason: "InvalidJson"},
	{Name: "minus Infinity", In: `{"amount":-Infinity}`, Lake: Failed, Reason: "InvalidJson"},
	{Name: "a leading zero", In: `{"a":01}`, Lake: Failed, Reason: "InvalidJson"},
	{Name: "a leading plus", In: `{"a":+1}`, Lake: Failed, Reason: "InvalidJson"},
	{Name: "a leading point", In: `{"a":.5}`, Lake: Failed, Reason: "InvalidJson"},
	{Name: "a trailing point", In: `{"a":1.}`, Lake: Failed, Reason: "InvalidJson"},
	{Name: "an exponent without digits", In: `{"a":1e}`, Lake: Failed, Reason: "InvalidJson"},
	{Name: "a hexadecimal number", In: `{"a":0x10}`, Lake: Failed, Reason: "InvalidJson"},
	{Name: "a lone minus", In: `{"a":-}`, Lake: Failed, Reason: "InvalidJson"},
	{Name: "a trailing comma", In: `{"a":1,}`, Lake: Failed, Reason: "InvalidJson"},
	{Name: "a missing comma", In: `{"a":1 "b":2}`, Lake: Failed, Reason: "InvalidJson"},
	{Name: "a missing colon", In: `{"a" 1}`, Lake: Failed, Reason: "InvalidJson"},
	{Name: "single quotes", In: `{'a':1}`, Lake: Failed, Reason: "InvalidJson"},
	{Name: "a comment", In: `{"a":1/**/}`, Lake: Failed, Reason: "InvalidJson"},
	{Name: "True", In: `{"a":True}`, Lake: Failed, Reason: "InvalidJson"},
	{Name: "a bad escape", In: `{"a":"\x41"}`, Lake: Failed, Reason: "InvalidJson"},
	{Name: "a short unicode escape", In: `{"a":"\u12"}`, Lake: Failed, Reason: "InvalidJson"},
	{Name: "a raw newline in a string", In: "{\"a\":\"x\ny\"}", Lake: Failed, Reason: "InvalidJson"},
	{Name: "a raw tab in a string", In: "{\"a\":\"x\ty\"}", Lake: Failed, Reason: "InvalidJson"},
	{Name: "a raw NUL in a key", In: "{\"a\x00\":1}", Lake: Failed, Reason: "InvalidJson"},
	{Name: "a form feed between tokens", In: "{\f\"a\":1}", Lake: Failed, Reason: "InvalidJson"},
	{Name: "a no-break space between tokens", In: "{\u00a0\"a\":1}", Lake: Failed, Reason: "InvalidJson"},
	{Name: "cut off in a string", In: `{"event_id":"cut-1","a":"x`, Lake: Failed, Reason: "UnexpectedEnd"},
	{Name: "cut off after a value", In: `{"event_id":"cut-2","a":1`, Lake: Failed, Reason: "UnexpectedEnd"},
	{Name: "cut off in an escape", In: `{"a":"\`, Lake: Failed, Reason: "UnexpectedEnd"},
	{Name: "cut off in a word", In: `{"a":tru`, Lake: Failed, Reason: "UnexpectedEnd"},
	{Name: "an invalid byte in a string", In: "{\"a\":\"\xff\"}", Lake: Failed, Reason: "InvalidUtf8"},
	{Name: "an invalid byte in a key", In: "{\"a\xff\":1}", Lake: Failed, Reason: "InvalidUtf8"},
	{Name: "an invalid byte in a nested string", In: "{\"a\":[\"\x80\"]}", Lake: Failed, Reason: "InvalidUtf8"},
	{Name: "an overlong slash", In: "{\"a\":\"\xc0\xaf\"}", Lake: Failed, Reason: "InvalidUtf8"},
	{Name: "an overlong quote", In: "{\"a\":\"\xe0\x80\xa2\"}", Lake: Failed, Reason: "InvalidUtf8"},
	{Name: "a surrogate in UTF-8", In: "{\"a\":\"\xed\xa0\x80\"}", Lake: Failed, Reason: "InvalidUtf8"},
	{Name: "beyond Unicode", In: "{\"a\":\"\xf4\x90\x80\x80\"}", Lake: Failed, Reason: "InvalidUtf8"},
	{Name: "a character cut in its middle", In: "{\"a\":\"\xe2\x82\"}", Lake: Failed, Reason: "InvalidUtf8"},
	{Name: "Latin-1", In: "{\"brand\":\"Caf\xe9 au lait\"}", Lake: Failed, Reason: "InvalidUtf8"},
}

func malformedAmount(name, sent, text string) Trap {
	return Trap{Name: "amount: " + name, In: `{"amount":` + sent + `}`,
		Lake: `{` + partial + `,"amount_category":"unknown","amount_tier":"unknown","data_quality_score":0,"malformed":{"amount":` + text + `}}`}
}
