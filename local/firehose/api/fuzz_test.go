package api

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	model "firehose-pipeline/local/firehose"
)

// fuzzTarget takes records, and fails in the ways that the records ask for.
type fuzzTarget struct {
	stream  string
	records [][]byte // taken
	offered int
	failed  bool // the whole call
}

func (x *fuzzTarget) put(_ context.Context, stream string, records [][]byte) ([]Result, error) {
	x.stream, x.offered = stream, x.offered+len(records)
	var results []Result
	for _, record := range records {
		switch {
		case bytes.HasPrefix(record, []byte("fail")):
			x.failed = true
			return nil, errors.New("the target failed: " + string(record))
		case bytes.HasPrefix(record, []byte("lose")):
			x.failed = true
			return results, nil
		case bytes.HasPrefix(record, []byte("no")):
			results = append(results, Result{ErrorCode: internalFailure, ErrorMessage: string(record)})
		default:
			results = append(results, Result{RecordID: strconv.Itoa(len(results))})
			x.records = append(x.records, bytes.Clone(record))
		}
	}
	return results, nil
}

// request is a put as encoding/json reads it; ok when it keeps the rules of the API.
type request struct {
	stream  string
	records [][]byte
	ok      bool
}

// readRequest reads a put without the code under test. Names are exact and of a repeated one the last counts, so maps,
// not structs.
func readRequest(operation string, body []byte) request {
	var in map[string]json.RawMessage
	if !utf8.Valid(body) || !isObject(body) || json.Unmarshal(body, &in) != nil {
		return request{}
	}
	r := request{ok: true}
	var name *string
	r.ok = json.Unmarshal(in["DeliveryStreamName"], &name) == nil && name != nil
	if !r.ok {
		return r
	}
	r.stream = *name
	list := []json.RawMessage{in["Record"]}
	if operation == "PutRecordBatch" {
		list = nil
		r.ok = json.Unmarshal(in["Records"], &list) == nil && len(list) >= 1 && len(list) <= model.MaxBatchRecords
	}
	size := 0
	for _, one := range list {
		var record map[string]json.RawMessage
		var text *string
		if !isObject(one) || json.Unmarshal(one, &record) != nil || json.Unmarshal(record["Data"], &text) != nil ||
			text == nil {
			r.ok = false
			return r
		}
		data, err := base64.StdEncoding.DecodeString(*text)
		r.records = append(r.records, data)
		size += len(data)
		r.ok = r.ok && err == nil && len(data) <= model.MaxRecordBytes
	}
	r.ok = r.ok && size <= model.MaxBatchBytes
	return r
}

func isObject(text []byte) bool { return bytes.HasPrefix(bytes.TrimLeft(text, " \t\r\n"), []byte("{")) }

func FuzzAPI(f *testing.F) {
	batch := `{"DeliveryStreamName":"lake","Records":[{"Data":"e30="},{"Data":""},{"Data":"bm8="}]}`
	f.Add("POST", TargetPrefix+"PutRecordBatch", "", batch, false)
	f.Fuzz(func(t *testing.T, method, target, origin, body string, quota bool) {
		x := &fuzzTarget{}
		o := Options{
			Streams: []Stream{
				{Name: "lake", ARN: "arn:aws:firehose:us-east-1:000000000000:deliverystream/lake", Created: created,
					Encrypted: true, Properties: json.RawMessage(lakeProperties)},
				{Name: "search", Properties: json.RawMessage(searchProperties)},
				{Name: "sourced", Type: kinesisSource},
			},
			Put: x.put,
		}
		if quota {
			o.Quota, o.Now = &Quota{Bytes: 8, Requests: 1, Records: 2}, func() time.Time { return created }
		}
		api, err := New(o)
		if err != nil {
			t.Fatal(err)
		}
		var throttled *throttle
		for _, s := range api.streams {
			if s.throttle != nil { // a whole batch's worth would hide it
				s.throttle.bytes.level, s.throttle.records.level = 8, 2
				throttled = s.throttle
			}
		}
		header := http.Header{"X-Amz-Target": {target}}
		if origin != "" {
			header.Set("Origin", origin)
		}
		w := httptest.NewRecorder()
		api.ServeHTTP(w, &http.Request{Method: method, Header: header, Body: io.NopCloser(strings.NewReader(body))})

		var answer struct {
			Type           *string `json:"__type"`
			Message        *string `json:"message"`
			RecordID       *string `json:"RecordId"`
			FailedPutCount *int
			Encrypted      *bool
			Responses      []batchResponse `json:"RequestResponses"`
		}
		if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil || !isObject(w.Body.Bytes()) {
			t.Fatalf("answer %q is no JSON object: %v", w.Body, err)
		}
		if w.Header().Get("Content-Type") != "application/x-amz-json-1.1" || w.Header().Get("x-amzn-RequestId") == "" {
			t.Fatalf("headers %v", w.Header())
		}
		operation, ours := strings.CutPrefix(target, TargetPrefix)
		want := readRequest(operation, []byte(body))
		if w.Code != http.StatusOK {
			if answer.Type == nil || answer.Message == nil || !slices.Contains([]int{400, 413, 500}, w.Code) {
				t.Fatalf("status %d with %s", w.Code, w.Body)
			}
			// Accepted records must have a response; a target that fails as a whole reports it.
			if len(x.records) > 0 && !x.failed {
				t.Fatalf("%d records taken, answered with %s", len(x.records), w.Body)
			}
			// The checks that encoding/json knows nothing of: streams, their names, depth.
			put := operation == "PutRecord" || operation == "PutRecordBatch"
			if w.Code == 400 && put && ours && want.ok && method == http.MethodPost && origin == "" &&
				(want.stream == "lake" || want.stream == "search") &&
				strings.Count(body, "{")+strings.Count(body, "[") < 1000 {
				t.Fatalf("a good request was refused: %s", w.Body)
			}
			return
		}
		if answer.Type != nil || method != http.MethodPost || origin != "" || !ours || operations[operation] == nil {
			t.Fatalf("%s %q from %q was answered with %s", method, operation, origin, w.Body)
		}
		var ids []string
		switch operation {
		case "PutRecord":
			if answer.RecordID == nil || *answer.RecordID == "" || answer.Encrypted == nil ||
				*answer.Encrypted != (want.stream == "lake") {
				t.Fatalf("answer %s", w.Body)
			}
			ids = []string{*answer.RecordID}
		case "PutRecordBatch":
			failed := 0
			for _, r := range answer.Responses {
				if (r.RecordID == "") == (r.ErrorCode == "") || (r.ErrorCode == "") != (r.ErrorMessage == "") {
					t.Fatalf("one of the responses is %+v", r)
				}
				if ids = append(ids, r.RecordID); r.RecordID == "" {
					failed++
				}
			}
			if answer.FailedPutCount == nil || *answer.FailedPutCount != failed || answer.Encrypted == nil {
				t.Fatalf("%d failed, answer %s", failed, w.Body)
			}
		default:
			if x.offered > 0 {
				t.Fatalf("%s put %d records", operation, x.offered)
			}
			return
		}
		if !want.ok || x.stream != want.stream || len(ids) != len(want.records) {
			t.Fatalf("%d answers to %d records of a request that is good: %t", len(ids), len(want.records), want.ok)
		}
		// Records with an id were accepted, in order and byte for byte, and no others.
		var taken [][]byte
		for i, id := range ids {
			if id != "" {
				taken = append(taken, want.records[i])
			}
		}
		if !slices.EqualFunc(taken, x.records, bytes.Equal) {
			t.Fatalf("records %q have an id, %q were taken", taken, x.records)
		}
		if throttled != nil && (len(x.records) > 2 || len(bytes.Join(x.records, nil)) > 8) {
			t.Fatalf("%q were taken against the quota", x.records)
		}
	})
}
