package deadletter

import (
	"bytes"
	"os"
	"reflect"
	"strings"
	"testing"

	"firehose-pipeline/event"
)

func TestKeysNameStreamAndStage(t *testing.T) {
	for key, want := range map[string]Source{
		"error-data/lake/processing-failed/year=2026/o":               {Stream: event.Lake, Stage: Transform},
		"error-data/lake/format-conversion-failed/o":                  {Stream: event.Lake, Stage: Conversion},
		"error-data/search/AmazonOpenSearchService-failed/o":          {Stream: event.Search, Stage: Search},
		"error-data/search/AmazonOpenSearchService_failed/o":          {Stream: event.Search, Stage: Search},
		"error-data/search/elasticsearch-failed/o":                    {Stream: event.Search, Stage: Search},
		"error-data/search/o":                                         {Stream: event.Search, Stage: UnknownStage},
		"error-data/lake/":                                            {Stream: event.Lake, Stage: UnknownStage},
		"error-data/other/processing-failed/o":                        {Stream: UnknownStream, Stage: UnknownStage},
		"error-data/lake":                                             {Stream: UnknownStream, Stage: UnknownStage},
		"source-data/error-data/lake/processing-failed/year=2026/o.x": {Stream: UnknownStream, Stage: UnknownStage},
	} {
		want.Bucket, want.Key, want.VersionID = "b", key, "v"
		got, ok := NewSource("error-data/", "b", key, "v")
		if got != want || ok != (want.Stream != UnknownStream) {
			t.Errorf("%s: %+v, %v", key, got, ok)
		}
	}
}

// Which byte is at fault is in every letter of the transform's check, the first byte too, and in no other.
func TestReasonOffsets(t *testing.T) {
	for _, c := range []struct {
		rule, code, raw string
		stage           Stage
		want            string
	}{
		{"text", "Lambda.ProcessingFailedStatus", "START RequestId: 1", Transform, `"reason":"InvalidJson","reasonOffset":0,`},
		{"a byte order mark", "Lambda.ProcessingFailedStatus", "\ufeff{}", Transform, `"reason":"ByteOrderMark","reasonOffset":0,`},
		{"gzip", "Lambda.ProcessingFailedStatus", "\x1f\x8b\x08\x00", Transform, `"reason":"Compressed","reasonOffset":0,`},
		{"zlib", "Lambda.ProcessingFailedStatus", "x\x9c\xab\xae\x05\x00", Transform, `"reason":"Compressed","reasonOffset":0,`},
		{"an array", "Lambda.ProcessingFailedStatus", "[{}]", Transform, `"reason":"NotAnObject","reasonOffset":0,`},
		{"a dash for a number", "Lambda.ProcessingFailedStatus", `{"latency":-}`, Transform, `"reason":"InvalidJson","reasonOffset":12,`},
		{"what would be accepted now", "Lambda.ProcessingFailedStatus", "{}", Transform, `"reason":"AcceptedNow","errorCode":`},
		{"a function that fails", "Lambda.FunctionError", "{", Transform, `"reason":"FunctionError","errorCode":`},
		{"a document that search refuses", "400", "{}", Search, `"reason":"SearchRejected","errorCode":`},
	} {
		t.Run(c.rule, func(t *testing.T) {
			s := Source{Bucket: "b", Key: "k", Stream: event.Search, Stage: c.stage}
			m := s.Record(&Failure{Stage: c.stage, ErrorCode: c.code, RawData: []byte(c.raw)})
			body, err := m.Encode()
			if err != nil || !strings.Contains(body, c.want) {
				t.Errorf("got %s, %v, want %s", body, err, c.want)
			}
			if got, err := Parse([]byte(body)); err != nil || !reflect.DeepEqual(*got, m) {
				t.Errorf("parsed as %+v, %v", got, err)
			}
		})
	}
}

func TestIDsAreDeterministicAndDistinct(t *testing.T) {
	base := Source{Bucket: "b", Key: "k", VersionID: "v", Stream: event.Lake}
	id := func(s Source, offset int64) string { m := s.Record(&Failure{Offset: offset}); return m.ID }
	if got := id(base, 7); got != id(base, 7) || len(got) != 32 {
		t.Errorf("id %q", got)
	}
	seen := map[string]bool{}
	part := func(r Reason) string { m := base.Part(r, 7, 0, false, nil); return m.ID }
	for _, got := range []string{
		id(base, 7), id(base, 8), id(Source{Bucket: "bk", VersionID: "v"}, 7), id(Source{Bucket: "b", Key: "kv"}, 7),
		id(Source{Bucket: "b", Key: "k", VersionID: "w"}, 7), part(MoreRecords), part(Unreadable),
	} {
		if seen[got] {
			t.Errorf("id %s twice", got)
		}
		seen[got] = true
	}
}

func TestRawDataStaysWhileTheMessageFits(t *testing.T) {
	s := Source{Bucket: "b", Key: "k", Stream: event.Search, Stage: Search}
	size := func(n int) (Message, int) {
		m := s.Record(&Failure{Stage: Search, RawData: bytes.Repeat([]byte("x"), n)})
		body, err := m.Encode()
		if err != nil {
			t.Fatal(err)
		}
		return m, Size(body, m.Attributes())
	}
	_, empty := size(0)
	largest := (MaxMessageBytes - empty - len(`"rawData":"",`)) / 4 * 3
	if m, n := size(largest); m.Truncated || n > MaxMessageBytes || n < MaxMessageBytes-8 {
		t.Errorf("%d bytes of raw data: truncated %v, %d bytes", largest, m.Truncated, n)
	}
	for _, n := range []int{largest + 6, 1024000, 4 << 20} {
		if m, n := size(n); !m.Truncated || m.RawData != nil || n > 2000 {
			t.Errorf("truncated %v, %d bytes", m.Truncated, n)
		}
	}
}

func TestSizeIsCountedAsSQSDoes(t *testing.T) {
	// kind+String+record, each attribute by name, type and value.
	if got := Size("body", []Attribute{{"kind", "record"}, {"stream", "lake"}}); got != 4+(4+6+6)+(6+6+4) {
		t.Errorf("size %d", got)
	}
}

func TestLongErrorMessagesAreCutBetweenCharacters(t *testing.T) {
	m := Source{}.Record(&Failure{ErrorMessage: "x" + strings.Repeat("é", MaxErrorMessageBytes)})
	if len(m.ErrorMessage) != MaxErrorMessageBytes-1 || strings.Contains(m.ErrorMessage, "\ufffd") {
		t.Errorf("%d bytes", len(m.ErrorMessage))
	}
}

func TestEventIDIsReadAsFarAsItCanBe(t *testing.T) {
	for record, want := range map[string]string{
		`{"event_id":"e-1","x":1}`:                        "e-1",
		`{"x":{"event_id":"no"},"event_id":"e"}`:          "e",
		`{"event\u005fid":"e"}`:                           "e",
		`{"event_id":17}`:                                 "17",
		`{"event_id":12345678901234567890}`:               "12345678901234567890",
		`{"event_id":true}`:                               "true",
		`{"event_id":null}`:                               "",
		`{"event_id":{"a":1}}`:                            "",
		`{"event_id":"a","event_id":"b"}`:                 "b",
		`{"event_id":"e-1","amount":`:                     "e-1",
		`{"event_id":"e-1","amount":12,}`:                 "e-1",
		`{"amount":x,"event_id":"e-1"}`:                   "",
		`{"event_id":"first"}{"event_id":"next"}`:         "first",
		`["event_id","e"]`:                                "",
		``:                                                "",
		`{"event_id":"` + strings.Repeat("x", 300) + `"}`: "",
	} {
		if got := eventID([]byte(record)); got != want {
			t.Errorf("%s: %q, want %q", record, got, want)
		}
	}
}

func TestParse(t *testing.T) {
	t.Run("invocation record of Lambda", func(t *testing.T) {
		body, err := os.ReadFile("testdata/invocation.json")
		if err != nil {
			t.Fatal(err)
		}
		got, err := Parse(body)
		want := &Message{
			Version: 1, Kind: Invocation, ID: "e4b46cbf-b738-xmpl-8880-a18cdf61200e", Stream: UnknownStream, Stage: UnknownStage,
			Reason: InvocationFailed, ErrorCode: "RetriesExhausted", ErrorMessage: "getting object: access denied", Attempts: 3,
			FailedTime: "2026-09-21T10:25:03.123Z",
			Objects:    []Pointer{{Bucket: "lake-bucket", Key: "error-data/lake/processing-failed/year=2026/a b", VersionID: "v1"}},
		}
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("got %+v, %v", got, err)
		}
	})
	t.Run("object letter", func(t *testing.T) {
		want := Source{Bucket: "b", Key: "k", Stream: event.Lake, Stage: Transform}.Part(MoreRecords, 5, 9, true, map[Reason]int64{FunctionError: 3})
		body, err := want.Encode()
		if err != nil {
			t.Fatal(err)
		}
		if got, err := Parse([]byte(body)); err != nil || !reflect.DeepEqual(*got, want) {
			t.Errorf("got %+v, %v", got, err)
		}
	})
	for name, body := range map[string]string{
		"not JSON":        `x`,
		"another message": `{"Records":[]}`,
		"unknown kind":    `{"kind":"else","version":1}`,
		"newer version":   `{"kind":"record","version":2,"id":"i","pointer":{}}`,
		"no version":      `{"kind":"record","id":"i","pointer":{}}`,
		"no id":           `{"kind":"record","version":1,"pointer":{}}`,
		"no pointer":      `{"kind":"object","version":1,"id":"i"}`,
		"wrong type":      `{"kind":"record","version":"1"}`,
	} {
		t.Run(name+" is refused", func(t *testing.T) {
			if m, err := Parse([]byte(body)); err == nil {
				t.Errorf("parsed as %+v", m)
			}
		})
	}
}

func TestReasonOffsetIsThereWhenTheRecordIsAtFault(t *testing.T) {
	s := Source{Bucket: "b", Key: "k", Stream: event.Lake, Stage: Transform}
	for _, c := range []struct {
		rule, code, record, want string
	}{
		{"at its first byte", "Lambda.ProcessingFailedStatus", "\x1f\x8bgzip", `"reason":"Compressed","reasonOffset":0,`},
		{"further on", "Lambda.ProcessingFailedStatus", `{"a":}`, `"reason":"InvalidJson","reasonOffset":5,`},
		{"not at all", "Lambda.ProcessingFailedStatus", `{"a":1}`, `"reason":"AcceptedNow","errorCode":`},
		{"but the function is", "Lambda.FunctionError", `{"a":1}`, `"reason":"FunctionError","errorCode":`},
	} {
		t.Run(c.rule, func(t *testing.T) {
			m := s.Record(&Failure{Stage: Transform, ErrorCode: c.code, RawData: []byte(c.record)})
			body, err := m.Encode()
			if err != nil || !strings.Contains(body, c.want) {
				t.Errorf("got %s, %v, want %s", body, err, c.want)
			}
		})
	}
	t.Run("letters of an earlier version, which left out 0, are read", func(t *testing.T) {
		for reason, want := range map[Reason]bool{Reason(event.ByteOrderMark): true, AcceptedNow: false, ConversionData: false} {
			m, err := Parse([]byte(`{"version":1,"kind":"record","id":"i","stream":"lake","stage":"transform","reason":"` + string(reason) + `","pointer":{}}`))
			if err != nil || (m.ReasonOffset != nil) != want || want && *m.ReasonOffset != 0 {
				t.Errorf("%s: got %+v, %v", reason, m, err)
			}
		}
	})
}
