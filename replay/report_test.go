package replay

import (
	"testing"

	"firehose-pipeline/event"
)

func TestSamples(t *testing.T) {
	w := newWorld()
	w.Act = false
	w.queue.send(newErrorObject(t, event.Lake, "a", yesterday, "Lambda.ProcessingFailedStatus",
		"\x1f\x8bno event but gzip").letters...)
	w.queue.send(newErrorObject(t, event.Search, "b", yesterday, functionEr, `{"a":1}`).letters...)
	report := w.run(t)
	if s := report.Groups[0].Sample; s.ReasonOffset == nil || *s.ReasonOffset != 0 ||
		string(s.Start) != "\x1f\x8bno event but g" {
		t.Errorf("got %+v", s)
	}
	if s := report.Groups[1].Sample; s.ReasonOffset != nil || string(s.Start) != `{"a":1}` {
		t.Errorf("got %+v", s)
	}
}
