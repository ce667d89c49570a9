package deadletter

import (
	"os"
	"reflect"
	"testing"

	"firehose-pipeline/errorobject"
	"firehose-pipeline/event"
)

func TestParse(t *testing.T) {
	t.Run("invocation record of Lambda", func(t *testing.T) {
		body, err := os.ReadFile("testdata/invocation.json")
		if err != nil {
			t.Fatal(err)
		}
		got, err := Parse(body)
		want := &Message{
			Version: 1, Kind: Invocation, ID: "e4b46cbf-b738-xmpl-8880-a18cdf61200e", Stream: errorobject.UnknownStream,
			Stage:  errorobject.UnknownStage,
			Reason: InvocationFailed, ErrorCode: "RetriesExhausted", ErrorMessage: "getting object: access denied",
			Attempts:   3,
			FailedTime: "2026-09-21T10:25:03.123Z",
			Objects: []Pointer{{Bucket: "lake-bucket", Key: "error-data/lake/processing-failed/year=2026/a b",
				VersionID: "v1"}},
		}
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("got %+v, %v", got, err)
		}
	})
	t.Run("an object's key that is not escaped as S3 does stays as it is", func(t *testing.T) {
		got, err := Parse([]byte(`{"version":"1.0","requestContext":{"requestId":"i","condition":"RetriesExhausted"},` +
			`"requestPayload":{"Records":[{"s3":{"bucket":{"name":"b"},"object":{"key":"error-data/100%"}}}]}}`))
		if err != nil || len(got.Objects) != 1 || got.Objects[0] != (Pointer{Bucket: "b", Key: "error-data/100%"}) {
			t.Errorf("got %+v, %v", got, err)
		}
	})
	t.Run("object letter", func(t *testing.T) {
		want := ForPart(errorobject.Source{Bucket: "b", Key: "k", Stream: event.Lake, Stage: errorobject.Transform},
			MoreRecords, 5, 9, true, map[Reason]int64{FunctionError: 3})
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
