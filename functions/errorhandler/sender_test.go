package errorhandler

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"firehose-pipeline/deadletter"
)

func TestLargeRecordsLeaveAsPointers(t *testing.T) {
	largest := strings.Repeat("x", 1024000) // the largest record that Firehose accepts
	middle := strings.Repeat("y", 500000)
	content := failed(t, "Lambda.FunctionError", largest) + failed(t, "Lambda.FunctionError", middle) + failed(t,
		"Lambda.FunctionError", middle)
	f := newFixture(t, map[string]string{lakeKey + "?": content})
	f.run(t, notification(lakeKey))
	messages := f.queue.messages()
	if len(messages) != 3 || !messages[0].Truncated || messages[0].RawData != nil ||
		string(messages[1].RawData) != middle || string(messages[2].RawData) != middle {
		t.Fatalf("%d letters, first truncated: %v", len(messages), messages[0].Truncated)
	}
	if f.queue.calls != 2 {
		t.Errorf("%d batches, want 2: two letters of 667 kB do not fit into one", f.queue.calls)
	}
	p := messages[0].Pointer
	var document struct{ RawData []byte }
	if err := json.Unmarshal([]byte(content[p.Offset:p.Offset+p.Length]), &document); err != nil ||
		string(document.RawData) != largest {
		t.Errorf("the pointer does not lead to the record: %v", err)
	}
}

func TestPartialFailuresAreResent(t *testing.T) {
	content := ""
	for i := range 12 {
		content += failed(t, "Lambda.FunctionError", fmt.Sprintf(`{"event_id":"e-%d"}`, i))
	}
	for name, c := range map[string]struct {
		answer  func(int, *sqs.SendMessageBatchInput) ([]types.BatchResultErrorEntry, error)
		letters int // taken
		calls   int
		cut     int // dead letters without raw data
		pauses  int // before a resend
		err     string
	}{
		"taken at once": {func(int, *sqs.SendMessageBatchInput) ([]types.BatchResultErrorEntry, error) {
			return nil,
				nil
		}, 12, 2, 0, 0, ""},
		"two entries fail twice": {func(call int, in *sqs.SendMessageBatchInput) ([]types.BatchResultErrorEntry,
			error) {
			switch {
			case call == 1:
				return reject(in, false, 3, 7), nil
			case call == 2 && len(in.Entries) == 2:
				return reject(in, false, 0, 1), nil
			}
			return nil, nil
		}, 12, 4, 0, 2, ""},
		"an entry never goes": {func(call int, in *sqs.SendMessageBatchInput) ([]types.BatchResultErrorEntry, error) {
			return reject(in, false, 0), nil
		}, 9, 7, 0, 6, "1 not accepted in 7 batches"},
		"the body of an entry is refused": {func(call int,
			in *sqs.SendMessageBatchInput) ([]types.BatchResultErrorEntry, error) {
			if strings.Contains(*in.Entries[0].MessageBody, "rawData") {
				return reject(in, true, 0), nil
			}
			return nil, nil
		}, 12, 4, 2, 2, ""},
		"an entry is refused for good": {func(call int, in *sqs.SendMessageBatchInput) ([]types.BatchResultErrorEntry,
			error) {
			if strings.Contains(*in.Entries[0].MessageBody, `"e-0"`) {
				return reject(in, true, 0), nil
			}
			return nil, nil
		}, 11, 3, 0, 1, "Code: no"},
		"batches are too long for the queue": {func(call int,
			in *sqs.SendMessageBatchInput) ([]types.BatchResultErrorEntry, error) {
			if len(in.Entries) > 3 {
				return nil, awsError{"AWS.SimpleQueueService.BatchRequestTooLong"}
			}
			return nil, nil
		}, 12, 8, 0, 0, ""},
		"a letter is too long for the queue": {func(call int,
			in *sqs.SendMessageBatchInput) ([]types.BatchResultErrorEntry, error) {
			for _, e := range in.Entries {
				if len(in.Entries) > 1 || strings.Contains(*e.MessageBody, "rawData") {
					return nil, awsError{"BatchRequestTooLong"}
				}
			}
			return nil, nil
		}, 12, 34, 12, 12, ""},
		"no letter is short enough": {func(call int, in *sqs.SendMessageBatchInput) ([]types.BatchResultErrorEntry,
			error) {
			return nil, awsError{"BatchRequestTooLong"}
		}, 0, 29, 0, 10, "BatchRequestTooLong"},
		"the queue is gone": {func(call int, in *sqs.SendMessageBatchInput) ([]types.BatchResultErrorEntry, error) {
			return nil, awsError{"AWS.SimpleQueueService.NonExistentQueue"}
		}, 0, 1, 0, 0, "NonExistentQueue"},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t, map[string]string{lakeKey + "?": content})
			f.queue.answer = c.answer
			err := f.Handle(context.Background(), notification(lakeKey))
			if c.err == "" && err != nil || c.err != "" && (err == nil || !strings.Contains(err.Error(), c.err)) {
				t.Errorf("error %v, want %q", err, c.err)
			}
			messages := f.queue.messages()
			ids, cut := map[string]bool{}, 0
			for _, m := range messages {
				ids[m.ID] = true
				if m.Truncated {
					cut++
				}
			}
			if len(messages) != c.letters || len(ids) != c.letters || f.queue.calls != c.calls || cut != c.cut {
				t.Errorf("%d letters, %d ids, %d calls, %d truncated; want %d, %d, %d", len(messages), len(ids),
					f.queue.calls, cut, c.letters, c.calls, c.cut)
			}
			if len(f.pauses) != c.pauses {
				t.Errorf("%d pauses, want %d", len(f.pauses), c.pauses)
			}
			if want := fmt.Sprintf(`"DeadLetters":%d,`, c.letters); !strings.Contains(f.metrics.String(), want) {
				t.Errorf("metrics %s, want %s", f.metrics.String(), want)
			}
		})
	}
}

// The error names some of the rejected dead letters and counts the others.
func TestRejectedLettersAreCounted(t *testing.T) {
	f := newFixture(t, map[string]string{lakeKey + "?": strings.Repeat(failed(t, "Lambda.FunctionError", `{}`), 12)})
	f.queue.answer = func(_ int, in *sqs.SendMessageBatchInput) ([]types.BatchResultErrorEntry, error) {
		var all []types.BatchResultErrorEntry
		for i := range in.Entries {
			all = append(all, reject(in, true, i)...)
		}
		return all, nil
	}
	err := f.Handle(context.Background(), notification(lakeKey))
	if err == nil || strings.Count(err.Error(), "sending dead letter ") != maxRejected ||
		!strings.Contains(err.Error(), "and 2 more dead letters") {
		t.Errorf("error %v", err)
	}
}

// SQS accepts a batch of exactly its limit.
func TestBatchOfTheLargestSize(t *testing.T) {
	for more, calls := range []int{1, 2} { // bytes over the limit, and requests
		q := &queue{t: t}
		s := &sender{ctx: context.Background(), queue: q, url: "https://queue"}
		first := deadletter.Message{Kind: deadletter.Record, ID: "a1", Pointer: &deadletter.Pointer{}, Version: 1,
			ErrorMessage: "x"}
		second := first
		second.ID = "a2"
		body, err := first.Encode()
		if err != nil {
			t.Fatal(err)
		}
		empty := deadletter.MessageSize(body, first.Attributes())
		second.ErrorMessage = strings.Repeat("x", 1+deadletter.MaxMessageBytes-2*empty+more)
		for _, m := range []deadletter.Message{first, second} {
			if err := s.addMessage(m); err != nil {
				t.Fatal(err)
			}
		}
		if err := s.sendRest(); err != nil || q.calls != calls || s.sent != 2 {
			t.Errorf("%d bytes over: %d requests, %d sent, %v; want %d requests", more, q.calls, s.sent, err, calls)
		}
	}
}

func TestBackoffGrowsAndIsBounded(t *testing.T) {
	for n := range 70 {
		limit := min(50*time.Millisecond<<min(n, 10), 5*time.Second)
		if d := backoff.Pause(n); d < 0 || d >= limit {
			t.Errorf("pause %v before try %d", d, n)
		}
	}
}
