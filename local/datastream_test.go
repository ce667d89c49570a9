package local_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"firehose-pipeline/local"
	"firehose-pipeline/local/fault"
	"firehose-pipeline/local/kinesis"
)

// putEvents puts records to the data stream, once for both delivery streams, as a producer does.
func (w *world) putEvents(records ...kinesis.Record) {
	w.Helper()
	for chunk := range slices.Chunk(records, 100) {
		left := slices.Clone(chunk)
		for len(left) > 0 {
			results, err := w.PutEvents(w.Context(), left)
			if errors.Is(err, kinesis.ErrResponseLost) {
				continue
			}
			if err != nil {
				w.Fatal(err)
			}
			var again []kinesis.Record
			for i, r := range results {
				switch r.ErrorCode {
				case "":
				case kinesis.Throttled:
					again = append(again, left[i])
				default:
					w.Fatalf("got %+v", r)
				}
			}
			left = again
		}
	}
}

func keyed(key, data string) kinesis.Record {
	return kinesis.Record{PartitionKey: key, Data: []byte(data)}
}

// mixed are events of which one in ten cannot be delivered or is dropped.
func mixed(count int) []kinesis.Record {
	var records []kinesis.Record
	for i := range count {
		event := fmt.Sprintf(`{"event_id":"e-%d","amount":%d}`, i, i)
		switch i % 50 {
		case 10:
			event = event[:len(event)-1]
		case 20:
			event += event // only the lake takes it
		case 30:
			event = fmt.Sprintf(`{"event_id":"e-%d","event_type":"heartbeat"}`, i)
		}
		records = append(records, keyed(fmt.Sprint(i), event))
	}
	return records
}

// Each event is put once, and is in both stores.
func TestDataStream(t *testing.T) {
	w := open(t, options(t, "kinesis"))
	w.putEvents(mixed(500)...)
	report := w.flush()
	if report.Events != 500 || report.DataStream == nil || *report.DataStream != (local.DataStream{Records: 500, Shards: 4}) {
		t.Errorf("got %+v, %+v", report, report.DataStream)
	}
	for name, c := range map[string]local.Counts{"lake": report.Streams.Lake.Counts,
		"search": report.Streams.Search.Counts} {
		failed := int64(10)
		if name == "search" {
			failed = 20
		}
		if c != (local.Counts{Received: 500, Delivered: 490 - failed, Dropped: 10, Failed: failed}) {
			t.Errorf("%s: got %+v", name, c)
		}
	}
	w.clean()
	if _, err := w.Put(t.Context(), w.Streams()[0].Name, [][]byte{[]byte("{}")}); !errors.As(err,
		new(*local.NotPermittedError)) {
		t.Errorf("a put to a stream that reads the data stream: got %v", err)
	}
}

// A stack without a data stream has none to put to.
func TestNoDataStream(t *testing.T) {
	w := open(t, options(t, "dev"))
	if _, err := w.PutEvents(t.Context(), []kinesis.Record{keyed("a", "{}")}); err == nil || w.DataStream() != nil {
		t.Errorf("got %v", err)
	}
	o := options(t, "dev")
	if err := o.Faults.Add("kinesis-lost"); err != nil {
		t.Fatal(err)
	}
	if _, err := local.Open(t.Context(), o); err == nil ||
		!strings.Contains(err.Error(), "fault kinesis-lost: the stack has no data stream (ingestion is direct)") {
		t.Errorf("got %v", err)
	}
}

func TestRecordsThatADataStreamRejects(t *testing.T) {
	w := open(t, options(t, "kinesis"))
	results, err := w.PutEvents(t.Context(), []kinesis.Record{keyed("a", strings.Repeat("x", 1<<20)), keyed("a", "{}")})
	if err != nil || results[0].ErrorCode != "ValidationException" || results[1].ErrorCode != "" {
		t.Errorf("a record above 1 MiB with its key must fail alone (got %+v, %v)", results, err)
	}
	w.flush()
	w.clean()
}

// A replay for one store is dropped by the other, and the check knows it.
func TestReplaysInTheDataStream(t *testing.T) {
	w := open(t, options(t, "kinesis"))
	w.putEvents(keyed("a", `{"event_id":"both"}`), keyed("replay:lake:1", `{"event_id":"lake"}`),
		keyed("replay:search:1", `{"event_id":"search"}`), keyed("replay:search:2", "no event"))
	report := w.flush()
	if c := report.Streams.Lake.Counts; c != (local.Counts{Received: 4, Delivered: 2, Dropped: 2, Elsewhere: 2}) {
		t.Errorf("lake: got %+v", c)
	}
	if c := report.Streams.Search.Counts; c != (local.Counts{Received: 4, Delivered: 2, Dropped: 1, Failed: 1,
		Elsewhere: 1}) {
		t.Errorf("search: got %+v", c)
	}
	w.clean()
}

// Faults of the data stream, alone and with all others: nothing is lost.
func TestFaultsOfTheDataStream(t *testing.T) {
	for _, name := range append(slices.Clone(fault.OfKinesis), fault.All) {
		t.Run(string(name), func(t *testing.T) {
			o := options(t, "kinesis")
			if err := o.Faults.Add(string(name)); err != nil {
				t.Fatal(err)
			}
			w := open(t, o)
			w.putEvents(mixed(2500)...)
			report := w.flush()
			for name, n := range report.Faults {
				if n == 0 {
					t.Errorf("%s never came about", name)
				}
			}
			w.clean()
			if _, ok := report.Faults[fault.KinesisReread]; ok && report.DataStream.Reread == 0 ||
				report.Faults[fault.KinesisReshard] > 0 && report.DataStream.Shards <= 4 ||
				report.Faults[fault.KinesisLost] > 0 && report.DataStream.Records <= 2500 {
				t.Errorf("got %+v", report.DataStream)
			}
		})
	}
}
