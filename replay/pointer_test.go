package replay

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"testing"

	"firehose-pipeline/deadletter"
	"firehose-pipeline/errorobject"
	"firehose-pipeline/event"
)

// pointing are dead letters of each kind that replay follows, all with one pointer.
func pointing(t *testing.T, p deadletter.Pointer) map[string]string {
	t.Helper()
	record := deadletter.Message{Version: 1, Kind: deadletter.Record, ID: "r", Stream: event.Lake,
		Stage:  errorobject.Transform,
		Reason: deadletter.FunctionError, Truncated: true, Pointer: &p}
	object := deadletter.Message{Version: 1, Kind: deadletter.Object, ID: "o", Stream: event.Lake,
		Stage:  errorobject.Transform,
		Reason: deadletter.MoreRecords, Pointer: &p, Counts: map[deadletter.Reason]int64{deadletter.FunctionError: 1}}
	invocation, err := json.Marshal(map[string]any{"version": "1.0", "requestContext": map[string]any{"requestId": "i"},
		"requestPayload": map[string]any{"Records": []any{map[string]any{"s3": map[string]any{"bucket": map[string]any{"name": p.Bucket},
			"object": map[string]any{"key": strings.NewReplacer("%", "%25", "+", "%2B").Replace(p.Key)}}}}}})
	if err != nil {
		t.Fatal(err)
	}
	return map[string]string{"record": encode(t, record), "object": encode(t, object), "invocation": string(invocation)}
}

// Dead letters lead replay to the stack's error objects, and nowhere else.
func TestPointers(t *testing.T) {
	const folder = "error-data/lake/processing-failed/"
	for _, c := range []struct {
		rule        string
		bucket, key string
		kinds       string // of the dead letters for which it is one; all by default
		from, count int64
		want        Outcome
		said        string
	}{
		{rule: "another bucket", bucket: "attacker", key: folder + "x", want: ForeignPointer,
			said: "the bucket must be bucket"},
		{rule: "a bucket that begins alike", bucket: "bucket2", key: folder + "x", want: ForeignPointer},
		{rule: "the bucket in upper case", bucket: "BUCKET", key: folder + "x", want: ForeignPointer},
		{rule: "an access point", bucket: "arn:aws:s3:eu-west-1:111122223333:accesspoint/bucket", key: folder + "x",
			want: ForeignPointer},
		{rule: "no bucket", key: folder + "x", want: ForeignPointer},
		{rule: "beside the error prefix", bucket: "bucket", key: "private/export", want: ForeignPointer,
			said: "the key must begin with error-data/lake/ or error-data/search/"},
		{rule: "a prefix that begins alike", bucket: "bucket", key: "error-data2/lake/processing-failed/x",
			want: ForeignPointer},
		{rule: "the error prefix further on", bucket: "bucket", key: "private/" + folder + "x", want: ForeignPointer},
		{rule: "a slash before it", bucket: "bucket", key: "/" + folder + "x", want: ForeignPointer},
		{rule: "no stream", bucket: "bucket", key: "error-data/x", want: ForeignPointer},
		{rule: "another stream", bucket: "bucket", key: "error-data/other/processing-failed/x", want: ForeignPointer},
		{rule: "up from it", bucket: "bucket", key: folder + "../../../private/export", want: ForeignPointer},
		{rule: "a dot", bucket: "bucket", key: folder + "./x", want: ForeignPointer},
		{rule: "an empty segment", bucket: "bucket", key: folder + "/x", want: ForeignPointer},
		{rule: "percent signs are no path", bucket: "bucket", key: folder + "%2e%2e/x", want: ObjectMissing},
		{rule: "an object of the stack", bucket: "bucket", key: folder + "x", want: ObjectMissing},
		{rule: "the other stream's objects", bucket: "bucket", key: "error-data/search/processing-failed/x",
			kinds: "record", want: ForeignPointer,
			said: "must lead to an error object of the dead letter's stream (got search)"},
		{rule: "before the object", bucket: "bucket", key: folder + "x", kinds: "record object", from: -1,
			want: ForeignPointer,
			said: "must be a range of bytes (got -1 and 0)"},
		{rule: "a length below nothing", bucket: "bucket", key: folder + "x", kinds: "record object", count: -1,
			want: ForeignPointer},
		{rule: "an end beyond all numbers", bucket: "bucket", key: folder + "x", kinds: "record object",
			from: math.MaxInt64, want: ForeignPointer},
	} {
		for kind, letter := range pointing(t, deadletter.Pointer{Bucket: c.bucket, Key: c.key, Offset: c.from,
			Length: c.count}) {
			if c.kinds != "" && !strings.Contains(c.kinds, kind) {
				continue
			}
			for _, act := range []bool{true, false} {
				t.Run(fmt.Sprintf("%s, %s, act %v", c.rule, kind, act), func(t *testing.T) {
					w := newWorld()
					w.Act = act
					if c.want == ForeignPointer { // there is something to be had
						secret, err := errorobject.AppendDocument(nil,
							errorobject.ProcessingFailed{RawData: []byte(`{"secret":1}`)})
						if err != nil {
							t.Fatal(err)
						}
						w.objects.put(c.key, secret, yesterday)
					}
					w.queue.send(letter)
					want := c.want
					if !act && want == ObjectMissing { // a look does not read
						want = Matching
					}
					report := w.run(t)
					wantLetters(t, report, map[Outcome]int64{want: 1})
					w.wantQueue(t, 1)
					wantTaken(t, w.lake)
					wantTaken(t, w.search)
					if len(w.objects.gets) > 0 {
						t.Errorf("read %q", w.objects.gets)
					}
					if c.want != ForeignPointer {
						return
					}
					if len(w.said) != 1 || !strings.Contains(w.said[0], c.said) ||
						!strings.HasPrefix(w.said[0], "dead letter ") {
						t.Errorf("said %q, want %q", w.said, c.said)
					}
					if act && report.Left() != 1 {
						t.Errorf("%d left, want 1", report.Left())
					}
				})
			}
		}
	}
	t.Run("without a known bucket none is followed, and letters with their record go back", func(t *testing.T) {
		w := newWorld()
		w.Bucket = ""
		o := newErrorObject(t, event.Lake, "a", yesterday, functionEr, ids(3)...)
		w.objects.put(o.source.Key, o.content, yesterday)
		w.queue.send(o.letters[0], o.more(t, 1), o.invocation(t))
		wantLetters(t, w.run(t), map[Outcome]int64{Replayed: 1, NeedsBucket: 2})
		w.wantQueue(t, 2)
		if len(w.objects.gets) > 0 || len(w.said) != 2 ||
			!strings.HasSuffix(w.said[0], "which is not known (--bucket, --stack or --outputs)") {
			t.Errorf("read %q, said %q", w.objects.gets, w.said)
		}
	})
	t.Run("one foreign object of an invocation is enough", func(t *testing.T) {
		w := newWorld()
		o := newErrorObject(t, event.Lake, "a", yesterday, functionEr, ids(3)...)
		w.objects.put(o.source.Key, o.content, yesterday)
		letter := strings.Replace(o.invocation(t), `"Records":[`,
			`"Records":[{"s3":{"bucket":{"name":"attacker"},"object":{"key":"x"}}},`, 1)
		w.queue.send(letter)
		wantLetters(t, w.run(t), map[Outcome]int64{ForeignPointer: 1})
		wantTaken(t, w.lake)
	})
	t.Run("only the first are named, without their control characters", func(t *testing.T) {
		w := newWorld()
		for i := range 30 {
			w.queue.send(strings.Replace(pointing(t,
				deadletter.Pointer{Bucket: "b\x1b[2J\nfaked", Key: "k\u202e"})["object"], `"id":"o"`,
				fmt.Sprintf(`"id":"o-%d"`, i), 1))
		}
		wantLetters(t, w.run(t), map[Outcome]int64{ForeignPointer: 30})
		if len(w.said) != maxNamed+1 {
			t.Errorf("said %q", w.said)
		}
		for _, line := range w.said[:maxNamed] {
			if !strings.Contains(line, `pointer s3://b\u001b[2J\u000afaked/k\u202e: the bucket must be bucket`) {
				t.Errorf("said %q", line)
			}
		}
	})
}
