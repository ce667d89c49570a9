package functiontest

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"testing"
)

// StartTransform starts the transform of a stream.
func StartTransform(t *testing.T, stream string) *Function {
	t.Helper()
	return Start(t, "transform", map[string]string{"STREAM": stream, "DROP_EVENT_TYPES": `["heartbeat"]`,
		"LOG_LEVEL": "warn"})
}

// Firehose's request and answer, as far as they matter here.
type (
	requestRecord struct {
		RecordID                    string `json:"recordId"`
		ApproximateArrivalTimestamp int64  `json:"approximateArrivalTimestamp"`
		Data                        []byte `json:"data"`
	}
	// AnswerRecord is the transform's answer to one record.
	AnswerRecord struct {
		RecordID string  `json:"recordId"`
		Result   string  `json:"result"`
		Data     *string `json:"data"`
	}
)

// Request returns Firehose's request with the records.
func Request(t *testing.T, records ...[]byte) []byte {
	t.Helper()
	var r struct {
		InvocationID      string          `json:"invocationId"`
		DeliveryStreamARN string          `json:"deliveryStreamArn"`
		Region            string          `json:"region"`
		Records           []requestRecord `json:"records"`
	}
	r.InvocationID = "b3a5a2e8-0000-4000-8000-000000000001"
	r.DeliveryStreamARN = "arn:aws:firehose:us-east-1:000000000000:deliverystream/pipeline-test"
	r.Region = "us-east-1"
	r.Records = []requestRecord{}
	for i, data := range records {
		r.Records = append(r.Records, requestRecord{RecordID(i), 1700000000000 + int64(i), data})
	}
	out, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// RecordID is as long as Firehose's.
func RecordID(i int) string { return fmt.Sprintf("%056d", i) }

// Transform sends the records as one batch. The answers are checked to be one for each record, in its order, with data
// exactly when they are Ok; they come back with the data decoded.
func (f *Function) Transform(records ...[]byte) []AnswerRecord {
	f.t.Helper()
	raw := f.MustInvoke(Request(f.t, records...))
	f.AnswerSize = len(raw)
	if len(raw) > 6<<20 {
		f.t.Errorf("got an answer of %d bytes, above Lambda's 6 MB", len(raw))
	}
	var answer struct {
		Records []AnswerRecord `json:"records"`
	}
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&answer); err != nil {
		f.t.Fatalf("%v in answer %.300s", err, raw)
	}
	if len(answer.Records) != len(records) {
		f.t.Fatalf("got %d answers to %d records", len(answer.Records), len(records))
	}
	for i, r := range answer.Records {
		if r.RecordID != RecordID(i) {
			f.t.Fatalf("answer %d is for record %q", i, r.RecordID)
		}
		if (r.Result == "Ok") != (r.Data != nil) ||
			!slices.Contains([]string{"Ok", "Dropped", "ProcessingFailed"}, r.Result) {
			f.t.Fatalf("answer %d: got %+v", i, r)
		}
		if r.Data != nil {
			data, err := base64.StdEncoding.DecodeString(*r.Data)
			if err != nil {
				f.t.Fatalf("answer %d: %v", i, err)
			}
			text := string(data)
			answer.Records[i].Data = &text
		}
	}
	return answer.Records
}
