package firehose

import (
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
)

func TestProgress(t *testing.T) {
	w := open(t, configuration(t, "dev", "lake"), each(func(r events.KinesisFirehoseEventRecord) map[string]any {
		return map[string]any{"recordId": r.RecordID, "result": "Ok", "data": r.Data}
	}), nil)
	buffer := func(name string) Buffer {
		for _, b := range w.Progress().Buffers {
			if b.Name == name {
				return b
			}
		}
		t.Fatalf("no buffer %s", name)
		return Buffer{}
	}
	w.put(0, `{"event_id":"a"}`+"\n", `{"event_id":"b"}`+"\n")
	if err := w.Tick(start.Add(3 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if b := buffer("transform"); b.Records != 2 || b.Bytes != 34 || b.Age != 3*time.Second || b.Limit != 512<<10 ||
		b.Interval != 10*time.Second {
		t.Errorf("got %+v", b)
	}
	if p := w.Progress(); p.Received != 2 || p.Transformed != 0 || p.Invocations != 0 {
		t.Errorf("got %+v", p)
	}
	if err := w.Tick(start.Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(10 * time.Second); buffer("delivery").Records == 0 && time.Now().Before(deadline); {
		time.Sleep(time.Millisecond)
	}
	if b := buffer("delivery"); b.Records != 2 || b.Flushes != 0 {
		t.Errorf("got %+v", b)
	}
	if b := buffer("transform"); b.Records != 0 || b.Age != 0 {
		t.Errorf("got %+v", b)
	}
	w.flush()
	if p := w.Progress(); p.Transformed != 2 || p.Invocations != 1 || p.Delivered != 2 || buffer("delivery").Flushes != 1 ||
		buffer("delivery").Records != 0 || buffer("backup").Flushes != 1 {
		t.Errorf("got %+v", p)
	}
}
