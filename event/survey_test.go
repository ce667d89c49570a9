package event

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"firehose-pipeline/schema"
)

// surveyOf returns the report on records.
func surveyOf(t *testing.T, l *Layout, records ...string) SurveyReport {
	t.Helper()
	s, err := NewSurvey(l)
	if err != nil {
		t.Fatal(err)
	}
	for _, record := range records {
		s.Add([]byte(record))
	}
	return s.Report()
}

// counts are the fields that any event contains, each as field=events/conforming.
func (r *SurveyReport) counts() string {
	var all []string
	for _, f := range r.Fields {
		if f.Events > 0 {
			all = append(all, fmt.Sprintf("%s=%d/%d", f.Field, f.Events, f.Conforming))
		}
	}
	return strings.Join(all, " ")
}

// keys are the undeclared keys, each as key=events.
func (r *SurveyReport) keys() string {
	var all []string
	for _, k := range r.Undeclared {
		all = append(all, fmt.Sprintf("%s=%d", k.Key, k.Events))
	}
	return strings.Join(all, " ")
}

func TestSurvey(t *testing.T) {
	sensor := `{"deviceId":"a","ts":1,"reading":2.5}`
	for _, c := range []struct {
		about, counts, keys string
		events, described   int64
		records             []string
	}{
		{"events of another kind", "", "deviceId=2 reading=2 ts=2", 2, 0, []string{sensor, sensor}},
		{"declared fields, null, converted and malformed ones", "event_id=2/2 amount=3/2", "", 3, 3,
			[]string{`{"event_id":"a","amount":null}`, `{"event_id":1,"amount":"9.99"}`, `{"amount":"much"}`}},
		{"several events in a record, and records that are rejected", "event_id=2/2", "", 2, 2,
			[]string{"{\"event_id\":\"a\"}\n{\"event_id\":\"b\"}\n", `{"event_id":"c"}{"event_id":`, `{"event_id":`, "", "[]"}},
		{"a repeated key counts once, by its last value", "amount=1/0", "x=1", 1, 1,
			[]string{`{"x":1,"amount":1,"x":2,"amount":"much"}`}},
		{"fields that the transform adds are not undeclared", "", "", 1, 0,
			[]string{`{"processed_timestamp":"2026-01-31T00:00:00Z","processing_status":"PARTIAL","malformed":{"x":"1"}}`}},
		{"a field in the event's own malformed object is malformed", "amount=1/0", "", 1, 1,
			[]string{`{"malformed":{"amount":"much"}}`}},
		{"an empty event", "", "", 1, 0, []string{`{}`}},
		{"keys with escapes are decoded", "amount=1/1", "\x1b[31m=1 a\nb=1", 1, 1,
			[]string{`{"\u001b[31m":1,"a\nb":2,"am\u006funt":3}`}},
	} {
		r := surveyOf(t, shop, c.records...)
		if r.counts() != c.counts || r.keys() != c.keys || r.Events != c.events || r.Described != c.described ||
			r.Records != int64(len(c.records)) || r.LookedAt != r.Records {
			t.Errorf("%s: got %q, %q, %+v", c.about, r.counts(), r.keys(), r)
		}
	}
}

func TestSurveyNested(t *testing.T) {
	s, err := schema.Parse([]byte(`{"type":"object","properties":{
		"a":{"type":"object","properties":{
			"b":{"type":"integer"},"c":{"type":"object","properties":{"d":{"type":"boolean"}}}}},
		"list":{"type":"array","items":{"type":"object","properties":{"sku":{"type":"string"},"n":{"type":"number"}}}},
		"map":{"type":"object","additionalProperties":{"type":"number"}},
		"grid":{"type":"array","items":{"type":"array","items":{"type":"number"}}},
		"mail":{"type":"string","x-protect":"hash"},
		"secret":{"type":"number","x-protect":"drop"},
		"free":{}}}`))
	if err != nil {
		t.Fatal(err)
	}
	l := MustCompile(s)
	for _, c := range []struct{ counts, record string }{
		{"a=1/1 /a/b=1/1 /a/c=1/1 /a/c/d=1/1", `{ "a" : { "b" : 1 , "x" : [ 2 ] , "c" : { "d" : true } } }`},
		{"a=1/1 /a/b=1/0 /a/c=1/0", `{"a":{"b":1.5,"c":[]}}`},
		{"a=1/0", `{"a":[{"b":1}]}`},
		{"a=1/1 /a/c=1/1", `{"a":{"c":null}}`},
		{"list=1/1 /list/*/sku=1/1 /list/*/n=1/0", `{"list":[{"sku":"x","n":1},null,{},{"n":"y"},{"n":{}}]}`},
		{"list=1/0 /list/*/sku=1/1", `{"list":[1,{"sku":"x"}]}`},
		{"map=1/1 grid=1/1", `{"map":{"k":1,"l":null,"m":"2"},"grid":[[1,2],[],null]}`},
		{"map=1/0 grid=1/0", `{"map":{"k":1,"l":"x"},"grid":[[1,"x"],[]]}`},
		{"mail=1/1 secret=1/1", `{"mail":"a@example.com","secret":"x","free":{}}`},
		{"mail=1/0", `{"mail":{}}`},
		{"a=1/0", `{"a":{"b":1,"b":2}}`},
	} {
		r := surveyOf(t, l, c.record)
		if r.counts() != c.counts || r.keys() != "" {
			t.Errorf("%s: got %q, %q", c.record, r.counts(), r.keys())
		}
		_, result := newProcessor(t, l, Lake, Options{MaskHashes: true}).Append(nil, []byte(c.record), 1<<20)
		conforms := true
		for _, f := range r.Fields {
			conforms = conforms && f.Conforming == f.Events
		}
		if (result.MalformedFields == 0) != conforms {
			t.Errorf("%s: the transform has %d malformed, the survey %q", c.record, result.MalformedFields, r.counts())
		}
	}
}

func TestSurveyNotable(t *testing.T) {
	s, err := schema.Parse([]byte(`{"type":"object","properties":{"id":{"type":"string"},"n":{"type":"number"},
		"a":{"type":"object","properties":{"b":{"type":"integer"}}}},"required":["id"]}`))
	if err != nil {
		t.Fatal(err)
	}
	for records, want := range map[string]string{
		`{"id":"x","n":1,"a":{"b":1}}`:                "",
		`{"id":"x","n":1,"a":{"b":1}}{"id":"x"}`:      "",
		`{"id":"x","n":1,"a":{"b":1}}{"n":1}`:         "id",
		`{"id":"x","n":1}`:                            "a",
		`{"id":"x","n":"x","a":{"b":1}}`:              "n",
		`{"id":"x","n":1,"a":{}}`:                     "/a/b",
		``:                                            "",
		`{"id":"x","n":1,"a":{"b":[]}}{"id":1,"n":1}`: "/a/b",
	} {
		var notable []string
		r := surveyOf(t, MustCompile(s), records)
		for _, f := range r.Fields {
			if f.Notable() {
				notable = append(notable, f.Field)
			}
		}
		if got := strings.Join(notable, " "); got != want {
			t.Errorf("%s: got %q, want %q", records, got, want)
		}
	}
}

// Beyond the first records one of each 64 is looked at, wherever in its 64 it is.
func TestSurveySamples(t *testing.T) {
	s, err := NewSurvey(shop)
	if err != nil {
		t.Fatal(err)
	}
	const records = surveyedFirst + 640*surveyedEach
	for i := range records {
		s.Add(fmt.Appendf(nil, `{"k%d":1}`, i%surveyedEach))
	}
	r := s.Report()
	if r.Records != records || r.LookedAt != surveyedFirst+640 || r.Events != r.LookedAt {
		t.Errorf("got %+v", r)
	}
	if len(r.Undeclared) != surveyedEach || r.Undeclared[0].Events > surveyedFirst/surveyedEach+30 {
		t.Errorf("the sample is not even: %d keys, most %+v", len(r.Undeclared), r.Undeclared[0])
	}
}

// Memory is bounded, and a frequent key is found among many that are not.
func TestSurveyKeys(t *testing.T) {
	s, err := NewSurvey(shop)
	if err != nil {
		t.Fatal(err)
	}
	long := strings.Repeat("é", maxSurveyKeyBytes)
	for i := range 1000 {
		s.Add(fmt.Appendf(nil, `{"k%d":1,"l%d":1,"x":1,"%s%d":1,"%[3]s":2}`, i, i, long, i))
	}
	r := s.Report()
	if len(r.Undeclared) > maxSurveyKeys {
		t.Fatalf("%d keys", len(r.Undeclared))
	}
	for i, want := range []string{"x", strings.Repeat("é", maxSurveyKeyBytes/2) + "…"} {
		found := false
		for _, k := range r.Undeclared[:2] {
			found = found || k.Key == want && k.Events <= 1000 && k.Events+r.Missed >= 1000
		}
		if !found {
			t.Errorf("key %d: got %v, %d missed, want %q", i, r.Undeclared[:2], r.Missed, want)
		}
	}
	text, err := json.Marshal(r)
	if err != nil || len(text) > 64<<10 {
		t.Errorf("a report of %d bytes, %v", len(text), err)
	}
}

// FuzzSurvey has records that may be anything: the counts stay sound, and agree with the transform.
func FuzzSurvey(f *testing.F) {
	l := nestedLayout(f)
	for _, record := range []string{
		`{"id":1,"reading":{"tempC":"x","position":{"lat":1}},"items":[{"sku":"a"},null],"labels":{"a":1},"grid":[[1,"x"]]}`,
		`{"id":"a"} {"counts":{"a":1.5}}`, `{"reading":[],"tags":{}}`, `{"\u0000":1,"user":2}`, "",
	} {
		f.Add([]byte(record))
	}
	s, err := NewSurvey(l)
	if err != nil {
		f.Fatal(err)
	}
	p := newProcessor(f, l, Lake, Options{})
	f.Fuzz(func(t *testing.T, record []byte) {
		s.records = 0 // every one is looked at
		before := s.Report()
		s.Add(record)
		after := s.Report()
		_, result := p.Append(nil, record, 1<<30)
		if after.Events-before.Events != int64(result.Written) {
			t.Fatalf("%d events, the transform has written %d", after.Events-before.Events, result.Written)
		}
		failed := false
		for i, f := range after.Fields {
			if f.Conforming < 0 || f.Conforming > f.Events || f.Events > after.Events {
				t.Errorf("got %+v of %d events", f, after.Events)
			}
			failed = failed || f.Events-f.Conforming > before.Fields[i].Events-before.Fields[i].Conforming
		}
		if failed && result.Partial == 0 {
			t.Errorf("a field is malformed, and no event is partial")
		}
	})
}

func BenchmarkSurvey(b *testing.B) {
	s, err := NewSurvey(shop)
	if err != nil {
		b.Fatal(err)
	}
	record := []byte(`{"event_id":"store-000001","user_id":"541312140","event_type":"view","amount":35.79,` +
		`"product_id":"44600062","timestamp":"2019-10-01T00:00:00Z","category_id":2103807459595387724,"category_code":null,"brand":"shiseido","x":1}`)
	b.ReportAllocs()
	for b.Loop() {
		s.records = 0 // every one is looked at
		s.Add(record)
	}
}
