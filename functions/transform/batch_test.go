package transform

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"testing"

	"firehose-pipeline/contract"
	"firehose-pipeline/event"
)

// kinesisRequest is a request of a stream with a Kinesis source: one record for each partition key, which is JSON.
func kinesisRequest(keys ...string) []byte {
	var records []string
	for i, key := range keys {
		records = append(records, fmt.Sprintf(`{"recordId":"%d","approximateArrivalTimestamp":1700000000000,`+
			`"data":"e30=","kinesisRecordMetadata":{"sequenceNumber":"49","subsequenceNumber":0,"partitionKey":%s,`+
			`"shardId":"shardId-000000000000","approximateArrivalTimestamp":1700000000000}}`, i, key))
	}
	return []byte(`{"invocationId":"i","sourceKinesisStreamArn":"arn","records":[` + strings.Join(records, ",") + `]}`)
}

// A replay goes into the data stream that feeds both stores. The store that has the record already drops it, and does
// not count it as dropped by a rule.
func TestReplaysForTheOtherStoreAreDropped(t *testing.T) {
	keys := []string{`"u1"`, `"replay:lake:8f0"`, `"replay:search:8f0"`, `"replay\u003asearch:8f0"`, `"replay:lake"`,
		`"Replay:lake:1"`, `" replay:lake:1"`, `""`, `null`, `7`, `["replay:lake:1"]`}
	for stream, want := range map[event.Stream]string{
		event.Lake:   "Ok Ok Dropped Dropped Ok Ok Ok Ok Ok Ok Ok",
		event.Search: "Ok Dropped Ok Ok Ok Ok Ok Ok Ok Ok Ok",
	} {
		var metrics bytes.Buffer
		answer := readAnswer(t, invoke(t, newTestHandler(stream, &metrics, io.Discard), kinesisRequest(keys...)))
		var got []string
		elsewhere := 0
		for _, a := range answer {
			got = append(got, a.Result)
			if a.Result == "Dropped" {
				elsewhere++
			}
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s: got %v, want %s", stream, got, want)
		}
		var line map[string]any
		if err := json.Unmarshal(metrics.Bytes(), &line); err != nil {
			t.Fatalf("%v: %s", err, &metrics)
		}
		if line["Dropped"] != 0.0 || line["Records"] != float64(len(keys)) ||
			line[ReplayElsewhere] != float64(elsewhere) || strings.Count(metrics.String(), ReplayElsewhere) != 2 {
			t.Errorf("%s: must count %d replays for the other store (got %s)", stream, elsewhere, &metrics)
		}
	}
}

// Nothing but the metadata counts: an event, or a member beside the metadata, that looks like a replay is an event.
func TestOnlyTheMetadataNamesAReplay(t *testing.T) {
	for _, request := range []string{
		`{"records":[{"recordId":"1","data":"e30=","partitionKey":"replay:search:1"}]}`,
		`{"records":[{"recordId":"1","data":"e30=","kinesisRecordMetadata":null}]}`,
		`{"records":[{"recordId":"1","data":"e30=","kinesisRecordMetadata":{}}]}`,
		`{"records":[{"recordId":"1","data":"e30=","kinesisRecordMetadata":{"x":{"partitionKey":"replay:search:1"}}}]}`,
		`{"records":[{"recordId":"1","data":"e30=","kinesisRecordMetadata":"replay:search:1"}]}`,
	} {
		var metrics bytes.Buffer
		answer := readAnswer(t, invoke(t, newTestHandler(event.Lake, &metrics, io.Discard), []byte(request)))
		if len(answer) != 1 || answer[0].Result != "Ok" || strings.Contains(metrics.String(), ReplayElsewhere) {
			t.Errorf("%s: must be an event (got %+v, %s)", request, answer, &metrics)
		}
	}
}

// The key of one record must not stick to the next one, whichever way that one is read.
func TestPartitionKeysDoNotStick(t *testing.T) {
	replay := `{"recordId":"1","data":"e30=","kinesisRecordMetadata":{"partitionKey":"` +
		contract.ReplayKey("search") + `1"}}`
	usual := `{"recordId":"2","approximateArrivalTimestamp":1,"data":"e30="}`
	for _, request := range []string{
		`{"records":[` + replay + `,` + usual + `]}`,
		`{"records":[` + replay + `,{"data":"e30=","recordId":"2"}]}`,
		`{"records":[{"kinesisRecordMetadata":{"partitionKey":"replay:search:1"},"recordId":"1","data":"e30="},` +
			usual + `]}`,
	} {
		answer := readAnswer(t, invoke(t, newTestHandler(event.Lake, io.Discard, io.Discard), []byte(request)))
		if len(answer) != 2 || answer[0].Result != "Dropped" || answer[1].Result != "Ok" {
			t.Errorf("%s: must drop the first record only (got %+v)", request, answer)
		}
	}
}

func TestMetadataMustBeJSON(t *testing.T) {
	for _, metadata := range []string{`{"partitionKey":"a}`, `{"partitionKey":}`, `{"a" 1}`, `{"a":1,}`, `{`, `nul`,
		`{},"kinesisRecordMetadata":{}`} {
		request := []byte(`{"records":[{"recordId":"1","data":"e30=","kinesisRecordMetadata":` + metadata + `}]}`)
		if _, err := newTestHandler(event.Lake, io.Discard, io.Discard).Invoke(t.Context(), request); err == nil {
			t.Errorf("%s: must be an error", request)
		}
	}
}

// A request that needed much memory does not keep it for the life of the process.
func TestLargeBuffersAreReleased(t *testing.T) {
	h := newTestHandler(event.Search, io.Discard, io.Discard)
	b := h.batches.Get().(*batch)
	small := strings.Repeat(`{"a":1}`, 700_000)
	request := fmt.Sprintf(`{"invocationId":"i","records":[{"recordId":"1","approximateArrivalTimestamp":1700000000000,`+
		`"data":"%s"}]}`, base64.StdEncoding.EncodeToString([]byte(small)))
	if len(small) < keepBytes {
		t.Fatalf("the record must have at least %d bytes", keepBytes)
	}
	if _, counts, err := b.answerBatch([]byte(request), 6<<20, testTime); err != nil || counts.inputBytes != len(request) {
		t.Fatalf("got %+v, %v", counts, err)
	}
	if cap(b.decoded) > keepBytes || cap(b.output) > keepBytes || b.answer != nil || b.text != nil {
		t.Errorf("keeps %d and %d bytes", cap(b.decoded), cap(b.output))
	}
}
