package event

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"firehose-pipeline/internal/jsonscan"
)

// TestSetAside has what a store would reject the whole event for. In want, @ is what every event of the stream gets; a want of
// "" means that the event stays as it was sent.
func TestSetAside(t *testing.T) {
	long := strings.Repeat("k", jsonscan.MaxKeyBytes+1)
	fields := strings.Fields("_data_stream_timestamp _doc_count _feature _field_names _id _ignored _index _nested_path " +
		"_routing _seq_no _size _source _version")
	for _, c := range []struct {
		rule, record string
		search       string // the members kept, then the malformed object
		lake         string
	}{
		{"a metadata field", `{"_id":"7","a":1}`, `"a":1 {"_id":"7"}`, ``},
		{"a metadata field that is an object", `{"_id":{"$oid":"5f"},"a":1}`, `"a":1 {"_id":"{\"$oid\":\"5f\"}"}`, ``},
		{"every metadata field", `{"` + strings.Join(fields, `":7,"`) + `":7}`,
			` {"` + strings.Join(fields, `":"7","`) + `":"7"}`, ``},
		{"a metadata field by escapes", `{"\u005fid":7}`, ` {"\u005fid":"7"}`, ``},
		{"a field below a metadata field", `{"_source.x":null}`, ` {"_source.x":"null"}`, ``},
		{"a metadata field inside an object stays", `{"a":{"_id":1}}`, ``, ``},
		{"other names with an underscore stay", `{"_class":"x","__v":0,"_type":"y","_idx":1}`, ``, ``},
		{"a count of documents", `{"_doc_count":5}`, ` {"_doc_count":"5"}`, ``},
		{"a dotted key below a declared field", `{"amount":9.5,"amount.currency":"EUR"}`, `"amount":9.5 {"amount.currency":"EUR"}`, ``},
		{"a dotted key below a declared field that did not come", `{"brand.name":{"a":1}}`, ` {"brand.name":"{\"a\":1}"}`, ``},
		{"a dotted key below a field of a rule", `{"processing_status.detail":"x"}`, ` {"processing_status.detail":"x"}`, ``},
		{"a dot at the end of a declared field's name, which would give the field a second value", `{"brand.":"x"}`, ` {"brand.":"x"}`, ``},
		{"a dot written as an escape", `{"timestamp\u002eus":1}`, ` {"timestamp\u002eus":"1"}`, ``},
		{"other dotted keys stay", `{"a":{"b":1},"a.b":2,"kubernetes.labels.app":"web","a.":3,"malformed.x":4}`, ``, ``},
		{"an array at a path that ends with a field's name, which would become the field's values", `{"order.amount":[5],"x.y.brand.":[{}],"a._id":[1]}`,
			` {"order.amount":"[5]","x.y.brand.":"[{}]","a._id":"[1]"}`, ``},
		{"other values at such a path stay", `{"order.amount":5,"x.brand":{"a":1},"x.malformed":[1],"x.other":[1],"a._id":1}`, ``, ``},
		{"keys that are no path", `{"":1,".":2,"..":3,".a":4,"a..b":5,"a. .b":6,"a.\u2003":7}`,
			` {"":"1",".":"2","..":"3",".a":"4","a..b":"5","a. .b":"6","a.\u2003":"7"}`, ``},
		{"keys of white space without a dot stay", `{" ":1,"\t":2,"a.\u00a0.b":3,"a. b":4,"a.b..":5}`, ``, ``},
		{"a repeated key inside an object", `{"detail":{"a":1,"a":2},"b":3}`, `"b":3 {"detail":"{\"a\":1,\"a\":2}"}`, `same`},
		{"a repeated key by escapes, deep", `{"d":[{"e":{"a":1, "\u0061":2}}]}`, ` {"d":"[{\"e\":{\"a\":1,\"\\u0061\":2}}]"}`, `same`},
		{"the same key in two objects is not repeated", `{"d":[{"a":1},{"a":2,"b":{"a":3}}]}`, ``, ``},
		{"a number of more than 1,000 digits", `{"n":` + longNumber(1001) + `}`, ` {"n":"` + longNumber(1001) + `"}`, `same`},
		{"a number of 1,000 digits stays", `{"n":-` + longNumber(996) + `.55e+77}`, ``, ``},
		{"digits of all parts count", `{"n":-` + longNumber(997) + `.55e+77}`, ` {"n":"-` + longNumber(997) + `.55e+77"}`, `same`},
		{"a long number inside an array", `{"n":[0,{"x":` + longNumber(1001) + `}]}`, ` {"n":"[0,{\"x\":` + longNumber(1001) + `}]"}`, `same`},
		{"arrays more than 20 deep", `{"n":` + deepArrays(21) + `}`, ` {"n":"` + deepArrays(21) + `"}`, ``},
		{"arrays 20 deep, and deeper inside an object, stay", `{"n":` + deepArrays(20) + `,"m":{"a":` + deepArrays(30) + `}}`, ``, ``},
		{"a key with a lone surrogate", `{"a\ud800b":1}`, ` {"a�b…@2":"{\"a\\ud800b\":1}"}`, ``},
		{"a key with a lone surrogate inside an object", `{"n":{"\udc00":1}}`, ` {"n":"{\"\\udc00\":1}"}`, ``},
		{"a value with a lone surrogate stays", `{"n":"\ud800"}`, ``, ``},
		{"a key of more than 50,000 bytes", `{"` + long + `":1}`, ` {"` + long[:100] + `…@2":"{\"` + long + `\":1}"}`, `same`},
		{"a long key inside an object", `{"n":{"` + long + `":1}}`, ` {"n":"{\"` + long + `\":1}"}`, `same`},
		{"of a repeated key only the last is set aside", `{"_id":1,"_id":2}`, ` {"_id":"2"}`, `"_id":2`},
		{"the event's own malformed is kept and added to", `{"malformed":{"x":"y","_id":"old"},"_id":1}`, ` {"x":"y","_id":"1"}`, `"_id":1 {"x":"y","_id":"old"}`},
		{"a key of the event's own malformed with a lone surrogate", `{"malformed":{"\ud800":1,"a":2}}`,
			` {"a":"2","�…@15":"{\"\\ud800\":1}"}`, ` {"\ud800":"1","a":"2"}`},
		{"two short forms that would be the same", `{"malformed":{"�…@31":"x","\ud800":"y"}}`,
			` {"�…@31":"x","�…@31+":"{\"\\ud800\":\"y\"}"}`, ` {"�…@31":"x","\ud800":"y"}`},
	} {
		t.Run(c.rule, func(t *testing.T) {
			for stream, want := range map[Stream]string{Search: c.search, Lake: c.lake} {
				p := newTestProcessor(stream)
				got := become(t, p, c.record)
				twice(t, p, got)
				var document struct {
					Status string `json:"processing_status"`
				}
				if err := json.Unmarshal([]byte(got), &document); err != nil || !utf8.ValidString(got) {
					t.Fatalf("%.200q: %v", got, err)
				}
				if want == "same" {
					want = c.search
				}
				status := "SUCCESS"
				if want == "" {
					want = strings.TrimSuffix(strings.TrimPrefix(c.record, "{"), "}")
				}
				kept, malformed, _ := strings.Cut(want, " {")
				if malformed != "" {
					status = "PARTIAL"
				}
				before, rest, _ := strings.Cut(strings.TrimPrefix(got, "{"), `"processed_timestamp":`)
				if strings.TrimSuffix(before, ",") != kept {
					t.Errorf("%s keeps %.300s, want %.300s", stream, before, kept)
				}
				if document.Status != status {
					t.Errorf("%s says %s, want %s", stream, document.Status, status)
				}
				_, moved, _ := strings.Cut(strings.TrimSpace(rest), `"malformed":{`)
				if moved = strings.TrimSuffix(moved, "}"); moved != malformed {
					t.Errorf("%s sets aside %.300s, want %.300s", stream, moved, malformed)
				}
			}
		})
	}
}

// TestSetAsideMany: the time is linear in the members, however many a hostile producer sends.
func TestSetAsideMany(t *testing.T) {
	var b strings.Builder
	b.WriteString(`{"malformed":{`)
	for i := range 20_000 {
		fmt.Fprintf(&b, `"own.%d":1,`, i)
	}
	b.WriteString(`"x":1}`)
	for i := range 20_000 {
		fmt.Fprintf(&b, `,"amount.%d":1`, i)
	}
	got := become(t, newTestProcessor(Search), b.String()+"}")
	if n := strings.Count(got, `"amount.`); n != 20_000 {
		t.Errorf("%d members were set aside, want 20,000", n)
	}
}
